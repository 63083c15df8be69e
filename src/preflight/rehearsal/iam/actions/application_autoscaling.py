"""Application Auto Scaling.

Source: https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsapplicationautoscaling.html.
"""

from __future__ import annotations

from collections.abc import Mapping

from preflight.rehearsal.iam.actions.request import Ask, Question, anywhere, creating, on, passing, within

SERVICE = "application-autoscaling.amazonaws.com"


def _targets(question: Question) -> list[str]:
    return [question.arn("scalable-target/*")]


def _keyed(ask: Ask) -> Ask:
    by_namespace = within(ask, "application-autoscaling:service-namespace", lambda q: str(q.get("serviceNamespace")))
    return within(by_namespace, "application-autoscaling:scalable-dimension", lambda q: str(q.get("scalableDimension")))


def _resource(question: Question) -> list[str]:
    return question.texts("resourceARN")


_TARGET = _keyed(on(_targets))
TABLE: Mapping[str, Ask] = {
    "RegisterScalableTarget": passing(
        creating(_TARGET, tagging="application-autoscaling:TagResource"), SERVICE, "roleARN"
    ),
    "DeregisterScalableTarget": _TARGET,
    "PutScalingPolicy": _TARGET,
    "DeleteScalingPolicy": _TARGET,
    "PutScheduledAction": _TARGET,
    "DeleteScheduledAction": _TARGET,
    "DescribeScalableTargets": anywhere,
    "DescribeScalingActivities": anywhere,
    "DescribeScalingPolicies": anywhere,
    "DescribeScheduledActions": anywhere,
    "ListTagsForResource": on(_resource),
}
