"""When a container of a task may start. Pure.

Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDependency.html.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from typing import Any

from preflight.rehearsal.containers.task_spec import ContainerSpec

Shown = Mapping[str, Mapping[str, Any]]


class StartDecision(enum.Enum):
    """Whether a container may start."""

    START = "start"
    WAIT = "wait"
    NEVER = "never"


def may_start(spec: ContainerSpec, shown: Shown, started: Mapping[str, float], overdue: set[str]) -> StartDecision:
    """Whether everything that `spec` depends on has come.

    `shown` are the containers as ECS shows them, `started` when each was started, `overdue` those
    whose start timeout is over.
    """
    answers = {
        _timely(_holds(condition, shown[name], is_started=name in started), is_overdue=name in overdue)
        for name, condition in spec.depends_on
    }
    if StartDecision.NEVER in answers:
        return StartDecision.NEVER
    return StartDecision.WAIT if StartDecision.WAIT in answers else StartDecision.START


def _timely(answer: StartDecision, *, is_overdue: bool) -> StartDecision:
    return StartDecision.NEVER if answer is StartDecision.WAIT and is_overdue else answer


def overdue(containers: Iterable[ContainerSpec], started: Mapping[str, float], now: float) -> set[str]:
    """Containers that were started longer ago than their start timeout allows others to wait for."""
    return {spec.name for spec in containers if now - started.get(spec.name, now) > spec.start_timeout}


def _holds(condition: str, container: Mapping[str, Any], *, is_started: bool) -> StartDecision:
    is_stopped = container["lastStatus"] == "STOPPED"
    if condition == "START":
        return StartDecision.START if is_started else StartDecision.WAIT
    if condition == "COMPLETE":
        return StartDecision.START if is_stopped else StartDecision.WAIT
    if condition == "SUCCESS":
        if is_stopped:
            return StartDecision.START if container.get("exitCode") == 0 else StartDecision.NEVER
        return StartDecision.WAIT
    if container["healthStatus"] == "HEALTHY":
        return StartDecision.START
    return StartDecision.NEVER if is_stopped or container["healthStatus"] == "UNHEALTHY" else StartDecision.WAIT
