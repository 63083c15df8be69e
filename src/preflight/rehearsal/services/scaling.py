"""What Application Auto Scaling needs of ECS: whether the service to be scaled exists in the ECS that runs here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from moto.applicationautoscaling.models import applicationautoscaling_backends

from preflight.rehearsal import account as accounts
from preflight.rehearsal import protocol

Check = Callable[[accounts.Account, protocol.Call], None]


@dataclass(frozen=True)
class _Known:
    """Stands where moto asks its own ECS, which has no services."""

    service: str

    def describe_services(self, _cluster: str, _names: Sequence[str]) -> tuple[list[str], list[str]]:
        return [self.service], []


def _target_exists(account: accounts.Account, call: protocol.Call) -> None:
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
        raise protocol.Refusal("ValidationException", msg)
    ecs: Any = account.client("ecs", call.region)
    try:
        found = ecs.describe_services(cluster=parts[1], services=[parts[2]])["services"]
    except ecs.exceptions.ClusterNotFoundException:
        found = []
    if not any(service["status"] == "ACTIVE" for service in found):
        raise protocol.Refusal("ValidationException", f"ECS service doesn't exist: {resource}")
    applicationautoscaling_backends[account.id][call.region].ecs_backend = _Known(resource)


CHECKS: Mapping[str, Check] = {"RegisterScalableTarget": _target_exists}
