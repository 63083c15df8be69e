"""A target of a load balancer, and its health as DescribeTargetHealth describes it.

Source: https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_TargetHealth.html.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from preflight.model import JsonObject
from preflight.rehearsal.network.in_flight import InFlight

HEALTHY, UNHEALTHY, INITIAL, DRAINING = "healthy", "unhealthy", "initial", "draining"


@dataclass
class Target:
    """One address and port in one target group, and its health."""

    group: str
    address: str
    port: int
    vpc: str
    check_port: int
    is_network: bool = False  # of a network load balancer
    state: str = INITIAL
    reason: str = "Elb.RegistrationInProgress"
    description: str = "Target registration is in progress"
    deregistered: threading.Event = field(default_factory=threading.Event)
    in_flight: InFlight = field(default_factory=InFlight)

    def as_response(self) -> JsonObject:
        """Returns the target as DescribeTargetHealth describes it."""
        health = {"State": self.state}
        if self.state != HEALTHY:
            health |= {"Reason": self.reason, "Description": self.description}
        return {
            "Target": {"Id": self.address, "Port": self.port},
            "HealthCheckPort": str(self.check_port),
            "TargetHealth": health,
        }
