"""What EventBridge refuses of rules and their targets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from preflight.aws import schedule_expressions, unresolved
from preflight.aws.constraints import (
    Constraint,
    Fault,
    Object,
    Predicate,
    Test,
    begins,
    count,
    get,
    has,
    matches,
    no,
    present,
    unique,
    value,
)
from preflight.aws.refusals import ecs_targets, json_documents, queue_targets

SERVICE = "events"
_API = "https://docs.aws.amazon.com/eventbridge/latest/APIReference"
_RULE = f"{_API}/API_PutRule.html"
_TARGET = f"{_API}/API_Target.html"
_SCHEDULES = "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html"
_PATTERNS = "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns.html"
_QUOTAS = "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html"
_INVALID = "ValidationException"

_SCHEDULE = Predicate(
    lambda actual: schedule_expressions.is_rate(str(actual), by_number=True) or schedule_expressions.is_cron(str(actual)),
    ("rate(1 minute)", "rate(5 minutes)", "cron(0 8 * * ? *)", "cron(15 12 ? * MON-FRI *)"),
    ("rate(5 minute)", "rate(1 hours)", "rate(5)", "cron(0 8 * * * *)", "cron(0 8 ? * 0 *)", "at(2035-01-01T00:00:00)"),
)


def _leaves(value: Any, path: tuple[str | int, ...]) -> Iterator[Fault]:
    """Yields the values of a pattern that are neither objects nor lists with something in them."""
    for name, part in value.items():
        if isinstance(part, Mapping) and not unresolved.is_function(part):
            yield from _leaves(part, (*path, name)) if name != "$or" else ()
        elif not unresolved.is_function(part) and (not isinstance(part, list) or not part):
            yield Fault((*path, name), name)


def _patterned(part: Object) -> Iterator[Fault]:
    pattern = get(part, "EventPattern")
    if isinstance(pattern, Mapping) and not unresolved.is_function(pattern):
        yield from _leaves(pattern, ("EventPattern",))


_PATTERN = Test(
    _patterned,
    taken=(
        {"EventPattern": {"source": ["aws.ecs"], "detail": {"lastStatus": ["STOPPED"], "code": [{"exists": True}]}}},
        {"EventPattern": '{"source": ["aws.ecs"]}'},
    ),
    refused=(
        {"EventPattern": {"source": "aws.ecs"}},
        {"EventPattern": {"detail": {"lastStatus": "STOPPED"}}},
        {"EventPattern": {"source": []}},
    ),
)
_BUS = "arn:aws:events:eu-west-1:123456789012:event-bus"
_RULES = (
    Constraint(
        present(1, 2, "ScheduleExpression", "EventPattern"),
        _INVALID,
        "Parameter(s) EventPattern or ScheduleExpression must be specified.",
        _RULE,
    ),
    Constraint(
        value("ScheduleExpression", _SCHEDULE),
        _INVALID,
        "Parameter ScheduleExpression is not valid.",
        _SCHEDULES,
        cure="Write rate(1 minute), rate(5 minutes) or cron() of six fields, with ? as the day of month or of week.",
    ),
    Constraint(
        value("EventBusName", matches(r"(arn:.+/)?default", taken=("default", f"{_BUS}/default"), refused=("mine", f"{_BUS}/mine"))),
        _INVALID,
        "ScheduleExpression is supported only on the default event bus.",
        _SCHEDULES,
        when=has("ScheduleExpression"),
    ),
    Constraint(
        _PATTERN,
        "InvalidEventPatternException",
        'Event pattern is not valid. Reason: "{value}" must be an object or an array that is not empty',
        _PATTERNS,
    ),
    Constraint(
        json_documents.is_object("EventPattern"),
        "InvalidEventPatternException",
        "Event pattern is not valid. Reason: Filter is not an object",
        _PATTERNS,
    ),
)
_TARGETS = (
    Constraint(
        count("Targets", 0, 5),
        "LimitExceededException",
        "The requested resource exceeds the maximum number allowed: a rule can have at most 5 targets",
        _QUOTAS,
    ),
    Constraint(unique("Targets", "Id"), _INVALID, "The target ID {value} must be unique in the rule", _TARGET),
    Constraint(
        present(0, 1, "Input", "InputPath", "InputTransformer"),
        _INVALID,
        "Only one of Input, InputPath, or InputTransformer must be provided for a target: {value}",
        _TARGET,
        "Targets[]",
    ),
    Constraint(
        value("InputPath", begins("$")), _INVALID, "InputPath for target is invalid: {value} does not begin with $", _TARGET, "Targets[]"
    ),
    Constraint(
        value("Arn", matches(r"arn:[\w-]+:sqs:.+", taken=("arn:aws:sqs:eu-west-1:123456789012:q",), refused=("q", "arn:aws:sns:eu-west-1:123456789012:t"))),
        _INVALID,
        "The dead-letter queue {value} is not the ARN of an SQS queue",
        f"{_API}/API_DeadLetterConfig.html",
        "Targets[].DeadLetterConfig",
    ),
    Constraint(
        value("Arn", no(matches(r"arn:[\w-]+:sqs:.+\.fifo", taken=(f"{queue_targets.QUEUE}.fifo",), refused=(queue_targets.QUEUE,)))),
        _INVALID,
        "SQS FIFO is not supported by Dead Letter Queues: {value}",
        "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html",
        "Targets[].DeadLetterConfig",
    ),
    Constraint(
        queue_targets.needs_group("Id"),
        _INVALID,
        "Parameter(s) SqsParameters must be specified for target: {value}",
        _TARGET,
        "Targets[]",
    ),
    Constraint(json_documents.is_json("Input"), _INVALID, "JSON syntax error in input for target: {value}", _TARGET, "Targets[]"),
    *ecs_targets.rows("Targets[]"),
)
TYPES: Mapping[str, tuple[Constraint, ...]] = {"AWS::Events::Rule": (*_RULES, *_TARGETS), "PutTargets": _TARGETS, "PutRule": _RULES}
OPERATIONS: Mapping[str, str] = {"PutRule": "PutRule", "PutTargets": "PutTargets"}
