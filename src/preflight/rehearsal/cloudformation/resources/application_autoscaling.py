"""Application Auto Scaling."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from preflight.rehearsal.cloudformation.resources.declarative import ReadSpec, ResourceSpec, handler, own
from preflight.rehearsal.cloudformation.resources.handler import (
    CreatedResource,
    Handler,
    HandlerContext,
    Properties,
)

SCALING = "application-autoscaling"
_TARGET = ("ServiceNamespace", "ResourceId", "ScalableDimension")


def _target_id(_answer: Mapping[str, Any], given: Properties) -> str:
    return f"{given['ResourceId']}|{given['ScalableDimension']}|{given['ServiceNamespace']}"


def _within(given: Properties) -> dict[str, Any]:
    return {
        "ServiceNamespace": given["ServiceNamespace"],
        "ResourceIds": [given["ResourceId"]],
        "ScalableDimension": given["ScalableDimension"],
    }


_SCALABLE = ResourceSpec(
    SCALING,
    create="RegisterScalableTarget",
    identify=_target_id,
    delete="DeregisterScalableTarget",
    gone=own(*_TARGET),
    read=ReadSpec("DescribeScalableTargets", lambda _id, given: _within(given), "ScalableTargets[0]"),
    update="RegisterScalableTarget",
    changed=own(*_TARGET),
    attributes={"Id": "ScalableTargetARN"},
)
_PLAIN = handler(_SCALABLE)
ACTIONS = "ScheduledActions"


def _without_actions(given: Properties) -> dict[str, Any]:
    return {name: value for name, value in given.items() if name != ACTIONS}


def _schedule(place: HandlerContext, given: Properties, former: Properties) -> None:
    """Put the scheduled actions that are given, and delete those that no longer are."""
    target = {name: given[name] for name in _TARGET}
    wanted = {action["ScheduledActionName"]: action for action in given.get(ACTIONS) or []}
    for action in wanted.values():
        place.call(SCALING, "PutScheduledAction", {**target, **action})
    for action in former.get(ACTIONS) or []:
        if action["ScheduledActionName"] not in wanted:
            place.ask(SCALING, "DeleteScheduledAction", **target, ScheduledActionName=action["ScheduledActionName"])
    if ACTIONS in given:
        place.note(ACTIONS, "stored")


def _register(place: HandlerContext, given: Properties) -> CreatedResource:
    made = _PLAIN.create(place, _without_actions(given))
    place.identify(made.id)
    _schedule(place, given, {})
    return made


def _register_anew(place: HandlerContext, physical: str, old: Properties, new: Properties) -> CreatedResource:
    _PLAIN.create(place, _without_actions(new))  # registering again changes what is registered
    _schedule(place, new, old)
    return CreatedResource(physical, {"Id": physical})


def _deregister(place: HandlerContext, physical: str, given: Properties) -> None:
    _schedule(place, _without_actions(given), given)
    _PLAIN.delete(place, physical, given)


def _read_target(place: HandlerContext, physical: str, given: Properties) -> dict[str, Any]:
    found = dict(_PLAIN.read(place, physical, given)) if _PLAIN.read else {}
    target = {name: given[name] for name in _TARGET}
    found[ACTIONS] = place.ask(SCALING, "DescribeScheduledActions", **target)[ACTIONS]
    return found


def _policy_input(given: Properties) -> dict[str, Any]:
    asked = dict(given)
    target = asked.pop("ScalingTargetId", None)
    if target:
        resource, dimension, namespace = (*str(target).split("|"), "", "")[:3]
        asked |= {"ResourceId": resource, "ScalableDimension": dimension, "ServiceNamespace": namespace}
    return asked


def _put_policy(place: HandlerContext, given: Properties) -> CreatedResource:
    asked = _policy_input(given)
    arn = place.call(SCALING, "PutScalingPolicy", asked)["PolicyARN"]
    for name in given:
        place.note(name, "stored")
    return CreatedResource(arn, {"Arn": arn, "PolicyName": given["PolicyName"]})


def _update_policy(place: HandlerContext, _arn: str, _old: Properties, new: Properties) -> CreatedResource:
    return _put_policy(place, new)


def _delete_policy(place: HandlerContext, _arn: str, given: Properties) -> None:
    asked = _policy_input(given)
    place.ask(SCALING, "DeleteScalingPolicy", **{key: asked[key] for key in (*_TARGET, "PolicyName")})


def _read_policy(place: HandlerContext, arn: str, given: Properties) -> dict[str, Any]:
    asked = _policy_input(given)
    found = place.ask(SCALING, "DescribeScalingPolicies", ServiceNamespace=asked["ServiceNamespace"])
    policy: dict[str, Any] = next((p for p in found["ScalingPolicies"] if p["PolicyARN"] == arn), {})
    target = {"ScalingTargetId": given["ScalingTargetId"]} if "ScalingTargetId" in given else {}
    return {**policy, **target}


TYPES: Mapping[str, Handler] = {
    "AWS::ApplicationAutoScaling::ScalableTarget": Handler(_register, _deregister, _register_anew, _read_target),
    "AWS::ApplicationAutoScaling::ScalingPolicy": Handler(_put_policy, _delete_policy, _update_policy, _read_policy),
}
