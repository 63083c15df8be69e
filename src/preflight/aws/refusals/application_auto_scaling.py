"""What Application Auto Scaling refuses: scalable targets and their scheduled actions."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timezone
from typing import Any

from preflight.aws import schedule_expressions
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
    known,
    matches,
    needs,
    present,
    unique,
    value,
)
from preflight.aws.refusals import application_auto_scaling_policies as policies
from preflight.aws.refusals import application_auto_scaling_resources as resources

SERVICE = "application-autoscaling"
_API = "https://docs.aws.amazon.com/autoscaling/application/APIReference"
_TARGET = f"{_API}/API_RegisterScalableTarget.html"
_ACTION = f"{_API}/API_PutScheduledAction.html"
_CHANGE = f"{_API}/API_ScalableTargetAction.html"
_QUOTAS = "https://docs.aws.amazon.com/autoscaling/application/userguide/application-auto-scaling-limits.html"
_INVALID = "ValidationException"
_MOST = 2**31 - 1
_FROM_ONE = ("dynamodb", "cassandra")  # tables have a throughput of at least one unit


def _reversed(part: Object) -> Iterator[Fault]:
    least, most = (as_number(known(part, name)) for name in ("MinCapacity", "MaxCapacity"))
    if least is not None and most is not None and least > most:
        yield Fault(("MaxCapacity",), most)


_IN_ORDER = Test(
    _reversed,
    taken=({"MinCapacity": 1, "MaxCapacity": 1}, {"MinCapacity": 2}),
    refused=({"MinCapacity": 2, "MaxCapacity": 1},),
)


def _capacities(page: str, at: str = "") -> tuple[Constraint, ...]:
    return (
        Constraint(value("MinCapacity", between(0, _MOST)), _INVALID, "Minimum capacity cannot be less than 0", page, at),
        Constraint(value("MaxCapacity", between(0, _MOST)), _INVALID, "Maximum capacity cannot be less than 0", page, at),
        Constraint(
            _IN_ORDER,
            _INVALID,
            "Maximum capacity cannot be less than minimum capacity",
            page,
            at,
            cure="Make MaxCapacity at least MinCapacity.",
        ),
    )


def _is_schedule(value: Any) -> bool:
    text = str(value)
    expressions = schedule_expressions
    return expressions.is_at(text) or expressions.is_rate(text) or expressions.is_cron(text)


_SCHEDULE = Predicate(
    _is_schedule,
    ("at(2035-01-01T00:00:00)", "rate(1 minute)", "rate(5 days)", "cron(0 8 * * ? *)", "cron(0/5 8-17 ? JAN MON-FRI 2035)"),
    (
        *("at(2035-01-01T00:00:00Z)", "at(2035-02-30T00:00:00)", "at(2035-01-01 00:00:00)"),
        *("rate(0 minutes)", "rate(5 weeks)", "cron(0 8 * * * *)", "cron(0 8 ? * ? *)", "cron(0 8 * * ?)"),
        *("cron(60 8 * * ? *)", "cron(0 24 * * ? *)", "cron(0 8 ? * 0 *)", "0 8 * * ? *"),
    ),
)
_UNIT = Predicate(
    lambda value: not schedule_expressions.is_rate(str(value)) or schedule_expressions.is_rate(str(value), by_number=True),
    ("rate(1 minute)", "rate(5 days)", "cron(0 8 * * ? *)"),
    ("rate(1 days)", "rate(5 minute)"),
)
_ZONE = Predicate(
    lambda actual: schedule_expressions.is_time_zone(str(actual)),
    ("UTC", "America/New_York", "Etc/GMT+9"),
    ("Mars/Olympus_Mons", "EST5"),
)


def _moment(value: Any) -> datetime | None:
    try:
        read = datetime.fromisoformat(re.sub(r"Z$", "+00:00", str(value)))
    except ValueError:
        return None
    return read if read.tzinfo else read.replace(tzinfo=timezone.utc)


def _ends_first(part: Object) -> Iterator[Fault]:
    start, end = (_moment(known(part, name)) for name in ("StartTime", "EndTime"))
    if start is not None and end is not None and end <= start:
        yield Fault(("EndTime",), known(part, "EndTime"))


_START_BEFORE_END = Test(
    _ends_first,
    taken=({"StartTime": "2035-01-01T00:00:00Z", "EndTime": "2035-01-01T00:00:01Z"}, {"EndTime": "2035-01-01T00:00:00Z"}),
    refused=({"StartTime": "2035-01-02T00:00:00Z", "EndTime": "2035-01-01T00:00:00Z"},),
)
_ACTIONS = (
    Constraint(
        value("Schedule", _SCHEDULE),
        _INVALID,
        "Schedule expression {value} is invalid",
        _ACTION,
        "ScheduledActions[]",
        cure="Write at(yyyy-mm-ddThh:mm:ss), rate(5 minutes) or cron() of six fields, with ? as the day of month or of week.",
    ),
    Constraint(
        value("Schedule", _UNIT),
        _INVALID,
        "{value} mixes singular and plural: use minute, hour or day with 1, and minutes, hours or days with any other value",
        _ACTION,
        "ScheduledActions[]",
        is_certain=False,
    ),
    Constraint(
        value("Timezone", _ZONE),
        _INVALID,
        "Timezone {value} is invalid",
        _ACTION,
        "ScheduledActions[]",
        cure="Name a time zone of the IANA database, such as Europe/Berlin.",
    ),
    Constraint(_START_BEFORE_END, _INVALID, "The end time must be later than the start time", _ACTION, "ScheduledActions[]"),
    Constraint(
        present(1, 2, "MinCapacity", "MaxCapacity"),
        _INVALID,
        "At least one of minimum capacity and maximum capacity must be specified in a scalable target action",
        _CHANGE,
        "ScheduledActions[].ScalableTargetAction",
    ),
    *_capacities(_CHANGE, "ScheduledActions[].ScalableTargetAction"),
)
_TARGETS = (
    *resources.rows(_TARGET),
    *_capacities(_TARGET),
    Constraint(
        value("MinCapacity", between(1, _MOST)),
        _INVALID,
        "Minimum capacity cannot be less than 1",
        _TARGET,
        when=equal("ServiceNamespace", *_FROM_ONE),
    ),
    Constraint(
        needs("RoleARN"),
        _INVALID,
        "A role ARN must be specified for the service namespace elasticmapreduce",
        _TARGET,
        when=equal("ServiceNamespace", "elasticmapreduce"),
    ),
    Constraint(
        value(
            "RoleARN",
            matches(
                r"arn:aws[a-z-]*:iam::\d{12}:role/.+",
                taken=("arn:aws:iam::123456789012:role/r", "arn:aws-cn:iam::123456789012:role/path/r"),
                refused=("r", "arn:aws:iam::123456789012:user/u"),
            ),
        ),
        _INVALID,
        "Role ARN {value} is invalid",
        _TARGET,
    ),
    *_ACTIONS,
    Constraint(
        unique("ScheduledActions", "ScheduledActionName"),
        _INVALID,
        "The scheduled action name {value} must be unique among the scheduled actions of the scalable target",
        _ACTION,
    ),
    Constraint(
        count("ScheduledActions", 0, 200),
        "LimitExceededException",
        "A scalable target can have at most 200 scheduled actions",
        _QUOTAS,
    ),
)


def _as_request(row: Constraint) -> Constraint:
    return dataclasses.replace(row, at=row.at.removeprefix("ScheduledActions[]").removeprefix("."))


TYPES: Mapping[str, tuple[Constraint, ...]] = {
    "AWS::ApplicationAutoScaling::ScalableTarget": _TARGETS,
    "AWS::ApplicationAutoScaling::ScalingPolicy": policies.ROWS,
    "PutScheduledAction": tuple(map(_as_request, _ACTIONS)),
}
OPERATIONS: Mapping[str, str] = {
    "RegisterScalableTarget": "AWS::ApplicationAutoScaling::ScalableTarget",
    "PutScalingPolicy": "AWS::ApplicationAutoScaling::ScalingPolicy",
    "PutScheduledAction": "PutScheduledAction",
}
