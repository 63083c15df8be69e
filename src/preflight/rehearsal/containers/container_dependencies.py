"""Decides when a container of a task may start. Pure.

Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDependency.html.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping

from preflight.model import JsonObject
from preflight.rehearsal.containers.task_spec import ContainerSpec


class StartDecision(enum.Enum):
    """Whether a container may start."""

    START = "start"
    WAIT = "wait"
    NEVER = "never"


def may_start(
    spec: ContainerSpec, containers: Mapping[str, JsonObject], started: Mapping[str, float], overdue: set[str]
) -> StartDecision:
    """Whether every dependency of a container is met.

    `started` holds when each container was started, `overdue` those whose start timeout is over.
    """
    decisions = set()
    for name, condition in spec.depends_on:
        decision = _decide(condition, containers[name], is_started=name in started)
        is_too_late = decision is StartDecision.WAIT and name in overdue
        decisions.add(StartDecision.NEVER if is_too_late else decision)
    if StartDecision.NEVER in decisions:
        return StartDecision.NEVER
    return StartDecision.WAIT if StartDecision.WAIT in decisions else StartDecision.START


def overdue(containers: Iterable[ContainerSpec], started: Mapping[str, float], now: float) -> set[str]:
    """Returns the containers that were started longer ago than their start timeout."""
    return {spec.name for spec in containers if now - started.get(spec.name, now) > spec.start_timeout}


def _decide(condition: str, container: JsonObject, *, is_started: bool) -> StartDecision:
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
