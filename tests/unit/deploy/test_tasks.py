from __future__ import annotations

import datetime as dt
from typing import Any
from unittest import mock

import pytest
from botocore.exceptions import ClientError

from preflight.deploy.tasks import ServiceTask, Tasks

TASK: dict[str, Any] = {"attachments": [{"details": [{"name": "networkInterfaceId", "value": "eni-1"}]}]}
EARLY = dt.datetime(2026, 1, 1, tzinfo=dt.timezone.utc)
LATE = EARLY + dt.timedelta(seconds=5)


def looked_up(code: str) -> ServiceTask | None:
    """What a task is found as where EC2 answers with an error."""
    session = mock.Mock()
    every = Tasks(session)
    every._ec2 = mock.Mock()
    every._ec2.describe_network_interfaces.side_effect = ClientError({"Error": {"Code": code}}, "X")
    return every._addressed(TASK, "s")


def test_a_task_whose_interface_went_meanwhile_is_none() -> None:
    assert looked_up("InvalidNetworkInterfaceID.NotFound") is None


@pytest.mark.parametrize(
    "code",
    [
        pytest.param("RequestExpired", id="old credentials"),
        pytest.param("UnauthorizedOperation", id="no permission"),
        pytest.param("RequestLimitExceeded", id="too many requests"),
    ],
)
def test_an_account_that_does_not_tell_is_not_taken_for_a_task_that_went(code: str) -> None:
    with pytest.raises(ClientError, match=code):
        looked_up(code)


def decided_at(reason: str = "Essential container in task exited", **times: dt.datetime) -> dt.datetime:
    """When it was decided that a task with these times stopped."""
    session = mock.Mock()
    every = Tasks(session)
    every._ecs = mock.Mock()
    every._ecs.describe_task_definition.return_value = {"taskDefinition": {"containerDefinitions": []}}
    task = {"taskArn": "arn:task/1", "taskDefinitionArn": "d", "containers": [], "createdAt": EARLY, "stoppedReason": reason, **times}
    return every._stopped(task, "s", []).decided_at


def test_the_launch_decides_about_a_task_that_never_ran() -> None:
    """On a busy machine it may be recorded as stopped after a route was added that it would have needed."""
    assert decided_at(stoppedAt=LATE) == EARLY


def test_the_end_decides_about_a_task_that_ran() -> None:
    assert decided_at(startedAt=EARLY, stoppedAt=LATE) == LATE


def test_the_launch_decides_about_a_task_that_no_load_balancer_reached() -> None:
    """Its health may have been judged before the rule of a security group that lets the load balancer in."""
    reason = "Task failed ELB health checks in (target-group arn:g)"

    assert decided_at(reason, startedAt=EARLY, stoppedAt=LATE) == EARLY
