"""Profiles of an API: the documented one, and others that say what differs."""

from __future__ import annotations

import gzip
import json
import urllib.error
import urllib.request
import zipfile
from typing import TYPE_CHECKING, Any

import pytest
from support.clocks import VirtualClock

from tap_flipkart_reports.simulator import Simulator
from tap_flipkart_reports.simulator.profile import bundled_profile, documented, profile_from

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

RANGE = {"from_date": "2026-10-01", "to_date": "2026-10-02"}


class Caller:
    """The three calls, as plain as can be."""

    def __init__(self, simulator: Simulator) -> None:
        self.simulator = simulator
        self.token = simulator.access_token("acme")

    def call(self, url: str, body: object = None, *, token: bool = True) -> tuple[int, dict[str, str], bytes]:
        headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {self.token}"} if token else {})
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(url, data=data, headers=headers)  # noqa: S310 - the simulator's own address
        try:
            with urllib.request.urlopen(request) as answer:  # noqa: S310 - the simulator's own address
                return answer.status, dict(answer.headers), answer.read()
        except urllib.error.HTTPError as refusal:
            with refusal:
                return refusal.code, dict(refusal.headers), refusal.read()

    def trigger(self, body: object, identifier: str = "orders_report") -> tuple[int, dict[str, str], Any]:
        status, headers, text = self.call(f"{self.simulator.url}/reports/{identifier}", body)
        return status, headers, json.loads(text)

    def detail(self, report_id: str) -> Any:
        return json.loads(self.call(f"{self.simulator.url}/reports/{report_id}/detail")[2])


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def caller(request: pytest.FixtureRequest, clock: VirtualClock) -> Iterator[Caller]:
    with Simulator(now=clock.now, profile=profile_from(request.param)) as simulator:
        yield Caller(simulator)


def test_a_profile_without_a_word_is_the_documented_one() -> None:
    assert profile_from({}).document == documented().document


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ([], "a profile is a JSON object"),
        ({"detial": {}}, "a profile does not have detial; it has trigger, detail"),
        ({"trigger": {"id": 1}}, "trigger does not have id; it has parameters_member"),
        ({"trigger": []}, "trigger must be an object"),
        ({"detail": {"link": "sometimes"}}, "detail.link is one of always_new, always_the_same, new_when_dead"),
        ({"report_types": {"orders_report": {"parameters": [{"day": "d"}]}}}, "a parameter cannot mean day"),
        (
            {"report_types": {"orders_report": {"tables": {"Orders": [{"header": "A", "kind": "secret"}]}}}},
            "'A' cannot hold 'secret'",
        ),
    ],
)
def test_a_profile_that_is_none_says_where(document: object, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        profile_from(document)


@pytest.mark.parametrize(
    "caller",
    [
        {
            "trigger": {"parameters_member": "params", "correlation_id": "refused", "report_id": ["data", "reportId"]},
            "report_types": {"orders_report": {"parameters": [{"from_date": "fromDate", "to_date": "toDate"}]}},
            "errors": {"shape": "message"},
        }
    ],
    indirect=True,
)
def test_other_members_and_parameters_are_taken_and_the_documented_ones_refused(caller: Caller) -> None:
    status, _, answer = caller.trigger({"parameters": RANGE})
    assert (status, set(answer)) == (400, {"message"})
    named = {"fromDate": "2026-10-01", "toDate": "2026-10-02"}
    assert caller.trigger({"params": RANGE})[0] == 422
    assert caller.trigger({"params": named, "correlation_id": "6f9619ff-8b86-4d01-b42d-00cf4fc964ff"})[0] == 400
    status, _, answer = caller.trigger({"params": named})
    assert status == 200
    assert answer["data"]["reportId"].startswith("R-")


@pytest.mark.parametrize(
    "caller",
    [{"trigger": {"rate": {"per": "seller", "triggers": 2, "seconds": 60}}, "headers": {"X-Request-Id": "{uuid}"}}],
    indirect=True,
)
def test_a_rate_refuses_with_the_seconds_to_wait_and_every_answer_has_the_headers(
    caller: Caller, clock: VirtualClock
) -> None:
    answers = [caller.trigger({"parameters": RANGE}) for _ in range(3)]
    assert [status for status, _, _ in answers] == [200, 200, 429]
    assert answers[2][1]["Retry-After"] == "60"
    assert len({headers["X-Request-Id"] for _, headers, _ in answers}) == 3
    clock.advance(61)
    assert caller.trigger({"parameters": RANGE})[0] == 200


@pytest.mark.parametrize(
    "caller",
    [
        {
            "detail": {"link": "always_the_same", "location": ["file", "url"], "expiry_minutes_east": 0},
            "download": {"needs_token": True, "link_seconds": 300, "dead_status": 410},
            "report_types": {
                "orders_report": {
                    "packing": {"format": "csv", "gzip": True},
                    "tables": {
                        "Orders": [
                            {"header": "Item", "kind": "id", "source": "order_item_id"},
                            {"header": "Score", "kind": "amount"},
                        ]
                    },
                }
            },
        }
    ],
    indirect=True,
)
def test_links_and_files_are_as_the_profile_has_them(caller: Caller, clock: VirtualClock) -> None:
    report_id = caller.trigger({"parameters": RANGE})[2]["report_id"]
    detail = caller.detail(report_id)
    link = detail["file"]["url"]
    assert caller.detail(report_id)["file"]["url"] == link
    assert detail["metadata"]["expiry"] == "2026-11-24 06:05:00"
    assert caller.call(link, token=False)[0] == 401
    status, _, content = caller.call(link)
    assert status == 200
    header, first, *_ = gzip.decompress(content).decode().splitlines()
    assert header == "Item,Score"
    assert len(first.split(",")) == 2
    clock.advance(301)
    assert caller.call(link)[0] == 410
    assert caller.detail(report_id)["file"]["url"] == link


def test_a_bundle_has_a_profile_in_it(tmp_path: Path) -> None:
    path = tmp_path / "contact.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("profile.json", json.dumps({"detail": {"link": "always_new"}}))
    assert bundled_profile(path).detail["link"] == "always_new"
    path.write_text("not a bundle")
    with pytest.raises(ValueError, match="it is not a bundle"):
        bundled_profile(path)
