"""What Application Auto Scaling refuses and moto does not, and the ECS that runs here, which it asks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from moto.applicationautoscaling import models
from moto.applicationautoscaling.models import applicationautoscaling_backends

from preflight.rehearsal.account import Account
from preflight.rehearsal.protocol import Call, Refusal
from preflight.rehearsal.services import ServiceEmulation


@dataclass(frozen=True)
class _Known:
    """Stands where moto asks its own ECS, which has no services."""

    service: str

    def describe_services(self, _cluster: str, _names: Sequence[str]) -> tuple[list[str], list[str]]:
        return [self.service], []


def _is_registered(account: Account, parameters: Mapping[str, Any], region: str) -> bool:
    targets = applicationautoscaling_backends[account.id][region].targets
    return parameters.get("ResourceId") in targets.get(parameters.get("ScalableDimension"), {})


def _check_registered(account: Account, call: Call) -> None:
    """Policies and scheduled actions are for registered targets.

    https://docs.aws.amazon.com/autoscaling/application/APIReference/API_PutScalingPolicy.html and
    https://docs.aws.amazon.com/autoscaling/application/APIReference/API_PutScheduledAction.html;
    moto/applicationautoscaling/models.py.
    """
    if not _is_registered(account, call.parameters, call.region):
        namespace, resource, dimension = (
            call.parameters.get(k) for k in ("ServiceNamespace", "ResourceId", "ScalableDimension")
        )
        msg = (
            f"No scalable target registered for service namespace: {namespace}, resource ID: {resource}, "
            f"scalable dimension: {dimension}"
        )
        raise Refusal("ObjectNotFoundException", msg)


def _policy(account: Account, call: Call) -> None:
    """Requests can be counted where a load balancer of the account routes them to the target group.

    https://docs.aws.amazon.com/autoscaling/application/APIReference/API_PredefinedMetricSpecification.html.
    """
    _check_registered(account, call)
    tracking = call.parameters.get("TargetTrackingScalingPolicyConfiguration") or {}
    _check_metric(account, call, tracking)
    label = (tracking.get("PredefinedMetricSpecification") or {}).get("ResourceLabel")
    if not label:
        return
    balancer, _, group = str(label).partition("/targetgroup/")
    groups = account.client("elbv2", call.region).describe_target_groups()["TargetGroups"]
    routing = [arn for target_group in groups if target_group["TargetGroupArn"].endswith(f":targetgroup/{group}") for arn in target_group["LoadBalancerArns"]]
    if not any(arn.endswith(f":loadbalancer/{balancer}") for arn in routing):
        raise Refusal("ValidationException", "The load balancer does not route traffic to the target group")


def _check_metric(account: Account, call: Call, tracking: Mapping[str, Any]) -> None:
    """Each policy that tracks a target of a scalable target has a metric of its own.

    https://docs.aws.amazon.com/autoscaling/application/userguide/target-tracking-scaling-policy-overview.html.
    """
    metric = _metric_of(tracking)
    identity = ("service_namespace", "resource_id", "scalable_dimension")
    own = tuple(call.parameters.get(name) for name in ("ServiceNamespace", "ResourceId", "ScalableDimension"))
    for policy in list(applicationautoscaling_backends[account.id][call.region].policies.values()):
        is_beside = policy.policy_name != call.parameters.get("PolicyName") and tuple(getattr(policy, name) for name in identity) == own
        if metric and is_beside and metric == _metric_of(policy.target_tracking_scaling_policy_configuration or {}):
            msg = "Only one TargetTrackingScaling policy for a given metric specification is allowed."
            raise Refusal("ValidationException", msg)


def _metric_of(tracking: Mapping[str, Any]) -> Any:
    return tracking.get("PredefinedMetricSpecification") or tracking.get("CustomizedMetricSpecification")


def allow_forecasts() -> None:
    """Lets moto keep policies of predictive scaling, which it refuses as if there were no such type.

    https://docs.aws.amazon.com/autoscaling/application/APIReference/API_PutScalingPolicy.html;
    moto/applicationautoscaling/models.py.
    """
    create = models.FakeApplicationAutoscalingPolicy.__init__

    def create_of_any_type(policy: Any, *arguments: Any, policy_type: str | None = None, **members: Any) -> None:
        is_forecast = policy_type == "PredictiveScaling"
        create(policy, *arguments, policy_type="StepScaling" if is_forecast else policy_type, **members)
        if is_forecast:
            policy.policy_type, policy.step_scaling_policy_configuration = policy_type, None

    if create.__name__ != create_of_any_type.__name__:
        models.FakeApplicationAutoscalingPolicy.__init__ = create_of_any_type


def _target_exists(account: Account, call: Call) -> None:
    """A target of ECS is a service that exists.

    https://docs.aws.amazon.com/autoscaling/application/APIReference/API_RegisterScalableTarget.html;
    moto/applicationautoscaling/models.py asks moto's ECS.
    """
    if call.parameters.get("ServiceNamespace") != "ecs":
        return
    resource = str(call.parameters.get("ResourceId"))
    _, cluster, service = resource.split("/")
    ecs: Any = account.client("ecs", call.region)
    try:
        services = ecs.describe_services(cluster=cluster, services=[service])["services"]
    except ecs.exceptions.ClusterNotFoundException:
        services = []
    if not any(service["status"] == "ACTIVE" for service in services):
        raise Refusal("ValidationException", f"ECS service doesn't exist: {resource}")
    applicationautoscaling_backends[account.id][call.region].ecs_backend = _Known(resource)


SERVICE = ServiceEmulation(
    "application-autoscaling",
    checks={
        "PutScalingPolicy": _policy,
        "PutScheduledAction": _check_registered,
        "RegisterScalableTarget": _target_exists,
    },
)
