"""When a container of a task may start. Pure.

Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDependency.html.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from typing import Any

from preflight.rehearsal.containers import task_spec as launch

Shown = Mapping[str, Mapping[str, Any]]


class Answer(enum.Enum):
    """Whether a container may start."""

    START = "start"
    WAIT = "wait"
    NEVER = "never"


def may_start(plan: launch.ContainerPlan, shown: Shown, started: Mapping[str, float], overdue: set[str]) -> Answer:
    """Whether everything that `plan` depends on has come.

    `shown` are the containers as ECS shows them, `started` when each was started, `overdue` those
    whose start timeout is over.
    """
    answers = {
        _timely(_holds(condition, shown[name], is_started=name in started), is_overdue=name in overdue)
        for name, condition in plan.depends_on
    }
    if Answer.NEVER in answers:
        return Answer.NEVER
    return Answer.WAIT if Answer.WAIT in answers else Answer.START


def _timely(answer: Answer, *, is_overdue: bool) -> Answer:
    return Answer.NEVER if answer is Answer.WAIT and is_overdue else answer


def overdue(containers: Iterable[launch.ContainerPlan], started: Mapping[str, float], now: float) -> set[str]:
    """Containers that were started longer ago than their start timeout allows others to wait for."""
    return {plan.name for plan in containers if now - started.get(plan.name, now) > plan.start_timeout}


def _holds(condition: str, container: Mapping[str, Any], *, is_started: bool) -> Answer:
    is_stopped = container["lastStatus"] == "STOPPED"
    if condition == "START":
        return Answer.START if is_started else Answer.WAIT
    if condition == "COMPLETE":
        return Answer.START if is_stopped else Answer.WAIT
    if condition == "SUCCESS":
        if is_stopped:
            return Answer.START if container.get("exitCode") == 0 else Answer.NEVER
        return Answer.WAIT
    if container["healthStatus"] == "HEALTHY":
        return Answer.START
    return Answer.NEVER if is_stopped or container["healthStatus"] == "UNHEALTHY" else Answer.WAIT
