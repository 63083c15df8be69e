"""How a deployment moves production traffic to the new revision of a service. Pure.

Sources: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeploymentConfiguration.html,
https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_LinearConfiguration.html and
https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CanaryConfiguration.html.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

ROLLING, BLUE_GREEN, LINEAR, CANARY = "ROLLING", "BLUE_GREEN", "LINEAR", "CANARY"
BAKE = 15  # minutes, if no bake time is set
LINEAR_PERCENT, LINEAR_BAKE = 10.0, 6
CANARY_PERCENT, CANARY_BAKE = 5.0, 10
ALL = 100.0
PRODUCTION_RULE, TEST_RULE = RULES = ("productionListenerRule", "testListenerRule")  # of an advanced configuration


@dataclass(frozen=True)
class Step:
    """The percentage of production traffic that the new revision has, and the minutes until the next step."""

    percent: float
    minutes: float


def of(request: Mapping[str, Any]) -> str:
    """Returns the strategy of a service."""
    return str((request.get("deploymentConfiguration") or {}).get("strategy") or ROLLING)


def steps(request: Mapping[str, Any]) -> tuple[Step, ...]:
    """Returns the steps in which production traffic is shifted; the minutes of the last one are the bake time of the deployment."""
    configuration = request.get("deploymentConfiguration") or {}
    last = Step(ALL, _value(configuration, "bakeTimeInMinutes", BAKE))
    return (*_before_all(of(request), configuration), last)


def _before_all(strategy: str, configuration: Mapping[str, Any]) -> Iterator[Step]:
    """The steps before all traffic is shifted."""
    if strategy == CANARY:
        canary = configuration.get("canaryConfiguration") or {}
        percent = _value(canary, "canaryPercent", CANARY_PERCENT)
        if percent < ALL:
            yield Step(percent, _value(canary, "canaryBakeTimeInMinutes", CANARY_BAKE))
    if strategy == LINEAR:
        linear = configuration.get("linearConfiguration") or {}
        percent, minutes = _value(linear, "stepPercent", LINEAR_PERCENT), _value(linear, "stepBakeTimeInMinutes", LINEAR_BAKE)
        number = 1
        while round(number * percent, 1) < ALL:
            yield Step(round(number * percent, 1), minutes)
            number += 1


def _value(configuration: Mapping[str, Any], key: str, default: float) -> float:
    value = configuration.get(key)
    return float(default if value is None else value)


def weights(percent: float) -> tuple[int, int]:
    """Returns the weights, which are whole numbers up to 999, of two target groups; the second one gets the percentage."""
    parts = 100 if percent == int(percent) else 1000
    second = round(percent * parts / ALL)
    return parts - second, second
