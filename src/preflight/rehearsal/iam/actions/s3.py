"""Amazon S3: what a request of its REST API asks for, read from method, path and query.

Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote
from xml.etree import ElementTree as ET

from preflight.rehearsal.iam.actions.request import RequiredPermission, tag_context

_BUCKET: Mapping[str, str] = {  # method and subresource of a bucket: action
    "GET acl": "GetBucketAcl",
    "PUT acl": "PutBucketAcl",
    "GET cors": "GetBucketCORS",
    "PUT cors": "PutBucketCORS",
    "DELETE cors": "PutBucketCORS",
    "GET encryption": "GetEncryptionConfiguration",
    "PUT encryption": "PutEncryptionConfiguration",
    "DELETE encryption": "PutEncryptionConfiguration",
    "GET lifecycle": "GetLifecycleConfiguration",
    "PUT lifecycle": "PutLifecycleConfiguration",
    "DELETE lifecycle": "PutLifecycleConfiguration",
    "GET location": "GetBucketLocation",
    "GET logging": "GetBucketLogging",
    "PUT logging": "PutBucketLogging",
    "GET notification": "GetBucketNotification",
    "PUT notification": "PutBucketNotification",
    "GET object-lock": "GetBucketObjectLockConfiguration",
    "PUT object-lock": "PutBucketObjectLockConfiguration",
    "GET ownershipControls": "GetBucketOwnershipControls",
    "PUT ownershipControls": "PutBucketOwnershipControls",
    "DELETE ownershipControls": "PutBucketOwnershipControls",
    "GET policy": "GetBucketPolicy",
    "PUT policy": "PutBucketPolicy",
    "DELETE policy": "DeleteBucketPolicy",
    "GET policyStatus": "GetBucketPolicyStatus",
    "GET publicAccessBlock": "GetBucketPublicAccessBlock",
    "PUT publicAccessBlock": "PutBucketPublicAccessBlock",
    "DELETE publicAccessBlock": "PutBucketPublicAccessBlock",
    "GET tagging": "GetBucketTagging",
    "PUT tagging": "PutBucketTagging",
    "DELETE tagging": "PutBucketTagging",
    "GET uploads": "ListBucketMultipartUploads",
    "GET versioning": "GetBucketVersioning",
    "PUT versioning": "PutBucketVersioning",
    "GET versions": "ListBucketVersions",
    "GET website": "GetBucketWebsite",
    "PUT website": "PutBucketWebsite",
    "DELETE website": "DeleteBucketWebsite",
    "GET": "ListBucket",
    "HEAD": "ListBucket",
    "PUT": "CreateBucket",
    "DELETE": "DeleteBucket",
}
_OBJECT: Mapping[str, str] = {  # method and subresource of an object: action
    "GET acl": "GetObjectAcl",
    "PUT acl": "PutObjectAcl",
    "GET attributes": "GetObjectAttributes",
    "GET tagging": "GetObjectTagging",
    "PUT tagging": "PutObjectTagging",
    "DELETE tagging": "DeleteObjectTagging",
    "GET uploadId": "ListMultipartUploadParts",
    "DELETE uploadId": "AbortMultipartUpload",
    "GET versionId": "GetObjectVersion",
    "HEAD versionId": "GetObjectVersion",
    "DELETE versionId": "DeleteObjectVersion",
    "GET": "GetObject",
    "HEAD": "GetObject",
    "PUT": "PutObject",
    "POST": "PutObject",
    "DELETE": "DeleteObject",
}


@dataclass(frozen=True)
class S3Request:
    """A request to S3: bucket and key are empty where it names none."""

    partition: str
    method: str
    bucket: str
    key: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def is_batch(self) -> bool:
        """Whether it deletes several objects."""
        return self.method == "POST" and "delete" in self.query and not self.key

    def arn(self, key: str = "") -> str:
        """The ARN of its bucket, or of an object there."""
        return f"arn:{self.partition}:s3:::{self.bucket}{'/' if key else ''}{key}"


def keys_in(body: bytes) -> list[str]:
    """The keys of the objects that a body names."""
    return [part["Key"] for part in elements(body, "Object") if "Key" in part]


def elements(body: bytes, name: str) -> list[dict[str, str]]:
    """Returns the texts in each element of that name in a body, by the names of their elements; none if it is no XML."""
    try:
        root = ET.fromstring(body)  # noqa: S314 - expat bounds entities, and moto reads the same body with it
    except ET.ParseError:
        return []
    matching = (element for element in root.iter() if _local_name(element) == name)
    return [{_local_name(part): (part.text or "").strip() for part in element} for element in matching]


def _local_name(element: ET.Element) -> str:
    return element.tag.rpartition("}")[2]


def targets(request: S3Request) -> Iterator[RequiredPermission]:
    """What a request asks for."""
    if not request.bucket:
        yield RequiredPermission("s3:ListAllMyBuckets")
    elif request.is_batch:
        yield from _deleted(request)
    elif request.key:
        yield from _object(request)
    else:
        yield from _bucket(request)


def _deleted(request: S3Request) -> Iterator[RequiredPermission]:
    """Of a version that is named, both actions are asked for.

    Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html.
    """
    for part in elements(request.body, "Object") or [{"Key": "*"}]:
        arn = request.arn(part.get("Key", "*"))
        yield RequiredPermission("s3:DeleteObject", arn)
        if "VersionId" in part:
            yield RequiredPermission("s3:DeleteObjectVersion", arn)


def _action(table: Mapping[str, str], request: S3Request) -> str:
    actions = (table.get(f"{request.method} {part}") for part in request.query)
    return next(filter(None, actions), table.get(request.method, f"{request.method.title()}Object"))


def _bucket(request: S3Request) -> Iterator[RequiredPermission]:
    action = _action(_BUCKET, request)
    keys = ("prefix", "delimiter", "max-keys") if action in {"ListBucket", "ListBucketVersions"} else ()
    listed = {f"s3:{key}": request.query[key] for key in keys if key in request.query}
    tagged = elements(request.body, "Tag") if action == "CreateBucket" else []
    tags = {tag["Key"]: tag["Value"] for tag in tagged if {"Key", "Value"} <= tag.keys()}
    yield RequiredPermission(f"s3:{action}", request.arn(), {**listed, **tag_context(tags)})
    if tags:
        yield RequiredPermission("s3:TagResource", request.arn(), tag_context(tags))


def _object(request: S3Request) -> Iterator[RequiredPermission]:
    yield RequiredPermission(f"s3:{_action(_OBJECT, request)}", request.arn(request.key))
    source = unquote(request.headers.get("x-amz-copy-source", "").partition("?")[0]).lstrip("/")
    if source:
        yield RequiredPermission("s3:GetObject", f"arn:{request.partition}:s3:::{source}")
    if request.headers.get("x-amz-tagging") and request.method == "PUT":
        yield RequiredPermission("s3:PutObjectTagging", request.arn(request.key))
