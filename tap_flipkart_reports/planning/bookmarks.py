"""Reading and writing the members of a partition in the Singer state.

```
{"context": {"seller_id": "acme"},
 "replication_key": "report_to_date", "replication_key_value": "2026-10-31",     the bookmark
 "finished": [["2026-11-05", "2026-11-10"]],                                     complete beyond a gap
 "reread": {"newest": "2026-11-12", "windows": [["2026-10-02", "2026-10-20"]]},  look-back days read again so far
 "pending": [{"report_id": "R-…", "from_date": "…", "to_date": "…", "digest": "…"}],     bought, not yet read
 "unbought": [["2026-09-01", "2026-09-30"]]}                                      not bought for lack of budget
```

It contains no links and no secrets.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from tap_flipkart_reports.planning.coverage import Coverage
from tap_flipkart_reports.purchasing.polling import GenerationTimes
from tap_flipkart_reports.purchasing.requests import PendingReport
from tap_flipkart_reports.windows import Window, merged

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, MutableMapping

MILLISECONDS = 1000

LONGEST_GENERATION = 30 * 86_400 * MILLISECONDS
"""Longest generation time: `report_timeout` is at most 30 days, and a longer time in a state would delay a run."""

MOST_SEEN = 10**9

BOOKMARK_COLUMN = "report_to_date"
"""The replication key: the column with the last day of the record's window."""


def read_coverage(partition: MutableMapping[str, Any]) -> Coverage:
    """The complete days of a partition."""
    reread = partition.get("reread") or {}
    bookmark = partition.get("replication_key_value")
    return Coverage(
        bookmark=_day(bookmark) if bookmark else None,
        finished=tuple(_windows(partition.get("finished"))),
        reread_newest=_day(reread["newest"]) if reread else None,
        reread=tuple(_windows(reread.get("windows"))),
    )


def write_coverage(partition: MutableMapping[str, Any], coverage: Coverage) -> None:
    """Write the complete days into a partition; empty members are left out."""
    if coverage.bookmark is not None:
        partition["replication_key"] = BOOKMARK_COLUMN
        partition["replication_key_value"] = coverage.bookmark.isoformat()
    _put(partition, "finished", _texts(coverage.finished))
    reread = {"newest": str(coverage.reread_newest), "windows": _texts(coverage.reread)} if coverage.reread else None
    _put(partition, "reread", reread)


def read_pending(partition: MutableMapping[str, Any]) -> list[PendingReport]:
    """The reports of a partition that are bought and not yet read."""
    return [
        PendingReport(
            report_id=entry["report_id"],
            window=Window(_day(entry["from_date"]), _day(entry["to_date"])),
            digest=entry["digest"],
            is_repair=bool(entry.get("repair")),
        )
        for entry in partition.get("pending") or ()
    ]


def write_pending(partition: MutableMapping[str, Any], reports: Iterable[PendingReport]) -> None:
    """Write the reports that are bought and not yet read into a partition."""
    entries = [
        {
            "report_id": report.report_id,
            "from_date": report.window.first.isoformat(),
            "to_date": report.window.last.isoformat(),
            "digest": report.digest,
            **({"repair": True} if report.is_repair else {}),
        }
        for report in reports
    ]
    _put(partition, "pending", entries)


def read_unbought(partition: MutableMapping[str, Any]) -> tuple[Window, ...]:
    """The windows that earlier runs did not buy for lack of budget."""
    return tuple(_windows(partition.get("unbought")))


def write_unbought(partition: MutableMapping[str, Any], windows: Iterable[Window]) -> None:
    """Write the windows that were not bought for lack of budget into a partition."""
    _put(partition, "unbought", _texts(merged(windows)))


def _put(partition: MutableMapping[str, Any], member: str, value: object) -> None:
    if value:
        partition[member] = value
    else:
        partition.pop(member, None)


def _day(text: str) -> date:
    """A day; older states, or states written by hand, may have a time stamp."""
    return date.fromisoformat(text[:10])


def _windows(pairs: Iterable[list[str]] | None) -> Iterable[Window]:
    return (Window(_day(first), _day(last)) for first, last in pairs or ())


def _texts(windows: Iterable[Window]) -> list[list[str]]:
    return [[window.first.isoformat(), window.last.isoformat()] for window in windows]


def read_generation_times(stream_state: Mapping[str, Any]) -> GenerationTimes | None:
    """Generation times of earlier runs; `None` if the state has none or they are invalid."""
    try:
        known = stream_state["generation_milliseconds"]
        shortest, typical, seen = (int(known[name]) for name in ("shortest", "typical", "seen"))
    except (KeyError, TypeError, ValueError, OverflowError):
        return None
    if not all(0 <= time <= LONGEST_GENERATION for time in (shortest, typical)) or not 0 < seen <= MOST_SEEN:
        return None
    return GenerationTimes(shortest=shortest / MILLISECONDS, typical=typical / MILLISECONDS, seen=seen)


def write_generation_times(stream_state: dict[str, Any], generation_times: GenerationTimes) -> None:
    """Write generation times in whole milliseconds: SDK targets read fractions as decimals and then fail."""
    stream_state["generation_milliseconds"] = {
        "shortest": round(generation_times.shortest * MILLISECONDS),
        "typical": round(generation_times.typical * MILLISECONDS),
        "seen": generation_times.seen,
    }
