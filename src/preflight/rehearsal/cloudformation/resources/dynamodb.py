"""Tables of DynamoDB."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from preflight.rehearsal.cloudformation.resources.context import Properties, Request, only, without
from preflight.rehearsal.cloudformation.resources.declarative import (
    CallSpec,
    Change,
    ReadSpec,
    ResourceSpec,
    by_id,
    call,
    from_properties,
    handler,
)
from preflight.rehearsal.cloudformation.resources.failure import ResourceFailedError
from preflight.rehearsal.cloudformation.resources.handler import Handler

_STORED = (
    "AttributeDefinitions", "BillingMode", "DeletionProtectionEnabled", "GlobalSecondaryIndexes", "KeySchema",
    "LocalSecondaryIndexes", "ProvisionedThroughput", "SSESpecification", "StreamSpecification", "TableClass",
    "TableName", "Tags",
)
_CHANGEABLE = (
    "AttributeDefinitions",
    "BillingMode",
    "DeletionProtectionEnabled",
    "ProvisionedThroughput",
    "TableClass",
)


_MEMBERS = {"AttributeDefinitions": ("AttributeName", "AttributeType"), "KeySchema": ("AttributeName", "KeyType")}


def _check_members(properties: Properties) -> None:
    """Checks the items of lists that may be any JSON.

    Raises:
        ResourceFailedError: one lacks a member.
    """
    for name, members in _MEMBERS.items():
        value = properties.get(name)
        for number, item in enumerate(value if isinstance(value, list) else [value] if isinstance(value, dict) else [], start=1):
            missing = next((member for member in members if isinstance(item, dict) and member not in item), None)
            if missing is not None:
                path = f"{name[:1].lower()}{name[1:]}.{number}.member.{missing[:1].lower()}{missing[1:]}"
                msg = f"1 validation error detected: Value null at '{path}' failed to satisfy constraint: Member must not be null"
                raise ResourceFailedError(msg)


def _prepare(properties: Properties) -> Properties:
    """Returns the properties as CreateTable takes them.

    Raises:
        ResourceFailedError: the table has no capacity, or an item lacks a member.
    """
    _check_members(properties)
    if properties.get("BillingMode") != "PAY_PER_REQUEST" and "ProvisionedThroughput" not in properties:
        raise ResourceFailedError(
            "One or more parameter values were invalid: ReadCapacityUnits and WriteCapacityUnits must both be "
            "specified when BillingMode is PROVISIONED"
        )
    request = {"AttributeDefinitions": [], **without(properties, "StreamSpecification", "SSESpecification")}  # moto wants them
    if properties.get("StreamSpecification"):
        request["StreamSpecification"] = {"StreamEnabled": True, **properties["StreamSpecification"]}
    if properties.get("SSESpecification"):
        encryption = properties["SSESpecification"]
        request["SSESpecification"] = {"Enabled": encryption["SSEEnabled"], **without(encryption, "SSEEnabled")}
    return request


def _changed(change: Change) -> Iterator[Request]:
    changed = {name: value for name, value in only(change.new, *_CHANGEABLE).items() if value != change.old.get(name)}
    if changed:
        yield {"TableName": change.physical_id, **changed}


def _tags(change: Change) -> Iterator[Request]:
    arn = change.context.arn("dynamodb", f"table/{change.physical_id}")
    yield {"ResourceArn": arn, "Tags": change.context.all_tags(change.new.get("Tags"))}


_TABLE = ResourceSpec(
    "dynamodb",
    create="CreateTable",
    physical_id="TableName",
    delete=(call("DeleteTable", by_id("TableName")),),
    reads=(
        ReadSpec(
            "DescribeTable",
            by_id("TableName"),
            "Table",
            {
                "BillingMode": "BillingModeSummary.BillingMode",
                "SSESpecification": "merge({SSEEnabled: contains(['ENABLED', 'ENABLING'], SSEDescription.Status)}, SSEDescription || `{}`)",
            },
        ),
        ReadSpec("ListTagsOfResource", from_properties(ResourceArn="TableArn"), "{Tags: Tags}"),
    ),
    update=(CallSpec("UpdateTable", _changed, _CHANGEABLE), CallSpec("TagResource", _tags)),
    name="TableName",
    max_length=255,
    prepare=_prepare,
    attributes={"Arn": "TableArn", "StreamArn": "LatestStreamArn"},
    stored=_STORED,
)


TYPES: Mapping[str, Handler] = {"AWS::DynamoDB::Table": handler(_TABLE)}
