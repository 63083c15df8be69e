"""Stopped tasks that are remembered while a rollback takes them away."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace

import pytest

from preflight.deploy.stopped_tasks import StoppedTasks
from preflight.deploy.tasks import StoppedTask, Tasks

SERVICE = "arn:aws:ecs:eu-west-1:123456789012:service/cluster/web"
MOMENT = dt.datetime(2026, 1, 1, tzinfo=dt.timezone.utc)
STOPPED = StoppedTask("arn:task/1", "web", "arn:definition", "EssentialContainerExited", "exited", MOMENT, log=("permission denied",))
OTHER = replace(STOPPED, arn="arn:task/2", log=())


class Answers(Tasks):
    """Tasks whose stopped ones are given, one list after the other."""

    def __init__(self, *answers: list[StoppedTask]) -> None:
        self._answers = iter(answers)

    def stopped(self, cluster: str, service: str) -> Iterator[StoppedTask]:
        assert (cluster, service) == ("cluster", "web")
        return iter(next(self._answers))


@pytest.mark.parametrize(
    ("then", "expected"),
    [
        pytest.param([replace(STOPPED, log=())], [STOPPED], id="its log was deleted"),
        pytest.param([], [STOPPED], id="its service was deleted"),
        pytest.param([OTHER], [OTHER], id="another task never had a log"),
        pytest.param([replace(STOPPED, log=("more",))], [replace(STOPPED, log=("more",))], id="it has a new log"),
    ],
)
def test_a_task_keeps_the_log_that_it_was_seen_with(then: list[StoppedTask], expected: list[StoppedTask]) -> None:
    stopped = StoppedTasks(Answers([STOPPED], then))
    stopped.of_service("cluster", SERVICE)

    assert stopped.last_of_service("cluster", SERVICE) == expected


def test_a_service_of_now_has_no_tasks_of_before() -> None:
    stopped = StoppedTasks(Answers([STOPPED], []))
    stopped.of_service("cluster", SERVICE)

    assert stopped.of_service("cluster", SERVICE) == []
