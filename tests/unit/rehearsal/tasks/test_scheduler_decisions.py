"""What the service scheduler does with one service in one pass."""

from __future__ import annotations

import time
from typing import Any

import pytest

from preflight.rehearsal.tasks import circuit_breaker, service_scheduler
from tests.unit.rehearsal.tasks.scheduler_world import World


@pytest.mark.parametrize(
    ("minimum", "stopped"),
    [
        pytest.param(100, [], id="all have to stay healthy"),
        pytest.param(50, ["old-1"], id="half of them"),
        pytest.param(0, ["old-1", "old-2"], id="none"),
    ],
)
def test_healthy_tasks_of_the_old_deployment_stop_down_to_the_minimum(minimum: int, stopped: list[str]) -> None:
    world = World(desired=2, minimumHealthyPercent=minimum)
    world.add(world.old, "old-1", "old-2")
    world.add(world.new, "new-1", "new-2", is_ready=False)

    world.reconcile()

    assert world.launcher.stopped == stopped


def test_each_new_healthy_task_replaces_an_old_one() -> None:
    world = World(desired=2)
    world.add(world.old, "old-1", "old-2")
    world.add(world.new, "new-1")

    world.reconcile()

    assert world.launcher.stopped == ["old-1"]


def test_an_old_task_that_is_not_ready_stops_whatever_the_minimum_is() -> None:
    world = World(desired=2)
    world.add(world.old, "old-1")
    world.add(world.old, "old-2", is_ready=False)

    world.reconcile()

    assert world.launcher.stopped == ["old-2"]


@pytest.mark.parametrize(
    ("maximum", "begun"),
    [
        pytest.param(100, 0, id="no more than desired"),
        pytest.param(150, 1, id="half of them more"),
        pytest.param(200, 2, id="twice as many"),
    ],
)
def test_new_tasks_start_up_to_the_maximum(maximum: int, begun: int) -> None:
    world = World(desired=2, maximumPercent=maximum)
    world.add(world.old, "old-1", "old-2")

    world.reconcile()

    assert len(world.launcher.begun) == begun


@pytest.mark.parametrize(
    ("failed", "rollout"), [pytest.param(2, "IN_PROGRESS", id="one below it"), pytest.param(3, "FAILED", id="as many")]
)
def test_the_circuit_breaker_trips_at_its_threshold(failed: int, rollout: str) -> None:
    world = World(desired=1, deploymentCircuitBreaker={"enable": True, "rollback": False})
    world.add_failed(failed)

    world.reconcile()

    assert world.new.rollout == rollout
    assert world.service.primary is world.new


def test_without_a_circuit_breaker_a_deployment_never_fails() -> None:
    world = World(desired=1)
    world.add_failed(9)

    world.reconcile()

    assert world.new.rollout == "IN_PROGRESS"
    assert world.new.failed == 9


def test_a_rollback_makes_the_completed_deployment_the_primary_one() -> None:
    world = World(desired=1, deploymentCircuitBreaker={"enable": True, "rollback": True})
    world.add_failed(3)

    world.reconcile()

    assert world.service.primary is world.old
    assert world.new.reason == "ECS deployment circuit breaker: rolling back to deploymentId old."
    assert "rolling back to deployment old." in world.events


def test_there_is_no_rollback_to_a_deployment_that_did_not_complete() -> None:
    world = World(desired=1, deploymentCircuitBreaker={"enable": True, "rollback": True})
    world.old.rollout = "FAILED"
    world.add_failed(3)

    world.reconcile()

    assert world.service.primary is world.new
    assert world.new.reason == "ECS deployment circuit breaker: tasks failed to start."


def test_a_failed_deployment_starts_no_more_tasks() -> None:
    world = World(desired=2)
    world.new.rollout = "FAILED"

    world.reconcile()

    assert world.launcher.begun == []


def test_a_failed_launch_delays_the_next_one() -> None:
    world = World(desired=1)
    world.add_failed(4)
    started_at = time.monotonic()

    world.reconcile()

    assert world.launcher.begun == []
    assert world.new.not_before - started_at == pytest.approx(1.6, abs=0.5)


def test_a_task_that_ran_resets_the_failures_of_its_deployment() -> None:
    world = World(desired=1)
    world.add_failed(2)
    world.reconcile()
    world.add(world.new, "ran", lastStatus="STOPPED", desiredStatus="STOPPED", stopCode="EssentialContainerExited")
    world.state.tasks["ran"].settled_once = True

    world.reconcile()

    assert world.new.failed == 0


def test_a_task_that_a_user_stopped_is_no_failure() -> None:
    world = World(desired=1)
    world.add(world.new, "t", lastStatus="STOPPED", desiredStatus="STOPPED", stopCode="UserInitiated")

    world.reconcile()

    assert world.new.failed == 0


def test_an_unhealthy_task_is_stopped_and_counts_as_a_failure() -> None:
    world = World(desired=1)
    world.add(world.new, "t", healthStatus="UNHEALTHY")

    world.reconcile()
    world.reconcile()

    assert world.launcher.stopped == ["t"]
    assert world.new.failed == 1
    assert "(task t) failed container health checks." in world.events


def test_a_service_is_steady_once_the_old_tasks_are_gone() -> None:
    world = World(desired=1)
    world.add(world.old, "old-1")
    world.add(world.new, "new-1")

    world.reconcile()

    assert world.service.is_steady
    assert world.service.deployments == [world.new]
    assert world.new.rollout == "COMPLETED"


def test_a_service_is_not_steady_while_an_old_task_is_stopping() -> None:
    world = World(desired=1)
    world.add(world.old, "old-1", desiredStatus="STOPPED")
    world.add(world.new, "new-1")

    world.reconcile()

    assert not world.service.is_steady
    assert world.new.rollout == "IN_PROGRESS"


@pytest.mark.parametrize(
    ("desired", "threshold"),
    [
        pytest.param(1, 3, id="one task"),
        pytest.param(25, 13, id="half of them"),
        pytest.param(1000, 200, id="at most 200"),
    ],
)
def test_the_threshold_of_the_circuit_breaker_is_half_of_the_tasks(desired: int, threshold: int) -> None:
    assert circuit_breaker.threshold(desired) == threshold


@pytest.mark.parametrize(
    ("configuration", "bounds"),
    [
        pytest.param({}, (3, 6), id="defaults"),
        pytest.param({"minimumHealthyPercent": 50, "maximumPercent": 150}, (2, 4), id="up, and down"),
        pytest.param({"minimumHealthyPercent": 0, "maximumPercent": 100}, (0, 3), id="zero is no default"),
    ],
)
def test_bounds_of_a_deployment_are_rounded_towards_the_desired_count(
    configuration: dict[str, int], bounds: tuple[int, int]
) -> None:
    assert service_scheduler.bounds(World(desired=3, **configuration).service) == bounds


@pytest.mark.parametrize(("can_help", "counted"), [(True, 0), (False, 3)], ids=["a route is still to come", "nothing is to come"])
def test_failed_launches_count_once_nothing_can_help_the_service(*, can_help: bool, counted: int) -> None:
    world = World(desired=1)
    world.state.can_be_helped = lambda _service, _failing: can_help
    world.add_failed(3)

    world.reconcile()

    assert world.new.failed == counted


def test_a_service_on_container_instances_is_steady_without_a_task() -> None:
    world = World(desired=2)
    world.service.is_left_out = True

    world.reconcile()

    assert world.launcher.begun == []
    assert world.new.rollout == "COMPLETED"


@pytest.mark.parametrize(
    ("configuration", "notes"),
    [
        pytest.param({}, 0, id="rolling by default"),
        pytest.param({"strategy": "ROLLING"}, 0, id="rolling"),
        pytest.param({"strategy": "CANARY"}, 1, id="a canary, whose bake time is shortened"),
        pytest.param({"strategy": "BLUE_GREEN", "lifecycleHooks": [{"hookTargetArn": "f"}]}, 2, id="hooks"),
        pytest.param({"alarms": {"alarmNames": ["a"], "enable": True, "rollback": True}}, 1, id="an alarm"),
        pytest.param({"alarms": {"alarmNames": ["a"], "enable": False, "rollback": True}}, 0, id="an alarm that is off"),
    ],
)
def test_what_is_not_rehearsed_of_a_deployment_is_noted(configuration: dict[str, Any], notes: int) -> None:
    world = World(desired=1, **configuration)

    world.reconcile()

    assert len(world.ledger.notes) == notes


@pytest.mark.parametrize(
    ("seconds", "is_open", "stopped"),
    [
        pytest.param(5, True, ["before"], id="once it listens"),
        pytest.param(5, False, [], id="not before it listens"),
        pytest.param(41, False, ["before"], id="after 40 seconds, as on AWS"),
    ],
)
def test_a_new_task_replaces_an_old_one(seconds: float, stopped: list[str], *, is_open: bool) -> None:
    world = World(desired=1)
    world.add(world.old, "before")
    world.state.tasks["before"].settled_once = True
    world.add(world.new, "after")
    world.state.tasks["after"].ran_since = time.monotonic() - seconds
    world.launcher.is_open = is_open

    world.reconcile()

    assert world.launcher.stopped == stopped
