"""Describes the load balancers in front of services, for the picture in the report."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import replace

from preflight.architecture import DeployedListener, DeployedLoadBalancer, DeployedTask
from preflight.aws.network import Described, Interface
from preflight.deploy import load_balancers
from preflight.deploy.load_balancers import PublicListener, PublicLoadBalancers
from preflight.deploy.session import Session


class BalancerDescription:
    """The load balancers of described services; `interfaces` are those of the services' networks."""

    def __init__(self, session: Session, services: Sequence[Described], interfaces: Sequence[Described]) -> None:
        self._session = session
        self._services = [service for service in services if service.get("loadBalancers")]
        self._interfaces = interfaces

    @functools.cached_property
    def entrances(self) -> list[tuple[PublicListener, str]]:
        """The listeners that lead to a service, each with the service's name."""
        balancers = PublicLoadBalancers(self._session)
        return [
            (listener, str(service["serviceName"]))
            for service in self._services
            for listener in balancers.entrances(service["clusterArn"].rpartition("/")[2], service["serviceName"])
        ]

    def target_port(self, group: str) -> tuple[int, str]:
        """Returns the container port that a target group leads to, and the service."""
        return next(
            (int(balancer["containerPort"]), str(service["serviceName"]))
            for service in self._services
            for balancer in service["loadBalancers"]
            if balancer.get("targetGroupArn") == group
        )

    @functools.cached_property
    def _described(self) -> list[Described]:
        arns = sorted({listener.balancer for listener, _ in self.entrances})
        elb = self._session.client("elbv2")
        return list(elb.describe_load_balancers(LoadBalancerArns=arns)["LoadBalancers"]) if arns else []

    @functools.cached_property
    def load_balancers(self) -> tuple[DeployedLoadBalancer, ...]:
        """The load balancers, with the addresses of their interfaces."""
        return tuple(map(self._load_balancer, self._described))

    def _load_balancer(self, described: Described) -> DeployedLoadBalancer:
        own = self._own(described["LoadBalancerArn"])
        return DeployedLoadBalancer(
            name=described["LoadBalancerName"],
            vpc=described["VpcId"],
            kind=described["Type"],
            host=described["DNSName"],
            is_public=described.get("Scheme") == "internet-facing",
            security_groups=tuple(described.get("SecurityGroups") or ()),
            listeners=tuple(self._listeners(described["LoadBalancerArn"])),
            addresses={
                **{zone["SubnetId"]: "" for zone in described.get("AvailabilityZones") or () if zone.get("SubnetId")},
                **{i["SubnetId"]: (i.get("Association") or {}).get("PublicIp") or i["PrivateIpAddress"] for i in own},
            },
        )

    def _listeners(self, arn: str) -> list[DeployedListener]:
        ports = dict.fromkeys((listener.protocol, listener.port) for listener, _ in self.entrances if listener.balancer == arn)
        return [
            DeployedListener(protocol, port, tuple(dict.fromkeys(name for to, name in self.entrances if (to.balancer, to.port) == (arn, port))))
            for protocol, port in ports
        ]

    def _own(self, arn: str) -> list[Described]:
        described_as = f"ELB {arn.partition(':loadbalancer/')[2]}"
        return [interface for interface in self._interfaces if interface.get("Description") == described_as]

    def interfaces(self, arn: str) -> list[Interface]:
        """Returns the interfaces of a load balancer, in its security groups: some Network Load Balancers have none."""
        groups = next(tuple(balancer.get("SecurityGroups") or ()) for balancer in self._described if balancer["LoadBalancerArn"] == arn)
        return [replace(load_balancers.of(dict(interface)), groups=groups) for interface in self._own(arn)]

    @functools.cached_property
    def _health(self) -> dict[str, str]:
        """The state of each target by its address."""
        elb = self._session.client("elbv2")
        groups = dict.fromkeys(listener.group for listener, _ in self.entrances)
        described = [d for g in groups for d in elb.describe_target_health(TargetGroupArn=g)["TargetHealthDescriptions"]]
        return {str(d["Target"]["Id"]): str(d["TargetHealth"]["State"]) for d in described}

    def with_target_health(self, task: DeployedTask) -> DeployedTask:
        """Returns a task with its state as a target, if it is one."""
        return replace(task, target_health=self._health.get(task.private))
