"""The tap: settings in, streams out; what one run shares between its streams."""

from __future__ import annotations

import difflib
import errno
import io
import json
import os
import shutil
import sys
import weakref
from collections import defaultdict
from contextlib import ExitStack, closing, nullcontext
from dataclasses import asdict
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from itertools import chain
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast

from singer_sdk import Tap
from singer_sdk.configuration._dict_config import parse_environment_config
from singer_sdk.helpers._classproperty import classproperty
from singer_sdk.plugin_base import JSONSchemaValidator
from singer_sdk.tap_base import CliTestOptionValue

from tap_flipkart_reports.archive import Archive
from tap_flipkart_reports.auth import AccessToken, Credentials
from tap_flipkart_reports.client import ReportClient
from tap_flipkart_reports.clock import Clock, SystemClock, today
from tap_flipkart_reports.coverage import CoverageMap, coverage_map
from tap_flipkart_reports.exceptions import (
    FlipkartReportsError,
    LedgerError,
    PipeClosedError,
    SettingsError,
    WindowsFailedError,
)
from tap_flipkart_reports.forecast import left_over
from tap_flipkart_reports.metrics import log_change, log_totals
from tap_flipkart_reports.plan import SKIP, Partition, Plan, Step, make_plan, repairing_reports, wanted_reports
from tap_flipkart_reports.process import new_folder
from tap_flipkart_reports.progress import is_watched, live_table
from tap_flipkart_reports.report_types import REPORT_TYPES, ReportType
from tap_flipkart_reports.reports import Change
from tap_flipkart_reports.scheduler import Limits, ReportApi, Scheduler
from tap_flipkart_reports.settings import (
    CONFIG_JSONSCHEMA,
    App,
    Settings,
    describe_mismatch,
    read_app,
    read_report_types,
    read_settings,
    with_numbers,
)
from tap_flipkart_reports.streams import ReportStream
from tap_flipkart_reports.summary import Summary

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager
    from datetime import date
    from types import FrameType

    import click

    from tap_flipkart_reports.ledger import Ledger
    from tap_flipkart_reports.pacing import Learned
    from tap_flipkart_reports.reports import Delivery, Left, ReportChange, ReportRequest, Standing
    from tap_flipkart_reports.rows import RejectedRow
    from tap_flipkart_reports.simulator import Simulator
    from tap_flipkart_reports.state import PendingReport
    from tap_flipkart_reports.token_store import TokenStore
    from tap_flipkart_reports.windows import Window

PACKAGE = "tap-flipkart-reports"

REJECTED_FOLDER = PACKAGE
"""The archive of rows that were passed over where there is none, below the working folder."""

MAX_WORKERS = 32
"""Threads that make calls; they mostly wait for the network."""


_Place = tuple[str, ...]
"""A partition's seller, and warehouse if it has one."""


def _place(context: Mapping[str, Any]) -> _Place:
    return tuple(context.values())


def package_version() -> str:
    """The installed version."""
    try:
        return version(PACKAGE)
    except PackageNotFoundError:
        return "unknown"


class TapFlipkartReports(Tap):
    """Every report type of Flipkart's Report Management API as a stream, for many sellers, no report bought twice."""

    name = PACKAGE
    package_name = PACKAGE
    config_jsonschema = CONFIG_JSONSCHEMA
    clock: Clock = SystemClock()
    """Where the run's time comes from; tests put their own here."""
    tells_state: bool = True
    """Whether STATE messages are written."""
    workers: int | None = None
    """Threads that make calls; by default one more than reports in progress. 0 makes them where records are made."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - the SDK's own
        self.failures: list[str] = []
        self.left: list[Left] = []
        self._settings: Settings | None = None
        self._scheduler: Scheduler | None = None
        self._ledger: Ledger | None = None
        self._token_store: TokenStore | None = None
        self._client: ReportClient | None = None
        self._simulator: Simulator | None = None
        self._tokens: dict[str, AccessToken] = {}
        self._report_types: Mapping[str, ReportType] = REPORT_TYPES
        self._stop_reason: str | None = None
        self._kept: set[str] = set()
        self._wanted: dict[tuple[str, ...], dict[_Place, list[ReportRequest]]] = {}
        self.summary = Summary()
        super().__init__(*args, **kwargs)

    # Settings

    @property
    def settings(self) -> Settings:
        """The settings of this run.

        Raises:
            SettingsError: they are not right, which discovery tolerates and nothing else.
        """
        if self._settings is None:
            self._settings = self._read_settings()
        return self._settings

    def _read_settings(self) -> Settings:
        return read_settings(self.config, user_agent=f"{PACKAGE}/{package_version()}")

    @property
    def app(self) -> App:
        """What the settings say of the app; they may be incomplete otherwise.

        Raises:
            SettingsError: something that is needed is missing or wrong.
        """
        return read_app(self.config, user_agent=f"{PACKAGE}/{package_version()}")

    def _validate_config(self, *, raise_errors: bool = True) -> list[str]:
        """Find every mistake before any call; unlike the SDK's own words, none shows a value."""
        self._config = with_numbers(self._config)
        self.append_builtin_config(self.config_jsonschema)
        errors = [
            describe_mismatch(error) for error in JSONSchemaValidator(self.config_jsonschema).iter_errors(self._config)
        ]
        if not errors:
            self._report_types = read_report_types(self._config, [])
            try:
                _ = self.settings
            except SettingsError as error:
                errors = [str(error)]
        if errors and raise_errors:
            raise SettingsError("; ".join(errors))
        known = self.config_jsonschema["properties"]
        for name in sorted(set(self._config) - set(known)):
            near = difflib.get_close_matches(name, known, n=1)
            self.logger.warning(
                "setting %s is not known and has no effect%s.", name, f"; did you mean {near[0]}?" if near else ""
            )
        return errors

    @classproperty
    def _env_var_config(cls) -> dict[str, Any]:  # noqa: N805 - a property of the class
        """The settings in the environment; one that cannot be read is named, without its value.

        Raises:
            SettingsError: a number or a list is none.
        """
        cls.append_builtin_config(cls.config_jsonschema)
        config: dict[str, Any] = {}
        for name, schema in cls.config_jsonschema["properties"].items():
            try:
                config |= parse_environment_config({"properties": {name: schema}}, cls._env_var_prefix)
            except ValueError:  # noqa: PERF203 - each setting is named on its own
                kinds = " or ".join(kind for kind in schema["type"] if kind != "null")
                raise SettingsError(
                    f"{cls._env_var_prefix}{name.upper()} in the environment cannot be read: {name} must be of type "
                    f"{kinds}, lists and objects as JSON"
                ) from None
        return config

    def discover_streams(self) -> Sequence[ReportStream]:
        """One stream per table of every report type, known or declared; needs no settings."""
        return [
            ReportStream(self, report_type, table)
            for report_type in self._report_types.values()
            for table in report_type.tables
        ]

    # What the streams share

    @property
    def is_stopping(self) -> bool:
        """Whether the run was asked to end."""
        return self._stop_reason is not None

    def partitions_of(self, stream: ReportStream) -> list[dict[str, Any]]:
        """The partitions of a stream: one per seller, and per warehouse where the report asks for one."""
        sellers = [{"seller_id": credentials.seller_id} for credentials in self.settings.sellers]
        if not stream.report_type.per_warehouse:
            return sellers
        return [{**seller, "warehouse_id": name} for seller in sellers for name in self.settings.warehouse_ids]

    @cached_property
    def _today(self) -> date:
        return today(self.clock)

    def newest_day(self, report_type: ReportType) -> date | None:
        """The last day this run may ask for; the same for all of the run, even past midnight."""
        return self.settings.newest_day(report_type, today=self._today)

    def requests_of(self, stream: ReportStream, context: Mapping[str, Any]) -> list[ReportRequest]:
        """The reports of a partition that a stream has to read, in their order.

        Args:
            stream: the stream.
            context: the partition.
        """
        requests = self._requests(self._sharing(stream))
        return [request for request in requests[_place(context)] if stream.name in request.readers]

    def _sharing(self, stream: ReportStream) -> list[ReportStream]:
        """The selected streams of a stream's report; under a record limit (the SDK's dry runs) it stands alone."""
        if stream.ABORT_AT_RECORD_COUNT is not None:
            return [stream]
        return [other for other in self._selected_streams() if other.report_type.name == stream.report_type.name]

    def _requests(self, streams: Sequence[ReportStream]) -> Mapping[_Place, list[ReportRequest]]:
        """The reports that streams of one report type have to get, by partition.

        Made once, of the state the run began with: the bookmarks move while it runs.
        """
        names = tuple(stream.name for stream in streams)
        if names not in self._wanted:
            self._wanted[names] = {
                _place(context): self._requests_of_partition(streams, context) for context in streams[0].partitions
            }
        return self._wanted[names]

    def _requests_of_partition(
        self, streams: Sequence[ReportStream], context: Mapping[str, Any]
    ) -> list[ReportRequest]:
        newest = self.newest_day(streams[0].report_type)
        partition = self._partition(streams, context)
        if newest is None:
            return []
        if not self.settings.repairs:
            return wanted_reports(partition, start=self.settings.start_date, newest=newest)
        return repairing_reports(partition, self._repaired_days(partition), newest=newest)

    def _partition(self, streams: Sequence[ReportStream], context: Mapping[str, Any]) -> Partition:
        return Partition(
            report_type=streams[0].report_type,
            seller_id=context["seller_id"],
            warehouse_id=context.get("warehouse_id"),
            coverages={stream.name: stream.coverage(context) for stream in streams},
            pending=self._pending(streams, context),
            unbought=[window for stream in streams for window in stream.unbought(context)],
        )

    def _repaired_days(self, partition: Partition) -> dict[str, list[Window]]:
        days: dict[str, list[Window]] = {}
        for stream in partition.coverages:
            for repair in self.settings.repairs:
                if repair.concerns(stream=stream, seller_id=partition.seller_id, warehouse_id=partition.warehouse_id):
                    days.setdefault(stream, []).append(repair.days)
        return days

    def _pending(self, streams: Sequence[ReportStream], context: Mapping[str, Any]) -> list[PendingReport]:
        """Reports that are bought and not yet read by all, as the ledger knows them and as the state does."""
        pending: dict[str, PendingReport] = {}
        if self.ledger is not None:
            booked = self.ledger.at_hand(
                seller_id=context["seller_id"],
                identifier=streams[0].report_type.identifier,
                warehouse_id=context.get("warehouse_id"),
            )
            pending = {report.report_id: report for report in booked}
        for stream in streams:
            pending |= {report.report_id: report for report in stream.pending(context)}
        given_up = self.settings.given_up_reports
        return [report for report in pending.values() if report.report_id not in given_up]

    def scheduler_for(self, stream: ReportStream) -> Scheduler:
        """The run's scheduler, which knows the reports of all selected streams.

        Under a record limit (the SDK's dry runs) a stream gets one of its own, which triggers nothing ahead.
        """
        if stream.ABORT_AT_RECORD_COUNT is not None:
            return self._build_scheduler(chain.from_iterable(self._requests([stream]).values()), workers=0, ahead=False)
        if self._scheduler is None:
            self._scheduler = self._build_scheduler(self._all_requests(), workers=self._workers(), ahead=True)
        return self._scheduler

    def _workers(self) -> int:
        """One for each report in progress, and one for short calls while these download."""
        if self.workers is not None:
            return self.workers
        return min(self.settings.max_concurrent_reports, MAX_WORKERS) + 1

    def _all_requests(self) -> Iterator[ReportRequest]:
        """Every report of the run, in the order in which they are read."""
        for streams in self._reports():
            yield from chain.from_iterable(self._requests(streams).values())

    def _selected_streams(self) -> list[ReportStream]:
        """The streams that the run reads: all that the catalog selects, or of them those that the settings name."""
        selected = [stream for stream in self.streams.values() if isinstance(stream, ReportStream) and stream.selected]
        only = self.settings.only_report_types
        if deselected_types := only - {stream.report_type.name for stream in selected}:
            names = ", ".join(sorted(deselected_types))
            raise SettingsError(f"only_report_types names {names}, which the catalog does not select")
        selected = [stream for stream in selected if not only or stream.report_type.name in only]
        repaired = {repair.stream for repair in self.settings.repairs}
        if deselected := repaired - {stream.name for stream in selected}:
            raise SettingsError(f"repair names {', '.join(sorted(deselected))}, which the catalog does not select")
        return [stream for stream in selected if stream.name in repaired] if repaired else selected

    def _reports(self) -> list[list[ReportStream]]:
        """The selected streams, those of one report together."""
        reports: dict[str, list[ReportStream]] = {}
        for stream in self._selected_streams():
            reports.setdefault(stream.report_type.name, []).append(stream)
        return list(reports.values())

    def _build_scheduler(self, requests: Iterable[ReportRequest], *, workers: int, ahead: bool) -> Scheduler:
        folder = new_folder(f"{PACKAGE}-")
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        scheduler = Scheduler(
            api=self.api,
            clock=self.clock,
            limits=self._limits(),
            folder=folder,
            on_changes=self._book,
            ledger=self.ledger,
            learned=self._learned(),
            workers=workers,
            ahead=ahead,
        )
        scheduler.submit(requests)
        return scheduler

    def _limits(self) -> Limits:
        settings, report_types = self.settings, self.settings.report_types.values()
        return Limits(
            max_concurrent_reports=settings.max_concurrent_reports,
            max_concurrent_reports_per_seller=settings.max_concurrent_reports_per_seller,
            poll_interval=settings.poll_interval,
            poll_max_interval=settings.poll_max_interval,
            max_wait=settings.max_wait,
            max_reports=settings.max_reports,
            max_reports_by_identifier={kind.identifier: kind.max_reports for kind in report_types},
            max_reports_per_seller_by_identifier={
                kind.identifier: kind.max_reports_per_seller for kind in report_types
            },
        )

    def _learned(self) -> dict[str, Learned]:
        """Generation times by identifier, from earlier runs."""
        return {stream.report_type.identifier: pace for stream in self._selected_streams() if (pace := stream.pace)}

    @property
    def ledger(self) -> Ledger | None:
        """The ledger of bought reports, if there is to be one."""
        if self._ledger is None and self.settings.report_ledger:
            from tap_flipkart_reports.ledger import Ledger  # noqa: PLC0415 - SQLAlchemy takes as long as all the rest

            self._ledger = Ledger(self.settings.report_ledger, clock=self.clock)
        return self._ledger

    @cached_property
    def archive(self) -> Archive | None:
        """The archive of downloaded files, if there is to be one."""
        return Archive(self.settings.report_archive, clock=self.clock) if self.settings.report_archive else None

    def keep(self, delivery: Delivery, headers: Callable[[], Mapping[str, Sequence[str]]]) -> None:
        """Put a downloaded file into the archive, once, whatever the number of streams that read it.

        Args:
            delivery: the file.
            headers: tells the headers found in it, by table; all its sheets have to be looked at for that.

        Raises:
            ArchiveError: it cannot be written.
        """
        if self.archive is not None and delivery.report_id not in self._kept:
            self.archive.keep(delivery, headers())
            self._kept.add(delivery.report_id)

    def keep_rejected(self, stream: str, delivery: Delivery, rows: Sequence[RejectedRow]) -> str:
        """Keep rows that a stream has passed over, in the archive or else in a folder where the tap runs.

        Returns:
            Where they are.

        Raises:
            ArchiveError: they cannot be written; the window fails then.
        """
        archive = self.archive or Archive(REJECTED_FOLDER, clock=self.clock)
        return archive.keep_rejected(
            delivery, stream, (json.dumps(asdict(row), ensure_ascii=False).encode() + b"\n" for row in rows)
        )

    @property
    def api(self) -> ReportApi:
        """What answers the three calls; built at the first of them, because discovery runs without settings."""
        if self._client is None:
            self._client = ReportClient(
                api_url=self._simulated().url if self.settings.is_simulated else self.settings.api_url,
                user_agent=self.settings.user_agent,
                tokens=self.tokens,
                clock=self.clock,
            )
        return self._client

    @property
    def tokens(self) -> dict[str, AccessToken]:
        """One access token per seller."""
        if not self._tokens:
            settings = self.settings
            for credentials in settings.sellers:
                self._tokens[credentials.seller_id] = AccessToken(
                    credentials=self._simulated_credentials(credentials) if settings.is_simulated else credentials,
                    auth_url=self._simulated().auth_url if settings.is_simulated else settings.auth_url,
                    user_agent=settings.user_agent,
                    clock=self.clock,
                    store=self.token_store,
                )
        return self._tokens

    def refusal_of(self, token: AccessToken) -> FlipkartReportsError | None:
        """Why a seller's token is not to be had, if it is not; asking for it costs nothing."""
        try:
            token.value()
        except FlipkartReportsError as error:
            return error
        self.logger.info("Seller %s: the token is good.", token.seller_id)
        return None

    @property
    def token_store(self) -> TokenStore | None:
        """Where tokens are kept across runs, if anywhere; the simulator in the process forgets them with it."""
        settings = self.settings
        if self._token_store is None and settings.token_store and not settings.is_simulated:
            from tap_flipkart_reports.token_store import KEY_VARIABLE, TokenStore  # noqa: PLC0415 - as for the ledger

            self._token_store = TokenStore(settings.token_store, key=os.environ.get(KEY_VARIABLE), clock=self.clock)
        return self._token_store

    def _simulated(self) -> Simulator:
        if self._simulator is None:
            from tap_flipkart_reports.simulator import Simulator  # noqa: PLC0415 - only who asks for it loads it

            # A CSV holds only the first table of a report.
            several = [known.identifier for known in REPORT_TYPES.values() if len(known.tables) > 1]
            self._simulator = Simulator(now=self.clock.now, file_format=dict.fromkeys(several, "xlsx"))
            self._simulator.start()
        return self._simulator

    def _simulated_credentials(self, credentials: Credentials) -> Credentials:
        simulator = self._simulated()
        return Credentials(
            seller_id=credentials.seller_id,
            client_id=simulator.client_id,
            client_secret=simulator.client_secret,
            refresh_token=simulator.refresh_token(credentials.seller_id),
        )

    def _book(self, changes: Sequence[ReportChange]) -> None:
        """Reports that are bought and not yet read travel in the state, so that a crash does not lose them."""
        for change in changes:
            self.summary.changed(change)
            log_change(change)
        booked = [change for change in changes if change.change in {Change.TRIGGERED, Change.ABANDONED}]
        for change in booked:
            for name in change.request.readers:
                cast("ReportStream", self.streams[name]).book(change)
        # With a ledger the ids are safe already, and the state of many sellers is too long to be written that often.
        if booked and self.ledger is None:
            cast("ReportStream", self.streams[booked[-1].request.readers[0]]).emit_state()

    def plan(self) -> Plan:
        """What a run would do from here; no call is made and nothing is written."""
        requests, limits, learned = list(self._all_requests()), self._limits(), self._learned()
        return make_plan(
            requests,
            skipped=[step for streams in self._reports() for step in self._skipped(streams)],
            learned=learned,
            max_concurrent_reports=limits.max_concurrent_reports,
            left=left_over(requests, limits=limits, learned=learned) if limits.has_budget else (),
        )

    def coverage(self, *, has_state: bool) -> CoverageMap:
        """Which days are there and what they cost; no call is made and nothing is written.

        Args:
            has_state: whether a state was handed in.
        """
        reports = self._reports()
        return coverage_map(
            [self._partition(streams, context) for streams in reports for context in streams[0].partitions],
            purchases=self.ledger.history() if self.ledger is not None else None,
            has_state=has_state,
            start=self.settings.start_date,
            newest_days={streams[0].report_type.name: self.newest_day(streams[0].report_type) for streams in reports},
        )

    def _skipped(self, streams: Sequence[ReportStream]) -> Iterator[Step]:
        """Partitions of a report for which this run has nothing to get, and why."""
        name = streams[0].report_type.name
        requests = self._requests(streams)
        if not requests:
            reason = "it asks for a warehouse, and warehouse_ids names none"
            yield Step(action=SKIP, stream=name, seller_id="(all)", warehouse_id=None, reason=reason)
        for context in streams[0].partitions:
            if not requests[_place(context)]:
                bookmarks = [stream.coverage(context).bookmark for stream in streams]
                complete = min((day for day in bookmarks if day is not None), default=None)
                yield Step(
                    action=SKIP,
                    stream=name,
                    seller_id=context["seller_id"],
                    warehouse_id=context.get("warehouse_id"),
                    reason=self._reason_to_skip(complete),
                )

    def _reason_to_skip(self, complete: date | None) -> str:
        if self.settings.repairs:
            return "nothing of it is to be repaired"
        return f"it is complete up to {complete}" if complete else "none of its days may be asked for yet"

    # What became of the windows

    def window_finished(self, request: ReportRequest, *, rows: int, rejected: int) -> None:
        """Note a window whose last record is out for a stream."""
        self.summary.finished(request, rows=rows, rejected=rejected)

    def window_left(self, left: Left) -> None:
        """Note a window that is left for the next run."""
        self.left.append(left)
        self.summary.left(left)

    def window_failed(
        self, stream: str, request: ReportRequest, error: FlipkartReportsError, *, report_id: str | None = None
    ) -> None:
        """Note a window that failed for a stream; the run goes on."""
        report = f", report {report_id}" if report_id else ""
        cure = "; the next run reads it again, for nothing, unless given_up_reports names it" if report_id else ""
        failure = f"{request.named(stream)}{report}: {error}{cure}"
        self.logger.error("%s", failure)
        self.failures.append(failure)
        self.summary.failed(request)

    # The run

    def run(self) -> None:
        """Sync everything that is selected.

        Raises:
            WindowsFailedError: some windows failed; all others are out, and their STATE.
            LedgerError: purchases could not be booked any more, so the run ended early.
            PipeClosedError: the target is gone.
        """
        if isinstance(sys.stdout.buffer, io.RawIOBase):
            # PYTHONUNBUFFERED, as many containers have it: a signal then cuts a write short, and what is left of it
            # is lost without a word.
            sys.stdout = open(sys.stdout.fileno(), "w", encoding=sys.stdout.encoding, closefd=False)  # noqa: SIM115 - it is the process's own
        try:
            with closing(self), self._shown():
                self._sync_reports()
                if self.archive is not None and self.settings.report_archive_days is not None:
                    self.archive.forget_older(self.settings.report_archive_days)
        except LedgerError:
            if streams := self._selected_streams():
                streams[0].emit_state()  # which alone may know of a report that could not be booked
            raise
        except BrokenPipeError:  # click would end the process without a word
            raise PipeClosedError(
                "the target closed the pipe: look at what it said; what it had not stored is sent again by the next run"
            ) from None
        self._tell_ending()
        if self.failures:
            raise WindowsFailedError(self.failures)

    def _shown(self) -> AbstractContextManager[None]:
        """A live table of the reports where somebody watches."""
        return live_table(self._standings) if is_watched() else nullcontext()

    def _standings(self) -> tuple[list[Standing], int]:
        return self._scheduler.standings() if self._scheduler is not None else ([], 0)

    def _sync_reports(self) -> None:
        """As the SDK's `sync_all`, but the streams of one report take turns partition by partition.

        Their files wait on disk until the last of them has read them, and those of all partitions would be too many.
        """
        self._reset_state_progress_markers()
        self._set_compatible_replication_methods()
        if self.state:
            self._state_writer.write_state(self.state)
        self._give_up_reports()
        for streams in self._reports():
            for context in streams[0].partitions if len(streams) > 1 else [None]:
                for stream in streams:
                    stream.sync(context)
            for stream in streams:
                stream.finalize_state_progress_markers()
                stream.log_sync_costs()

    def _give_up_reports(self) -> None:
        """Forget the reports that the settings give up, wherever they are remembered."""
        for report_id in self.settings.given_up_reports:
            for stream in self._selected_streams():
                stream.give_up(report_id)
            if self.ledger is not None:
                self.ledger.give_up(report_id)

    def close(self) -> None:
        """End what runs beside the main thread; nothing is lost, whatever is pending is in the state."""
        with ExitStack() as stack:  # closed from the last to the first, whatever fails on the way
            if self._simulator is not None:
                stack.callback(self._simulator.stop)
            if self._token_store is not None:
                stack.callback(self._token_store.close)
            for token in self._tokens.values():
                stack.callback(token.close)
            if self._client is not None:
                stack.callback(self._client.close)
            if self._ledger is not None:
                stack.callback(self._ledger.close)
            if self._scheduler is not None:
                stack.callback(self._scheduler.close)

    def _tell_ending(self) -> None:
        by_reason: defaultdict[str, list[str]] = defaultdict(list)
        for left in self.left:
            by_reason[left.reason].append(f"{left.request}" + (f" (report {left.report_id})" if left.report_id else ""))
        for reason, names in by_reason.items():
            self.logger.warning("Left for the next run, because %s: %s.", reason, "; ".join(names))
        log_totals(self.summary)
        for line in self.summary.lines():
            self.logger.info("%s", line)

    def _handle_termination(self, signum: int, frame: FrameType | None) -> None:  # noqa: ARG002 - the signature of signals
        """The first signal ends the run in order, the second at once.

        The SDK writes the state from inside its handler, which may glue it to half a record; here the main thread does
        so when it gets there.
        """
        if self._scheduler is None or self.is_stopping:
            os._exit(128 + signum)  # whoever asks twice does not want to wait for calls that are under way
        self.logger.warning("Asked to end: finishing what is under way; once more ends at once.")
        self._stop_reason = "the run was asked to end"
        self._scheduler.stop(self._stop_reason)

    # The command line

    @classmethod
    def invoke(  # type: ignore[override]  # the SDK's own tap narrows it just so
        cls,
        *,
        about: bool = False,
        about_format: str | None = None,
        config: Any = None,  # noqa: ANN401 - the SDK's private class
        state: IO[str] | None = None,
        catalog: IO[str] | None = None,
    ) -> None:
        """Run the tap as its command line says.

        Args:
            about: whether to print what the tap is, and nothing else.
            about_format: how to print it.
            config: the merged configuration files, and whether to read the environment.
            state: the state of an earlier run.
            catalog: the catalog.
        """
        if about:
            cls.print_about(about_format)
            return
        cls.print_version(print_fn=cls.logger.info)
        cls(
            config=config.config,
            parse_env_config=config.parse_env,
            state=read_json(Path(state.name), "--state") if state else None,
            catalog=read_json(Path(catalog.name), "--catalog") if catalog else None,
        ).run()

    @classmethod
    def cb_config(cls, ctx: click.Context, param: click.Option, value: tuple[str, ...]) -> Any:  # noqa: ANN401 - the SDK's private class
        """Read the configuration files; one that cannot be read is named in one sentence."""
        try:
            return super().cb_config(ctx, param, value)
        except (OSError, ValueError) as error:
            raise SettingsError(f"--config {' '.join(value)} cannot be read: {_without_text(error)}") from None

    @classmethod
    def cb_test(cls, ctx: click.Context, param: click.Option, value: str) -> None:
        """Test the connection by asking for each seller's token: the SDK's own test would buy reports."""
        if value != CliTestOptionValue.All.value:
            super().cb_test(ctx, param, value)
            return
        config = ctx.params["config"]
        with closing(cls(config=config.config, parse_env_config=config.parse_env)) as tap:
            refused = [error for token in tap.tokens.values() if (error := tap.refusal_of(token)) is not None]
        for error in refused:
            tap.logger.error("%s", error)
        ctx.exit(1 if refused else 0)


def read_json(path: Path, option: str) -> dict[str, Any]:
    """The JSON object in a file that an option names.

    Raises:
        SettingsError: it cannot be read, in words that show nothing of what stands in it.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SettingsError(f"{option} {path} cannot be read: {_without_text(error)}") from None
    if not isinstance(document, dict):
        raise SettingsError(f"{option} {path} holds no JSON object")
    return document


def _without_text(error: OSError | ValueError) -> str:
    """What is wrong with a file, without what stands in it."""
    if isinstance(error, FileNotFoundError):
        return os.strerror(errno.ENOENT)  # the SDK raises it without its number
    return error.strerror or type(error).__name__ if isinstance(error, OSError) else "it is not JSON"
