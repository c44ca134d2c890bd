"""Unwraps a Singer state and checks it before it is used. Pure.

Ignoring a state would buy everything again, so an invalid state is refused.
"""

from __future__ import annotations

from datetime import date
from itertools import islice
from typing import TYPE_CHECKING, Any

from tap_flipkart_reports.exceptions import SettingsError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

FIRST_DAY, LAST_DAY = date(1970, 1, 1), date(2199, 12, 31)
"""First and last day allowed in a state; date arithmetic overflows beyond them."""

MAX_WRAPPINGS = 4
MAX_LISTED = 3
MAX_ID_LENGTH = 255

FRESH_STATE_ADVICE = "start from a state the tap has written, or from none"

PARTITION_KEYS = ({"seller_id"}, {"seller_id", "warehouse_id"})


def unwrapped_state(document: Mapping[str, Any]) -> dict[str, Any]:
    """The state itself, from a bare state, a STATE message, or the output of `meltano state get`.

    Raises:
        SettingsError: the document is something else.
    """
    state: object = document
    for _ in range(MAX_WRAPPINGS):
        if not isinstance(state, dict):
            break
        if not state or "bookmarks" in state:
            return state
        if state.get("type") == "STATE" and "value" in state:
            state = state["value"]
        elif len(state) == 1 and "singer_state" in state:
            state = state["singer_state"]
        else:
            break
    raise SettingsError(
        "the state is not a Singer state: it has no bookmarks. Give the value of the target's last STATE message, the "
        "whole message, or what `meltano state get` prints"
    )


def check_state(state: Mapping[str, Any], *, streams: Collection[str]) -> None:
    """Check a state.

    Args:
        state: the unwrapped state.
        streams: the streams whose partitions are read; for other streams only the shape is checked.

    Raises:
        SettingsError: the state is malformed; the text names the members.
    """
    mistakes = list(islice(_mistakes(state.get("bookmarks", {}), streams), MAX_LISTED + 1))
    if mistakes:
        more = ", and more" if len(mistakes) > MAX_LISTED else ""
        raise SettingsError(f"{'; '.join(mistakes[:MAX_LISTED])}{more}; {FRESH_STATE_ADVICE}")


def sellers_of(state: Mapping[str, Any], *, streams: Collection[str]) -> set[str]:
    """The sellers with bookmarks in a checked state."""
    return {
        partition["context"]["seller_id"]
        for name, stream in state.get("bookmarks", {}).items()
        if name in streams
        for partition in stream.get("partitions", ())
    }


def state_doubts(
    state: Mapping[str, Any], *, streams: Collection[str], sellers: Collection[str], today: date
) -> Iterator[str]:
    """What in a checked state is probably not meant, in sentences for the log.

    Args:
        state: the unwrapped state.
        streams: the streams of the tap.
        sellers: the sellers in the settings.
        today: in Kolkata.
    """
    bookmarks = state.get("bookmarks", {})
    if gone := sorted(set(bookmarks) - set(streams)):
        yield (
            f"The state has bookmarks of {', '.join(gone)}, which no stream of these settings is: if it is "
            "this tap's state and a report was renamed, rename it in the state too, or all its days are bought again."
        )
    if words := unknown_sellers(sellers_of(state, streams=streams), sellers):
        yield words
    ahead = sorted(
        (name, partition["context"]["seller_id"], day)
        for name in set(bookmarks) & set(streams)
        for partition in bookmarks[name].get("partitions", ())
        if (day := str(partition.get("replication_key_value") or "")[:10]) > today.isoformat()
    )
    if ahead:
        name, seller, day = ahead[0]
        more = f", and {len(ahead) - 1} more are ahead too" if len(ahead) > 1 else ""
        yield (
            f"The state says that {name} of seller {seller} is loaded up to {day}, which is in the future{more}: "
            "nothing is requested there until then; correct the day in the state."
        )


def unknown_sellers(sellers: Collection[str], known: Collection[str]) -> str | None:
    """A warning about sellers that only the state has, `None` if there are none.

    Args:
        sellers: the sellers in the state.
        known: the sellers in the settings.
    """
    gone, new = sorted(set(sellers) - set(known)), sorted(set(known) - set(sellers))
    if not gone:
        return None
    listed = f" (new in the settings: {', '.join(new)})" if new else ""
    return (
        f"The state has bookmarks of {', '.join(gone)}, which the settings do not name: nothing is requested there. "
        f"If a seller was renamed, rename it in the state too, or all its days are bought again{listed}."
    )


def _mistakes(bookmarks: object, streams: Collection[str]) -> Iterator[str]:
    if not isinstance(bookmarks, dict):
        yield "the state cannot be read: bookmarks is not an object"
        return
    for name, stream in bookmarks.items():
        found = (
            _mistakes_of_partitions(stream.get("partitions", []), is_known=name in streams)
            if isinstance(stream, dict)
            else ["it is not an object"]
        )
        yield from (f"the state of {name} cannot be read: {mistake}" for mistake in found)


def _mistakes_of_partitions(partitions: object, *, is_known: bool) -> Iterator[str]:
    if not isinstance(partitions, list):
        yield "partitions is not a list"
        return
    seen: list[object] = []
    for number, partition in enumerate(partitions):
        where = f"partitions[{number}]"
        if not isinstance(partition, dict):
            yield f"{where} is not an object"
        elif is_known:
            yield from _mistakes_of_partition(partition, where)
            key = _key_of(partition.get("context"))
            if key in seen:
                yield f"{where} is of a seller that has another partition in the list"
            seen.append(key)


def _key_of(context: object) -> object:
    return tuple(sorted(context.items())) if isinstance(context, dict) and _is_context(context) else object()


def _mistakes_of_partition(partition: Mapping[str, Any], place: str) -> Iterator[str]:
    if not _is_context(partition.get("context")):
        yield f"{place}.context is not an object of seller_id, and of warehouse_id where the report type has one"
    if not _is_absent(bookmark := partition.get("replication_key_value")) and not _is_day(bookmark):
        yield f"{place}.replication_key_value is not a day"
    for member in ("finished", "unbought"):
        yield from _mistakes_of_windows(partition.get(member), f"{place}.{member}")
    if not _is_absent(reread := partition.get("reread")):
        if isinstance(reread, dict) and _is_day(reread.get("newest")):
            yield from _mistakes_of_windows(reread.get("windows"), f"{place}.reread.windows")
        else:
            yield f"{place}.reread is not an object with the day `newest`"
    yield from _mistakes_of_pending(partition.get("pending"), f"{place}.pending")
    if not isinstance(partition.get("progress_markers", {}), dict):
        yield f"{place}.progress_markers is not an object"


def _mistakes_of_windows(windows: object, place: str) -> Iterator[str]:
    if _is_absent(windows):
        return
    if not isinstance(windows, list):
        yield f"{place} is not a list"
        return
    for number, window in enumerate(windows):
        if not (isinstance(window, list) and len(window) == 2 and _is_window(*window)):  # noqa: PLR2004 - first and last
            yield f"{place}[{number}] is not a pair of days, the first not after the last"


def _mistakes_of_pending(reports: object, place: str) -> Iterator[str]:
    if _is_absent(reports):
        return
    if not isinstance(reports, list):
        yield f"{place} is not a list"
        return
    for number, report in enumerate(reports):
        where = f"{place}[{number}]"
        if not isinstance(report, dict):
            yield f"{where} is not an object"
            continue
        if not _is_id(report.get("report_id")):
            yield f"{where}.report_id is not a report id"
        if not _is_id(report.get("digest")):
            yield f"{where}.digest is not a text"
        if not _is_window(report.get("from_date"), report.get("to_date")):
            yield f"{where} has no from_date and to_date in order"


def _is_absent(value: object) -> bool:
    """Whether a member is empty; a state written by hand may have null."""
    return value is None or value in ("", [], {})


def _is_context(context: object) -> bool:
    return (
        isinstance(context, dict)
        and set(context) in PARTITION_KEYS
        and all(isinstance(value, str) and value for value in context.values())
    )


def _is_id(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= MAX_ID_LENGTH


def _is_window(first: object, last: object) -> bool:
    return _is_day(first) and _is_day(last) and str(first)[:10] <= str(last)[:10]


def _is_day(value: object) -> bool:
    """Whether a value is a day, or a time stamp as in states of other taps or written by hand."""
    try:
        return isinstance(value, str) and FIRST_DAY <= date.fromisoformat(value[:10]) <= LAST_DAY
    except ValueError:
        return False
