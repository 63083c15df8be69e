"""Application Auto Scaling.

Source: https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsapplicationautoscaling.html.
"""

from __future__ import annotations

from collections.abc import Mapping

from preflight.rehearsal.iam.actions.request import (
    ApiRequest,
    Ask,
    creating,
    for_resources,
    no_resource,
    with_pass_role,
    within,
)

SERVICE = "application-autoscaling.amazonaws.com"


def _targets(question: ApiRequest) -> list[str]:
    return [question.arn("scalable-target/*")]


def _keyed(ask: Ask) -> Ask:
    by_namespace = within(ask, "application-autoscaling:service-namespace", lambda q: str(q.get("serviceNamespace")))
    return within(by_namespace, "application-autoscaling:scalable-dimension", lambda q: str(q.get("scalableDimension")))


def _resource(question: ApiRequest) -> list[str]:
    return question.texts("resourceARN")


_TARGET = _keyed(for_resources(_targets))
TABLE: Mapping[str, Ask] = {
    "RegisterScalableTarget": with_pass_role(
        creating(_TARGET, tagging="application-autoscaling:TagResource"), SERVICE, "roleARN"
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
