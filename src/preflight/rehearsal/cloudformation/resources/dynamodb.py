"""Tables of DynamoDB."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from preflight.rehearsal.cloudformation.resources.declarative import tagged
from preflight.rehearsal.cloudformation.resources.handler import (
    CreatedResource,
    Handler,
    HandlerContext,
    Properties,
    ResourceFailedError,
)

_TABLE = {
    "AttributeDefinitions",
    "BillingMode",
    "DeletionProtectionEnabled",
    "GlobalSecondaryIndexes",
    "KeySchema",
    "LocalSecondaryIndexes",
    "ProvisionedThroughput",
    "TableClass",
    "TableName",
    "Tags",
}


def _create_table(place: HandlerContext, given: Properties) -> CreatedResource:
    plain = {key: value for key, value in given.items() if key in _TABLE}
    asked = {"TableName": place.name(most=255), **plain}
    stream = given.get("StreamSpecification")
    if stream:
        asked["StreamSpecification"] = {"StreamEnabled": True, **stream}
    encryption = given.get("SSESpecification")
    if encryption:
        asked["SSESpecification"] = {{"SSEEnabled": "Enabled"}.get(k, k): v for k, v in encryption.items()}
    if asked.get("BillingMode") != "PAY_PER_REQUEST" and "ProvisionedThroughput" not in asked:
        raise ResourceFailedError(
            "One or more parameter values were invalid: ReadCapacityUnits and WriteCapacityUnits must both be "
            "specified when BillingMode is PROVISIONED"
        )
    made = place.call("dynamodb", "CreateTable", tagged(place, "dynamodb", "CreateTable", asked))["TableDescription"]
    for name in given:
        is_kept = name in {*_TABLE, "StreamSpecification", "SSESpecification"}
        place.note(name, "stored" if is_kept else "ignored")
    return CreatedResource(made["TableName"], {"Arn": made["TableArn"], "StreamArn": made.get("LatestStreamArn", "")})


def _update_table(place: HandlerContext, name: str, old: Properties, new: Properties) -> CreatedResource:
    names = ("AttributeDefinitions", "BillingMode", "DeletionProtectionEnabled", "ProvisionedThroughput", "TableClass")
    changed = {key: new[key] for key in names if key in new and new[key] != old.get(key)}
    if changed:
        place.call("dynamodb", "UpdateTable", {"TableName": name, **changed})
    found = place.ask("dynamodb", "DescribeTable", TableName=name)["Table"]
    place.ask("dynamodb", "TagResource", ResourceArn=found["TableArn"], Tags=place.all_tags(new.get("Tags")))
    return CreatedResource(name, {"Arn": found["TableArn"], "StreamArn": found.get("LatestStreamArn", "")})


def _read_table(place: HandlerContext, name: str, _given: Properties) -> dict[str, Any]:
    found = place.ask("dynamodb", "DescribeTable", TableName=name)["Table"]
    tags = place.ask("dynamodb", "ListTagsOfResource", ResourceArn=found["TableArn"]).get("Tags", [])
    mode = (found.get("BillingModeSummary") or {}).get("BillingMode")
    enabled = (found.get("SSEDescription") or {}).get("Status") in {"ENABLED", "ENABLING"}
    encryption = {"SSEEnabled": enabled, **(found.get("SSEDescription") or {})}
    return {**found, "BillingMode": mode, "Tags": tags, "SSESpecification": encryption}


def _delete_table(place: HandlerContext, name: str, _given: Properties) -> None:
    place.ask("dynamodb", "DeleteTable", TableName=name)


TYPES: Mapping[str, Handler] = {
    "AWS::DynamoDB::Table": Handler(_create_table, _delete_table, _update_table, _read_table),
}
