"""Amazon CloudWatch Logs."""

from __future__ import annotations

from dataclasses import replace

import moto.backends

from preflight.rehearsal.cloudformation.resources.context import HandlerContext, Properties, Response, without
from preflight.rehearsal.cloudformation.resources.declarative import (
    ReadSpec,
    ResourceSpec,
    call,
    deleter,
    from_properties,
    handler,
)
from preflight.rehearsal.cloudformation.resources.failure import ResourceFailedError
from preflight.rehearsal.cloudformation.resources.handler import CreatedResource, Handler

_MOST_SUBSCRIPTIONS = 2  # of a log group


def _create_group(context: HandlerContext, properties: Properties) -> CreatedResource:
    name = properties.get("LogGroupName") or context.generate_name(max_length=512)
    members = without(properties, "RetentionInDays", "Tags", "LogGroupName")
    tags = {tag["Key"]: tag["Value"] for tag in context.all_tags(properties.get("Tags"))}
    try:
        context.submit("logs", "CreateLogGroup", {"LogGroupName": name, **members, **({"Tags": tags} if tags else {})})
    except ResourceFailedError as error:
        if error.code != "AlreadyExists":
            raise
        msg = f"Resource of type 'AWS::Logs::LogGroup' with identifier '{name}' already exists."
        raise ResourceFailedError(msg, "AlreadyExists") from None
    if "RetentionInDays" in properties:
        _set_retention(context, name, properties)
    return CreatedResource(name, {"Arn": f"{_arn(context, name)}:*"})


def _find(context: HandlerContext, name: str) -> Response | None:
    groups = context.call("logs", "DescribeLogGroups", logGroupNamePrefix=name)["logGroups"]
    return next((group for group in groups if group["logGroupName"] == name), None)


def _arn(context: HandlerContext, name: str) -> str:
    return f"arn:{context.partition}:logs:{context.region}:{context.account.id}:log-group:{name}"


def _set_retention(context: HandlerContext, name: str, properties: Properties) -> None:
    if "RetentionInDays" in properties:
        context.submit(
            "logs", "PutRetentionPolicy", {"LogGroupName": name, "RetentionInDays": properties["RetentionInDays"]}
        )
    else:
        context.call("logs", "DeleteRetentionPolicy", logGroupName=name)


def _update_group(context: HandlerContext, name: str, _old: Properties, new: Properties) -> CreatedResource:
    _set_retention(context, name, new)
    return CreatedResource(name, {"Arn": f"{_arn(context, name)}:*"})


def _read_group(context: HandlerContext, name: str, _properties: Properties) -> Response:
    group = _find(context, name)
    if group is None:
        return {}
    tags = context.call("logs", "ListTagsForResource", resourceArn=_arn(context, name))["tags"]
    return {**group, "Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}


_group = from_properties(logGroupName="LogGroupName")


def _read_stream(context: HandlerContext, name: str, properties: Properties) -> Response:
    streams = context.call("logs", "DescribeLogStreams", **_group(name, properties), logStreamNamePrefix=name)[
        "logStreams"
    ]
    description: Response = next((stream for stream in streams if stream["logStreamName"] == name), {})
    group = str(description.get("arn", "")).partition(":log-group:")[2].partition(":log-stream:")[0]
    return {**description, "LogGroupName": group}


_STREAM = ResourceSpec(
    "logs",
    create="CreateLogStream",
    physical_id="LogStreamName",
    delete=(call("DeleteLogStream", lambda name, properties: {**_group(name, properties), "logStreamName": name}),),
    name="LogStreamName",
    max_length=512,
)
def _with_dimension_maps(properties: Properties) -> Properties:
    """Returns a metric filter whose dimensions are maps, as the operation takes them; a template lists keys and values."""
    transformations = [
        {**t, "Dimensions": {d["Key"]: d["Value"] for d in t["Dimensions"]}} if "Dimensions" in t else t
        for t in properties.get("MetricTransformations") or []
    ]
    return {**properties, "MetricTransformations": transformations}


_METRIC_FILTER = ResourceSpec(
    "logs",
    create="PutMetricFilter",
    physical_id="FilterName",
    delete=(call("DeleteMetricFilter", lambda name, properties: {**_group(name, properties), "filterName": name}),),
    reads=(ReadSpec("DescribeMetricFilters", _group, "metricFilters[0]"),),
    prepare=_with_dimension_maps,
    name="FilterName",
    max_length=512,
)


def _update_metrics(context: HandlerContext, name: str, old: Properties, new: Properties) -> CreatedResource:
    """Deletes the filter first, because moto keeps the former pattern of a filter that is put again."""
    filters = handler(_METRIC_FILTER)
    filters.delete(context, name, old)
    return filters.create(context, {"FilterName": name, **new})


def _subscribe(context: HandlerContext, properties: Properties) -> CreatedResource:
    """Keeps a filter here alone: moto would refuse most destinations, and run the function behind the others."""
    group = str(properties["LogGroupName"])
    context.check_permission("logs", "PutSubscriptionFilter", logGroupName=group)
    if _find(context, group) is None:
        msg = "The specified log group does not exist."
        raise ResourceFailedError(msg, "NotFound")
    name = str(properties.get("FilterName") or context.generate_name())
    filters = _subscriptions(context).setdefault(group, set())
    if len(filters | {name}) > _MOST_SUBSCRIPTIONS:
        msg = f"Resource limit exceeded: a log group can have at most {_MOST_SUBSCRIPTIONS} subscription filters."
        raise ResourceFailedError(msg, "ServiceLimitExceeded")
    filters.add(name)
    for key in properties:
        context.record(key, "stored", "nothing is delivered")
    return CreatedResource(name)


def _subscriptions(context: HandlerContext) -> dict[str, set[str]]:
    """Returns the names of each log group's subscription filters, kept with what moto keeps of a region.

    Their number: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html.
    """
    backend: object = moto.backends.get_backend("logs")[context.account.id][context.region]
    filters: dict[str, set[str]] = vars(backend).setdefault("subscriptions", {})
    return filters


def _unsubscribe(context: HandlerContext, name: str, properties: Properties) -> None:
    _subscriptions(context).get(str(properties.get("LogGroupName")), set()).discard(name)


def _read_policy(context: HandlerContext, name: str, _properties: Properties) -> Response:
    policies = context.call("logs", "DescribeResourcePolicies")["resourcePolicies"]
    return next((policy for policy in policies if policy["policyName"] == name), {})


_RESOURCE_POLICY = ResourceSpec(
    "logs",
    create="PutResourcePolicy",
    physical_id="PolicyName",
    delete=(call("DeleteResourcePolicy", lambda name, _properties: {"policyName": name}),),
    update=("PutResourcePolicy",),
    stored=("PolicyName", "PolicyDocument"),
)
TYPES = {
    "AWS::Logs::LogGroup": Handler(
        _create_group, deleter("logs", "DeleteLogGroup", "logGroupName"), _update_group, _read_group
    ),
    "AWS::Logs::LogStream": replace(handler(_STREAM), read=_read_stream),
    "AWS::Logs::ResourcePolicy": replace(handler(_RESOURCE_POLICY), read=_read_policy),
    "AWS::Logs::SubscriptionFilter": Handler(
        _subscribe,
        _unsubscribe,
        lambda context, name, _old, new: _subscribe(context, {"FilterName": name, **new}),
    ),
    "AWS::Logs::MetricFilter": replace(handler(_METRIC_FILTER), update=_update_metrics),
}
