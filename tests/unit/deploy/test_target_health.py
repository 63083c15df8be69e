from __future__ import annotations

from typing import Any
from unittest import mock

import pytest

from preflight.deploy import target_health
from preflight.deploy.target_health import UnhealthyGroup

HEALTHY = {"State": "healthy"}
INITIAL = {"State": "initial", "Reason": "Elb.InitialHealthChecking"}
UNHEALTHY = {"State": "unhealthy", "Reason": "Target.Timeout", "Description": "Request timed out"}


def unhealthy(*answers: list[dict[str, str]]) -> list[UnhealthyGroup]:
    """The groups of a service whose target health is described by one answer after the other."""
    clients: dict[str, Any] = {"ecs": mock.Mock(), "elbv2": mock.Mock()}
    clients["ecs"].describe_services.return_value = {"services": [{"loadBalancers": [{"targetGroupArn": "group"}]}]}
    clients["elbv2"].describe_target_health.side_effect = [
        {"TargetHealthDescriptions": [{"TargetHealth": health} for health in answer]} for answer in answers
    ]
    session = mock.Mock(client=clients.__getitem__, interval=0.0)
    return list(target_health.unhealthy_groups(session, "cluster", "web"))


def test_a_group_without_a_healthy_target_is_unhealthy() -> None:
    assert unhealthy([UNHEALTHY, UNHEALTHY]) == [UnhealthyGroup("web", "group", "Request timed out")]


@pytest.mark.parametrize(
    "health",
    [
        pytest.param([HEALTHY, UNHEALTHY], id="one is healthy"),
        pytest.param([{"State": "unused"}], id="not checked, since no listener forwards to it"),
        pytest.param([], id="no target"),
    ],
)
def test_any_other_group_is_not(health: list[dict[str, str]]) -> None:
    assert unhealthy(health) == []


def test_the_first_checks_are_waited_for() -> None:
    assert unhealthy([INITIAL], [UNHEALTHY]) != []
