"""AWS CloudFormation.

Source: https://docs.aws.amazon.com/service-authorization/latest/reference/list_awscloudformation.html.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from preflight.rehearsal.iam.actions.request import (
    ApiRequest,
    Ask,
    RequiredPermission,
    creating,
    for_resources,
    no_resource,
    with_pass_role,
    within,
)

SERVICE = "cloudformation.amazonaws.com"


def _stack(question: ApiRequest) -> Iterator[str]:
    """The stack; by ARN as it is, of a change set's ARN nothing is known but its own."""
    name = str(question.get("stackName") or "")
    change = str(question.get("changeSetName") or "")
    if name.startswith("arn:"):
        yield name
    elif name:
        yield question.arn(f"stack/{name}/*")
    elif change.startswith("arn:"):
        yield change


def _keys(ask: Ask) -> Ask:
    for key, member in (
        ("cloudformation:changesetname", "changeSetName"),
        ("cloudformation:rolearn", "roleARN"),
        ("cloudformation:templateurl", "templateURL"),
    ):
        ask = _where_given(ask, key, member)
    return ask


def _where_given(ask: Ask, key: str, member: str) -> Ask:
    with_key = within(ask, key, lambda question: str(question.get(member)))
    return lambda question: with_key(question) if question.get(member) else ask(question)


def _described(question: ApiRequest) -> Iterator[RequiredPermission]:
    """One stack; all of them need leave to list them as well.

    Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStacks.html.
    """
    if question.get("stackName"):
        yield from _STACK(question)
    else:
        yield RequiredPermission(question.action, question.arn("stack/*/*"))
        yield RequiredPermission("cloudformation:ListStacks")


_STACK = _keys(for_resources(_stack))
_MAKING = with_pass_role(creating(_STACK), SERVICE, "roleARN")
_ON_STACK = (
    "CancelUpdateStack",
    "DeleteChangeSet",
    "DescribeChangeSet",
    "DescribeEvents",
    "DescribeStackEvents",
    "DescribeStackResource",
    "DescribeStackResources",
    "ExecuteChangeSet",
    "GetTemplate",
    "GetTemplateSummary",
    "ListChangeSets",
    "ListStackResources",
    "UpdateTerminationProtection",
)
_ANYWHERE = ("ListExports", "ListImports", "ListStacks", "ValidateTemplate")
TABLE: Mapping[str, Ask] = {
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
