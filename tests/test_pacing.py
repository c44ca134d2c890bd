from __future__ import annotations

import itertools
import random
from collections import Counter

import pytest

from tap_flipkart_reports.purchasing.links import DownloadSpeeds
from tap_flipkart_reports.purchasing.polling import FORGETTING, JITTER, GenerationTimes, poll_pause
from tap_flipkart_reports.purchasing.rate_limit import LONGEST_PAUSE, ConcurrencyLimit, ConcurrencyLimits

QUOTA = 3


def refusals(triggers: int, *, quota: int = QUOTA) -> list[int]:
    """At which of so many wishes to trigger an API that allows `quota` reports at once refuses."""
    brake = ConcurrencyLimit(ceiling=8)
    refused = []
    for wish in range(triggers):
        if brake.cap > quota:
            brake.refused(now=0.0, in_progress=quota, retry_after=None, pause=5.0)
            refused.append(wish)
        brake.accepted()
    return refused


def test_a_429_lowers_the_number_to_what_is_in_progress_but_never_to_nothing() -> None:
    brake = ConcurrencyLimit(ceiling=8)
    brake.refused(now=0.0, in_progress=5, retry_after=None, pause=5.0)
    assert brake.cap == 5
    brake.refused(now=0.0, in_progress=0, retry_after=None, pause=5.0)
    assert brake.cap == 1


def test_the_number_grows_by_one_at_a_time_up_to_its_ceiling() -> None:
    brake = ConcurrencyLimit(ceiling=4)
    brake.refused(now=0.0, in_progress=1, retry_after=None, pause=5.0)
    caps = []
    for _ in range(12):
        brake.accepted()
        caps.append(brake.cap)
    assert caps == [2, 2, 3, 3, 3, 4, 4, 4, 4, 4, 4, 4]


def test_a_persistent_limit_is_tried_less_and_less_often() -> None:
    refused = refusals(2000)
    gaps = [later - earlier for earlier, later in itertools.pairwise(refused)]
    assert gaps[:4] == [QUOTA, 2 * QUOTA, 4 * QUOTA, 8 * QUOTA]
    assert len(refused) <= 2000 / (16 * QUOTA) + 5


def test_a_limit_that_is_lifted_is_forgotten_step_by_step() -> None:
    brake = ConcurrencyLimit(ceiling=8)
    for _ in range(100):
        if brake.cap > QUOTA:
            brake.refused(now=0.0, in_progress=QUOTA, retry_after=None, pause=5.0)
        brake.accepted()
    accepted = 0
    while brake.cap < 8:
        brake.accepted()
        accepted += 1
    assert accepted < 16 * 8 * 2


def test_pauses_after_429_double_unless_the_api_names_one() -> None:
    brake = ConcurrencyLimit(ceiling=8)
    waits = [brake.refused(now=0.0, in_progress=3, retry_after=None, pause=5.0) for _ in range(8)]
    assert waits == [5, 10, 20, 40, 80, 160, 300, 300]
    assert brake.refused(now=0.0, in_progress=3, retry_after=7.0, pause=5.0) == 7.0
    brake.accepted()
    assert brake.refused(now=0.0, in_progress=3, retry_after=None, pause=5.0) == 5.0


def test_a_download_is_expected_to_take_what_the_largest_file_takes_at_the_speed_seen() -> None:
    transfers = DownloadSpeeds()
    assert transfers.expected("orders_report") == 0.0
    transfers.record("orders_report", size=1000, seconds=10.0)
    transfers.record("orders_report", size=4000, seconds=40.0)
    transfers.record("orders_report", size=2000, seconds=20.0)
    assert transfers.expected("orders_report") == pytest.approx(40.0)
    assert transfers.expected("sales_ledger") == 0.0


def test_the_speed_follows_what_is_seen_by_a_tenth_each_time() -> None:
    transfers = DownloadSpeeds()
    transfers.record("orders_report", size=2000, seconds=0.5)
    assert transfers.expected("orders_report") == pytest.approx(0.5)
    transfers.record("orders_report", size=1000, seconds=1.0)
    assert transfers.expected("orders_report") == pytest.approx(2000 / (4000 - 300))


def test_the_shortest_generation_time_is_forgotten_slowly_and_the_typical_one_follows_by_a_tenth() -> None:
    first = GenerationTimes.first(100.0)
    assert first == GenerationTimes(shortest=100.0, typical=100.0, seen=1)
    longer = first.with_seen(200.0)
    assert (longer.shortest, longer.seen) == (100.0, 2)
    assert longer.typical == pytest.approx(110.0)
    again = longer.with_seen(200.0)
    assert again.seen == 3
    assert again.shortest == pytest.approx(100.0 + 10.0 * FORGETTING)
    assert again.typical == pytest.approx(119.0)
    assert again.with_seen(50.0).shortest == 50.0


def test_a_download_that_took_no_time_is_not_a_guide_to_speed() -> None:
    transfers = DownloadSpeeds()
    transfers.record("orders_report", size=1000, seconds=0.0)
    assert transfers.expected("orders_report") == 0.0


@pytest.mark.parametrize(
    ("waited", "known_times", "pause"),
    [
        (0.0, None, 5.0),
        (1000.0, None, 40.0),
        (36_000.0, None, 120.0),
        (0.0, GenerationTimes(shortest=600.0, typical=900.0, seen=11), 480.0),
        (400.0, GenerationTimes(shortest=600.0, typical=900.0, seen=11), 80.0),
        (600.0, GenerationTimes(shortest=600.0, typical=900.0, seen=11), 24.0),
        (0.0, GenerationTimes(shortest=600.0, typical=900.0, seen=1), 5.0),
    ],
)
def test_pauses_grow_with_the_wait_and_the_first_is_as_long_as_is_known_to_be_in_vain(
    waited: float, known_times: GenerationTimes | None, pause: float
) -> None:
    pauses = [
        poll_pause(
            waited=waited,
            known_times=known_times,
            poll_interval=5,
            poll_max_interval=120,
            rng=random.Random(seed),  # noqa: S311 - jitter
        )
        for seed in range(50)
    ]
    assert pause * (1 - JITTER) <= min(pauses) < max(pauses) <= pause * (1 + JITTER)


def test_a_429_counts_for_all_sellers_once_another_got_one_shortly_before() -> None:
    limits = ConcurrencyLimits(ceiling=8, ceiling_per_seller=4)
    running = Counter({"acme": 2, "bose": 3})
    assert limits.refused("acme", now=100.0, in_progress=running, retry_after=50.0, pause=5.0) == 50.0
    assert limits.refused("acme", now=120.0, in_progress=running, retry_after=50.0, pause=5.0) == 50.0
    assert limits.is_open(now=130.0, in_progress=running)
    assert not limits.is_open_for("acme", now=130.0, in_progress=Counter())
    assert limits.is_open_for("bose", now=130.0, in_progress=running)
    assert limits.refused("bose", now=420.0, in_progress=running, retry_after=None, pause=5.0) == 5.0
    assert not limits.is_open(now=424.0, in_progress=Counter())
    assert not limits.is_open(now=425.0, in_progress=running)
    assert limits.is_open(now=425.0, in_progress=Counter({"acme": 4}))
    assert limits.not_before("cipla") == 425.0
    assert limits.refused("acme", now=430.0, in_progress=running, retry_after=60.0, pause=5.0) == 60.0
    assert limits.not_before("cipla") == 490.0


def test_a_429_of_another_seller_long_ago_does_not_count() -> None:
    limits = ConcurrencyLimits(ceiling=8, ceiling_per_seller=4)
    limits.refused("acme", now=100.0, in_progress=Counter(), retry_after=1.0, pause=5.0)
    limits.refused("bose", now=100.0 + LONGEST_PAUSE + 1, in_progress=Counter(), retry_after=1.0, pause=5.0)
    assert limits.is_open(now=100.0 + LONGEST_PAUSE + 1, in_progress=Counter({"acme": 7}))
