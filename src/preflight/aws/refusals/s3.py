"""What S3 refuses of buckets."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any

from preflight.aws.constraints import (
    Condition,
    Constraint,
    Object,
    Predicate,
    between,
    each,
    equal,
    has,
    items,
    known,
    lacks,
    matches,
    needs,
    no,
    one_of,
    present,
    unique,
    value,
    without,
)
from preflight.aws.refusals import s3_bucket_policies

SERVICE = "s3"
_GUIDE = "https://docs.aws.amazon.com/AmazonS3/latest/userguide"
_API = "https://docs.aws.amazon.com/AmazonS3/latest/API"
_NAMES = f"{_GUIDE}/bucketnamingrules.html"
_LIFECYCLE = f"{_GUIDE}/lifecycle-transition-general-considerations.html"
_OWNERSHIP = f"{_GUIDE}/about-object-ownership.html"
_RULES = f"{_API}/API_OwnershipControlsRule.html"
_PREFIXES = ("xn--", "sthree-", "amzn-s3-demo-")
_SUFFIXES = ("-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3")


def _is_address(value: Any) -> bool:
    try:
        ipaddress.IPv4Address(str(value))
    except ValueError:
        return False
    return True


def _is_enforced(bucket: Object) -> bool:
    """Whether a bucket has no access control lists."""
    rules = items(bucket, "OwnershipControls.Rules")
    return any(isinstance(rule, Mapping) and known(rule, "ObjectOwnership") == "BucketOwnerEnforced" for rule in rules)


def _is_reserved(value: Any) -> bool:
    return str(value).startswith(_PREFIXES) or str(value).endswith(_SUFFIXES)


_BUCKET_NAME = tuple(
    Constraint(value("BucketName", predicate), "InvalidBucketName", "The specified bucket is not valid: {value}", _NAMES)
    for predicate in (
        matches(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", taken=("abc", "a.b-c", "a" * 63), refused=("ab", "Abc", "a_b", "-abc", "abc.", "a" * 64)),
        no(matches(r".*\.\..*", taken=("a..b",), refused=("a.b.c",))),
        no(Predicate(_is_address, ("192.168.5.4",), ("192.168.5.4a",))),
        no(Predicate(_is_reserved, ("xn--abc", "abc-s3alias"), ("abc-xn--", "s3alias-abc"))),
    )
)
_ACL = "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting"
_PRIVATE = value("AccessControl", one_of("Private", "BucketOwnerFullControl", "BucketOwnerRead"))
_ENABLED = value("VersioningConfiguration.Status", one_of("Enabled"))

_ACTIONS = (
    *("AbortIncompleteMultipartUpload", "ExpirationDate", "ExpirationInDays", "ExpiredObjectDeleteMarker", "NoncurrentVersionExpiration"),
    *("NoncurrentVersionExpirationInDays", "NoncurrentVersionTransition", "NoncurrentVersionTransitions", "Transition", "Transitions"),
)
_FEATURES = (
    Constraint(
        _PRIVATE,
        "InvalidBucketAclWithObjectOwnership",
        _ACL,
        _OWNERSHIP,
        where=Condition(_is_enforced, {"OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}}),
    ),
    *(
        Constraint(test, "MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema", _RULES, at)
        for test, at in (
            (value("Rules", Predicate(lambda rules: rules != [], ([{"ObjectOwnership": "ObjectWriter"}],), ([],))), "OwnershipControls"),
            (needs("ObjectOwnership"), "OwnershipControls.Rules[]"),
        )
    ),
    Constraint(
        lacks("KMSMasterKeyID"),
        "InvalidArgument",
        "a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms",
        f"{_API}/API_ServerSideEncryptionByDefault.html",
        at="BucketEncryption.ServerSideEncryptionConfiguration[].ServerSideEncryptionByDefault",
        when=equal("SSEAlgorithm", "AES256"),
    ),
    Constraint(
        present(1, len(_ACTIONS), *_ACTIONS),
        "InvalidRequest",
        "At least one action needs to be specified in a rule",
        f"{_GUIDE}/intro-lifecycle-rules.html",
        at="LifecycleConfiguration.Rules[]",
        when=equal("Status", "Enabled", "Disabled"),
    ),
    Constraint(
        present(0, 1, "Days", "Years"),
        "MalformedXML",
        "A default retention has either days or years, not both",
        f"{_API}/API_DefaultRetention.html",
        at="ObjectLockConfiguration.Rule.DefaultRetention",
    ),
    Constraint(
        lacks("IndexDocument", "ErrorDocument", "RoutingRules"),
        "InvalidArgument",
        "A website that redirects all requests has no other property",
        "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-s3-bucket-websiteconfiguration.html",
        at="WebsiteConfiguration",
        when=has("RedirectAllRequestsTo"),
    ),
    Constraint(
        value("BucketName", no(matches(r".*\..*", taken=("a.b.c",), refused=("abc",)))),
        "InvalidRequest",
        "S3 Transfer Acceleration is not supported for buckets with periods (.) in their names",
        f"{_GUIDE}/transfer-acceleration.html",
        when=equal("AccelerateConfiguration.AccelerationStatus", "Enabled"),
    ),
    Constraint(
        each("AllowedOrigins", no(matches(r".*\*.*\*.*", taken=("https://*.a.*",), refused=("https://*.a", "*")))),
        "InvalidRequest",
        'AllowedOrigin "{value}" can not have more than one wildcard.',
        f"{_GUIDE}/ManageCorsUsing.html",
        at="CorsConfiguration.CorsRules[]",
    ),
)
_BUCKET = (
    *_BUCKET_NAME,
    *_FEATURES,
    Constraint(
        _PRIVATE,
        "InvalidBucketAclWithObjectOwnership",
        _ACL,
        _OWNERSHIP,
        when=without("OwnershipControls"),
        cure="Grant access by a bucket policy; or set OwnershipControls to BucketOwnerPreferred or ObjectWriter.",
    ),
    Constraint(
        needs("VersioningConfiguration"),
        "InvalidRequest",
        "Versioning must be 'Enabled' on the bucket to apply a replication configuration",
        f"{_GUIDE}/replication-requirements.html",
        when=has("ReplicationConfiguration"),
    ),
    Constraint(
        _ENABLED,
        "InvalidRequest",
        "Versioning must be 'Enabled' on the bucket to apply a replication configuration",
        f"{_GUIDE}/replication-requirements.html",
        when=has("ReplicationConfiguration"),
    ),
    Constraint(
        unique("LifecycleConfiguration.Rules", "Id"),
        "InvalidArgument",
        "Rule ID must be unique. Found same ID for more than one rule",
        f"{_GUIDE}/intro-lifecycle-rules.html",
    ),
    *(
        Constraint(
            value("TransitionInDays", between(30, 2**31 - 1)),
            "InvalidArgument",
            "'Days' in Transition action must be greater than or equal to 30 for storageClass 'STANDARD_IA' or 'ONEZONE_IA'",
            _LIFECYCLE,
            at=f"LifecycleConfiguration.Rules[].{name}",
            when=equal("StorageClass", "STANDARD_IA", "ONEZONE_IA"),
        )
        for name in ("Transitions[]", "Transition")
    ),
    Constraint(
        value("ExpirationInDays", between(1, 2**31 - 1)),
        "InvalidArgument",
        "'Days' for Expiration action must be a positive integer",
        f"{_GUIDE}/intro-lifecycle-rules.html",
        at="LifecycleConfiguration.Rules[]",
    ),
)

TYPES: Mapping[str, tuple[Constraint, ...]] = {
    "AWS::S3::Bucket": _BUCKET,
    "AWS::S3::BucketPolicy": s3_bucket_policies.rows("PolicyDocument"),
}
OPERATIONS: Mapping[str, str] = {}
