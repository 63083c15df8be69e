"""The load balancers of a service as the ECS API describes them. Pure.

Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_LoadBalancer.html.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def alternate_target_group(balancer: Mapping[str, Any]) -> str | None:
    """Returns the target group to which deployments shift traffic, by ARN, or None if a load balancer has none."""
    return (balancer.get("advancedConfiguration") or {}).get("alternateTargetGroupArn")


def target_groups(balancer: Mapping[str, Any]) -> list[str]:
    """Returns the target group of a load balancer, and the alternate one, as far as it has them."""
    return [str(group) for group in (balancer.get("targetGroupArn"), alternate_target_group(balancer)) if group]
