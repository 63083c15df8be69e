"""What services refuse by the constraints of their own model: lengths, ranges, patterns and enumerations.

AWS's services validate a request by the model that botocore ships, before they look at it; moto does so for a few
members. Source: https://docs.aws.amazon.com/awssupport/latest/APIReference/CommonErrors.html (ValidationError), and the
constraints that the API reference of each service lists for its members.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from preflight.aws import growing_lists, patterns
from preflight.rehearsal import protocol
from preflight.rehearsal.protocol import Call, Refusal, Shape

# Services by their models' names that validate so; EC2, S3, SNS and SQS have no constraints in theirs.
SERVICES = frozenset(
    {
        *("acm", "application-autoscaling", "cloudwatch", "dynamodb", "ecr", "elbv2", "events", "iam", "kms", "logs"),
        *("secretsmanager", "servicediscovery", "ssm"),
    }
)
_CODES = {"ecr": "InvalidParameterException", "logs": "InvalidParameterException", "servicediscovery": "InvalidInput"}
_PROPERTIES = {"MetricType": "PredefinedMetricType"}  # of the names of shapes that are not their members'
_PATTERN_TIMEOUT = 0.5  # seconds
_MAX_DEPTH = 20


def check(call: Call) -> None:
    """Checks the members of a request.

    Raises:
        Refusal: some break the constraints of the service's model, in AWS's words.
    """
    if call.service not in SERVICES:
        return
    shape = protocol.model_of(call.service).operation_model(call.name).input_shape
    broken = list(_broken(call.parameters, shape, ()))
    if broken:
        plural = "s" if len(broken) > 1 else ""
        message = f"{len(broken)} validation error{plural} detected: {'; '.join(broken)}"
        raise Refusal(_CODES.get(call.service, "ValidationException" if _is_json(call) else "ValidationError"), message)


def _is_json(call: Call) -> bool:
    return protocol.spoken(protocol.model_of(call.service)) == "json"


def _broken(value: Any, shape: Shape, path: tuple[str, ...]) -> Iterator[str]:
    if value is None or len(path) > _MAX_DEPTH:
        return
    constraint = next(_unmet(value, shape), None)
    if constraint is not None:
        text = "" if getattr(shape, "sensitive", False) or shape.metadata.get("sensitive") else f" '{value}'"
        yield f"Value{text} at '{'.'.join(path)}' failed to satisfy constraint: {constraint}"
    if shape.type_name == "structure":
        for name, member in shape.members.items():
            yield from _broken(value.get(name), member, (*path, f"{name[:1].lower()}{name[1:]}"))
    elif shape.type_name == "list":
        for number, item in enumerate(value):
            yield from _broken(item, shape.member, (*path, str(number + 1), "member"))
    elif shape.type_name == "map":
        for key, item in value.items():
            yield from _broken(item, shape.value, (*path, str(key), "member"))


def _unmet(value: Any, shape: Shape) -> Iterator[str]:
    """Yields the constraints of a shape that a value does not meet, as AWS words them."""
    limits = shape.metadata
    if shape.type_name in {"string", "list", "map"}:
        if len(value) < limits.get("min", 0):
            yield f"Member must have length greater than or equal to {limits['min']}"
        if len(value) > limits.get("max", len(value)):
            yield f"Member must have length less than or equal to {limits['max']}"
    elif shape.type_name in {"integer", "long", "float", "double"}:
        if value < limits.get("min", value):
            yield f"Member must have value greater than or equal to {limits['min']}"
        if value > limits.get("max", value):
            yield f"Member must have value less than or equal to {limits['max']}"
    if shape.type_name == "string":
        name = _PROPERTIES.get(shape.name, shape.name)
        if limits.get("enum") and value not in limits["enum"] and not growing_lists.may_be_new(name, value, limits["enum"]):
            yield f"Member must satisfy enum value set: [{', '.join(limits['enum'])}]"
        if limits.get("pattern") and not patterns.fits(limits["pattern"], value, timeout=_PATTERN_TIMEOUT, is_ascii=True):
            yield f"Member must satisfy regular expression pattern: {limits['pattern']}"
