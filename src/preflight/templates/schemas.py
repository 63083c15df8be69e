"""CloudFormation resource schemas, out of cfn-lint's bundle.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/resource-type-schemas.html.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from preflight.aws import growing_lists, patterns
from preflight.aws.unresolved import STANDIN

Schema = Mapping[str, Any]
_MAX_DEPTH = 30
# Their schemas call these conditional, and nothing updates them in place:
# https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-dynamodb-table.html
_REPLACING = {"AWS::DynamoDB::Table": frozenset({"KeySchema"})}
PATTERN_TIMEOUT = 3.0  # seconds that a pattern may take for one value; on a busy machine a good one may wait for one


# ECS treats any protocol but udp as tcp:
# https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-ecs-taskdefinition-portmapping.html.
_OPEN_ENUMS = re.compile(r"/PortMappings/[0-9]+/Protocol$")


class Open:
    """A value that is not known yet; every schema takes it."""


@functools.cache
def of(kind: str, region: str = "us-east-1") -> Schema | None:
    """The schema of a resource type in a region, None where the type does not exist there."""
    from cfnlint.schema import PROVIDER_SCHEMA_MANAGER, ResourceNotFoundError  # noqa: PLC0415 - slow to import

    try:
        schema: Schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema(region, kind).schema
    except ResourceNotFoundError:
        return None
    return schema


def is_custom(kind: str) -> bool:
    """Whether a type is a custom resource, which takes any JSON.

    Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-requesttypes.html.
    """
    return kind.startswith("Custom::") or kind == "AWS::CloudFormation::CustomResource"


@functools.cache
def attributes(kind: str) -> frozenset[str]:
    """Returns the dotted names that Fn::GetAtt takes: those that only AWS sets, and what AWS's page of the type lists."""
    from cfnlint.schema import PROVIDER_SCHEMA_MANAGER, ResourceNotFoundError  # noqa: PLC0415 - slow to import

    try:
        return frozenset(PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", kind).get_atts)
    except ResourceNotFoundError:
        return frozenset()


def exists(kind: str, region: str = "us-east-1") -> bool:
    """Whether there is such a resource type; custom resources and modules count."""
    return is_custom(kind) or kind.endswith("::MODULE") or of(kind, region) is not None


def create_only(kind: str) -> frozenset[str]:
    """Top-level properties whose change replaces the resource."""
    return _tops(kind, "createOnlyProperties") | _REPLACING.get(kind, frozenset())


def read_only(kind: str) -> frozenset[str]:
    """Properties, dotted, that only AWS sets; these are what Fn::GetAtt returns."""
    schema = of(kind) or {}
    return frozenset(
        path.removeprefix("/properties/").replace("/properties/", ".").replace("/", ".")
        for path in schema.get("readOnlyProperties", [])
    )


@functools.cache
def permissions(kind: str) -> frozenset[str]:
    """The IAM actions, in lower case, that CloudFormation's handlers of a type may need; none if the schema lists none."""
    handlers: Mapping[str, Any] = (of(kind) or {}).get("handlers") or {}
    return frozenset(str(action).lower() for handler in handlers.values() for action in handler.get("permissions", []))


def identifiers(kind: str) -> list[str]:
    """The properties that together identify a resource of the type."""
    paths = (of(kind) or {}).get("primaryIdentifier") or []
    return [str(path).rpartition("/")[2] for path in paths]


def identifier(kind: str) -> str:
    """The first of them, which is what Ref mostly returns; empty where there is none."""
    return next(iter(identifiers(kind)), "")


def _tops(kind: str, key: str) -> frozenset[str]:
    schema = of(kind) or {}
    return frozenset(path.removeprefix("/properties/").split("/")[0] for path in schema.get(key, []))


def coerce(kind: str, properties: Mapping[str, Any]) -> dict[str, Any]:
    """Properties with scalars turned into the types of the schema, as CloudFormation does.

    A text is made a number or a boolean where the schema wants one and the text is one, and the
    other way round.
    """
    schema = of(kind)
    if schema is None:
        return dict(properties)
    coerced: dict[str, Any] = _coerce(dict(properties), schema, schema, 0)
    return coerced


def _coerce(value: Any, part: Schema, whole: Schema, depth: int) -> Any:
    part = _target(part, whole)
    if depth > _MAX_DEPTH:
        return value
    if isinstance(value, dict):
        return {
            key: _coerce(item, member, whole, depth + 1) if (member := _member(part, key)) else item
            for key, item in value.items()
        }
    if isinstance(value, list):
        items = part.get("items", {})
        return [_coerce(item, items, whole, depth + 1) for item in value]
    return _scalar(value, part.get("type"))


def _target(part: Schema, whole: Schema) -> Schema:
    while "$ref" in part:
        target: Any = whole
        for key in str(part["$ref"]).removeprefix("#/").split("/"):
            target = target.get(key, {})
        part = target
    return part


def _member(part: Schema, key: str) -> Schema | None:
    if key in part.get("properties", {}):
        return dict(part["properties"][key])
    for pattern, member in part.get("patternProperties", {}).items():
        if patterns.fits(pattern, key, timeout=PATTERN_TIMEOUT, is_whole=False):
            return dict(member)
    return None


def _scalar(value: Any, type_name: Any) -> Any:
    kinds = type_name if isinstance(type_name, list) else [type_name]
    if isinstance(value, bool):
        return str(value).lower() if kinds == ["string"] else value
    if isinstance(value, int | float) and kinds == ["string"]:
        return str(value)
    if isinstance(value, str) and "string" not in kinds:
        return _from_text(value, kinds)
    return value


def _from_text(value: str, kinds: list[Any]) -> Any:
    if "boolean" in kinds and value.lower() in {"true", "false"}:
        return value.lower() == "true"
    if "integer" in kinds and re.fullmatch(r"-?[0-9]{1,18}", value):
        return int(value)
    if "number" in kinds and re.fullmatch(r"-?[0-9]{1,18}(\.[0-9]{1,18})?", value):
        return float(value) if "." in value else int(value)
    return value


# https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-cloudformation-customresource.html
_CUSTOM: Schema = {
    "required": ["ServiceToken"],
    "properties": {"ServiceTimeout": {"type": "integer", "minimum": 1, "maximum": 3600}},
}


def violations(kind: str, properties: Mapping[str, Any]) -> list[str]:
    """What is wrong with resolved properties, in the words of AWS's schema validator."""
    schema = of(kind)
    if schema is None:
        return []
    if is_custom(kind):
        return list(_violations(properties, _CUSTOM, _CUSTOM, "#", 0))
    messages = list(_violations(properties, schema, schema, "#", 0))
    read = [name for name in read_only(kind) if name in properties]
    messages += [f"#: extraneous key [{name}] is not permitted" for name in read]
    return list(dict.fromkeys(messages))


def _violations(value: Any, part: Schema, whole: Schema, path: str, depth: int) -> Iterator[str]:
    part = _target(part, whole)
    if depth > _MAX_DEPTH or isinstance(value, Open):
        return
    kinds = part.get("type")
    kinds = kinds if isinstance(kinds, list) else [kinds] if kinds else []
    if kinds and not any(_is_a(value, kind) for kind in kinds):
        yield f"{path}: expected type: {_title(kinds[0])}, found: {_found(value)}"
        return
    if isinstance(value, dict):
        yield from _object(value, part, whole, path, depth)
    elif isinstance(value, list):
        yield from _array(value, part, whole, path, depth)
    else:
        yield from _value(value, part, path)
    yield from _combined(value, part, whole, path, depth)


_KINDS: dict[str, Any] = {
    "string": str,
    "object": dict,
    "array": list,
    "boolean": bool,
    "integer": int,
    "number": (int, float),
}


def _is_a(value: Any, kind: str) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    return kind == "null" or isinstance(value, _KINDS.get(kind, object))


def _title(kind: str) -> str:
    return {"object": "JSONObject", "array": "JSONArray", "integer": "Integer", "number": "Number"}.get(
        kind, kind.title()
    )


def _found(value: Any) -> str:
    kinds = ((bool, "Boolean"), (dict, "JSONObject"), (list, "JSONArray"), (int, "Integer"), (float, "BigDecimal"))
    return next((name for kind, name in kinds if isinstance(value, kind)), "String")


def _object(value: dict[str, Any], part: Schema, whole: Schema, path: str, depth: int) -> Iterator[str]:
    for name in part.get("required", []):
        if name not in value:
            yield f"{path}: required key [{name}] not found"
    for key, item in value.items():
        member = _member(part, key)
        if member is not None:
            yield from _violations(item, member, whole, f"{path}/{key}", depth + 1)
        elif part.get("additionalProperties") is False:
            yield f"{path}: extraneous key [{key}] is not permitted"


def _array(value: list[Any], part: Schema, whole: Schema, path: str, depth: int) -> Iterator[str]:
    if len(value) < part.get("minItems", 0):
        yield f"{path}: expected minimum item count: {part['minItems']}, found: {len(value)}"
    if len(value) > part.get("maxItems", len(value)):
        yield f"{path}: expected maximum item count: {part['maxItems']}, found: {len(value)}"
    if part.get("uniqueItems") and any(item in value[:n] for n, item in enumerate(value)):
        yield f"{path}: array items are not unique"
    for n, item in enumerate(value):
        yield from _violations(item, part.get("items", {}), whole, f"{path}/{n}", depth + 1)


def _value(value: Any, part: Schema, path: str) -> Iterator[str]:
    if isinstance(value, str) and STANDIN in value:
        return
    if "enum" in part and value not in part["enum"] and not _is_open(path, value, part["enum"]):
        yield f"{path}: {value} is not a valid enum value"
    if isinstance(value, str):
        if len(value) < part.get("minLength", 0):
            yield f"{path}: expected minLength: {part['minLength']}, actual: {len(value)}"
        if len(value) > part.get("maxLength", len(value)):
            yield f"{path}: expected maxLength: {part['maxLength']}, actual: {len(value)}"
        if "pattern" in part and not patterns.fits(part["pattern"], value, timeout=PATTERN_TIMEOUT, is_whole=False):
            yield f"{path}: failed validation constraint for keyword [pattern]"
    elif not isinstance(value, bool):
        if value < part.get("minimum", value):
            yield f"{path}: {value} is not greater or equal to {part['minimum']}"
        if value > part.get("maximum", value):
            yield f"{path}: {value} is not less or equal to {part['maximum']}"


def _is_open(path: str, value: Any, values: Collection[Any]) -> bool:
    """Whether AWS takes, or may take, a value that an enumeration does not have."""
    return _OPEN_ENUMS.search(path) is not None or growing_lists.may_be_new(path.rpartition("/")[2], value, [str(item) for item in values])


def _combined(value: Any, part: Schema, whole: Schema, path: str, depth: int) -> Iterator[str]:
    for key in ("anyOf", "oneOf"):
        options = part.get(key) or []
        fitting = sum(not list(_violations(value, option, whole, path, depth + 1)) for option in options)
        if options and (fitting == 0 or (key == "oneOf" and fitting > 1)):
            yield f"{path}: #: {fitting} subschemas matched instead of one"
    for option in part.get("allOf") or []:
        yield from _violations(value, option, whole, path, depth + 1)
    for group in part.get("requiredXor") or []:
        names = group if isinstance(group, list) else [group]
        if isinstance(value, dict) and sum(name in value for name in names) != 1 and isinstance(group, list):
            yield f"{path}: exactly one of [{', '.join(names)}] is required"
