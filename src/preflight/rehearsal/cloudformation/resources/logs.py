"""Amazon CloudWatch Logs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from preflight.rehearsal.cloudformation.resources.declarative import ReadSpec, ResourceSpec, handler
from preflight.rehearsal.cloudformation.resources.handler import (
    CreatedResource,
    Handler,
    HandlerContext,
    Properties,
    ResourceFailedError,
)


def _create_group(place: HandlerContext, given: Properties) -> CreatedResource:
    name = given.get("LogGroupName") or place.name(most=512)
    plain = {key: value for key, value in given.items() if key not in {"RetentionInDays", "Tags", "LogGroupName"}}
    if _find(place, name) is not None:
        msg = f"Resource of type 'AWS::Logs::LogGroup' with identifier '{name}' already exists."
        raise ResourceFailedError(msg, "AlreadyExists")
    tags = {tag["Key"]: tag["Value"] for tag in place.all_tags(given.get("Tags"))}
    place.call("logs", "CreateLogGroup", {"LogGroupName": name, **plain, **({"Tags": tags} if tags else {})})
    if "RetentionInDays" in given:
        _set_retention(place, name, given)
    return CreatedResource(name, {"Arn": f"{_arn(place, name)}:*"})


def _find(place: HandlerContext, name: str) -> dict[str, Any] | None:
    groups = place.ask("logs", "DescribeLogGroups", logGroupNamePrefix=name)["logGroups"]
    return next((group for group in groups if group["logGroupName"] == name), None)


def _arn(place: HandlerContext, name: str) -> str:
    return f"arn:{place.partition}:logs:{place.region}:{place.account.id}:log-group:{name}"


def _set_retention(place: HandlerContext, name: str, given: Properties) -> None:
    if "RetentionInDays" in given:
        place.call("logs", "PutRetentionPolicy", {"LogGroupName": name, "RetentionInDays": given["RetentionInDays"]})
    else:
        place.ask("logs", "DeleteRetentionPolicy", logGroupName=name)


def _update_group(place: HandlerContext, name: str, _old: Properties, new: Properties) -> CreatedResource:
    _set_retention(place, name, new)
    return CreatedResource(name, {"Arn": f"{_arn(place, name)}:*"})


def _delete_group(place: HandlerContext, name: str, _given: Properties) -> None:
    place.ask("logs", "DeleteLogGroup", logGroupName=name)


def _read_group(place: HandlerContext, name: str, _given: Properties) -> dict[str, Any]:
    found = _find(place, name)
    if found is None:
        return {}
    tags = place.ask("logs", "ListTagsForResource", resourceArn=_arn(place, name))["tags"]
    return {**found, "Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}


def _within(_physical: str, given: Properties) -> dict[str, Any]:
    return {"logGroupName": given["LogGroupName"]}


def _read_stream(place: HandlerContext, name: str, given: Properties) -> dict[str, Any]:
    listed = place.ask("logs", "DescribeLogStreams", **_within(name, given), logStreamNamePrefix=name)["logStreams"]
    found: dict[str, Any] = next((stream for stream in listed if stream["logStreamName"] == name), {})
    group = str(found.get("arn", "")).partition(":log-group:")[2].partition(":log-stream:")[0]
    return {**found, "LogGroupName": group}


_STREAM = ResourceSpec(
    "logs",
    create="CreateLogStream",
    identify="LogStreamName",
    delete="DeleteLogStream",
    gone=lambda physical, given: {**_within(physical, given), "logStreamName": physical},
    named="LogStreamName",
    most=512,
)
_METRICS = ResourceSpec(
    "logs",
    create="PutMetricFilter",
    identify="FilterName",
    delete="DeleteMetricFilter",
    gone=lambda physical, given: {**_within(physical, given), "filterName": physical},
    read=ReadSpec("DescribeMetricFilters", _within, "metricFilters[0]"),
    named="FilterName",
    most=512,
)


def _update_metrics(place: HandlerContext, name: str, old: Properties, new: Properties) -> CreatedResource:
    """Moto keeps the former pattern of a filter that is put again, so it goes first."""
    metrics = handler(_METRICS)
    metrics.delete(place, name, old)
    return metrics.create(place, {"FilterName": name, **new})


TYPES = {
    "AWS::Logs::LogGroup": Handler(_create_group, _delete_group, _update_group, _read_group),
    "AWS::Logs::LogStream": replace(handler(_STREAM), read=_read_stream),
    "AWS::Logs::MetricFilter": replace(handler(_METRICS), update=_update_metrics),
}
