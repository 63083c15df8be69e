"""Application Auto Scaling.

Source: https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsapplicationautoscaling.html.
"""

from __future__ import annotations

from collections.abc import Mapping

from preflight.rehearsal.iam.actions.request import (
    ApiRequest,
    Permissions,
    for_resources,
    no_resource,
    with_condition_key,
    with_pass_role,
    with_request_tags,
)

SERVICE = "application-autoscaling.amazonaws.com"


def _targets(request: ApiRequest) -> list[str]:
    return [request.arn("scalable-target/*")]


def _keyed(ask: Permissions) -> Permissions:
    by_namespace = with_condition_key(ask, "application-autoscaling:service-namespace", lambda q: str(q.get("serviceNamespace")))
    return with_condition_key(by_namespace, "application-autoscaling:scalable-dimension", lambda q: str(q.get("scalableDimension")))


def _resource(request: ApiRequest) -> list[str]:
    return request.texts("resourceARN")


_TARGET = _keyed(for_resources(_targets))
TABLE: Mapping[str, Permissions] = {
    "RegisterScalableTarget": with_pass_role(
        with_request_tags(_TARGET, tagging="application-autoscaling:TagResource"), SERVICE, "roleARN"
    ),
    "DeregisterScalableTarget": _TARGET,
    "PutScalingPolicy": _TARGET,
    "DeleteScalingPolicy": _TARGET,
    "PutScheduledAction": _TARGET,
    "DeleteScheduledAction": _TARGET,
    "DescribeScalableTargets": no_resource,
    "DescribeScalingActivities": no_resource,
    "DescribeScalingPolicies": no_resource,
    "DescribeScheduledActions": no_resource,
    "ListTagsForResource": for_resources(_resource),
}
