"""Keys of KMS and their aliases."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from preflight.rehearsal.cloudformation.resources.declarative import ReadSpec, ResourceSpec, by, handler, tagged
from preflight.rehearsal.cloudformation.resources.handler import (
    CreatedResource,
    Handler,
    HandlerContext,
    Properties,
)

_PLAIN = {"Description", "KeyUsage", "KeySpec", "MultiRegion", "Origin", "BypassPolicyLockoutSafetyCheck"}


def _create_key(place: HandlerContext, given: Properties) -> CreatedResource:
    plain = {key: value for key, value in given.items() if key in _PLAIN}
    if "KeyPolicy" in given:
        plain["Policy"] = _text(given["KeyPolicy"])
    asked = tagged(place, "kms", "CreateKey", {**plain, "Tags": given.get("Tags")})
    made = place.call("kms", "CreateKey", asked)["KeyMetadata"]
    place.identify(made["KeyId"])
    _set(place, made["KeyId"], given)
    for key in given:
        place.note(key, "checked" if key == "PendingWindowInDays" else "stored")
    return CreatedResource(made["KeyId"], {"Arn": made["Arn"], "KeyId": made["KeyId"]})


def _text(policy: Any) -> str:
    return policy if isinstance(policy, str) else json.dumps(policy, default=str)


def _set(place: HandlerContext, key: str, given: Properties) -> None:
    if given.get("Enabled") is False:
        place.ask("kms", "DisableKey", KeyId=key)
        return
    place.ask("kms", "EnableKey", KeyId=key)
    if given.get("EnableKeyRotation"):
        place.ask("kms", "EnableKeyRotation", KeyId=key)
    elif "EnableKeyRotation" in given:
        place.ask("kms", "DisableKeyRotation", KeyId=key)


def _update_key(place: HandlerContext, key: str, _old: Properties, new: Properties) -> CreatedResource:
    place.ask("kms", "UpdateKeyDescription", KeyId=key, Description=new.get("Description", ""))
    if "KeyPolicy" in new:
        place.ask("kms", "PutKeyPolicy", KeyId=key, PolicyName="default", Policy=_text(new["KeyPolicy"]))
    _set(place, key, new)
    arn = place.ask("kms", "DescribeKey", KeyId=key)["KeyMetadata"]["Arn"]
    return CreatedResource(key, {"Arn": arn, "KeyId": key})


def _delete_key(place: HandlerContext, key: str, given: Properties) -> None:
    place.ask("kms", "ScheduleKeyDeletion", KeyId=key, PendingWindowInDays=int(given.get("PendingWindowInDays") or 30))


def _read_key(place: HandlerContext, key: str, given: Properties) -> dict[str, Any]:
    found = place.ask("kms", "DescribeKey", KeyId=key)["KeyMetadata"]
    tags = place.ask("kms", "ListResourceTags", KeyId=key)["Tags"]
    return {
        **found,
        "KeyPolicy": place.ask("kms", "GetKeyPolicy", KeyId=key, PolicyName="default")["Policy"],
        "EnableKeyRotation": place.ask("kms", "GetKeyRotationStatus", KeyId=key)["KeyRotationEnabled"],
        "PendingWindowInDays": given.get("PendingWindowInDays"),  # said only when the key is deleted
        "Tags": [{"Key": tag["TagKey"], "Value": tag["TagValue"]} for tag in tags],
    }


_ALIAS = ResourceSpec(
    "kms",
    create="CreateAlias",
    identify="AliasName",
    delete="DeleteAlias",
    gone=by("AliasName"),
    read=ReadSpec("ListAliases", lambda _id, given: {"KeyId": given["TargetKeyId"]}, "Aliases[0]"),
    update="UpdateAlias",
)


TYPES: Mapping[str, Handler] = {
    "AWS::KMS::Key": Handler(_create_key, _delete_key, _update_key, _read_key),
    "AWS::KMS::Alias": handler(_ALIAS),
}
