"""Amazon S3: buckets and their policies."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from preflight.rehearsal.cloudformation.resources.context import HandlerContext, Properties, Response, as_json
from preflight.rehearsal.cloudformation.resources.declarative import deleter
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
    """Returns a lifecycle rule as the API takes it."""
    request: Response = {"Status": rule["Status"], "Filter": {"Prefix": rule.get("Prefix", "")}}
    if "Id" in rule:
        request["ID"] = rule["Id"]
    if "ExpirationInDays" in rule:
        request["Expiration"] = {"Days": int(rule["ExpirationInDays"])}
    expiration = rule.get("NoncurrentVersionExpiration") or {}
    days = expiration.get("NoncurrentDays", rule.get("NoncurrentVersionExpirationInDays"))
    if days is not None:
        request["NoncurrentVersionExpiration"] = {"NoncurrentDays": int(days)}
    abort = rule.get("AbortIncompleteMultipartUpload")
    if abort:
        request["AbortIncompleteMultipartUpload"] = dict(abort)
    transitions = [
        {"Days": int(m["TransitionInDays"]), "StorageClass": m["StorageClass"]} for m in rule.get("Transitions") or []
    ]
    if transitions:
        request["Transitions"] = transitions
    return request


_SET: Mapping[str, Set] = {
    "VersioningConfiguration": _versioning,
    "PublicAccessBlockConfiguration": _public_access,
    "BucketEncryption": _encryption,
    "OwnershipControls": _ownership,
    "LifecycleConfiguration": _lifecycle,
}


def _create(context: HandlerContext, properties: Properties) -> CreatedResource:
    name = properties.get("BucketName") or context.generate_name(max_length=63, is_lower=True)
    location = (
        {} if context.region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": context.region}}
    )
    context.call("s3", "CreateBucket", Bucket=name, **location)
    context.identify(name)
    _set(context, name, properties)
    return _created(context, name)


def _set(context: HandlerContext, name: str, properties: Properties) -> None:
    for key, value in properties.items():
        if key in _SET:
            _SET[key](context, name, value)
        elif key not in {"BucketName", "Tags"}:
            context.record(key, "ignored", "buckets of the rehearsal have no such property")
            continue
        context.record(key, "stored")
    tags = context.user_tags(properties.get("Tags"))
    if tags:
        context.call("s3", "PutBucketTagging", Bucket=name, Tagging={"TagSet": tags})


def _created(context: HandlerContext, name: str) -> CreatedResource:
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
    if not context.user_tags(new.get("Tags")):
        context.call("s3", "DeleteBucketTagging", Bucket=name)
    return _created(context, name)


def _read(context: HandlerContext, name: str, properties: Properties) -> Response:
    context.call("s3", "HeadBucket", Bucket=name)
    description: Response = {"BucketName": name}
    if "VersioningConfiguration" in properties:
        description["VersioningConfiguration"] = context.call("s3", "GetBucketVersioning", Bucket=name)
    if "PublicAccessBlockConfiguration" in properties:
        blocked = context.call("s3", "GetPublicAccessBlock", Bucket=name)
        description["PublicAccessBlockConfiguration"] = blocked["PublicAccessBlockConfiguration"]
    if "OwnershipControls" in properties:
        description["OwnershipControls"] = context.call("s3", "GetBucketOwnershipControls", Bucket=name)[
            "OwnershipControls"
        ]
    if "BucketEncryption" in properties:
        rules = context.call("s3", "GetBucketEncryption", Bucket=name)["ServerSideEncryptionConfiguration"]["Rules"]
        description["BucketEncryption"] = {"ServerSideEncryptionConfiguration": [_by_default(rule) for rule in rules]}
    if "LifecycleConfiguration" in properties:
        rules = context.call("s3", "GetBucketLifecycleConfiguration", Bucket=name)["Rules"]
        description["LifecycleConfiguration"] = _as_declared(properties["LifecycleConfiguration"], rules)
    if "Tags" in properties:
        description["Tags"] = context.call("s3", "GetBucketTagging", Bucket=name)["TagSet"]
    return description


def _by_default(rule: Mapping[str, Any]) -> Response:
    return {
        {"ApplyServerSideEncryptionByDefault": "ServerSideEncryptionByDefault"}.get(k, k): v for k, v in rule.items()
    }


def _as_declared(declared: Mapping[str, Any], rules: list[Response]) -> Response:
    """Returns the declared rules that the service has, in its own form."""
    return {"Rules": [r for r in declared["Rules"] if any(_holds(_rule(r), k) for k in rules)]}


def _holds(expected: Mapping[str, Any], rule: Mapping[str, Any]) -> bool:
    return all(rule.get(key) == value for key, value in expected.items() if key != "Filter")


def _put_policy(context: HandlerContext, properties: Properties) -> CreatedResource:
    text = as_json(properties["PolicyDocument"])
    context.call("s3", "PutBucketPolicy", Bucket=properties["Bucket"], Policy=text)
    context.record_stored(properties)
    return CreatedResource(str(properties["Bucket"]))


def _read_policy(context: HandlerContext, bucket: str, _properties: Properties) -> Response:
    return {"Bucket": bucket, "PolicyDocument": context.call("s3", "GetBucketPolicy", Bucket=bucket)["Policy"]}


TYPES: Mapping[str, Handler] = {
    "AWS::S3::Bucket": Handler(_create, deleter("s3", "DeleteBucket", "Bucket"), _update, _read),
    "AWS::S3::BucketPolicy": Handler(
        _put_policy,
        deleter("s3", "DeleteBucketPolicy", "Bucket"),
        lambda context, _id, _old, new: _put_policy(context, new),
        _read_policy,
    ),
}
