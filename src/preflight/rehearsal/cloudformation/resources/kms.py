"""Keys of KMS and their aliases."""

from __future__ import annotations

from collections.abc import Mapping

from preflight.rehearsal.cloudformation.resources.context import HandlerContext, Properties, Response, as_json, only
from preflight.rehearsal.cloudformation.resources.declarative import (
    ReadSpec,
    ResourceSpec,
    by_id,
    call,
    from_properties,
    handler,
    tagged,
)
from preflight.rehearsal.cloudformation.resources.handler import CreatedResource, Handler

_PLAIN = {"Description", "KeyUsage", "KeySpec", "MultiRegion", "Origin", "BypassPolicyLockoutSafetyCheck"}


def _create_key(context: HandlerContext, properties: Properties) -> CreatedResource:
    members = only(properties, *sorted(_PLAIN))
    if "KeyPolicy" in properties:
        members["Policy"] = as_json(properties["KeyPolicy"])
    request = tagged(context, "kms", "CreateKey", {**members, "Tags": properties.get("Tags")})
    metadata = context.submit("kms", "CreateKey", request)["KeyMetadata"]
    context.identify(metadata["KeyId"])
    _enable(context, metadata["KeyId"], properties)
    for key in properties:
        context.record(key, "checked" if key == "PendingWindowInDays" else "stored")
    return CreatedResource(metadata["KeyId"], {"Arn": metadata["Arn"], "KeyId": metadata["KeyId"]})


def _enable(context: HandlerContext, key: str, properties: Properties) -> None:
    if properties.get("Enabled") is False:
        context.call("kms", "DisableKey", KeyId=key)
        return
    context.call("kms", "EnableKey", KeyId=key)
    if properties.get("EnableKeyRotation"):
        context.call("kms", "EnableKeyRotation", KeyId=key)
    elif "EnableKeyRotation" in properties:
        context.call("kms", "DisableKeyRotation", KeyId=key)


def _update_key(context: HandlerContext, key: str, _old: Properties, new: Properties) -> CreatedResource:
    context.call("kms", "UpdateKeyDescription", KeyId=key, Description=new.get("Description", ""))
    if "KeyPolicy" in new:
        context.call("kms", "PutKeyPolicy", KeyId=key, PolicyName="default", Policy=as_json(new["KeyPolicy"]))
    _enable(context, key, new)
    arn = context.call("kms", "DescribeKey", KeyId=key)["KeyMetadata"]["Arn"]
    return CreatedResource(key, {"Arn": arn, "KeyId": key})


def _delete_key(context: HandlerContext, key: str, properties: Properties) -> None:
    context.call(
        "kms", "ScheduleKeyDeletion", KeyId=key, PendingWindowInDays=int(properties.get("PendingWindowInDays") or 30)
    )


def _read_key(context: HandlerContext, key: str, properties: Properties) -> Response:
    metadata = context.call("kms", "DescribeKey", KeyId=key)["KeyMetadata"]
    tags = context.call("kms", "ListResourceTags", KeyId=key)["Tags"]
    return {
        **metadata,
        "KeyPolicy": context.call("kms", "GetKeyPolicy", KeyId=key, PolicyName="default")["Policy"],
        "EnableKeyRotation": context.call("kms", "GetKeyRotationStatus", KeyId=key)["KeyRotationEnabled"],
        "PendingWindowInDays": properties.get("PendingWindowInDays"),  # sent only when the key is deleted
        "Tags": [{"Key": tag["TagKey"], "Value": tag["TagValue"]} for tag in tags],
    }


_ALIAS = ResourceSpec(
    "kms",
    create="CreateAlias",
    physical_id="AliasName",
    delete=(call("DeleteAlias", by_id("AliasName")),),
    reads=(ReadSpec("ListAliases", from_properties(KeyId="TargetKeyId"), "Aliases[0]"),),
    update=("UpdateAlias",),
)


TYPES: Mapping[str, Handler] = {
    "AWS::KMS::Key": Handler(_create_key, _delete_key, _update_key, _read_key),
    "AWS::KMS::Alias": handler(_ALIAS),
}
