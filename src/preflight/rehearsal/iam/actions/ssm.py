"""Parameters of Systems Manager.

Source: https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssystemsmanager.html.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from preflight.rehearsal.iam.actions.request import ApiRequest, Ask, creating, for_resources, no_resource, tagging


def _parameters(question: ApiRequest) -> Iterator[str]:
    given = question.texts("name") + question.texts("names") + question.texts("path") + question.texts("resourceId")
    for name in given:
        yield name if name.startswith("arn:") else question.arn(f"parameter/{name.lstrip('/')}")


_PARAMETER = for_resources(_parameters)
TABLE: Mapping[str, Ask] = {
    "PutParameter": creating(_PARAMETER, tagging="ssm:AddTagsToResource"),
    "GetParameter": _PARAMETER,
    "GetParameters": _PARAMETER,
    "GetParametersByPath": _PARAMETER,
    "GetParameterHistory": _PARAMETER,
    "DeleteParameter": _PARAMETER,
    "DeleteParameters": _PARAMETER,
    "DescribeParameters": no_resource,
    "AddTagsToResource": tagging(_PARAMETER),
    "RemoveTagsFromResource": tagging(_PARAMETER),
    "ListTagsForResource": _PARAMETER,
}
