"""Keys of KMS.

Source: https://docs.aws.amazon.com/service-authorization/latest/reference/list_awskeymanagementservice.html.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from preflight.rehearsal.iam.actions.request import ApiRequest, Ask, creating, for_resources, no_resource, tagging


def _key(question: ApiRequest) -> Iterator[str]:
    """A key by id or ARN; which key an alias names is not known here, so any may be meant."""
    for name in question.texts("keyId") + question.texts("targetKeyId"):
        is_known = not name.rpartition(":")[2].startswith("alias/")
        yield name if name.startswith("arn:") and is_known else question.arn(f"key/{name if is_known else '*'}")


_KEY = for_resources(_key)
_ON_KEY = (
    "CreateGrant",
    "Decrypt",
    "DescribeKey",
    "DisableKey",
    "EnableKey",
    "EnableKeyRotation",
    "Encrypt",
    "GenerateDataKey",
    "GetKeyPolicy",
    "GetKeyRotationStatus",
    "ListResourceTags",
    "PutKeyPolicy",
    "ScheduleKeyDeletion",
    "UpdateKeyDescription",
)
TABLE: Mapping[str, Ask] = {
    **dict.fromkeys(_ON_KEY, _KEY),
    "CreateKey": creating(no_resource, tagging="kms:TagResource"),
    "TagResource": tagging(_KEY),
    "UntagResource": tagging(_KEY),
    "ListAliases": no_resource,
    "ListKeys": no_resource,
}
