"""AWS CloudFormation.

Source: https://docs.aws.amazon.com/service-authorization/latest/reference/list_awscloudformation.html.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from preflight.rehearsal.iam.actions.request import (
    ApiRequest,
    Permissions,
    RequiredPermission,
    for_resources,
    no_resource,
    with_condition_key,
    with_pass_role,
    with_request_tags,
)

SERVICE = "cloudformation.amazonaws.com"


def _stack(request: ApiRequest) -> Iterator[str]:
    """The stack; by ARN as it is, of a change set's ARN nothing is known but its own."""
    name = str(request.get("stackName") or "")
    change = str(request.get("changeSetName") or "")
    if name.startswith("arn:"):
        yield name
    elif name:
        yield request.arn(f"stack/{name}/*")
    elif change.startswith("arn:"):
        yield change


def _keys(ask: Permissions) -> Permissions:
    for key, member in (
        ("cloudformation:changesetname", "changeSetName"),
        ("cloudformation:rolearn", "roleARN"),
        ("cloudformation:templateurl", "templateURL"),
    ):
        ask = _where_given(ask, key, member)
    return ask


def _where_given(ask: Permissions, key: str, member: str) -> Permissions:
    with_key = with_condition_key(ask, key, lambda request: str(request.get(member)))
    return lambda request: with_key(request) if request.get(member) else ask(request)


def _described(request: ApiRequest) -> Iterator[RequiredPermission]:
    """One stack; all of them need leave to list them as well.

    Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStacks.html.
    """
    if request.get("stackName"):
        yield from _STACK(request)
    else:
        yield RequiredPermission(request.action, request.arn("stack/*/*"))
        yield RequiredPermission("cloudformation:ListStacks")


_STACK = _keys(for_resources(_stack))
_MAKING = with_pass_role(with_request_tags(_STACK), SERVICE, "roleARN")
_ON_STACK = (
    "CancelUpdateStack",
    "DeleteChangeSet",
    "DescribeChangeSet",
    "DescribeEvents",
    "DescribeStackEvents",
    "DescribeStackResource",
    "DescribeStackResourceDrifts",
    "DescribeStackResources",
    "DetectStackDrift",
    "DetectStackResourceDrift",
    "ExecuteChangeSet",
    "GetTemplate",
    "GetTemplateSummary",
    "ListChangeSets",
    "ListStackResources",
    "UpdateTerminationProtection",
)
_ANYWHERE = ("DescribeStackDriftDetectionStatus", "ListExports", "ListImports", "ListStacks", "ValidateTemplate")
TABLE: Mapping[str, Permissions] = {
    **dict.fromkeys(_ON_STACK, _STACK),
    **dict.fromkeys(_ANYWHERE, no_resource),
    "DescribeStacks": _described,
    "CreateStack": _MAKING,
    "UpdateStack": _MAKING,
    "CreateChangeSet": _MAKING,
    "DeleteStack": with_pass_role(_STACK, SERVICE, "roleARN"),
    "ContinueUpdateRollback": with_pass_role(_STACK, SERVICE, "roleARN"),
    "RollbackStack": with_pass_role(_STACK, SERVICE, "roleARN"),
}
