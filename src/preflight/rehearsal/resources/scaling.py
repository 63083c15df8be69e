"""Application Auto Scaling, and the alarms of CloudWatch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from preflight.rehearsal.resources.handler import Handler, Made, Place, Properties
from preflight.rehearsal.resources.plain import Plain, Read, by, handler, own

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


_SCALABLE = Plain(
    SCALING,
    create="RegisterScalableTarget",
    identify=_target_id,
    delete="DeregisterScalableTarget",
    gone=own(*_TARGET),
    read=Read("DescribeScalableTargets", lambda _id, given: _within(given), "ScalableTargets[0]"),
    update="RegisterScalableTarget",
    changed=own(*_TARGET),
    attributes={"Id": "ScalableTargetARN"},
    dropped=frozenset({"ScheduledActions"}),
)


def _policy_input(given: Properties) -> dict[str, Any]:
    asked = dict(given)
    target = asked.pop("ScalingTargetId", None)
    if target:
        resource, dimension, namespace = (*str(target).split("|"), "", "")[:3]
        asked |= {"ResourceId": resource, "ScalableDimension": dimension, "ServiceNamespace": namespace}
    return asked


def _put_policy(place: Place, given: Properties) -> Made:
    asked = _policy_input(given)
    arn = place.call(SCALING, "PutScalingPolicy", asked)["PolicyARN"]
    for name in given:
        place.note(name, "stored")
    return Made(arn, {"Arn": arn, "PolicyName": given["PolicyName"]})


def _update_policy(place: Place, _arn: str, _old: Properties, new: Properties) -> Made:
    return _put_policy(place, new)


def _delete_policy(place: Place, _arn: str, given: Properties) -> None:
    asked = _policy_input(given)
    place.ask(SCALING, "DeleteScalingPolicy", **{key: asked[key] for key in (*_TARGET, "PolicyName")})


def _read_policy(place: Place, arn: str, given: Properties) -> dict[str, Any]:
    asked = _policy_input(given)
    found = place.ask(SCALING, "DescribeScalingPolicies", ServiceNamespace=asked["ServiceNamespace"])
    policy: dict[str, Any] = next((p for p in found["ScalingPolicies"] if p["PolicyARN"] == arn), {})
    target = {"ScalingTargetId": given["ScalingTargetId"]} if "ScalingTargetId" in given else {}
    return {**policy, **target}


_ALARM = Plain(
    "cloudwatch",
    create="PutMetricAlarm",
    identify="AlarmName",
    delete="DeleteAlarms",
    gone=by("AlarmNames", is_list=True),
    read=Read("DescribeAlarms", by("AlarmNames", is_list=True), "MetricAlarms[0]"),
    update="PutMetricAlarm",
    named="AlarmName",
    most=255,
    attributes={"Arn": "AlarmArn"},
)


TYPES: Mapping[str, Handler] = {
    "AWS::ApplicationAutoScaling::ScalableTarget": handler(_SCALABLE),
    "AWS::ApplicationAutoScaling::ScalingPolicy": Handler(_put_policy, _delete_policy, _update_policy, _read_policy),
    "AWS::CloudWatch::Alarm": handler(_ALARM),
}
