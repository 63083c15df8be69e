"""What Application Auto Scaling refuses of step scaling policies."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from typing import Any

from preflight.aws import unresolved
from preflight.aws.constraints import (
    Constraint,
    Fault,
    Object,
    Predicate,
    Test,
    as_number,
    between,
    count,
    equal,
    get,
    items,
    lacks,
    needs,
    unequal,
    value,
)

AT = "StepScalingPolicyConfiguration"
_API = "https://docs.aws.amazon.com/autoscaling/application/APIReference"
_CONFIGURATION = f"{_API}/API_StepScalingPolicyConfiguration.html"
_STEP = f"{_API}/API_StepAdjustment.html"
_GUIDE = "https://docs.aws.amazon.com/autoscaling/application/userguide/step-scaling-policy-overview.html"
_QUOTAS = "https://docs.aws.amazon.com/autoscaling/application/userguide/application-auto-scaling-limits.html"
_INVALID = "ValidationException"
_NAMES = ("MetricIntervalLowerBound", "MetricIntervalUpperBound")
Interval = tuple[float, float]


def _bound(step: Object, name: str, missing: float) -> float | None:
    value = get(step, name)
    return missing if value is None else as_number(value)


def _intervals(part: Object) -> list[Interval]:
    """Returns the intervals of all steps, by their lower bounds; none if some are not known."""
    steps = items(part, "StepAdjustments")
    if unresolved.contains_function(steps) or not all(isinstance(step, dict) for step in steps):
        return []
    value = [(_bound(step, _NAMES[0], -math.inf), _bound(step, _NAMES[1], math.inf)) for step in steps]
    whole = [(low, high) for low, high in value if low is not None and high is not None]
    return sorted(whole) if len(whole) == len(value) else []


def _test(is_wrong: Callable[[list[Interval]], bool], *, taken: tuple[Object, ...], refused: tuple[Object, ...]) -> Test:
    def faults(part: Object) -> Iterator[Fault]:
        intervals = _intervals(part)
        if intervals and is_wrong(intervals):
            yield Fault(("StepAdjustments",), len(intervals))

    return Test(faults, taken, refused)


def _steps(*bounds: tuple[Any, Any]) -> Object:
    """Returns a configuration with steps from and to these bounds; None leaves a bound out."""
    intervals = ({name: bound for name, bound in zip(_NAMES, pair, strict=True) if bound is not None} for pair in bounds)
    return {"StepAdjustments": [{"ScalingAdjustment": 1, **step} for step in intervals]}


_RIGHT = (
    *(_steps((0, None)), _steps((None, 0)), _steps((10, None), (0, "10")), _steps((0, 10), (10, 20), (20, None))),
    *(_steps((None, -20), (-20, -10.5), (-10.5, 0)), _steps((None, 0), (0, None))),
)
_SHAPES: tuple[tuple[Callable[[list[Interval]], bool], str, tuple[Object, ...]], ...] = (
    (
        lambda intervals: any(low == -math.inf and high == math.inf for low, high in intervals),
        "Both lower and upper bounds of a step adjustment cannot be left unspecified",
        (_steps((None, None)),),
    ),
    (
        lambda intervals: any(low >= high for low, high in intervals),
        "The upper bound of a step adjustment must be greater than its lower bound",
        (_steps((10, 0), (10, None)), _steps((0, 0), (0, None))),
    ),
    (
        lambda intervals: sum(low == -math.inf for low, _ in intervals) > 1,
        "There can be at most one step adjustment with an unspecified lower bound",
        (_steps((None, -10), (None, 0)),),
    ),
    (
        lambda intervals: sum(high == math.inf for _, high in intervals) > 1,
        "There can be at most one step adjustment with an unspecified upper bound",
        (_steps((0, None), (10, None)),),
    ),
    (
        lambda intervals: any(earlier[1] > later[0] for earlier, later in itertools.pairwise(intervals)),
        "Step adjustment intervals cannot overlap",
        (_steps((0, 10), (5, None)), _steps((0, 10), (0, 10), (10, None))),
    ),
    (
        lambda intervals: any(earlier[1] < later[0] for earlier, later in itertools.pairwise(intervals)),
        "Step adjustment intervals cannot have gaps between them",
        (_steps((0, 10), (20, None)),),
    ),
    (
        lambda intervals: intervals[0][0] < 0 and all(low != -math.inf for low, _ in intervals),
        "There must be a step adjustment with an unspecified lower bound when one step adjustment has a negative lower bound",
        (_steps((-10, 0)), _steps((-10, 0), (0, None))),
    ),
    (
        lambda intervals: max(high for _, high in intervals) > 0 and all(high != math.inf for _, high in intervals),
        "There must be a step adjustment with an unspecified upper bound when one step adjustment has a positive upper bound",
        (_steps((0, 10)), _steps((None, 0), (0, 10))),
    ),
)


def _exact(part: Object) -> Iterator[Fault]:
    for number, step in enumerate(items(part, "StepAdjustments")):
        change = as_number(get(step, "ScalingAdjustment")) if isinstance(step, dict) else None
        if change is not None and change < 0:
            yield Fault(("StepAdjustments", number, "ScalingAdjustment"), get(step, "ScalingAdjustment"))


_NOT_NEGATIVE = Test(
    _exact,
    taken=({"StepAdjustments": [{"ScalingAdjustment": 0}]},),
    refused=({"StepAdjustments": [{"ScalingAdjustment": 1}, {"ScalingAdjustment": "-1"}]},),
)
ROWS: tuple[Constraint, ...] = (
    Constraint(
        needs("AdjustmentType"), _INVALID, "AdjustmentType must be specified for a step scaling policy", _CONFIGURATION, AT
    ),
    *(
        Constraint(test, _INVALID, "At least one step adjustment must be specified for a step scaling policy", _CONFIGURATION, AT)
        for test in (needs("StepAdjustments"), value("StepAdjustments", Predicate(bool, ([{"ScalingAdjustment": 1}],), ([],))))
    ),
    Constraint(
        count("StepAdjustments", 0, 20),
        "LimitExceededException",
        "There can be at most 20 step adjustments per scaling policy",
        _QUOTAS,
        AT,
    ),
    *(
        Constraint(
            _test(is_wrong, taken=_RIGHT, refused=wrong),
            _INVALID,
            sentence,
            _GUIDE,
            AT,
            cure="Make each step begin where the one before it ends, and leave the outermost bounds open.",
        )
        for is_wrong, sentence, wrong in _SHAPES
    ),
    Constraint(
        _NOT_NEGATIVE,
        _INVALID,
        "Scaling adjustment {value} cannot be negative for adjustment type ExactCapacity",
        _STEP,
        AT,
        equal("AdjustmentType", "ExactCapacity"),
    ),
    Constraint(
        lacks("MinAdjustmentMagnitude"),
        _INVALID,
        "MinAdjustmentMagnitude can only be specified for adjustment type PercentChangeInCapacity",
        _CONFIGURATION,
        AT,
        unequal("AdjustmentType", "PercentChangeInCapacity", example="ChangeInCapacity"),
        cure="Remove MinAdjustmentMagnitude, or scale by PercentChangeInCapacity.",
    ),
    Constraint(value("Cooldown", between(0, 2**31 - 1)), _INVALID, "Cooldown cannot be less than 0", _CONFIGURATION, AT),
)
