"""Amazon CloudWatch Logs.

Source: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudwatchlogs.html.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from preflight.rehearsal.iam.actions.request import Ask, Question, creating, on, tagging


def _named(question: Question) -> list[str]:
    given = question.texts("logGroupName") + question.texts("logGroupIdentifier")
    return [name.rpartition(":log-group:")[2].removesuffix(":*") for name in given]


def _groups(question: Question) -> Iterator[str]:
    """The group, as denials name it: with no log stream of it."""
    for name in _named(question):
        yield question.arn(f"log-group:{name}:log-stream:")


def _every(question: Question) -> Iterator[str]:
    """All groups: one without a name."""
    yield question.arn("log-group::log-stream:")


def _streams(question: Question) -> Iterator[str]:
    for name in _named(question):
        yield question.arn(f"log-group:{name}:log-stream:{question.get('logStreamName')}")


def _resource(question: Question) -> Iterator[str]:
    """What is tagged: a group, which policies name with or without the star at its end."""
    for arn in question.texts("resourceArn"):
        yield arn.removesuffix(":*")


_GROUP, _STREAM, _RESOURCE = on(_groups), on(_streams), on(_resource)
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
    "DescribeLogGroups": on(_every),
    "GetLogEvents": _STREAM,
    "PutLogEvents": _STREAM,
    "TagResource": tagging(_RESOURCE),
    "UntagResource": tagging(_RESOURCE),
    "ListTagsForResource": _RESOURCE,
}
