"""What EventBridge Scheduler refuses of schedules."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from preflight.aws import schedule_expressions
from preflight.aws.constraints import (
    Condition,
    Constraint,
    Fault,
    Object,
    Predicate,
    Test,
    equal,
    get,
    is_there,
    known,
    lacks,
    matches,
    needs,
    no,
    present,
    value,
)
from preflight.aws.refusals import ecs_targets, queue_targets

SERVICE = "scheduler"
_API = "https://docs.aws.amazon.com/scheduler/latest/APIReference"
_SCHEDULE = f"{_API}/API_CreateSchedule.html"
_WINDOW = f"{_API}/API_FlexibleTimeWindow.html"
_TARGET = f"{_API}/API_Target.html"
_TYPES = "https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html"
_UNIVERSAL = "https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-targets-universal.html"
_INVALID = "ValidationException"
_EXPRESSION = Predicate(
    lambda actual: any(
        is_one(str(actual)) for is_one in (schedule_expressions.is_at, schedule_expressions.is_rate, schedule_expressions.is_cron)
    ),
    ("at(2035-01-01T00:00:00)", "rate(5 minutes)", "rate(1 hour)", "cron(0 8 * * ? *)"),
    ("at(2035-01-01)", "at(2035-01-01T00:00:00Z)", "rate(5 weeks)", "rate(0 days)", "cron(0 8 * * * *)", "0 8 * * ? *"),
)
_SDK = "arn:aws:scheduler:::aws-sdk"
_READING = "get|describe|list|poll|receive|search|scan|query|select|lookup|batchGet|batchDescribe|transactGet"
_PARAMETERS = {
    "EcsParameters": "ecs",
    "EventBridgeParameters": "events",
    "KinesisParameters": "kinesis",
    "SageMakerPipelineParameters": "sagemaker",
    "SqsParameters": "sqs",
}


def _backwards(part: Object) -> Iterator[Fault]:
    """The end of a schedule that recurs is after its beginning; both are texts of the same form."""
    start, end = (str(known(part, name) or "") for name in ("StartDate", "EndDate"))
    once = str(get(part, "ScheduleExpression")).startswith("at(")
    if not once and len(start) == len(end) and start.endswith("Z") and end.endswith("Z") and end <= start:
        yield Fault(("EndDate",), end)


def _foreign(part: Object) -> Iterator[Fault]:
    """The parameters of a target are those of its service."""
    service = "".join(str(known(part, "Arn")).split(":")[2:3])
    yield from (Fault((name,), name) for name, own in _PARAMETERS.items() if service and service != own and is_there(part, name))


_OWN = Test(
    _foreign,
    taken=({"Arn": queue_targets.QUEUE, "SqsParameters": {"MessageGroupId": "a"}}, {"SqsParameters": {}}),
    refused=({"Arn": queue_targets.QUEUE, "KinesisParameters": {"PartitionKey": "a"}},),
)
_FIRST, _LATER = "2035-01-01T00:00:00Z", "2035-01-02T00:00:00Z"
_ORDER = Test(
    _backwards,
    taken=(
        {"StartDate": _FIRST, "EndDate": _LATER},
        {"StartDate": _FIRST, "EndDate": "2035-01-01T00:00:00.5Z"},
        {"StartDate": _LATER, "EndDate": _FIRST, "ScheduleExpression": "at(2035-01-01T00:00:00)"},
    ),
    refused=({"EndDate": _FIRST, "StartDate": _LATER},),
)
_IS_UNIVERSAL = Condition(lambda part: str(known(part, "Arn")).startswith(_SDK), {"Arn": f"{_SDK}:ecs:runTask"})
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
        _ORDER,
        _INVALID,
        "The StartDate you specify must come before the EndDate.",
        _SCHEDULE,
    ),
    Constraint(
        value("Arn", no(matches(rf"arn:[\w-]+:scheduler:::aws-sdk:[^:]+:({_READING})([A-Z].*)?", taken=(f"{_SDK}:ecs:describeTasks",), refused=(f"{_SDK}:ecs:runTask",)))),
        _INVALID,
        "The API of {value} is not supported: a schedule calls no operation that only reads",
        _UNIVERSAL,
        "Target",
    ),
    Constraint(
        needs("MaximumWindowInMinutes"),
        _INVALID,
        "MaximumWindowInMinutes must be provided when FlexibleTimeWindowMode is set to FLEXIBLE.",
        _WINDOW,
        "FlexibleTimeWindow",
        equal("Mode", "FLEXIBLE"),
    ),
    Constraint(
        lacks("MaximumWindowInMinutes"),
        _INVALID,
        "MaximumWindowInMinutes must not be provided when FlexibleTimeWindowMode is set to OFF.",
        _WINDOW,
        "FlexibleTimeWindow",
        equal("Mode", "OFF"),
    ),
    Constraint(
        present(0, 1, *_PARAMETERS),
        _INVALID,
        "A schedule has one templated or universal target, not {value}",
        _TARGET,
        "Target",
    ),
    Constraint(_OWN, _INVALID, "Parameters {value} not supported for the target", _TARGET, "Target"),
    Constraint(
        queue_targets.needs_group("Arn"),
        _INVALID,
        "Parameters SqsParameters must be specified for the target {value}",
        _TARGET,
        "Target",
        cure="Set SqsParameters.MessageGroupId: the queue is a FIFO queue.",
    ),
    Constraint(
        needs("Input"),
        _INVALID,
        "You must provide an input to set this target for your schedule",
        _UNIVERSAL,
        "Target",
        when=_IS_UNIVERSAL,
        cure="Set Input to the JSON request of the operation.",
    ),
    *ecs_targets.rows("Target"),
)
TYPES: Mapping[str, tuple[Constraint, ...]] = {"AWS::Scheduler::Schedule": _SCHEDULES}
OPERATIONS: Mapping[str, str] = {"CreateSchedule": "AWS::Scheduler::Schedule"}
