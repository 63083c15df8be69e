"""Drills with a service that answers as ECS does."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any
from unittest import mock

import pytest

from preflight.errors import WaitExpiredError
from preflight.model import Severity
from preflight.traffic import drill_findings, drills
from preflight.traffic.drills import DrilledService, DrillResult
from preflight.traffic.record import TargetRecord, TrafficRecord

NONE: Any = SimpleNamespace(of_kind=lambda _kind: [])
RECORD = TrafficRecord((TargetRecord("web", sent=100, answered=97),))


class FakeService(DrilledService):
    """A service with tasks in zones; without a circuit breaker it keeps a version that fails."""

    def __init__(self, *zones: str, has_breaker: bool = True, limits: tuple[int, int] | None = None) -> None:
        self._tasks: list[dict[str, Any]] = [{"taskArn": f"arn:{n}", "zone": zone} for n, zone in enumerate(zones)]
        self._limits = limits
        self._has_breaker = has_breaker
        self.stopped: list[str] = []
        self.updates: list[dict[str, Any]] = []
        self.definition = "web:1"

    def tasks(self) -> list[dict[str, Any]]:
        return self._tasks

    def zone_of(self, task: dict[str, Any]) -> str:
        return str(task["zone"])

    def stop(self, tasks: list[dict[str, Any]]) -> None:
        self.stopped += [task["taskArn"] for task in tasks]

    def describe(self) -> dict[str, Any]:
        breaker = {"enable": self._has_breaker, "rollback": self._has_breaker}
        deployment = {"failedTasks": drills.ATTEMPTS, "rolloutState": "IN_PROGRESS"}
        return {
            "taskDefinition": self.definition,
            "desiredCount": len(self._tasks),
            "deployments": [deployment],
            "deploymentConfiguration": {"deploymentCircuitBreaker": breaker},
        }

    def update(self, **changes: Any) -> None:
        self.updates.append(changes)
        self.definition = changes.get("taskDefinition", self.definition)
        if self._has_breaker:
            self.definition = "web:1"

    def wait_until_steady(self) -> None:
        pass

    def wait_until(self, probe: Any, what: str) -> None:
        if not probe():
            raise WaitExpiredError(what)

    def limits(self) -> tuple[int, int] | None:
        return self._limits

    def broken_definition(self) -> Any:
        class Broken:
            def __enter__(self) -> str:
                return "web:2"

            def __exit__(self, *_: object) -> None:
                pass

        return Broken()


def test_a_service_that_is_not_steady_after_scaling_gets_its_count_back(monkeypatch: pytest.MonkeyPatch) -> None:
    service = FakeService("a", "b", limits=(1, 4))
    monkeypatch.setattr(service, "wait_until_steady", mock.Mock(side_effect=WaitExpiredError("steady")))

    assert drills.run("scale", service).problem is not None
    assert service.updates[-1] == {"desiredCount": 2}


def test_one_task_is_lost() -> None:
    service = FakeService("a", "b")

    result = drills.run("task-lost", service)

    assert service.stopped == ["arn:0"]
    assert result.did == "stopped 1 of 2 tasks"


def test_all_tasks_of_the_fullest_zone_are_lost() -> None:
    service = FakeService("a", "b", "b")

    result = drills.run("zone-lost", service)

    assert service.stopped == ["arn:1", "arn:2"]
    assert result.did == "stopped all 2 tasks in b, of 3"


def test_tasks_in_one_zone_are_to_be_spread() -> None:
    assert "two Availability Zones" in str(drills.run("zone-lost", FakeService("a", "a")).fix)


def test_a_circuit_breaker_rolls_a_broken_version_back() -> None:
    result = drills.run("bad-image", FakeService("a"))

    assert result.problem is None
    assert "rolled it back" in result.did


def test_a_broken_version_without_a_circuit_breaker_is_a_problem() -> None:
    result = drills.run("bad-image", FakeService("a", has_breaker=False))

    assert "it has no circuit breaker" in str(result.problem)


def test_the_version_before_comes_back_after_a_broken_one() -> None:
    service = FakeService("a", has_breaker=False)

    drills.run("bad-image", service)

    assert service.definition == "web:1"


def test_a_scaling_that_fails_waits_until_the_service_is_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    service, waits = FakeService("a", "b", limits=(1, 4)), list[int]()

    def steady() -> None:
        waits.append(int(service.updates[-1]["desiredCount"]))
        if len(waits) == 1:
            raise WaitExpiredError("waited 180 s for a steady state of web")

    monkeypatch.setattr(service, "wait_until_steady", steady)

    drills.run("scale", service)

    assert waits == [4, 2]


def test_a_service_is_scaled_to_its_limits_and_back() -> None:
    service = FakeService("a", "b", limits=(1, 4))

    drills.run("scale", service)

    assert [update["desiredCount"] for update in service.updates] == [4, 1, 2]


@pytest.mark.parametrize(
    ("name", "service"),
    [
        pytest.param("scale", FakeService("a"), id="scaling that nothing does"),
        pytest.param("scale", FakeService("a", limits=(0, 0)), id="scaling that allows no task"),
        pytest.param("scale", FakeService("a", limits=(20, 40)), id="scaling to more tasks than a drill runs"),
        pytest.param("task-lost", FakeService(), id="a task that is not there"),
    ],
)
def test_what_cannot_be_drilled_is_skipped(name: str, service: FakeService) -> None:
    assert drills.run(name, service).skipped is not None


def test_a_service_that_does_not_recover_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    service = FakeService("a")

    def never(_tasks: object) -> None:
        raise WaitExpiredError("waited 180 s for tasks in their place of web")

    monkeypatch.setattr(service, "stop", never)

    assert "did not recover" in str(drills.run("task-lost", service).problem)


def test_a_drill_says_what_it_did_what_users_saw_and_how_long_it_took() -> None:
    result = DrillResult("stopped 1 of 2 tasks", seconds=6.25)

    found = list(drill_findings.findings("task-lost", "web", result, RECORD, NONE))

    expected = "drill task-lost of web: stopped 1 of 2 tasks; 3 of 100 requests failed; the service was as before after 6.2 s"
    assert [finding.message for finding in found] == [expected]


def test_a_problem_of_a_drill_is_an_error() -> None:
    result = replace(DrillResult("deployed"), problem="it stays", fix="Set it.")

    found = list(drill_findings.findings("bad-image", "web", result, RECORD, NONE))

    assert found[-1].severity is Severity.ERROR
    assert found[-1].fix == "Set it."
