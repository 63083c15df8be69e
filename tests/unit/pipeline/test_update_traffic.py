from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any
from unittest import mock

import pytest
from botocore.exceptions import ClientError

from preflight.deploy.places import Place
from preflight.errors import UsageError
from preflight.pipeline import update_traffic
from preflight.pipeline.update_traffic import UpdateTraffic
from preflight.plan.plan import SmokeEntry
from preflight.plan.traffic_settings import TrafficSettings
from preflight.plan.update_settings import UpdateSettings
from preflight.system import waiting
from preflight.traffic.record import TrafficRecord
from preflight.traffic.traffic import TrafficTarget

ENTRY = SmokeEntry(
    service="web", cluster="c", url=None, is_inside=False, caller=None, get="/page", port=80, status=200, contains="new", line=1
)
OLD = dataclasses.replace(ENTRY, contains="old", line=9)


class RecordedTraffic:
    """Traffic that is not sent."""

    def __init__(self, targets: list[TrafficTarget], _settings: TrafficSettings, _say: object) -> None:
        self.targets = targets
        self.phase = "before the update"
        self.is_running = False

    def start(self) -> None:
        self.is_running = True

    def stop(self) -> TrafficRecord:
        self.is_running = False
        return TrafficRecord()


@pytest.fixture
def test() -> mock.Mock:
    return mock.Mock(places=mock.Mock(return_value=[Place("http://127.0.0.9/page", "a task")]), filled=lambda entry: entry)


@pytest.fixture
def sent(test: mock.Mock) -> Iterator[UpdateTraffic]:
    with mock.patch.object(update_traffic, "Traffic", RecordedTraffic), mock.patch.object(waiting, "pause"):
        yield UpdateTraffic(test, TrafficSettings(), mock.Mock(services={}), lambda _text: None)


def asked(sent: UpdateTraffic, entry: SmokeEntry, old: SmokeEntry) -> list[TrafficTarget]:
    sent.ask(mock.Mock(smoke=(entry,), update=UpdateSettings()), mock.Mock(smoke=(old,)))
    return getattr(sent._traffic, "targets", [])


def test_an_entry_of_both_plans_may_give_the_old_answer_or_the_new_one(sent: UpdateTraffic) -> None:
    (target,) = asked(sent, ENTRY, OLD)

    assert target.path == "/page"
    assert target.expected == ((200, "old"), (200, "new"))


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(dataclasses.replace(OLD, service="other"), id="another service"),
        pytest.param(dataclasses.replace(OLD, get="/"), id="another path"),
    ],
)
def test_what_only_one_plan_asks_gets_no_traffic(sent: UpdateTraffic, other: SmokeEntry) -> None:
    assert asked(sent, ENTRY, other) == []


def test_traffic_that_the_plan_asks_for_needs_an_entry(sent: UpdateTraffic, test: mock.Mock) -> None:
    test.places.return_value = []

    with pytest.raises(UsageError, match="update: traffic: no smoke entry"):
        sent.ask(mock.Mock(smoke=(ENTRY,), update=UpdateSettings(asks_for_traffic=True)), mock.Mock(smoke=(OLD,)))


def test_what_cannot_be_asked_now_gets_no_traffic(sent: UpdateTraffic, test: mock.Mock) -> None:
    test.places.side_effect = ClientError({"Error": {"Code": "ServiceNotFoundException", "Message": ""}}, "DescribeServices")

    assert asked(sent, ENTRY, OLD) == []


def test_requests_go_on_through_a_failure_and_know_what_the_update_does(sent: UpdateTraffic) -> None:
    asked(sent, ENTRY, OLD)
    traffic: Any = sent._traffic

    with sent:
        sent.note("updating stack web")
        sent.note("web:2 is pushed")
        assert traffic.is_running
        assert traffic.phase == "updating stack web"

    assert not traffic.is_running
