"""The health of a service's targets in its target groups."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from preflight.deploy.session import Session
from preflight.model import JsonObject
from preflight.system import waiting

CHECK_TIMEOUT = 300.0  # a network load balancer takes minutes for the first checks of a target


@dataclass(frozen=True)
class UnhealthyGroup:
    """A target group (ARN) of a service without a healthy target, and AWS's description of one of them."""

    service: str
    group: str
    description: str


def unhealthy_groups(session: Session, cluster: str, service: str) -> Iterator[UnhealthyGroup]:
    """Yields the target groups of a service that have targets, all of them unhealthy.

    Raises:
        WaitExpiredError: a target stays in its first checks.

    Source: https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_TargetHealth.html.
    """
    described = session.client("ecs").describe_services(cluster=cluster, services=[service])["services"]
    balancers = [balancer for description in described for balancer in description.get("loadBalancers") or []]
    for group in {balancer["targetGroupArn"] for balancer in balancers if balancer.get("targetGroupArn")}:
        targets = _checked(session, group)
        if targets and all(health["State"] == "unhealthy" for health in targets):
            yield UnhealthyGroup(service, group, str(targets[0].get("Description", "")))


def _checked(session: Session, group: str) -> list[JsonObject]:
    """Returns the health of each target, once none is in its first checks.

    Raises:
        WaitExpiredError: that takes too long.
    """
    elb = session.client("elbv2")

    def probe() -> tuple[list[JsonObject]] | None:
        descriptions = elb.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
        states = [description["TargetHealth"] for description in descriptions]
        return None if any(health["State"] == "initial" for health in states) else (states,)

    (states,) = waiting.until(
        probe, what=f"targets of {group} to be checked", timeout=CHECK_TIMEOUT, interval=session.interval, sleep=session.sleep
    )
    return states
