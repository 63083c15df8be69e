"""Amazon CloudWatch Logs.

Source: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudwatchlogs.html.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from preflight.rehearsal.iam.actions.request import (
    ApiRequest,
    Permissions,
    for_resources,
    with_request_tags,
    with_tag_changes,
)


def _named(request: ApiRequest) -> list[str]:
    groups = request.texts("logGroupName") + request.texts("logGroupIdentifier")
    return [name.rpartition(":log-group:")[2].removesuffix(":*") for name in groups]


def _groups(request: ApiRequest) -> Iterator[str]:
    """The group, as denials name it: with no log stream of it."""
    for name in _named(request):
        yield request.arn(f"log-group:{name}:log-stream:")


def _every(request: ApiRequest) -> Iterator[str]:
    """All groups: one without a name."""
    yield request.arn("log-group::log-stream:")


def _streams(request: ApiRequest) -> Iterator[str]:
    for name in _named(request):
        yield request.arn(f"log-group:{name}:log-stream:{request.get('logStreamName')}")


def _resource(request: ApiRequest) -> Iterator[str]:
    """What is tagged: a group, which policies name with or without the star at its end."""
    for arn in request.texts("resourceArn"):
        yield arn.removesuffix(":*")


_GROUP, _STREAM, _RESOURCE = for_resources(_groups), for_resources(_streams), for_resources(_resource)
_ON_GROUP = (
    "AssociateKmsKey", "DeleteLogGroup", "DeleteMetricFilter", "DeleteRetentionPolicy", "DeleteSubscriptionFilter",
    "DescribeLogStreams", "DescribeMetricFilters", "DescribeSubscriptionFilters", "DisassociateKmsKey",
    "FilterLogEvents", "GetDataProtectionPolicy", "ListTagsLogGroup", "PutDataProtectionPolicy", "PutMetricFilter",
    "PutRetentionPolicy",
)
TABLE: Mapping[str, Permissions] = {
    **dict.fromkeys(_ON_GROUP, _GROUP),
    "CreateLogGroup": with_request_tags(_GROUP, tagging="logs:TagResource"),
    "CreateLogStream": _STREAM,
    "DeleteLogStream": _STREAM,
    "DescribeLogGroups": for_resources(_every),
    "GetLogEvents": _STREAM,
    "PutLogEvents": _STREAM,
    "TagResource": with_tag_changes(_RESOURCE),
    "UntagResource": with_tag_changes(_RESOURCE),
    "ListTagsForResource": _RESOURCE,
}
