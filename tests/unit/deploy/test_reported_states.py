from __future__ import annotations

import datetime as dt
from unittest import mock

from preflight.deploy.declared_resources import DeclaredResources
from preflight.deploy.reported_states import ReportedStates
from preflight.deploy.tasks import StoppedTask, Tasks
from preflight.model import Progress

SERVICES = {"arn:aws:ecs:eu-west-1:1:service/c/web": "c"}
STOPPED = StoppedTask("arn:aws:ecs:eu-west-1:1:task/c/t2", "web", "d", "EssentialContainerExited", "it ended", dt.datetime.now(dt.timezone.utc))


def reported(*polls: list[tuple[str, str]], stopped: tuple[StoppedTask, ...] = ()) -> list[tuple[str, str]]:
    """The names and states that the last of several polls reports."""
    resources, tasks = mock.Mock(spec=DeclaredResources), mock.Mock(spec=Tasks)
    resources.states.return_value = [("Vpc", "AWS::EC2::VPC in web", "CREATE_COMPLETE")]
    said: list[str] = []
    states = ReportedStates(resources, tasks, said.append)
    for poll in polls:
        said.clear()
        tasks.states.return_value = poll
        states.report(SERVICES, stopped)
    return [(message.name, message.state) for message in said if isinstance(message, Progress)]


def test_resources_and_tasks_have_their_states() -> None:
    assert reported([("t1", "PENDING")]) == [("Vpc", "CREATE_COMPLETE"), ("t1", "PENDING")]


def test_a_task_that_is_not_to_run_any_more_is_stopping() -> None:
    assert reported([("t1", "RUNNING")], [("t2", "PENDING")])[1:] == [("t1", "STOPPING"), ("t2", "PENDING")]


def test_a_task_that_stopped_says_why() -> None:
    assert reported([("t1", "RUNNING")], stopped=(STOPPED,))[1:] == [("t1", "RUNNING"), ("t2", "STOPPED: it ended")]
