"""A target that is checked again and again, and its health."""

from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from preflight.rehearsal.load_balancing import target_health_check
from preflight.rehearsal.load_balancing.health_check_request import CheckResult, HealthCheck
from preflight.rehearsal.load_balancing.target import Target
from preflight.rehearsal.load_balancing.target_health_check import TargetHealthCheck
from preflight.system import waiting

CHECK = HealthCheck("HTTP", 80, "/", "200", interval=10, timeout=5, unhealthy_threshold=2)
SUCCESS, FAILURE = CheckResult(is_healthy=True), CheckResult(is_healthy=False)
WRONG_PAGE = CheckResult(is_healthy=False, is_permanent=True)
UNREACHABLE = CheckResult(is_healthy=False, can_recover=False)


@pytest.mark.parametrize(
    ("result", "failures", "elapsed", "grace", "current", "state"),
    [
        pytest.param(SUCCESS, 0, 1, 0, "initial", "healthy", id="the first success"),
        pytest.param(FAILURE, 9, 19, 0, "initial", "initial", id="within the time of the threshold"),
        pytest.param(FAILURE, 9, 21, 0, "initial", "unhealthy", id="after the time of the threshold"),
        pytest.param(FAILURE, 9, 20, 0, "initial", "unhealthy", id="exactly the time of the threshold"),
        pytest.param(FAILURE, 9, 21, 10, "initial", "initial", id="within the grace period"),
        pytest.param(FAILURE, 9, 49, 99, "initial", "initial", id="within the longest grace period"),
        pytest.param(FAILURE, 9, 50, 99, "initial", "unhealthy", id="after the longest grace period"),
        pytest.param(WRONG_PAGE, 9, 2, 0, "initial", "initial", id="a wrong page for a moment"),
        pytest.param(WRONG_PAGE, 9, 4, 0, "initial", "unhealthy", id="a wrong page for some seconds"),
        pytest.param(UNREACHABLE, 1, 0, 60, "initial", "unhealthy", id="a failure that cannot recover"),
        pytest.param(FAILURE, 1, 99, 0, "healthy", "healthy", id="one failure of a healthy target"),
        pytest.param(FAILURE, 2, 99, 0, "healthy", "unhealthy", id="as many failures as the threshold"),
    ],
)
def test_a_check_decides_the_state_of_a_target(
    result: CheckResult, failures: int, elapsed: float, grace: float, current: str, state: str
) -> None:
    assert state == target_health_check.next_state(
        CHECK, result, failures=failures, elapsed=elapsed, grace=grace, current=current
    )


def client_error(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": ""}}, "DescribeTargetGroups")


@pytest.mark.parametrize(
    ("code", "requests"),
    [
        pytest.param("TargetGroupNotFound", 1, id="the group is gone"),
        pytest.param("InternalFailure", 3, id="an internal failure"),
    ],
)
def test_a_target_is_checked_until_its_group_is_deleted(code: str, requests: int) -> None:
    codes: list[str] = []
    target = Target("group", "10.0.0.4", 80, "vpc", 80)

    def describe(**_given: Any) -> Any:
        codes.append(code)
        if len(codes) == 3:
            target.deregistered.set()
        raise client_error(code)

    elb = SimpleNamespace(describe_target_groups=describe)
    account = SimpleNamespace(closing=threading.Event(), client=lambda _service, _region: elb)
    state = SimpleNamespace(account=account, changed=threading.Condition())
    task = SimpleNamespace(region="eu-west-1", service=None, targets={})
    checker = TargetHealthCheck(task, None, target, state, interfaces_of=lambda _arn: ())  # type: ignore[arg-type]
    checker.start()
    waiting.until(lambda: checker._worker.is_stopping or None, what="the end of the checks", timeout=10)

    assert len(codes) == requests


@pytest.mark.parametrize(
    ("is_network", "result", "counted"),
    [
        pytest.param(True, UNREACHABLE, "healthy", id="ECS keeps a task that no network load balancer reaches"),
        pytest.param(True, FAILURE, "unhealthy", id="it replaces one that does not answer a network load balancer"),
        pytest.param(False, UNREACHABLE, "unhealthy", id="it replaces one that no application load balancer reaches"),
    ],
)
def test_an_unhealthy_target_counts_for_its_task(result: CheckResult, counted: str, *, is_network: bool) -> None:
    target = Target("group", "10.0.0.4", 80, "vpc-1", 80, is_network=is_network)
    task = SimpleNamespace(service=None, targets={})
    state = SimpleNamespace(account=None, changed=threading.Condition())
    checker = TargetHealthCheck(task, None, target, state, interfaces_of=lambda _arn: ())  # type: ignore[arg-type]

    checker._set_state("unhealthy", result)

    assert target.state == "unhealthy"
    assert task.targets["group"] == counted
