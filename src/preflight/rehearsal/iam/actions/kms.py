"""Keys of KMS.

Source: https://docs.aws.amazon.com/service-authorization/latest/reference/list_awskeymanagementservice.html.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from preflight.rehearsal.iam.actions.request import (
    ApiRequest,
    Permissions,
    for_resources,
    no_resource,
    with_request_tags,
    with_tag_changes,
)


def _key(request: ApiRequest) -> Iterator[str]:
    """A key by id or ARN; which key an alias names is not known here, so any may be meant."""
    for name in request.texts("keyId") + request.texts("targetKeyId"):
        is_known = not name.rpartition(":")[2].startswith("alias/")
        yield name if name.startswith("arn:") and is_known else request.arn(f"key/{name if is_known else '*'}")


_KEY = for_resources(_key)
_ON_KEY = (
    "CreateGrant", "Decrypt", "DescribeKey", "DisableKey", "EnableKey", "EnableKeyRotation", "Encrypt",
    "GenerateDataKey", "GetKeyPolicy", "GetKeyRotationStatus", "ListResourceTags", "PutKeyPolicy",
    "ScheduleKeyDeletion", "UpdateKeyDescription",
)
TABLE: Mapping[str, Permissions] = {
    **dict.fromkeys(_ON_KEY, _KEY),
    "CreateKey": with_request_tags(no_resource, tagging="kms:TagResource"),
    "TagResource": with_tag_changes(_KEY),
    "UntagResource": with_tag_changes(_KEY),
    "ListAliases": no_resource,
    "ListKeys": no_resource,
}
