"""Parameters of Systems Manager.

Sources: https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssystemsmanager.html and
https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-public-parameters.html, whose ARNs have no
account.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from preflight.rehearsal.iam.actions.request import (
    ApiRequest,
    Permissions,
    for_resources,
    no_resource,
    with_request_tags,
    with_tag_changes,
)


def _parameters(request: ApiRequest) -> Iterator[str]:
    names = request.texts("name") + request.texts("names") + request.texts("path") + request.texts("resourceId")
    for name in names:
        if name.startswith("arn:"):
            yield name
            continue
        owner = replace(request, account="") if name.startswith("/aws/service/") else request
        yield owner.arn(f"parameter/{name.partition(':')[0].lstrip('/')}")  # without version or label


_PARAMETER = for_resources(_parameters)
TABLE: Mapping[str, Permissions] = {
    "PutParameter": with_request_tags(_PARAMETER, tagging="ssm:AddTagsToResource"),
    "GetParameter": _PARAMETER,
    "GetParameters": _PARAMETER,
    "GetParametersByPath": _PARAMETER,
    "GetParameterHistory": _PARAMETER,
    "DeleteParameter": _PARAMETER,
    "DeleteParameters": _PARAMETER,
    "DescribeParameters": no_resource,
    "AddTagsToResource": with_tag_changes(_PARAMETER),
    "RemoveTagsFromResource": with_tag_changes(_PARAMETER),
    "ListTagsForResource": _PARAMETER,
}
