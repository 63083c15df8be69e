"""Amazon S3: buckets and their policies."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from preflight.rehearsal.cloudformation.resources.context import HandlerContext, Properties, Response
from preflight.rehearsal.cloudformation.resources.failure import ResourceFailedError
from preflight.rehearsal.cloudformation.resources.handler import CreatedResource, Handler

Set = Callable[[HandlerContext, str, Any], None]


def _versioning(context: HandlerContext, bucket: str, value: Any) -> None:
    context.call("s3", "PutBucketVersioning", Bucket=bucket, VersioningConfiguration={"Status": value["Status"]})


def _public_access(context: HandlerContext, bucket: str, value: Any) -> None:
    context.call("s3", "PutPublicAccessBlock", Bucket=bucket, PublicAccessBlockConfiguration=dict(value))


def _encryption(context: HandlerContext, bucket: str, value: Any) -> None:
    rules = [
        {{"ServerSideEncryptionByDefault": "ApplyServerSideEncryptionByDefault"}.get(k, k): v for k, v in rule.items()}
        for rule in value["ServerSideEncryptionConfiguration"]
    ]
    context.call("s3", "PutBucketEncryption", Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": rules})


def _ownership(context: HandlerContext, bucket: str, value: Any) -> None:
    context.call("s3", "PutBucketOwnershipControls", Bucket=bucket, OwnershipControls={"Rules": list(value["Rules"])})


def _lifecycle(context: HandlerContext, bucket: str, value: Any) -> None:
    rules = [_rule(rule) for rule in value["Rules"]]
    context.call("s3", "PutBucketLifecycleConfiguration", Bucket=bucket, LifecycleConfiguration={"Rules": rules})


def _rule(rule: Mapping[str, Any]) -> Response:
    """A lifecycle rule as the API takes it."""
    made: Response = {"Status": rule["Status"], "Filter": {"Prefix": rule.get("Prefix", "")}}
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


def _create(context: HandlerContext, properties: Properties) -> CreatedResource:
    name = properties.get("BucketName") or context.generate_name(max_length=63, is_lower=True)
    where = (
        {} if context.region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": context.region}}
    )
    context.call("s3", "CreateBucket", Bucket=name, **where)
    context.identify(name)
    _set(context, name, properties)
    return _made(context, name)


def _set(context: HandlerContext, name: str, properties: Properties) -> None:
    for key, value in properties.items():
        if key in _SET:
            _SET[key](context, name, value)
        elif key not in {"BucketName", "Tags"}:
            context.record(key, "ignored", "buckets of the rehearsal have no such property")
            continue
        context.record(key, "stored")
    own = [tag for tag in context.all_tags(properties.get("Tags")) if not tag["Key"].startswith("aws:")]
    if own:
        context.call("s3", "PutBucketTagging", Bucket=name, Tagging={"TagSet": own})


def _made(context: HandlerContext, name: str) -> CreatedResource:
    domain = f"{name}.s3.{context.region}.{context.dns_suffix}"
    attributes = {
        "Arn": f"arn:{context.partition}:s3:::{name}",
        "DomainName": f"{name}.s3.{context.dns_suffix}",
        "RegionalDomainName": domain,
        "DualStackDomainName": f"{name}.s3.dualstack.{context.region}.{context.dns_suffix}",
        "WebsiteURL": f"http://{name}.s3-website-{context.region}.{context.dns_suffix}",
    }
    return CreatedResource(name, attributes)


def _update(context: HandlerContext, name: str, _old: Properties, new: Properties) -> CreatedResource:
    _set(context, name, new)
    return _made(context, name)


def _delete(context: HandlerContext, name: str, _properties: Properties) -> None:
    context.call("s3", "DeleteBucket", Bucket=name)


def _read(context: HandlerContext, name: str, properties: Properties) -> Response:
    context.call("s3", "HeadBucket", Bucket=name)
    found: Response = {"BucketName": name}
    if "VersioningConfiguration" in properties:
        found["VersioningConfiguration"] = context.call("s3", "GetBucketVersioning", Bucket=name)
    if "PublicAccessBlockConfiguration" in properties:
        blocked = context.call("s3", "GetPublicAccessBlock", Bucket=name)
        found["PublicAccessBlockConfiguration"] = blocked["PublicAccessBlockConfiguration"]
    if "OwnershipControls" in properties:
        found["OwnershipControls"] = context.call("s3", "GetBucketOwnershipControls", Bucket=name)["OwnershipControls"]
    if "BucketEncryption" in properties:
        rules = context.call("s3", "GetBucketEncryption", Bucket=name)["ServerSideEncryptionConfiguration"]["Rules"]
        found["BucketEncryption"] = {"ServerSideEncryptionConfiguration": [_by_default(rule) for rule in rules]}
    if "LifecycleConfiguration" in properties:
        kept = context.call("s3", "GetBucketLifecycleConfiguration", Bucket=name)["Rules"]
        found["LifecycleConfiguration"] = _as_declared(properties["LifecycleConfiguration"], kept)
    if "Tags" in properties:
        found["Tags"] = context.call("s3", "GetBucketTagging", Bucket=name)["TagSet"]
    return found


def _by_default(rule: Mapping[str, Any]) -> Response:
    return {
        {"ApplyServerSideEncryptionByDefault": "ServerSideEncryptionByDefault"}.get(k, k): v for k, v in rule.items()
    }


def _as_declared(declared: Mapping[str, Any], kept: list[Response]) -> Response:
    """The declared rules that the service keeps in its own form."""
    return {"Rules": [r for r in declared["Rules"] if any(_holds(_rule(r), k) for k in kept)]}


def _holds(wanted: Mapping[str, Any], kept: Mapping[str, Any]) -> bool:
    return all(kept.get(key) == value for key, value in wanted.items() if key != "Filter")


def _put_policy(context: HandlerContext, properties: Properties) -> CreatedResource:
    document = properties["PolicyDocument"]
    text = document if isinstance(document, str) else json.dumps(document, default=str)
    if '"Principal"' not in text and '"NotPrincipal"' not in text:
        raise ResourceFailedError("Missing required field Principal", "InvalidRequest")
    context.call("s3", "PutBucketPolicy", Bucket=properties["Bucket"], Policy=text)
    context.record_stored(properties)
    return CreatedResource(str(properties["Bucket"]))


def _delete_policy(context: HandlerContext, bucket: str, _properties: Properties) -> None:
    context.call("s3", "DeleteBucketPolicy", Bucket=bucket)


def _read_policy(context: HandlerContext, bucket: str, _properties: Properties) -> Response:
    return {"Bucket": bucket, "PolicyDocument": context.call("s3", "GetBucketPolicy", Bucket=bucket)["Policy"]}


TYPES: Mapping[str, Handler] = {
    "AWS::S3::Bucket": Handler(_create, _delete, _update, _read),
    "AWS::S3::BucketPolicy": Handler(
        _put_policy, _delete_policy, lambda context, _id, _old, new: _put_policy(context, new), _read_policy
    ),
}
