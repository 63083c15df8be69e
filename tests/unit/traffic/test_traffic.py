"""Requests at a steady rate, counted."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from preflight.deploy.places import Place
from preflight.errors import UsageError
from preflight.plan.traffic_settings import TrafficSettings
from preflight.system import waiting
from preflight.traffic import traffic
from preflight.traffic.exchange import Ending, KeptConnection
from preflight.traffic.record import FailureKind, TargetRecord
from preflight.traffic.traffic import Traffic, TrafficTarget

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.timezone.utc)
PLACES = [Place("http://127.0.0.1/", "task a", "127.0.0.1", "arn:a"), Place("http://127.0.0.2/", "task b", "127.0.0.2", "arn:b")]
EXPECTED = ((200, "Old"), (200, "New"))
Asked = list[tuple[str, str]]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    """The address and path of each request; each gets the old version's page."""
    requests: Asked = []

    def get(self: KeptConnection, path: str, **_options: Any) -> Ending:
        requests.append((str(self.place.address), path))
        return Ending(NOW, NOW, None, 200, "Old version")

    monkeypatch.setattr(KeptConnection, "get", get)
    return requests


def ran(asked: Asked, target: TrafficTarget, *, settings: TrafficSettings | None = None) -> TargetRecord:
    """Asks until there were five requests."""
    running = Traffic([target], settings or TrafficSettings(rate=100), lambda _text: None)
    running.start()
    waiting.until(lambda: len(asked) >= 5, what="five requests", timeout=10, interval=0.01)
    return running.stop().targets[0]


def target(places: Callable[[], list[Place]] = lambda: PLACES) -> TrafficTarget:
    return TrafficTarget("web", places, "/", EXPECTED)


def test_every_request_is_counted(asked: Asked) -> None:
    record = ran(asked, target())

    assert record.sent == record.answered == len(asked)
    assert record.failed == 0


def test_requests_go_to_all_places_in_turn(asked: Asked) -> None:
    ran(asked, target())

    assert {address for address, _ in asked} == {"127.0.0.1", "127.0.0.2"}


@pytest.mark.parametrize(
    ("page", "is_right"),
    [
        pytest.param("Old version", True, id="the old version's"),
        pytest.param("New version", True, id="the new version's"),
        pytest.param("Error", False, id="another one"),
    ],
)
def test_a_page_is_right_if_it_is(page: str, *, is_right: bool) -> None:
    assert target().fits(Ending(NOW, NOW, None, 200, page)) is is_right


def test_a_wrong_page_is_a_failure(asked: Asked) -> None:
    record = ran(asked, TrafficTarget("web", lambda: PLACES, "/", ((200, "Welcome"),)))

    assert record.failed == record.sent
    assert record.failures[0].kind is FailureKind.WRONG_PAGE
    assert record.failures[0].task in {"arn:a", "arn:b"}


def test_the_path_of_the_settings_takes_the_place_of_the_entrys(asked: Asked) -> None:
    record = ran(asked, target(), settings=TrafficSettings(rate=100, path="/status"))

    assert {path for _, path in asked} == {"/status"}
    assert record.failed == 0


def test_a_path_with_hold_says_how_long_to_answer(asked: Asked) -> None:
    ran(asked, target(), settings=TrafficSettings(rate=100, path="/slow?{hold}", hold=0.01))

    assert {path for _, path in asked} == {"/", "/slow?0.01"}


def test_a_service_without_a_task_fails_its_requests() -> None:
    running = Traffic([target(list)], TrafficSettings(rate=100), lambda _text: None)
    running.start()
    waiting.pause(0.1)
    record = running.stop().targets[0]

    assert record.sent > 0
    assert {failure.kind for failure in record.failures} == {FailureKind.NOWHERE}


def test_places_that_cannot_be_looked_up_are_as_they_were(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(traffic, "LOOK_UP", 0.01)
    has_failed = threading.Event()

    def places() -> list[Place]:
        if asked:
            has_failed.set()
            raise ClientError({"Error": {"Code": "Throttling"}}, "ListTasks")
        return PLACES

    record = ran(asked, target(places))

    assert has_failed.is_set()
    assert record.failed == 0


def test_a_failure_names_the_step_of_the_update(asked: Asked) -> None:
    running = Traffic([TrafficTarget("web", lambda: PLACES, "/", ((204, None),))], TrafficSettings(rate=100), lambda _text: None)
    running.phase = "update of web"
    running.start()
    waiting.until(lambda: asked, what="a request", timeout=10)

    assert running.stop().targets[0].failures[0].phase == "update of web"


@pytest.mark.parametrize("kind", [pytest.param(FailureKind.UNAVAILABLE, id="by the load balancer"), pytest.param(None, id="by a task")])
def test_an_answer_that_is_expected_is_right_whoever_gives_it(monkeypatch: pytest.MonkeyPatch, kind: FailureKind | None) -> None:
    requests: Asked = []

    def get(self: KeptConnection, path: str, **_options: Any) -> Ending:
        requests.append((str(self.place.address), path))
        return Ending(NOW, NOW, kind, 503, "We are closed")

    monkeypatch.setattr(KeptConnection, "get", get)

    assert ran(requests, TrafficTarget("web", lambda: PLACES, "/", ((503, "closed"),))).failed == 0


def test_a_request_that_never_ends_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    is_sent, end = threading.Event(), threading.Event()

    def get(_self: KeptConnection, _path: str, **_options: Any) -> Ending:
        is_sent.set()
        end.wait(20)
        return Ending(NOW, NOW, None, 200, "Old")

    monkeypatch.setattr(KeptConnection, "get", get)
    monkeypatch.setattr(traffic, "PATIENCE", 0.1)
    running = Traffic([target()], TrafficSettings(rate=100, clients=1), lambda _text: None)
    running.start()
    is_sent.wait(5)

    record = running.stop().targets[0]
    end.set()

    assert (record.sent, [failure.kind for failure in record.failures]) == (1, [FailureKind.TIMEOUT])


def test_the_failures_of_one_task_hide_none_of_another(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(traffic, "MOST_FAILURES", 1)
    record = ran(asked, TrafficTarget("web", lambda: PLACES, "/", ((204, None),)))

    assert record.failed == record.sent > 2
    assert sorted(str(failure.task) for failure in record.failures) == ["arn:a", "arn:b"]


@pytest.mark.parametrize("error", [KeyError("tasks"), UsageError("no"), OSError(5, "io"), TypeError("a value")], ids=lambda error: type(error).__name__)
def test_whatever_a_look_up_raises_the_requests_go_on(asked: Asked, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    monkeypatch.setattr(traffic, "LOOK_UP", 0.01)
    look_ups: list[int] = []

    def places() -> list[Place]:
        look_ups.append(1)
        if len(look_ups) > 1:
            raise error
        return PLACES

    running = Traffic([target(places)], TrafficSettings(rate=100), lambda _text: None)
    running.start()
    waiting.until(lambda: len(look_ups) >= 3, what="three look-ups", timeout=10, interval=0.01)

    assert running.stop().targets[0].failed == 0


def test_traffic_without_a_target_says_that_nothing_is_sent() -> None:
    lines: list[object] = []

    Traffic([], TrafficSettings(), lines.append).start()

    assert "no request is sent" in str(lines[0])
