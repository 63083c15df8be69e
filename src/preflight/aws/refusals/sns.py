"""What SNS refuses of topics and subscriptions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from preflight.aws.constraints import (
    Condition,
    Constraint,
    Fault,
    Object,
    Test,
    each,
    equal,
    known,
    lacks,
    length,
    matches,
    needs,
    no,
    one_of,
    value,
)
from preflight.aws.iam_policy_evaluation import Policy
from preflight.aws.refusals import iam_policy_documents, json_documents, sns_filter_policies
from preflight.aws.refusals.iam_policy_principals import PRINCIPAL_RULES

SERVICE = "sns"
_API = "https://docs.aws.amazon.com/sns/latest/api"
_TOPIC = f"{_API}/API_CreateTopic.html"
_SUBSCRIBE = f"{_API}/API_Subscribe.html"
_INVALID = "InvalidParameter"
_FIFO_DELIVERY = "https://docs.aws.amazon.com/sns/latest/dg/fifo-message-delivery.html"
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


def _of_topics(suffix: str) -> Condition:
    """A subscription of a topic whose ARN is known, and is that of a FIFO topic or of a standard one."""
    arn = f"arn:aws:sns:eu-west-1:123456789012:t{suffix}"
    return Condition(lambda part: str(known(part, "TopicArn") or "").endswith(".fifo") == bool(suffix) and known(part, "TopicArn") is not None, {"TopicArn": arn})


_A_QUEUE = "arn:aws:sqs:eu-west-1:123456789012:q"
_TO_STANDARD = (
    value("Endpoint", no(matches(r"arn:[^:]+:sqs:.+\.fifo", taken=(f"{_A_QUEUE}.fifo",), refused=(_A_QUEUE, "https://example.com/a.fifo")))),
    _INVALID,
    "Invalid parameter: Invalid parameter: Endpoint Reason: FIFO SQS Queues can not be subscribed to standard SNS topics",
    _FIFO_DELIVERY,
)
_FEATURES = (
    *(
        Constraint(lacks(name), _INVALID, f"Invalid parameter: {name} can only be set for FIFO topics", _TOPIC, when=_IS_STANDARD)
        for name in ("ArchivePolicy", "FifoThroughputScope")
    ),
    Constraint(value("FifoThroughputScope", one_of("MessageGroup", "Topic")), _INVALID, "Invalid parameter: FifoThroughputScope: {value}", _TOPIC),
    Constraint(value("SignatureVersion", one_of("1", "2")), _INVALID, "Invalid parameter: SignatureVersion: {value}", _TOPIC),
    Constraint(value("TracingConfig", one_of("Active", "PassThrough")), _INVALID, "Invalid parameter: TracingConfig: {value}", _TOPIC),
    Constraint(
        value("Protocol", one_of("sqs")),
        _INVALID,
        "Invalid parameter: Invalid protocol type: {value}: a FIFO topic delivers only to queues",
        _FIFO_DELIVERY,
        "Subscription[]",
        where=_IS_FIFO,
    ),
)
_TOPICS = (
    *_FEATURES,
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
    Constraint(*_TO_STANDARD, "Subscription[]", where=_IS_STANDARD, cure="Subscribe the queue to a FIFO topic, or use a standard queue."),
    Constraint(value("DisplayName", length(0, 100)), _INVALID, "Invalid parameter: DisplayName", _TOPIC),
    *_subscription("Subscription[]"),
)
_ARN = matches(r"arn(:[^:]*){5,}", taken=("arn:aws:sns:eu-west-1:123456789012:t",), refused=("t", "arn:t"))
_NO_ARN = "Invalid parameter: TopicArn Reason: An ARN must have at least 6 elements: {value}"
_SUBSCRIPTIONS = (
    Constraint(value("TopicArn", _ARN), _INVALID, _NO_ARN, _SUBSCRIBE, cure="Name the topic by !Ref."),
    Constraint(
        needs("Endpoint"), _INVALID, "Invalid parameter: Endpoint", _SUBSCRIBE, when=equal("Protocol", *_PROTOCOLS)
    ),
    *sns_filter_policies.rows(),
    *_subscription(""),
    Constraint(*_TO_STANDARD, when=_of_topics(""), cure="Subscribe the queue to a FIFO topic, or use a standard queue."),
    Constraint(
        value("Protocol", one_of("sqs")),
        _INVALID,
        "Invalid parameter: Invalid protocol type: {value}: a FIFO topic delivers only to queues",
        _FIFO_DELIVERY,
        when=_of_topics(".fifo"),
    ),
    Constraint(
        needs("SubscriptionRoleArn"),
        _INVALID,
        "Invalid parameter: SubscriptionRoleArn must be specified for the protocol firehose",
        _SUBSCRIBE,
        when=equal("Protocol", "firehose"),
    ),
    Constraint(
        value("RawMessageDelivery", one_of("false", "False")),
        _INVALID,
        "Invalid parameter: Attributes Reason: Delivery protocol does not support raw message delivery.",
        "https://docs.aws.amazon.com/sns/latest/dg/sns-large-payload-raw-message-delivery.html",
        when=equal("Protocol", "email", "email-json", "lambda", "sms"),
    ),
    Constraint(
        value("deadLetterTargetArn", matches(r"arn:[^:]+:sqs:.+", taken=(_A_QUEUE,), refused=("q", "arn:aws:sns:eu-west-1:123456789012:t"))),
        _INVALID,
        "Invalid parameter: Attributes Reason: RedrivePolicy: deadLetterTargetArn must be a SQS queue: {value}",
        "https://docs.aws.amazon.com/sns/latest/dg/sns-dead-letter-queues.html",
        "RedrivePolicy",
    ),
    Constraint(
        value("FilterPolicyScope", one_of("MessageAttributes", "MessageBody")),
        _INVALID,
        "Invalid parameter: FilterPolicyScope: {value}",
        _SUBSCRIBE,
    ),
)


def _out_of_scope(statement: Policy) -> Iterator[Fault]:
    """Faults of actions of another service, and of `sns:*`, which includes actions that are not about a topic."""
    for name, text in iam_policy_documents.texts(statement, "Action"):
        if text.lower() == "sns:*" or not text.lower().startswith(("sns:", "*")):
            yield Fault((name,), text)


_POLICY = (
    Constraint(
        each("Topics", _ARN),
        _INVALID,
        _NO_ARN,
        "https://docs.aws.amazon.com/sns/latest/api/API_SetTopicAttributes.html",
        cure="Name the topics by !Ref.",
    ),
    Constraint(json_documents.is_object("PolicyDocument"), _INVALID, "Invalid parameter: Policy Error: null", "https://docs.aws.amazon.com/sns/latest/api/API_SetTopicAttributes.html"),
    *json_documents.rows(
        (*iam_policy_documents.SYNTAX_RULES, *PRINCIPAL_RULES), "PolicyDocument", code=_INVALID, sentence="Invalid parameter: Policy Error: null"
    ),
    *json_documents.rows(
        (
            iam_policy_documents.of_statements(
                _out_of_scope,
                "Invalid parameter: Policy statement action out of service scope!",
                "https://docs.aws.amazon.com/sns/latest/dg/sns-access-policy-language-api-permissions-reference.html",
                right=({"Action": ["sns:Publish", "SNS:Subscribe"]},),
                wrong=({"Action": "s3:PutObject"}, {"Action": "sns:*"}),
                cure="Name the actions, such as sns:Publish.",
            ),
        ),
        "PolicyDocument",
        code=_INVALID,
    ),
)
TYPES: Mapping[str, tuple[Constraint, ...]] = {
    "AWS::SNS::Subscription": _SUBSCRIPTIONS,
    "AWS::SNS::Topic": _TOPICS,
    "AWS::SNS::TopicPolicy": _POLICY,
}
OPERATIONS: Mapping[str, str] = {"Subscribe": "AWS::SNS::Subscription"}
