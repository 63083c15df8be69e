"""What EventBridge Scheduler refuses of schedules."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from preflight.aws import schedule_expressions
from preflight.aws.constraints import (
    Constraint,
    Fault,
    Object,
    Predicate,
    Test,
    equal,
    known,
    lacks,
    matches,
    needs,
    no,
    present,
    value,
)
from preflight.aws.refusals import ecs_targets

SERVICE = "scheduler"
_API = "https://docs.aws.amazon.com/scheduler/latest/APIReference"
_SCHEDULE = f"{_API}/API_CreateSchedule.html"
_WINDOW = f"{_API}/API_FlexibleTimeWindow.html"
_TARGET = f"{_API}/API_Target.html"
_TYPES = "https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html"
_INVALID = "ValidationException"
_EXPRESSION = Predicate(
    lambda actual: any(
        is_one(str(actual)) for is_one in (schedule_expressions.is_at, schedule_expressions.is_rate, schedule_expressions.is_cron)
    ),
    ("at(2035-01-01T00:00:00)", "rate(5 minutes)", "rate(1 hour)", "cron(0 8 * * ? *)"),
    ("at(2035-01-01)", "at(2035-01-01T00:00:00Z)", "rate(5 weeks)", "rate(0 days)", "cron(0 8 * * * *)", "0 8 * * ? *"),
)
_SDK = "arn:aws:scheduler:::aws-sdk"
_READING = "get|describe|list|poll|receive|search|scan|query|lookup|batchGet"


def _backwards(part: Object) -> Iterator[Fault]:
    """The end of a schedule is after its beginning; compared as texts if both have the same form."""
    start, end = (str(known(part, name) or "") for name in ("StartDate", "EndDate"))
    if start.endswith("Z") and end.endswith("Z") and len(start) == len(end) and end <= start:
        yield Fault(("EndDate",), end)


_ZONE = Predicate(
    lambda actual: schedule_expressions.is_time_zone(str(actual)), ("UTC", "Europe/Berlin"), ("Mars/Olympus_Mons", "Berlin")
)
_SCHEDULES = (
    Constraint(
        value("ScheduleExpression", _EXPRESSION),
        _INVALID,
        "Invalid Schedule Expression {value}.",
        _TYPES,
        cure="Write at(yyyy-mm-ddThh:mm:ss), rate(5 minutes) or cron() of six fields, with ? as the day of month or of week.",
    ),
    Constraint(
        value("ScheduleExpressionTimezone", _ZONE),
        _INVALID,
        "Provided ScheduleExpressionTimezone is invalid: {value}",
        _SCHEDULE,
        cure="Name a time zone of the IANA database, such as Europe/Berlin.",
    ),
    Constraint(
        Test(
            _backwards,
            taken=(
                {"StartDate": "2035-01-01T00:00:00Z", "EndDate": "2035-01-02T00:00:00Z"},
                {"StartDate": "2035-01-01T00:00:00Z", "EndDate": "2035-01-01T00:00:00.5Z"},
            ),
            refused=({"EndDate": "2035-01-01T00:00:00Z", "StartDate": "2035-01-02T00:00:00Z"},),
        ),
        _INVALID,
        "The EndDate must be later than the StartDate: {value}",
        _SCHEDULE,
    ),
    Constraint(
        value("Arn", no(matches(rf"arn:[\w-]+:scheduler:::aws-sdk:[^:]+:({_READING})([A-Z].*)?", taken=(f"{_SDK}:ecs:describeTasks",), refused=(f"{_SDK}:ecs:runTask",)))),
        _INVALID,
        "{value} is not supported: a schedule calls no operation that only reads",
        "https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-targets-universal.html",
        "Target",
    ),
    Constraint(
        needs("MaximumWindowInMinutes"),
        _INVALID,
        "MaximumWindowInMinutes must be provided when flexible time window mode is FLEXIBLE.",
        _WINDOW,
        "FlexibleTimeWindow",
        equal("Mode", "FLEXIBLE"),
    ),
    Constraint(
        lacks("MaximumWindowInMinutes"),
        _INVALID,
        "MaximumWindowInMinutes must not be provided when flexible time window mode is OFF.",
        _WINDOW,
        "FlexibleTimeWindow",
        equal("Mode", "OFF"),
    ),
    Constraint(
        present(
            0,
            1,
            *("EcsParameters", "EventBridgeParameters", "KinesisParameters"),
            *("SageMakerPipelineParameters", "SqsParameters"),
        ),
        _INVALID,
        "A target can have the parameters of one service alone: {value}",
        _TARGET,
        "Target",
    ),
    *ecs_targets.rows("Target"),
)
TYPES: Mapping[str, tuple[Constraint, ...]] = {"AWS::Scheduler::Schedule": _SCHEDULES}
OPERATIONS: Mapping[str, str] = {"CreateSchedule": "AWS::Scheduler::Schedule"}
