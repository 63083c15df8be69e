"""Application Auto Scaling."""

from __future__ import annotations

from collections.abc import Mapping

from preflight.rehearsal.cloudformation.resources.context import (
    HandlerContext,
    Properties,
    Request,
    Response,
    only,
    without,
)
from preflight.rehearsal.cloudformation.resources.declarative import ReadSpec, ResourceSpec, call, handler
from preflight.rehearsal.cloudformation.resources.handler import CreatedResource, Handler

SERVICE = "application-autoscaling"
ACTIONS = "ScheduledActions"
_TARGET = ("ServiceNamespace", "ResourceId", "ScalableDimension")


def _target_id(_response: Response, properties: Properties) -> str:
    return f"{properties['ResourceId']}|{properties['ScalableDimension']}|{properties['ServiceNamespace']}"


def _as_filter(_id: str, properties: Properties) -> Request:
    return {
        "ServiceNamespace": properties["ServiceNamespace"],
        "ResourceIds": [properties["ResourceId"]],
        "ScalableDimension": properties["ScalableDimension"],
    }


_TARGET_SPEC = ResourceSpec(
    SERVICE,
    create="RegisterScalableTarget",
    physical_id=_target_id,
    delete=(call("DeregisterScalableTarget", lambda _id, properties: only(properties, *_TARGET)),),
    reads=(ReadSpec("DescribeScalableTargets", _as_filter, "ScalableTargets[0]"),),
    attributes={"Id": "ScalableTargetARN"},
)
_TARGET_HANDLER = handler(_TARGET_SPEC)


def _schedule(context: HandlerContext, old: Properties, new: Properties) -> None:
    """Puts the new scheduled actions, and deletes those that are no longer declared."""
    target = only({**old, **new}, *_TARGET)
    actions = {action["ScheduledActionName"]: action for action in new.get(ACTIONS) or []}
    for action in actions.values():
        context.submit(SERVICE, "PutScheduledAction", {**target, **action})
    for action in old.get(ACTIONS) or []:
        if action["ScheduledActionName"] not in actions:
            name = action["ScheduledActionName"]
            context.call(SERVICE, "DeleteScheduledAction", **target, ScheduledActionName=name)
    if ACTIONS in new:
        context.record(ACTIONS, "stored")


def _create_target(context: HandlerContext, properties: Properties) -> CreatedResource:
    target = _TARGET_HANDLER.create(context, without(properties, ACTIONS))
    context.identify(target.id)
    _schedule(context, {}, properties)
    return target


def _update_target(context: HandlerContext, physical_id: str, old: Properties, new: Properties) -> CreatedResource:
    _TARGET_HANDLER.create(context, without(new, ACTIONS))  # registering again changes the target
    _schedule(context, old, new)
    return CreatedResource(physical_id, {"Id": physical_id})


def _delete_target(context: HandlerContext, physical_id: str, properties: Properties) -> None:
    _schedule(context, properties, {})
    _TARGET_HANDLER.delete(context, physical_id, properties)


def _read_target(context: HandlerContext, physical_id: str, properties: Properties) -> Response:
    response = context.call(SERVICE, "DescribeScalableTargets", **_as_filter(physical_id, properties))
    target: Response = next(iter(response["ScalableTargets"]), {})
    actions = context.call(SERVICE, "DescribeScheduledActions", **only(properties, *_TARGET))[ACTIONS]
    return {**target, ACTIONS: actions}


def _policy_request(properties: Properties) -> Request:
    """Returns the properties with the scalable target as the API takes it."""
    target_id = properties.get("ScalingTargetId")
    request = without(properties, "ScalingTargetId")
    if target_id:
        resource, dimension, namespace = (*str(target_id).split("|"), "", "")[:3]
        request |= {"ResourceId": resource, "ScalableDimension": dimension, "ServiceNamespace": namespace}
    return request


def _put_policy(context: HandlerContext, properties: Properties) -> CreatedResource:
    arn = context.submit(SERVICE, "PutScalingPolicy", _policy_request(properties))["PolicyARN"]
    context.record_stored(properties)
    return CreatedResource(arn, {"Arn": arn, "PolicyName": properties["PolicyName"]})


def _delete_policy(context: HandlerContext, _arn: str, properties: Properties) -> None:
    context.call(SERVICE, "DeleteScalingPolicy", **only(_policy_request(properties), *_TARGET, "PolicyName"))


def _read_policy(context: HandlerContext, arn: str, properties: Properties) -> Response:
    namespace = _policy_request(properties)["ServiceNamespace"]
    policies = context.call(SERVICE, "DescribeScalingPolicies", ServiceNamespace=namespace)["ScalingPolicies"]
    policy: Response = next((policy for policy in policies if policy["PolicyARN"] == arn), {})
    return {**policy, **only(properties, "ScalingTargetId")}


TYPES: Mapping[str, Handler] = {
    "AWS::ApplicationAutoScaling::ScalableTarget": Handler(
        _create_target, _delete_target, _update_target, _read_target
    ),
    "AWS::ApplicationAutoScaling::ScalingPolicy": Handler(
        create=_put_policy,
        delete=_delete_policy,
        update=lambda context, _arn, _old, new: _put_policy(context, new),
        read=_read_policy,
    ),
}
