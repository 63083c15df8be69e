"""Amazon CloudWatch Logs.

Source: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudwatchlogs.html.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from preflight.rehearsal.iam.actions.request import ApiRequest, Ask, creating, for_resources, tagging


def _named(question: ApiRequest) -> list[str]:
    given = question.texts("logGroupName") + question.texts("logGroupIdentifier")
    return [name.rpartition(":log-group:")[2].removesuffix(":*") for name in given]


def _groups(question: ApiRequest) -> Iterator[str]:
    """The group, as denials name it: with no log stream of it."""
    for name in _named(question):
        yield question.arn(f"log-group:{name}:log-stream:")


def _every(question: ApiRequest) -> Iterator[str]:
    """All groups: one without a name."""
    yield question.arn("log-group::log-stream:")


def _streams(question: ApiRequest) -> Iterator[str]:
    for name in _named(question):
        yield question.arn(f"log-group:{name}:log-stream:{question.get('logStreamName')}")


def _resource(question: ApiRequest) -> Iterator[str]:
    """What is tagged: a group, which policies name with or without the star at its end."""
    for arn in question.texts("resourceArn"):
        yield arn.removesuffix(":*")


_GROUP, _STREAM, _RESOURCE = for_resources(_groups), for_resources(_streams), for_resources(_resource)
_ON_GROUP = (
    "AssociateKmsKey",
    "DeleteLogGroup",
    "DeleteMetricFilter",
    "DeleteRetentionPolicy",
    "DeleteSubscriptionFilter",
    "DescribeLogStreams",
    "DescribeMetricFilters",
    "DescribeSubscriptionFilters",
    "DisassociateKmsKey",
    "FilterLogEvents",
    "GetDataProtectionPolicy",
    "ListTagsLogGroup",
    "PutDataProtectionPolicy",
    "PutMetricFilter",
    "PutRetentionPolicy",
)
TABLE: Mapping[str, Ask] = {
    **dict.fromkeys(_ON_GROUP, _GROUP),
    "CreateLogGroup": creating(_GROUP, tagging="logs:TagResource"),
    "CreateLogStream": _STREAM,
    "DeleteLogStream": _STREAM,
    "DescribeLogGroups": for_resources(_every),
    "GetLogEvents": _STREAM,
    "PutLogEvents": _STREAM,
    "TagResource": tagging(_RESOURCE),
    "UntagResource": tagging(_RESOURCE),
    "ListTagsForResource": _RESOURCE,
}
