from __future__ import annotations

import itertools
import time
from typing import Any
from unittest import mock

import pytest

from preflight.rehearsal.cloudformation.resources import ecs
from preflight.rehearsal.cloudformation.resources.ecs import _FailedLaunches
from preflight.rehearsal.cloudformation.resources.failure import ResourceFailedError


def test_a_service_is_given_up_after_three_failures_and_a_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ecs, "GRACE", 3.0)
    clock = iter([10.0, 12.9, 13.0])
    monkeypatch.setattr(time, "monotonic", lambda: next(clock))
    failing = _FailedLaunches()

    assert [failing.is_hopeless(failed) for failed in (0, 1, 3, 5)] == [False, False, False, True]


def service(*, rollout: str, failed: int = 0, event: str = "") -> dict[str, Any]:
    """Returns what DescribeServices says of a service."""
    deployment = {"id": "d", "rolloutState": rollout, "rolloutStateReason": "ECS deployment circuit breaker: rolling back to deploymentId c.", "failedTasks": failed}
    return {"services": [{"deployments": [deployment], "events": [{"message": event}] if event else []}]}


def stabilize(described: dict[str, Any], *, is_stopped: bool = False) -> None:
    context = mock.Mock(is_stopped=is_stopped)
    context.call.return_value = described
    ecs._stabilize(context, "arn", None, "d")


@pytest.mark.parametrize(
    ("described", "is_stopped", "reason"),
    [
        pytest.param(service(rollout="FAILED"), False, ecs.TRIPPED, id="the circuit breaker tripped"),
        pytest.param(service(rollout="COMPLETED", event="(service s) (deployment d) deployment failed: tasks failed to start."), False, ecs.TRIPPED, id="it was rolled back already"),
        pytest.param(service(rollout="COMPLETED", event="(service s) (deployment d) deployment failed: Service deployment rolled back because it may not."), False, "rolled back because it may not", id="traffic could not be shifted"),
        pytest.param(service(rollout="IN_PROGRESS", failed=3), False, "Service arn did not stabilize.", id="three failed launches"),
        pytest.param(service(rollout="IN_PROGRESS", event=f"(service s) {ecs.STUCK}."), False, "Service arn did not stabilize.", id="no room for a task"),
        pytest.param(service(rollout="IN_PROGRESS"), True, "Resource creation cancelled", id="the stack is cancelled"),
    ],
)
def test_a_service_that_never_gets_steady_fails_its_resource(
    monkeypatch: pytest.MonkeyPatch, described: dict[str, Any], reason: str, *, is_stopped: bool
) -> None:
    monkeypatch.setattr(ecs, "GRACE", 0.0)

    with pytest.raises(ResourceFailedError, match=reason):
        stabilize(described, is_stopped=is_stopped)


def test_a_failure_counts_though_its_event_is_gone_by_the_end_of_the_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ecs, "GRACE", 0.1)
    failed = service(rollout="COMPLETED", event="(service s) (deployment d) deployment failed: tasks failed to start.")
    steady = service(rollout="COMPLETED", event="(service s) has reached a steady state.")
    context = mock.Mock(is_stopped=False)
    context.call.side_effect = itertools.chain([failed], itertools.repeat(steady))

    with pytest.raises(ResourceFailedError, match=ecs.TRIPPED):
        ecs._stabilize(context, "arn", None, "d")


def test_a_steady_service_completes_its_resource() -> None:
    stabilize(service(rollout="COMPLETED", event="(service s) has reached a steady state."))
