"""What SNS refuses of topics and subscriptions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from preflight.aws.constraints import (
    Constraint,
    Fault,
    Object,
    Test,
    equal,
    known,
    length,
    matches,
    needs,
    one_of,
    value,
)

SERVICE = "sns"
_API = "https://docs.aws.amazon.com/sns/latest/api"
_TOPIC = f"{_API}/API_CreateTopic.html"
_SUBSCRIBE = f"{_API}/API_Subscribe.html"
_INVALID = "InvalidParameter"
_IS_FIFO, _IS_STANDARD = equal("FifoTopic", "true", "True"), equal("FifoTopic", "false", "False", default="false")
_PROTOCOLS = ("application", "email", "email-json", "firehose", "http", "https", "lambda", "sms", "sqs")
# What an endpoint looks like, by protocol; sms and application are left out.
_ENDPOINTS = {
    "email": r"[^@\s]+@[^@\s]+",
    "email-json": r"[^@\s]+@[^@\s]+",
    "firehose": r"arn:[^:]+:firehose:.+",
    "http": r"http://.+",
    "https": r"https://.+",
    "lambda": r"arn:[^:]+:lambda:.+",
    "sqs": r"arn:[^:]+:sqs:.+",
}


def _other_endpoint(part: Object) -> Iterator[Fault]:
    protocol, endpoint = known(part, "Protocol"), known(part, "Endpoint")
    form = _ENDPOINTS.get(str(protocol))
    if endpoint is not None and form and not matches(form, taken=(), refused=()).fits(endpoint):
        yield Fault(("Endpoint",), endpoint)


_ENDPOINT = Test(
    _other_endpoint,
    taken=(
        {"Protocol": "https", "Endpoint": "https://example.com"},
        {"Protocol": "sqs", "Endpoint": "arn:aws:sqs:eu-west-1:123456789012:q"},
        {"Protocol": "email", "Endpoint": "a@example.com"},
        {"Protocol": "sms", "Endpoint": "+491234"},
    ),
    refused=(
        {"Protocol": "https", "Endpoint": "http://example.com"},
        {"Protocol": "sqs", "Endpoint": "https://sqs.eu-west-1.amazonaws.com/123456789012/q"},
        {"Protocol": "email", "Endpoint": "example.com"},
        {"Protocol": "lambda", "Endpoint": "f"},
    ),
)


def _subscription(at: str) -> tuple[Constraint, ...]:
    return (
        Constraint(
            value("Protocol", one_of(*_PROTOCOLS)),
            _INVALID,
            "Invalid parameter: Does not support this protocol string: {value}",
            _SUBSCRIBE,
            at,
        ),
        Constraint(_ENDPOINT, _INVALID, "Invalid parameter: Endpoint {value} does not fit the protocol", _SUBSCRIBE, at),
    )


_TOPICS = (
    Constraint(
        value(
            "TopicName",
            matches(
                r"[A-Za-z0-9_-]{1,256}|(?=.{6,256}$)[A-Za-z0-9_-]+\.fifo", taken=("a-1_b", "a.fifo"), refused=("a.b", "a b", "a" * 257)
            ),
        ),
        _INVALID,
        "Invalid parameter: Topic Name",
        _TOPIC,
        cure="Take up to 256 letters, digits, hyphens and underscores.",
    ),
    Constraint(
        value("TopicName", matches(r".*\.fifo", taken=("a.fifo",), refused=("a",))),
        _INVALID,
        "Invalid parameter: Fifo Topic names must end with .fifo and must be made up of only uppercase and lowercase ASCII letters, numbers, underscores, and hyphens, and must be between 1 and 256 characters long.",
        _TOPIC,
        when=_IS_FIFO,
    ),
    Constraint(
        value("TopicName", matches(r"[^.]*", taken=("a",), refused=("a.fifo",))),
        _INVALID,
        "Invalid parameter: Topic Name",
        _TOPIC,
        when=_IS_STANDARD,
        cure="Set FifoTopic to true, or remove .fifo from the name.",
    ),
    Constraint(
        value("ContentBasedDeduplication", one_of("false", "False")),
        _INVALID,
        "Invalid parameter: Content-based deduplication can only be set for FIFO topics",
        _TOPIC,
        when=_IS_STANDARD,
    ),
    Constraint(value("DisplayName", length(0, 100)), _INVALID, "Invalid parameter: DisplayName", _TOPIC),
    *_subscription("Subscription[]"),
)
_SUBSCRIPTIONS = (
    *_subscription(""),
    Constraint(
        needs("SubscriptionRoleArn"),
        _INVALID,
        "Invalid parameter: SubscriptionRoleArn must be specified for the protocol firehose",
        _SUBSCRIBE,
        when=equal("Protocol", "firehose"),
    ),
    Constraint(
        value("FilterPolicyScope", one_of("MessageAttributes", "MessageBody")),
        _INVALID,
        "Invalid parameter: FilterPolicyScope: {value}",
        _SUBSCRIBE,
    ),
)
TYPES: Mapping[str, tuple[Constraint, ...]] = {
    "AWS::SNS::Subscription": _SUBSCRIPTIONS,
    "AWS::SNS::Topic": _TOPICS,
}
OPERATIONS: Mapping[str, str] = {"Subscribe": "AWS::SNS::Subscription"}
