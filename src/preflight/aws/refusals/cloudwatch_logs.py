"""What CloudWatch Logs refuses of log groups, their filters, destinations and policies."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from preflight.aws import unresolved
from preflight.aws.constraints import (
    Condition,
    Constraint,
    Fault,
    Object,
    Predicate,
    Test,
    count,
    equal,
    get,
    items,
    known,
    lacks,
    length,
    matches,
    needs,
    no,
    one_of,
    present,
    value,
)
from preflight.aws.refusals import filter_patterns, json_documents, log_features, log_policies

SERVICE = "logs"
_API = "https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference"
_GROUP = f"{_API}/API_CreateLogGroup.html"
_RETENTION = f"{_API}/API_PutRetentionPolicy.html"
_INDEX = f"{_API}/API_PutIndexPolicy.html"
_METRIC = f"{_API}/API_PutMetricFilter.html"
_TRANSFORMATION = f"{_API}/API_MetricTransformation.html"
_SUBSCRIPTION = f"{_API}/API_PutSubscriptionFilter.html"
_DESTINATION = f"{_API}/API_PutDestination.html"
_POLICY = f"{_API}/API_PutResourcePolicy.html"
_DIMENSIONS = "https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntaxForMetricFilters.html"
_INVALID = "InvalidParameterException"
_DAYS = (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653)
_TRANSFORMATIONS = "MetricTransformations[]"
_STANDINS = {"kinesis": "kinesis", "kinesisfirehose": "firehose"}


def _vendor(part: Object, name: str) -> str:
    """Returns the service that an ARN is of, empty without a known one; of a stand-in's ARN its type is known."""
    value = get(part, name)
    fields = value.split(":") if isinstance(value, str) else []
    vendor = fields[2] if len(fields) > 5 and fields[0] == "arn" else ""
    return _STANDINS.get(vendor, "") if unresolved.is_function(value) else vendor


def _of_vendor(name: str, *vendors: str) -> Condition:
    return Condition(lambda part: _vendor(part, name) in vendors, {name: _arn(vendors[0])})


def _arn(vendor: str) -> str:
    return f"arn:aws:{vendor}:eu-west-1:123456789012:x"


def _other_vendor(name: str, *vendors: str) -> Test:
    def faults(part: Object) -> Iterator[Fault]:
        vendor = _vendor(part, name)
        if vendor and vendor not in vendors:
            yield Fault((name,), vendor)

    taken = tuple({name: _arn(vendor)} for vendor in vendors)
    return Test(faults, taken, ({name: _arn("sns")}, {name: _arn("s3")}))


def _is_of_terms(part: Object) -> bool:
    pattern = known(part, "FilterPattern")
    return pattern is not None and not str(pattern).strip().startswith(("{", "["))


def _with_dimensions(part: Object) -> Iterator[Fault]:
    for number, transformation in enumerate(items(part, "MetricTransformations")):
        if isinstance(transformation, Mapping) and get(transformation, "Dimensions") is not None:
            yield Fault(("MetricTransformations", number, "Dimensions"))


_NO_DIMENSIONS = Test(
    _with_dimensions,
    taken=({"MetricTransformations": [{"MetricName": "m"}]},),
    refused=({"MetricTransformations": [{"Dimensions": [{"Key": "k", "Value": "$.k"}]}]},),
)
_FEW = Predicate(
    lambda actual: not isinstance(actual, dict | list) or 1 <= len(actual) <= 3,
    ({"a": "$.a"}, [{"Key": key, "Value": "$.k"} for key in "abc"]),
    ({}, [{"Key": key, "Value": "$.k"} for key in "abcd"]),
)


def _literals(part: Object) -> Iterator[Fault]:
    dimensions = get(part, "Dimensions")
    pairs = dimensions.items() if isinstance(dimensions, Mapping) and not unresolved.is_function(dimensions) else ()
    listed = [(known(item, "Key"), known(item, "Value")) for item in items(part, "Dimensions") if isinstance(item, Mapping)]
    for _, text in (*pairs, *listed):
        if isinstance(text, str) and not text.startswith(("$", "@")):
            yield Fault(("Dimensions",), text)


_SELECTED = Test(
    _literals,
    taken=({"Dimensions": [{"Key": "k", "Value": "$.k"}]}, {"Dimensions": {"k": "$k"}}),
    refused=({"Dimensions": [{"Key": "k", "Value": "prod"}]}, {"Dimensions": {"k": "prod"}}),
)


_GROUPS = (
    Constraint(
        value("LogGroupName", no(matches(r"(?i)aws/.*", taken=("aws/x", "AWS/x"), refused=("/aws/x", "awsx", "x/aws/")))),
        _INVALID,
        "Log groups starting with AWS/ are reserved for AWS.",
        _GROUP,
        cure="Begin the name with /, as in /aws/x, or with another word.",
    ),
    Constraint(
        value("RetentionInDays", one_of(*_DAYS)),
        _INVALID,
        "{value} is not a valid retention: it must be one of " + ", ".join(map(str, _DAYS)),
        _RETENTION,
    ),
    Constraint(
        lacks("FieldIndexPolicies"),
        _INVALID,
        "Field index policies are supported only for log groups of the class STANDARD",
        _INDEX,
        when=equal("LogGroupClass", "INFREQUENT_ACCESS", "DELIVERY"),
    ),
    Constraint(
        count("Fields", 1, 20),
        _INVALID,
        "Policy document contains more than 20 fields.",
        _INDEX,
        "FieldIndexPolicies[]",
    ),
    *log_policies.PROTECTION,
)
_METRICS = (
    *filter_patterns.rows(_METRIC),
    Constraint(
        value("MetricNamespace", no(matches(r"AWS/.*", taken=("AWS/Mine",), refused=("Mine", "Mine/AWS/", "aws")))),
        _INVALID,
        "Metric namespaces starting with AWS/ are reserved for AWS.",
        _METRIC,
        _TRANSFORMATIONS,
    ),
    Constraint(
        present(0, 1, "Dimensions", "DefaultValue"),
        _INVALID,
        "Invalid metric transformation: dimensions and default value are mutually exclusive properties",
        _TRANSFORMATION,
        _TRANSFORMATIONS,
    ),
    Constraint(
        value("Dimensions", _FEW),
        _INVALID,
        "Invalid metric transformation: a metric filter can have at most 3 dimensions",
        _TRANSFORMATION,
        _TRANSFORMATIONS,
    ),
    Constraint(
        value(
            "MetricValue",
            matches(
                r"[+-]?\d*\.?\d+([eE][+-]?\d+)?|\$.*",
                taken=("1", "0.5", "-2", "$.latency", "$bytes"),
                refused=("one", "1ms", "latency"),
            ),
        ),
        _INVALID,
        "Invalid metric transformation: metric value {value} is neither a number nor a field, such as $.latency",
        _TRANSFORMATION,
        _TRANSFORMATIONS,
    ),
    Constraint(
        _SELECTED,
        _INVALID,
        "Invalid metric transformation: dimension value must be valid selector",
        _TRANSFORMATION,
        _TRANSFORMATIONS,
        cure="Name a field of the log event, such as $.level.",
    ),
    Constraint(
        value("FieldSelectionCriteria", matches(r"(?s).*@aws\..*", taken=('@aws.region = "eu-west-1"',), refused=("region = 1",))),
        _INVALID,
        "The provided field selection criteria is invalid",
        _METRIC,
    ),
    Constraint(
        _NO_DIMENSIONS,
        _INVALID,
        "The specified filter pattern does not support dimensions",
        _DIMENSIONS,
        when=Condition(_is_of_terms, {"FilterPattern": "ERROR"}),
        cure="Take a JSON pattern ({ $.level = ... }) or a space-delimited one ([a, b]).",
    ),
)
_SUBSCRIPTIONS = (
    *filter_patterns.rows(_SUBSCRIPTION),
    Constraint(
        value("DestinationArn", matches(r"arn(:[^:]*){4}:.+", taken=(_arn("lambda"), _arn("logs")), refused=("f", "arn:f"))),
        _INVALID,
        "The destination '{value}' is not a valid ARN",
        _SUBSCRIPTION,
    ),
    Constraint(
        _other_vendor("DestinationArn", "kinesis", "firehose", "lambda", "logs"),
        _INVALID,
        "PutSubscriptionFilter operation cannot work with destinationArn for vendor {value}",
        _SUBSCRIPTION,
        cure="Deliver to a Kinesis stream, a Firehose stream, a Lambda function or a destination of CloudWatch Logs.",
    ),
    *(
        Constraint(
            needs("RoleArn"),
            _INVALID,
            f"destinationArn for vendor {vendor} cannot be used without roleArn",
            _SUBSCRIPTION,
            when=_of_vendor("DestinationArn", vendor),
        )
        for vendor in ("kinesis", "firehose")
    ),
    Constraint(
        lacks("RoleArn"),
        _INVALID,
        "destinationArn for vendor lambda cannot be used with roleArn",
        _SUBSCRIPTION,
        when=_of_vendor("DestinationArn", "lambda"),
        cure="Remove RoleArn, and let an AWS::Lambda::Permission allow logs.amazonaws.com to invoke the function.",
    ),
)
_DESTINATIONS = (
    Constraint(
        _other_vendor("TargetArn", "kinesis", "firehose"),
        _INVALID,
        "PutDestination operation cannot work with targetArn for vendor {value}",
        _DESTINATION,
    ),
    Constraint(json_documents.is_object("DestinationPolicy"), _INVALID, "The access policy is not valid JSON", _DESTINATION),
    *log_policies.access("DestinationPolicy"),
)
TYPES: Mapping[str, tuple[Constraint, ...]] = {
    "AWS::Logs::AccountPolicy": log_policies.ACCOUNT,
    **log_features.TYPES,
    "AWS::Logs::Destination": _DESTINATIONS,
    "AWS::Logs::LogGroup": _GROUPS,
    "AWS::Logs::MetricFilter": _METRICS,
    "AWS::Logs::ResourcePolicy": (
        Constraint(json_documents.is_object("PolicyDocument"), _INVALID, "The policy document is not valid JSON", _POLICY),
        Constraint(
            value("PolicyDocument", length(1, 51_200)), _INVALID, "The policy document is longer than 51200 characters", _POLICY
        ),
        *log_policies.access("PolicyDocument"),
    ),
    "AWS::Logs::SubscriptionFilter": _SUBSCRIPTIONS,
}
OPERATIONS: Mapping[str, str] = {
    "CreateLogGroup": "AWS::Logs::LogGroup",
    "PutDestination": "AWS::Logs::Destination",
    "PutMetricFilter": "AWS::Logs::MetricFilter",
    "PutResourcePolicy": "AWS::Logs::ResourcePolicy",
    "PutRetentionPolicy": "AWS::Logs::LogGroup",
    "PutSubscriptionFilter": "AWS::Logs::SubscriptionFilter",
}
