"""What Application Auto Scaling refuses and moto does not, and the ECS that runs here, which it asks."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from moto.applicationautoscaling.models import applicationautoscaling_backends

from preflight.rehearsal.account import Account
from preflight.rehearsal.protocol import Call, Refusal
from preflight.rehearsal.services import ServiceEmulation

BY_REQUESTS = "ALBRequestCountPerTarget"
_LABEL = re.compile(r"app/[^/]+/[^/]+/targetgroup/[^/]+/[^/]+")
_SCHEDULE = re.compile(
    r"at\(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\)|rate\(\d+ (minute|hour|day)s?\)|cron\((\S+ ){5}\S+\)"
)


@dataclass(frozen=True)
class _Known:
    """Stands where moto asks its own ECS, which has no services."""

    service: str

    def describe_services(self, _cluster: str, _names: Sequence[str]) -> tuple[list[str], list[str]]:
        return [self.service], []


def _refuse(message: str) -> Refusal:
    return Refusal("ValidationException", message)


def _check_range(given: Mapping[str, Any]) -> None:
    least, most = given.get("MinCapacity"), given.get("MaxCapacity")
    if least is not None and most is not None and int(least) > int(most):
        raise _refuse("Maximum capacity cannot be less than minimum capacity")


def _target(account: Account, call: Call) -> None:
    """A target has a range that holds something, and is there.

    https://docs.aws.amazon.com/autoscaling/application/APIReference/API_RegisterScalableTarget.html;
    moto/applicationautoscaling/models.py.
    """
    _check_range(call.given)
    _target_exists(account, call)


def _is_registered(account: Account, given: Mapping[str, Any], region: str) -> bool:
    targets = applicationautoscaling_backends[account.id][region].targets
    return given.get("ResourceId") in targets.get(given.get("ScalableDimension"), {})


def _check_registered(account: Account, call: Call) -> None:
    if not _is_registered(account, call.given, call.region):
        namespace, resource, dimension = (
            call.given.get(k) for k in ("ServiceNamespace", "ResourceId", "ScalableDimension")
        )
        msg = (
            f"No scalable target registered for service namespace: {namespace}, resource ID: {resource}, "
            f"scalable dimension: {dimension}"
        )
        raise Refusal("ObjectNotFoundException", msg)


def _policy(account: Account, call: Call) -> None:
    """A policy is for a registered target; requests are counted at a target group, which its label names.

    https://docs.aws.amazon.com/autoscaling/application/APIReference/API_PutScalingPolicy.html and
    https://docs.aws.amazon.com/autoscaling/application/APIReference/API_PredefinedMetricSpecification.html;
    moto/applicationautoscaling/models.py.
    """
    _check_registered(account, call)
    tracking = call.given.get("TargetTrackingScalingPolicyConfiguration") or {}
    metric = tracking.get("PredefinedMetricSpecification") or {}
    kind, label = metric.get("PredefinedMetricType"), metric.get("ResourceLabel")
    if call.given.get("ServiceNamespace") == "ecs" and metric:
        _check_label(kind, label)


def _check_label(kind: str | None, label: str | None) -> None:
    if kind != BY_REQUESTS and label:
        raise _refuse(f"Resource label cannot be specified for predefined metric type {kind}")
    if kind == BY_REQUESTS and not label:
        raise _refuse(f"Resource label should be specified for predefined metric type {kind}")
    if kind == BY_REQUESTS and not _LABEL.fullmatch(str(label)):
        msg = (
            f"Resource label {label} is not of the form "
            "app/<load-balancer-name>/<load-balancer-id>/targetgroup/<target-group-name>/<target-group-id>"
        )
        raise _refuse(msg)


def _action(account: Account, call: Call) -> None:
    """A scheduled action is for a registered target, at a time that can be read, and says what to change.

    https://docs.aws.amazon.com/autoscaling/application/APIReference/API_PutScheduledAction.html;
    moto/applicationautoscaling/models.py.
    """
    _check_registered(account, call)
    if not _SCHEDULE.fullmatch(str(call.given.get("Schedule"))):
        msg = f"Schedule expression {call.given.get('Schedule')} is invalid: at(...), rate(...) or cron(...) of six fields"
        raise _refuse(msg)
    _check_range(call.given.get("ScalableTargetAction") or {})


def _target_exists(account: Account, call: Call) -> None:
    """A target of ECS is a service that exists.

    https://docs.aws.amazon.com/autoscaling/application/APIReference/API_RegisterScalableTarget.html;
    moto/applicationautoscaling/models.py asks moto's ECS.
    """
    if call.given.get("ServiceNamespace") != "ecs":
        return
    resource = str(call.given.get("ResourceId"))
    parts = resource.split("/")
    if len(parts) != 3 or parts[0] != "service":
        msg = "Unsupported service namespace, resource type or scalable dimension"
        raise Refusal("ValidationException", msg)
    ecs: Any = account.client("ecs", call.region)
    try:
        found = ecs.describe_services(cluster=parts[1], services=[parts[2]])["services"]
    except ecs.exceptions.ClusterNotFoundException:
        found = []
    if not any(service["status"] == "ACTIVE" for service in found):
        raise Refusal("ValidationException", f"ECS service doesn't exist: {resource}")
    applicationautoscaling_backends[account.id][call.region].ecs_backend = _Known(resource)


SERVICE = ServiceEmulation(
    "application-autoscaling",
    checks={
        "PutScalingPolicy": _policy,
        "PutScheduledAction": _action,
        "RegisterScalableTarget": _target,
    },
)
