"""Amazon S3: buckets and their policies."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from preflight.rehearsal.cloudformation.resources.handler import (
    CreatedResource,
    Handler,
    HandlerContext,
    Properties,
    ResourceFailedError,
)

Set = Callable[[HandlerContext, str, Any], None]


def _versioning(place: HandlerContext, bucket: str, value: Any) -> None:
    place.ask("s3", "PutBucketVersioning", Bucket=bucket, VersioningConfiguration={"Status": value["Status"]})


def _public_access(place: HandlerContext, bucket: str, value: Any) -> None:
    place.ask("s3", "PutPublicAccessBlock", Bucket=bucket, PublicAccessBlockConfiguration=dict(value))


def _encryption(place: HandlerContext, bucket: str, value: Any) -> None:
    rules = [
        {{"ServerSideEncryptionByDefault": "ApplyServerSideEncryptionByDefault"}.get(k, k): v for k, v in rule.items()}
        for rule in value["ServerSideEncryptionConfiguration"]
    ]
    place.ask("s3", "PutBucketEncryption", Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": rules})


def _ownership(place: HandlerContext, bucket: str, value: Any) -> None:
    place.ask("s3", "PutBucketOwnershipControls", Bucket=bucket, OwnershipControls={"Rules": list(value["Rules"])})


def _lifecycle(place: HandlerContext, bucket: str, value: Any) -> None:
    rules = [_rule(rule) for rule in value["Rules"]]
    place.ask("s3", "PutBucketLifecycleConfiguration", Bucket=bucket, LifecycleConfiguration={"Rules": rules})


def _rule(rule: Mapping[str, Any]) -> dict[str, Any]:
    """A lifecycle rule as the API takes it."""
    made: dict[str, Any] = {"Status": rule["Status"], "Filter": {"Prefix": rule.get("Prefix", "")}}
    if "Id" in rule:
        made["ID"] = rule["Id"]
    if "ExpirationInDays" in rule:
        made["Expiration"] = {"Days": int(rule["ExpirationInDays"])}
    old = rule.get("NoncurrentVersionExpiration") or {}
    days = old.get("NoncurrentDays", rule.get("NoncurrentVersionExpirationInDays"))
    if days is not None:
        made["NoncurrentVersionExpiration"] = {"NoncurrentDays": int(days)}
    aborted = rule.get("AbortIncompleteMultipartUpload")
    if aborted:
        made["AbortIncompleteMultipartUpload"] = dict(aborted)
    moves = [
        {"Days": int(m["TransitionInDays"]), "StorageClass": m["StorageClass"]} for m in rule.get("Transitions") or []
    ]
    if moves:
        made["Transitions"] = moves
    return made


_SET: Mapping[str, Set] = {
    "VersioningConfiguration": _versioning,
    "PublicAccessBlockConfiguration": _public_access,
    "BucketEncryption": _encryption,
    "OwnershipControls": _ownership,
    "LifecycleConfiguration": _lifecycle,
}


def _create(place: HandlerContext, given: Properties) -> CreatedResource:
    name = given.get("BucketName") or place.name(most=63, is_lower=True)
    where = {} if place.region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": place.region}}
    place.ask("s3", "CreateBucket", Bucket=name, **where)
    place.identify(name)
    _set(place, name, given)
    return _made(place, name)


def _set(place: HandlerContext, name: str, given: Properties) -> None:
    for key, value in given.items():
        if key in _SET:
            _SET[key](place, name, value)
        elif key not in {"BucketName", "Tags"}:
            place.note(key, "ignored", "buckets of the rehearsal have no such property")
            continue
        place.note(key, "stored")
    own = [tag for tag in place.all_tags(given.get("Tags")) if not tag["Key"].startswith("aws:")]
    if own:
        place.ask("s3", "PutBucketTagging", Bucket=name, Tagging={"TagSet": own})


def _made(place: HandlerContext, name: str) -> CreatedResource:
    domain = f"{name}.s3.{place.region}.{place.suffix}"
    attributes = {
        "Arn": f"arn:{place.partition}:s3:::{name}",
        "DomainName": f"{name}.s3.{place.suffix}",
        "RegionalDomainName": domain,
        "DualStackDomainName": f"{name}.s3.dualstack.{place.region}.{place.suffix}",
        "WebsiteURL": f"http://{name}.s3-website-{place.region}.{place.suffix}",
    }
    return CreatedResource(name, attributes)


def _update(place: HandlerContext, name: str, _old: Properties, new: Properties) -> CreatedResource:
    _set(place, name, new)
    return _made(place, name)


def _delete(place: HandlerContext, name: str, _given: Properties) -> None:
    place.ask("s3", "DeleteBucket", Bucket=name)


def _read(place: HandlerContext, name: str, given: Properties) -> dict[str, Any]:
    place.ask("s3", "HeadBucket", Bucket=name)
    found: dict[str, Any] = {"BucketName": name}
    if "VersioningConfiguration" in given:
        found["VersioningConfiguration"] = place.ask("s3", "GetBucketVersioning", Bucket=name)
    if "PublicAccessBlockConfiguration" in given:
        blocked = place.ask("s3", "GetPublicAccessBlock", Bucket=name)
        found["PublicAccessBlockConfiguration"] = blocked["PublicAccessBlockConfiguration"]
    if "OwnershipControls" in given:
        found["OwnershipControls"] = place.ask("s3", "GetBucketOwnershipControls", Bucket=name)["OwnershipControls"]
    if "BucketEncryption" in given:
        rules = place.ask("s3", "GetBucketEncryption", Bucket=name)["ServerSideEncryptionConfiguration"]["Rules"]
        found["BucketEncryption"] = {"ServerSideEncryptionConfiguration": [_by_default(rule) for rule in rules]}
    if "LifecycleConfiguration" in given:
        kept = place.ask("s3", "GetBucketLifecycleConfiguration", Bucket=name)["Rules"]
        found["LifecycleConfiguration"] = _as_declared(given["LifecycleConfiguration"], kept)
    if "Tags" in given:
        found["Tags"] = place.ask("s3", "GetBucketTagging", Bucket=name)["TagSet"]
    return found


def _by_default(rule: Mapping[str, Any]) -> dict[str, Any]:
    return {
        {"ApplyServerSideEncryptionByDefault": "ServerSideEncryptionByDefault"}.get(k, k): v for k, v in rule.items()
    }


def _as_declared(declared: Mapping[str, Any], kept: list[dict[str, Any]]) -> dict[str, Any]:
    """The declared rules that the service keeps in its own form."""
    return {"Rules": [r for r in declared["Rules"] if any(_holds(_rule(r), k) for k in kept)]}


def _holds(wanted: Mapping[str, Any], kept: Mapping[str, Any]) -> bool:
    return all(kept.get(key) == value for key, value in wanted.items() if key != "Filter")


def _put_policy(place: HandlerContext, given: Properties) -> CreatedResource:
    document = given["PolicyDocument"]
    text = document if isinstance(document, str) else json.dumps(document, default=str)
    if '"Principal"' not in text and '"NotPrincipal"' not in text:
        raise ResourceFailedError("Missing required field Principal", "InvalidRequest")
    place.ask("s3", "PutBucketPolicy", Bucket=given["Bucket"], Policy=text)
    for key in given:
        place.note(key, "stored")
    return CreatedResource(str(given["Bucket"]))


def _delete_policy(place: HandlerContext, bucket: str, _given: Properties) -> None:
    place.ask("s3", "DeleteBucketPolicy", Bucket=bucket)


def _read_policy(place: HandlerContext, bucket: str, _given: Properties) -> dict[str, Any]:
    return {"Bucket": bucket, "PolicyDocument": place.ask("s3", "GetBucketPolicy", Bucket=bucket)["Policy"]}


TYPES: Mapping[str, Handler] = {
    "AWS::S3::Bucket": Handler(_create, _delete, _update, _read),
    "AWS::S3::BucketPolicy": Handler(
        _put_policy, _delete_policy, lambda place, _id, _old, new: _put_policy(place, new), _read_policy
    ),
}
