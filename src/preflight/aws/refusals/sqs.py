"""What SQS refuses of queues."""

from __future__ import annotations

from collections.abc import Mapping

from preflight.aws.constraints import (
    Constraint,
    between,
    count,
    equal,
    has,
    lacks,
    matches,
    needs,
    one_of,
    value,
)
from preflight.aws.refusals import json_documents
from preflight.aws.refusals.iam_policy_documents import SYNTAX_RULES
from preflight.aws.refusals.iam_policy_principals import PRINCIPAL_RULES

SERVICE = "sqs"
_QUEUE = "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_CreateQueue.html"
_NAMES = "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/FIFO-queues-message-deliver.html"
_DEAD_LETTERS = "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-configure-dead-letter-queue.html"
_PARAMETER = "InvalidParameterValue"
_ATTRIBUTE = "InvalidAttributeValue"
_RANGES = {
    "DelaySeconds": (0, 900),
    "KmsDataKeyReusePeriodSeconds": (60, 86_400),
    "MaximumMessageSize": (1_024, 1_048_576),
    "MessageRetentionPeriod": (60, 1_209_600),
    "ReceiveMessageWaitTimeSeconds": (0, 20),
    "VisibilityTimeout": (0, 43_200),
}
_IS_FIFO, _IS_STANDARD = equal("FifoQueue", "true", "True"), equal("FifoQueue", "false", "False", default="false")
_A_QUEUE = "arn:aws:sqs:eu-west-1:123456789012:q"
_QUEUES = (
    Constraint(
        value("QueueName", matches(r"[A-Za-z0-9_-]{1,80}|(?=.{6,80}$)[A-Za-z0-9_-]+\.fifo", taken=("a-1_b", "a.fifo"), refused=("a.b", "a b", "a" * 81, ".fifo"))),
        _PARAMETER,
        "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length",
        _QUEUE,
    ),
    Constraint(
        value("QueueName", matches(r".*\.fifo", taken=("a.fifo",), refused=("a", "a.fifo2"))),
        _PARAMETER,
        "The name of a FIFO queue can only include alphanumeric characters, hyphens, or underscores, must end with .fifo suffix and be 1 to 80 in length.",
        _NAMES,
        when=_IS_FIFO,
    ),
    Constraint(
        value("QueueName", matches(r"[^.]*", taken=("a",), refused=("a.fifo",))),
        _PARAMETER,
        "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length",
        _NAMES,
        when=_IS_STANDARD,
        cure="Set FifoQueue to true, or remove .fifo from the name.",
    ),
    *(
        Constraint(
            value(name, between(low, high)),
            _PARAMETER,
            f"Value {{value}} for parameter {name} is invalid. Reason: Must be between {low} and {high}, if provided.",
            _QUEUE,
        )
        for name, (low, high) in _RANGES.items()
    ),
    Constraint(
        lacks("DeduplicationScope", "FifoThroughputLimit"),
        "InvalidAttributeName",
        "DeduplicationScope and FifoThroughputLimit are attributes of FIFO queues alone",
        _QUEUE,
        when=_IS_STANDARD,
    ),
    Constraint(
        value("ContentBasedDeduplication", one_of("false", "False")),
        "InvalidAttributeName",
        "ContentBasedDeduplication is an attribute of FIFO queues alone",
        _QUEUE,
        when=_IS_STANDARD,
    ),
    Constraint(
        value("DeduplicationScope", one_of("messageGroup", "queue")),
        _ATTRIBUTE,
        "Invalid value for the parameter DeduplicationScope.",
        _QUEUE,
    ),
    Constraint(
        value("FifoThroughputLimit", one_of("perQueue", "perMessageGroupId")),
        _ATTRIBUTE,
        "Invalid value for the parameter FifoThroughputLimit.",
        _QUEUE,
    ),
    Constraint(
        needs("DeduplicationScope"),
        _ATTRIBUTE,
        "The perMessageGroupId value is allowed only when the value for DeduplicationScope is messageGroup",
        _QUEUE,
        when=equal("FifoThroughputLimit", "perMessageGroupId"),
    ),
    Constraint(
        value("DeduplicationScope", one_of("messageGroup")),
        _ATTRIBUTE,
        "The perMessageGroupId value is allowed only when the value for DeduplicationScope is messageGroup",
        _QUEUE,
        when=equal("FifoThroughputLimit", "perMessageGroupId"),
    ),
    Constraint(
        value("SqsManagedSseEnabled", one_of("false", "False")),
        _ATTRIBUTE,
        "You can use one type of server-side encryption (SSE) at one time. You can either enable KMS SSE or SQS SSE.",
        _QUEUE,
        when=has("KmsMasterKeyId"),
    ),
    Constraint(
        value("maxReceiveCount", between(1, 1_000)),
        _PARAMETER,
        "Value for parameter RedrivePolicy is invalid. Reason: Invalid value for maxReceiveCount: {value}, valid values are from 1 to 1000 both inclusive.",
        _DEAD_LETTERS,
        "RedrivePolicy",
    ),
    Constraint(
        value("redrivePermission", one_of("allowAll", "byQueue", "denyAll")),
        _PARAMETER,
        "Value for parameter RedriveAllowPolicy is invalid. Reason: redrivePermission must be allowAll, denyAll or byQueue, not {value}",
        _QUEUE,
        "RedriveAllowPolicy",
    ),
    Constraint(
        lacks("sourceQueueArns"),
        _PARAMETER,
        "Value for parameter RedriveAllowPolicy is invalid. Reason: sourceQueueArns can be specified only if redrivePermission is byQueue",
        _QUEUE,
        "RedriveAllowPolicy",
        equal("redrivePermission", "allowAll", "denyAll"),
    ),
    Constraint(
        needs("sourceQueueArns"),
        _PARAMETER,
        "Value for parameter RedriveAllowPolicy is invalid. Reason: sourceQueueArns must be specified if redrivePermission is byQueue",
        _QUEUE,
        "RedriveAllowPolicy",
        equal("redrivePermission", "byQueue"),
    ),
    Constraint(
        count("sourceQueueArns", 1, 10),
        _PARAMETER,
        "Value for parameter RedriveAllowPolicy is invalid. Reason: up to 10 source queues can be specified",
        _QUEUE,
        "RedriveAllowPolicy",
    ),
    *(
        Constraint(
            needs(name),
            _PARAMETER,
            f"Value for parameter RedrivePolicy is invalid. Reason: Redrive policy does not contain mandatory attribute: {name}.",
            _DEAD_LETTERS,
            "RedrivePolicy",
        )
        for name in ("deadLetterTargetArn", "maxReceiveCount")
    ),
    *(
        Constraint(
            value("deadLetterTargetArn", matches(form, taken=taken, refused=refused)),
            _PARAMETER,
            "Value for parameter RedrivePolicy is invalid. Reason: Dead-letter queue must be a different queue of the same type (standard or FIFO): {value}",
            _QUEUE,
            "RedrivePolicy",
            where=where,
            cure="The dead-letter queue of a FIFO queue is a FIFO queue, and that of a standard queue a standard one.",
        )
        for form, where, taken, refused in (
            (r"(?!arn:).*|.*\.fifo", _IS_FIFO, (f"{_A_QUEUE}.fifo",), (_A_QUEUE,)),
            (r"(?!.*\.fifo$).*", _IS_STANDARD, (_A_QUEUE,), (f"{_A_QUEUE}.fifo",)),
        )
    ),
)
_POLICY = (
    Constraint(
        json_documents.is_object("PolicyDocument"),
        _ATTRIBUTE,
        "Invalid value for the parameter Policy.",
        "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html",
    ),
    *json_documents.rows(
        (*SYNTAX_RULES, *PRINCIPAL_RULES), "PolicyDocument", code=_ATTRIBUTE, sentence="Invalid value for the parameter Policy."
    ),
)
TYPES: Mapping[str, tuple[Constraint, ...]] = {"AWS::SQS::Queue": _QUEUES, "AWS::SQS::QueuePolicy": _POLICY}
OPERATIONS: Mapping[str, str] = {}
