"""The tap: settings in, streams out, and one run that the streams share."""

from __future__ import annotations

import os
import sys
from contextlib import closing
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, ClassVar, cast

from singer_sdk import Tap
from singer_sdk.exceptions import ConfigValidationError, MappingError
from singer_sdk.helpers._classproperty import classproperty
from singer_sdk.singerlib.catalog import Catalog
from singer_sdk.tap_base import CliTestOptionValue

from tap_flipkart_reports import PACKAGE
from tap_flipkart_reports.clock import Clock, SystemClock, today
from tap_flipkart_reports.exceptions import (
    LedgerError,
    PipeClosedError,
    SettingsError,
    WindowsFailedError,
)
from tap_flipkart_reports.planning.record_schema import DEFAULT_FORMS
from tap_flipkart_reports.planning.select_rules import SELECT_VARIABLE, SelectRules
from tap_flipkart_reports.planning.state_check import check_state, sellers_of, state_doubts, unwrapped_state
from tap_flipkart_reports.report_types import REPORT_TYPES
from tap_flipkart_reports.settings.catalog import refuse_foreign, well_formed_catalog
from tap_flipkart_reports.settings.documents import read_json
from tap_flipkart_reports.settings.environment import read_environment
from tap_flipkart_reports.settings.questionable import questionable_settings, unknown_settings
from tap_flipkart_reports.settings.reader import Reader
from tap_flipkart_reports.settings.values import CONFIG_JSONSCHEMA
from tap_flipkart_reports.singer_output import SpacedStateWriter, check_batch_config, write_whole_lines
from tap_flipkart_reports.streams import ReportStream
from tap_flipkart_reports.sync.connection_test import (
    MELTANO_VARIABLE,
    answer_config_test,
    is_meltano_config_test,
    refused_tokens,
)
from tap_flipkart_reports.sync.state_spacing import StateSpacing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import FrameType

    import click

    from tap_flipkart_reports.planning.report_type import ReportType
    from tap_flipkart_reports.settings.values import App, Settings
    from tap_flipkart_reports.sync.run import Run


ENVIRONMENT = "ENV"
"""Stands for the environment in `--config`."""


class TapFlipkartReports(Tap):
    """Every report type of Flipkart's Report Management API as a stream, for many sellers, no report bought twice."""

    name = PACKAGE
    package_name = PACKAGE
    config_jsonschema = CONFIG_JSONSCHEMA
    # No table is replaced as a whole, as a run reads missing days. Compared by value: SDK 0.55 has it in another enum.
    capabilities: ClassVar = [each for each in Tap.capabilities if each.value != "activate-version"]
    clock: Clock = SystemClock()
    """The clock of the run; tests replace it."""
    workers: int | None = None
    """Threads that make calls; by default one more than reports in progress. With 0 the main thread makes them."""

    def __init__(self, *args: Any, catalog: Any = None, **kwargs: Any) -> None:  # noqa: ANN401 - the SDK's own
        self._settings: Settings | None = None
        self._current_run: Run | None = None
        self._state_error: SettingsError | None = None
        self._report_types: Mapping[str, ReportType] = REPORT_TYPES
        self._column_forms = DEFAULT_FORMS
        if isinstance(catalog, dict) and not isinstance(catalog, Catalog):
            catalog = well_formed_catalog(catalog)
        super().__init__(*args, catalog=catalog, **kwargs)
        spacing = StateSpacing(lambda: self.clock.monotonic())  # noqa: PLW0108 - tests replace the clock later
        self._state_writer = self._spaced_states = SpacedStateWriter(self.message_writer, spacing)

    # Settings

    @property
    def settings(self) -> Settings:
        """The settings of this run.

        Raises:
            SettingsError: they are invalid, which only discovery tolerates.
        """
        if self._settings is None:
            self._settings = self._read_settings(self._reader())
        return self._settings

    def _reader(self) -> Reader:
        return Reader(self._config, today=today(self.clock))

    def _read_settings(self, reader: Reader) -> Settings:
        return reader.settings()

    @property
    def app(self) -> App:
        """The settings of the app; other settings may be incomplete.

        Raises:
            SettingsError: a setting of the app is missing or wrong.
        """
        return self._reader().app()

    def _validate_config(self, *, raise_errors: bool = True) -> list[str]:
        """Find every mistake before any call; unlike the SDK's messages, these never quote a value."""
        self.append_builtin_config(self.config_jsonschema)
        reader = self._reader()
        self._config = reader.config
        self._report_types = reader.report_types
        self._column_forms = reader.column_forms
        known = self.config_jsonschema["properties"]
        try:
            self._settings = self._read_settings(reader)
        except SettingsError as error:
            words = "; ".join([str(error), *unknown_settings(self._config, known=known)])
            if raise_errors:
                raise SettingsError(words) from None
            return [words]
        for words in questionable_settings(self._config, self._settings, known=known, today=today(self.clock)):
            self.logger.warning("%s", words)
        return []

    @classproperty
    def _env_var_config(cls) -> dict[str, Any]:  # noqa: N805 - a property of the class
        """The settings in the environment.

        Raises:
            SettingsError: a value is not of its setting's type; the text does not quote it.
        """
        cls.append_builtin_config(cls.config_jsonschema)
        return read_environment(cls.config_jsonschema["properties"], prefix=cls._env_var_prefix)

    def discover_streams(self) -> Sequence[ReportStream]:
        """One stream per table of each built-in or custom report type; needs no valid settings."""
        select_rules = SelectRules.parse(os.environ.get(SELECT_VARIABLE))
        return [
            ReportStream(
                self,
                report_type,
                table,
                run=lambda: self.current_run,
                select_rules=select_rules,
                forms=self._column_forms,
            )
            for report_type in self._report_types.values()
            for table in report_type.tables
        ]

    def setup_mapper(self) -> None:
        """Read the SDK's own settings: stream maps, flattening, and `batch_config`.

        Raises:
            SettingsError: they are invalid.
        """
        refuse_foreign(self.input_catalog, self.streams)  # the streams adapt the catalog before maps are made for it
        try:
            super().setup_mapper()
            if self._column_forms.amounts_are_text:
                for stream in cast("list[ReportStream]", list(self.streams.values())):
                    stream.register_schema()
        except MappingError as error:
            raise SettingsError(f"stream_maps cannot be used: {error}") from error
        except ConfigValidationError:
            raise SettingsError("flattening_enabled needs flattening_max_depth: set it to 1 or more") from None
        if "batch_config" in self.config:
            check_batch_config(lambda: next(iter(self.streams.values())).get_batch_config(self.config))

    def load_state(self, state: dict[str, Any]) -> None:
        """Load the state of an earlier run; an invalid state is refused when the run is built."""
        try:
            state = unwrapped_state(state)
            check_state(state, streams=self.streams)
        except SettingsError as error:
            self._state_error = error
            return
        super().load_state(state)
        if self._settings is not None:
            sellers = self._settings.known_sellers
            for words in state_doubts(state, streams=self.streams, sellers=sellers, today=today(self.clock)):
                self.logger.warning("%s", words)

    # The run

    @property
    def current_run(self) -> Run:
        """The run that the streams share; built when first used, because discovery does not need it.

        Raises:
            SettingsError: the state is invalid; without it the run would buy everything again.
        """
        if self._state_error is not None:
            raise self._state_error
        if self._current_run is None:
            self._current_run = self._build_run()
        return self._current_run

    def _build_run(self) -> Run:
        from tap_flipkart_reports.sync.new_run import new_run  # noqa: PLC0415 - discovery does not need it

        streams = cast("list[ReportStream]", list(self.streams.values()))
        return new_run(settings=self.settings, clock=self.clock, streams=streams, workers=self.workers)

    def close(self) -> None:
        """End the run's threads; pending reports are in the state."""
        if self._current_run is not None:
            self._current_run.close()

    def run(self) -> None:
        """Sync all selected streams.

        Raises:
            WindowsFailedError: some windows failed; all others are written, with their STATE.
            OutageError: a host was away for too long; what needed it is deferred to the next run.
            LedgerError: purchases could no longer be recorded, so the run ended early.
            PipeClosedError: the target closed the pipe.
        """
        write_whole_lines()
        run = self.current_run
        try:
            self._run_and_close(run)
        except Exception as error:
            run.write_summary(error)
            raise
        run.write_summary(None)

    def _run_and_close(self, run: Run) -> None:
        try:
            with closing(self), run.show_progress():
                try:
                    self._sync_reports(run)
                except Exception as error:
                    # It may be the only record of a purchase; with incomplete BATCH files it would be wrong.
                    is_unbooked = isinstance(error, LedgerError)
                    if (is_unbooked or self._spaced_states.is_behind) and not self._spaced_states.is_held:
                        self._write_last_state(run)
                    raise
                self._write_last_state(run)
                run.expire_archive()
        except BrokenPipeError:  # click would end the process silently
            raise PipeClosedError(
                "the target closed the pipe: look at what it said; what it had not stored is sent again by the next run"
            ) from None
        run.log_summary()
        if run.failures.all:
            raise WindowsFailedError(run.failures.all)
        if run.outage is not None:
            raise run.outage

    def _write_last_state(self, run: Run) -> None:
        """Write the last state, even if no STATE message is due."""
        if run.emits_state:
            self._spaced_states.is_urgent = True
            self._spaced_states.write_state(self.state)

    def _sync_reports(self, run: Run) -> None:
        """Like the SDK's `sync_all`, but the streams of one report are synced partition by partition.

        A file stays on disk until the last of its streams has read it; the files of all partitions would be too many.
        """
        # Of another tap, or of sellers who are not loaded, it holds nothing back.
        has_state = not self.settings.known_sellers.isdisjoint(sellers_of(self.state, streams=self.streams))
        self._reset_state_progress_markers()
        self._set_compatible_replication_methods()
        if self.state:
            self._state_writer.write_state(self.state)
        run.give_up_reports()
        run.check_purchases(has_state=has_state)
        for report in run.wanted.streams_by_report():
            streams = [self.streams[stream.name] for stream in report]
            for context in streams[0].partitions or () if len(streams) > 1 else [None]:
                for stream in streams:
                    stream.sync(context)
            for stream in streams:
                stream.finalize_state_progress_markers()
                stream.log_sync_costs()

    def _handle_termination(self, signum: int, frame: FrameType | None) -> None:  # noqa: ARG002 - the signature of a signal handler
        """The first signal ends the run in order, the second at once.

        The SDK writes the state inside its handler, possibly into the middle of a record; here the main thread writes
        it.
        """
        run = self._current_run
        if run is None or not run.is_under_way or run.is_stopping:
            os._exit(128 + signum)  # do not wait for calls that are under way
        run.request_stop()

    # The command line

    @classmethod
    def invoke(  # type: ignore[override]  # as the SDK's own tap does
        cls,
        *,
        about: bool = False,
        about_format: str | None = None,
        config: Any = None,  # noqa: ANN401 - the SDK's private class
        state: IO[str] | None = None,
        catalog: IO[str] | None = None,
    ) -> None:
        """Run the tap from its command line.

        Args:
            about: whether to only print information about the tap.
            about_format: the format of that information.
            config: the merged configuration files, and whether to read the environment.
            state: the state of an earlier run.
            catalog: the catalog.
        """
        if about:
            cls.print_about(about_format)
            return
        cls.print_version(print_fn=cls.logger.info)
        if MELTANO_VARIABLE in os.environ:
            from tap_flipkart_reports.sync.metrics import tag_for_meltano  # noqa: PLC0415 - discovery has no metrics

            tag_for_meltano()
        tap = cls(
            config=config.config,
            parse_env_config=config.parse_env,
            state=read_json(Path(state.name), "--state") if state else None,
            catalog=read_json(Path(catalog.name), "--catalog") if catalog else None,
        )
        if state is None and is_meltano_config_test(output=sys.stdout, log=sys.stderr, environment=os.environ):
            with closing(tap):
                answer_config_test(tap.current_run.services.tokens, output=sys.stdout)
        else:
            tap.run()

    @classmethod
    def cb_config(cls, ctx: click.Context, param: click.Option, value: tuple[str, ...]) -> Any:  # noqa: ANN401 - the SDK's private class
        """Read the configuration files; the error for an unreadable file is one sentence."""
        config: dict[str, Any] = {}
        for name in value:
            if name != ENVIRONMENT:
                config |= read_json(Path(name), "--config")
        given = super().cb_config(ctx, param, (ENVIRONMENT,) if ENVIRONMENT in value else ())
        given.config.update(config)
        return given

    @classmethod
    def cb_test(cls, ctx: click.Context, param: click.Option, value: str) -> None:
        """Test the connection by requesting each seller's token; the SDK's own test would buy reports."""
        if value != CliTestOptionValue.All.value:
            super().cb_test(ctx, param, value)
            return
        config = ctx.params["config"]
        with closing(cls(config=config.config, parse_env_config=config.parse_env)) as tap:
            refused = refused_tokens(tap.current_run.services.tokens.values())
        ctx.exit(1 if refused else 0)
