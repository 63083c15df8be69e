"""What S3 lets pass by a bucket's policy.

Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-policies.html
"""

from __future__ import annotations

import re
from typing import Any

from moto.iam.access_control import PermissionResult
from moto.s3 import models
from werkzeug.wrappers import Request  # noqa: TC002 - mypy skips moto

from preflight.aws import iam_policy_evaluation
from preflight.aws.iam_policy_evaluation import RequestContext
from preflight.rehearsal import acting, protocol
from preflight.rehearsal.account import Account
from preflight.rehearsal.protocol import Refusal
from preflight.rehearsal.services import ServiceEmulation

CONTEXT = {"aws:securetransport": "true"}  # loopback stands for TLS
READ = {"s3:HeadObject": "s3:GetObject"}


def apply_bucket_policies() -> None:
    """Evaluate the conditions of bucket policies, which moto ignores."""
    models.FakeBucket.get_permission = _permission


def _permission(bucket: Any, action: str, resource: str) -> PermissionResult:
    policy = iam_policy_evaluation.document(bucket.policy.decode() if bucket.policy else None)
    if policy is None or acting.principal() is not None:  # who is known, the gate has judged already
        return PermissionResult.NEUTRAL
    request = RequestContext(READ.get(action, action), resource, CONTEXT)
    principals = (bucket.account_id, f"arn:{bucket.partition}:iam::{bucket.account_id}:root")
    if iam_policy_evaluation.denies(policy, principals, request):
        return PermissionResult.DENIED
    allowed = iam_policy_evaluation.grants(policy, principals, request)
    return PermissionResult.PERMITTED if allowed else PermissionResult.NEUTRAL


_BUCKET = re.compile(r"/(?P<name>[a-z0-9][a-z0-9.-]+)/?")


def service(account: Account) -> ServiceEmulation:
    """Returns S3, where buckets keep the tags of CreateBucket.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucketConfiguration.html; moto drops them.
    """

    def after(region: str, request: Request) -> None:
        bucket = _BUCKET.fullmatch(request.path)
        if request.method != "PUT" or request.query_string or bucket is None or not request.get_data():
            return
        try:
            call = protocol.parse_path("s3", region, "CreateBucket", request, {"Bucket": bucket["name"]})
        except Refusal:
            return  # moto has answered that it cannot read the request
        tags = (call.parameters.get("CreateBucketConfiguration") or {}).get("Tags")
        if tags:
            account.client("s3", region).put_bucket_tagging(Bucket=bucket["name"], Tagging={"TagSet": tags})

    return ServiceEmulation("s3", after=after)
