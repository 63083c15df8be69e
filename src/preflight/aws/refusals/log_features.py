"""What CloudWatch Logs refuses of anomaly detectors, saved queries, transformers and destinations of deliveries."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from preflight.aws import unresolved
from preflight.aws.constraints import (
    Condition,
    Constraint,
    Fault,
    Object,
    Test,
    count,
    is_there,
    items,
    known,
    no,
    one_of,
    value,
)

_API = "https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference"
_TRANSFORMER = "https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CloudWatch-Logs-Transformation-Create.html"
_INVALID, _VALIDATION = "InvalidParameterException", "ValidationException"
# Processors that do not parse a log event.
_OTHERS = {
    *("AddKeys", "CopyValue", "DateTimeConverter", "DeleteKeys", "ListToMap", "LowerCaseString", "MoveKeys", "RenameKeys"),
    *("SplitString", "SubstituteString", "TrimString", "TypeConverter", "UpperCaseString"),
}


def _begins_without_parser(part: Object) -> Iterator[Fault]:
    first = next(iter(items(part, "TransformerConfig")), None)
    if isinstance(first, Mapping) and not unresolved.is_function(first) and len(first) == 1 and {*first} <= _OTHERS:
        yield Fault(("TransformerConfig", 0), next(iter(first)))


def _of_group(part: Object) -> bool:
    return ":logs:" in str(known(part, "DestinationResourceArn"))


def _at_most(kind: str) -> Test:
    """A transformer has one processor of a kind."""

    def faults(part: Object) -> Iterator[Fault]:
        processors = enumerate(items(part, "TransformerConfig"))
        numbers = [number for number, processor in processors if isinstance(processor, Mapping) and is_there(processor, kind)]
        yield from (Fault(("TransformerConfig", number)) for number in numbers[1:])

    parser: Object = {"ParseJSON": {}}
    one: Object = {kind: {"Match": "x"}}
    return Test(faults, ({"TransformerConfig": [parser, one]},), ({"TransformerConfig": [parser, one, one]},))


TYPES: Mapping[str, tuple[Constraint, ...]] = {
    "AWS::Logs::LogAnomalyDetector": (
        Constraint(
            count("LogGroupArnList", 0, 1),
            _VALIDATION,
            "Only 1 log group arn is supported in the list.",
            f"{_API}/API_CreateLogAnomalyDetector.html",
        ),
    ),
    "AWS::Logs::QueryDefinition": (
        Constraint(count("LogGroupNames", 0, 50), _INVALID, "Too many log groups specified", f"{_API}/API_PutQueryDefinition.html"),
    ),
    "AWS::Logs::Transformer": (
        Constraint(
            Test(
                _begins_without_parser,
                ({"TransformerConfig": [{"ParseJSON": {}}, {"AddKeys": {}}]},),
                ({"TransformerConfig": [{"AddKeys": {}}, {"ParseJSON": {}}]},),
            ),
            _INVALID,
            "Transformer config should begin with parser.",
            _TRANSFORMER,
        ),
        *(
            Constraint(_at_most(kind), _INVALID, f"A transformer can have only one {name} processor", _TRANSFORMER)
            for kind, name in (("Grok", "grok"), ("AddKeys", "addKeys"), ("CopyValue", "copyValue"))
        ),
        Constraint(count("TransformerConfig", 1, 20), _INVALID, "A transformer has from 1 to 20 processors, not {value}", _TRANSFORMER),
    ),
    "AWS::Logs::DeliveryDestination": (
        Constraint(
            value("OutputFormat", one_of("json", "plain", "w3c", "raw", "parquet")),
            _VALIDATION,
            "Value '{value}' at 'outputFormat' failed to satisfy constraint: Member must satisfy enum value set: [w3c, raw, json, plain, parquet]",
            f"{_API}/API_PutDeliveryDestination.html",
        ),
        Constraint(
            value("OutputFormat", no(one_of("parquet"))),
            _VALIDATION,
            "Invalid output format value provided.",
            f"{_API}/API_PutDeliveryDestination.html",
            when=Condition(_of_group, {"DestinationResourceArn": "arn:aws:logs:eu-west-1:123456789012:log-group:/a"}),
        ),
    ),
}
