"""What S3 refuses of the policies of buckets.

Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-policies.html.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from preflight.aws.constraints import Constraint, Fault, Object, Test, known
from preflight.aws.iam_policy_evaluation import Policy
from preflight.aws.refusals import iam_policy_documents, json_documents
from preflight.aws.refusals.iam_policy_conditions import CONDITION_RULES
from preflight.aws.refusals.iam_policy_documents import of_statements, statements, texts, wrong_texts
from preflight.aws.refusals.iam_policy_principals import PRINCIPAL_RULES
from preflight.aws.refusals.iam_policy_resources import NEEDS_RESOURCE

_GUIDE = "https://docs.aws.amazon.com/AmazonS3/latest/userguide"
_PAGE = f"{_GUIDE}/bucket-policies.html"
_ACTIONS_PAGE = f"{_GUIDE}/security_iam_service-with-iam.html"
_MALFORMED = "MalformedPolicy"
_MAX_SIZE = 20_480
_BUCKET = re.compile(r"arn:[^:]*:s3:::(?P<bucket>[^/*?]+)(?P<key>/.*)?")
# Frequent actions on objects, and on buckets: what begins so, in lower case.
_ON_OBJECTS = re.compile(r"s3:(get|put|delete)object(acl|tagging|version|versionacl|versiontagging)?|s3:(restoreobject|abortmultipartupload)")
_ON_BUCKETS = re.compile(r"s3:(listbucket(versions|multipartuploads)?|getbucket[a-z]+|putbucket[a-z]+|deletebucket[a-z]*)")


def _inapplicable(statement: Policy) -> Iterator[Fault]:
    """Faults of actions for which a statement, whose resources are all known, names no object or no bucket."""
    value = statement.get("Resource")
    resources = value if isinstance(value, list) else [value]
    buckets = [_BUCKET.fullmatch(text) for _, text in texts(statement, "Resource")]
    if not buckets or len(buckets) != len(resources) or None in buckets:
        return
    has_objects, has_buckets = any(b and b["key"] for b in buckets), any(b and not b["key"] for b in buckets)
    for name, text in texts(statement, "Action"):
        action = text.lower()
        if (_ON_OBJECTS.fullmatch(action) and not has_objects) or (_ON_BUCKETS.fullmatch(action) and not has_buckets):
            yield Fault((name,), text)


def _other_buckets(part: Object) -> Iterator[Fault]:
    bucket, document = known(part, "Bucket"), part.get("PolicyDocument")
    if not isinstance(bucket, str) or not isinstance(document, dict):
        return
    for path, statement in statements(document):
        for name, text in texts(statement, "Resource", "NotResource"):
            match = _BUCKET.fullmatch(text)
            if match and match["bucket"] != bucket:
                yield Fault(("PolicyDocument", *path, name), text)


def _policy(resource: str) -> Object:
    return {"Bucket": "b", "PolicyDocument": {"Statement": [{"Resource": resource}]}}


_RULES = (
    *iam_policy_documents.SYNTAX_RULES,
    of_statements(
        wrong_texts(lambda text: re.match(r"\*|s3[a-z0-9-]*:", text, re.IGNORECASE) is not None, "Action", "NotAction"),
        "Policy has invalid action",
        _PAGE,
        right=({"Action": ["s3:GetObject", "*"]},),
        wrong=({"Action": "ecr:BatchGetImage"},),
    ),
    NEEDS_RESOURCE,
    of_statements(
        wrong_texts(lambda text: text.startswith("arn:") or text == "*", "Resource", "NotResource"),
        "Policy has invalid resource",
        _PAGE,
        right=({"Resource": ["arn:aws:s3:::b", "arn:aws:s3:::b/*"]},),
        wrong=({"Resource": "b/*"},),
    ),
    of_statements(
        _inapplicable,
        "Action does not apply to any resource(s) in statement",
        _ACTIONS_PAGE,
        right=(
            {"Action": ["s3:GetObject", "s3:ListBucket"], "Resource": ["arn:aws:s3:::b", "arn:aws:s3:::b/*"]},
            {"Action": "s3:*", "Resource": "arn:aws:s3:::b"},
            {"Action": "s3:PutObject", "Resource": "arn:aws:s3:::b*"},
        ),
        wrong=(
            {"Action": "s3:PutObject", "Resource": "arn:aws:s3:::b"},
            {"Action": ["s3:GetObject", "s3:ListBucket"], "Resource": "arn:aws:s3:::b/*"},
        ),
        cure="Name the bucket for actions on buckets, and the bucket with /* for those on objects.",
    ),
    *CONDITION_RULES,
    *PRINCIPAL_RULES,
)


def rows(name: str) -> tuple[Constraint, ...]:
    """Returns the rows of a property that holds the policy of a bucket."""
    size = Test(
        lambda part: iter([Fault((name,))] if iam_policy_documents.size(part.get(name) or {}) > _MAX_SIZE else []),
        ({name: "x" * _MAX_SIZE},),
        ({name: "x" * (_MAX_SIZE + 1)},),
    )
    return (
        Constraint(
            json_documents.text_of_json(name), _MALFORMED, "Policies must be valid JSON and the first byte must be '{'", _PAGE
        ),
        *json_documents.rows(_RULES, name, code=_MALFORMED),
        Constraint(
            Test(_other_buckets, (_policy("arn:aws:s3:::b/*"), _policy("arn:aws:s3:::b*")), (_policy("arn:aws:s3:::c/*"),)),
            _MALFORMED,
            "Policy has invalid resource",
            _PAGE,
            cure="A bucket's policy names the bucket itself and its objects.",
        ),
        Constraint(size, "PolicyTooLarge", "The bucket policy is larger than 20 KB", _PAGE),
    )
