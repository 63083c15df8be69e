"""Load balancers in front of services: where they listen, and where they are found."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from botocore.exceptions import ClientError

from preflight.aws.network import Interface
from preflight.deploy.session import Session
from preflight.system import http

SPOKEN = {"HTTP": "http", "HTTPS": "https", "TCP": "http"}


@dataclass(frozen=True)
class PublicListener:
    """A listener of a load balancer that forwards to a service: its URL up to the path."""

    balancer: str
    group: str
    scheme: str
    host: str
    port: int
    is_public: bool
    protocol: str = "HTTP"

    def url(self, path: str) -> str:
        """The URL of a path behind it."""
        usual = {"http": 80, "https": 443}[self.scheme] == self.port
        return f"{self.scheme}://{self.host}{'' if usual else f':{self.port}'}{path}"


class PublicLoadBalancers:
    """The load balancers of one session."""

    def __init__(self, session: Session) -> None:
        self._session = session

    @property
    def _elb(self) -> Any:
        return self._session.client("elbv2")

    def entrances(self, cluster: str, service: str) -> Iterator[PublicListener]:
        """Every listener that leads to a service."""
        described = self._session.client("ecs").describe_services(cluster=cluster, services=[service])["services"]
        groups = [
            b["targetGroupArn"] for s in described for b in s.get("loadBalancers") or [] if b.get("targetGroupArn")
        ]
        for group in groups:
            target_group = self._elb.describe_target_groups(TargetGroupArns=[group])["TargetGroups"][0]
            for arn in target_group.get("LoadBalancerArns") or []:
                yield from self._listeners(arn, group)

    def _listeners(self, arn: str, group: str) -> Iterator[PublicListener]:
        balancer = self._elb.describe_load_balancers(LoadBalancerArns=[arn])["LoadBalancers"][0]
        pages = self._elb.get_paginator("describe_listeners").paginate(LoadBalancerArn=arn)
        for listener in (listener for page in pages for listener in page["Listeners"]):
            responses = self._elb.get_paginator("describe_rules").paginate(ListenerArn=listener["ListenerArn"])
            rules = [rule for page in responses for rule in page["Rules"]]
            leads = any(group in str(action) for rule in rules for action in rule.get("Actions") or [])
            if leads or group in str(listener.get("DefaultActions")):
                yield PublicListener(
                    balancer=arn,
                    group=group,
                    scheme=SPOKEN.get(str(listener.get("Protocol")), "http"),
                    host=balancer["DNSName"],
                    port=int(listener["Port"]),
                    is_public=balancer.get("Scheme") == "internet-facing",
                    protocol=str(listener.get("Protocol")),
                )

    def address(self, host: str) -> str | None:
        """Where a host is found if DNS does not know it: a public address of the load balancer of that name."""
        if not self._session.has_loopback_only or not host.endswith(http.BALANCERS):
            return None
        arn = next((b["LoadBalancerArn"] for b in self._described() if b["DNSName"].lower() == host.lower()), None)
        faces = self._faces(arn) if arn else []
        return next((f["Association"]["PublicIp"] for f in faces if (f.get("Association") or {}).get("PublicIp")), None)

    def _described(self) -> list[dict[str, Any]]:
        pages = self._elb.get_paginator("describe_load_balancers").paginate()
        return [balancer for page in pages for balancer in page["LoadBalancers"]]

    def _faces(self, arn: str) -> list[dict[str, Any]]:
        description = f"ELB {arn.partition(':loadbalancer/')[2]}"
        filters = [{"Name": "description", "Values": [description]}]
        try:
            interfaces = self._session.client("ec2").describe_network_interfaces(Filters=filters)["NetworkInterfaces"]
        except ClientError:
            return []
        return [face for face in interfaces if face.get("Description") == description]

    def faces(self, arn: str) -> list[Interface]:
        """The network interfaces of a load balancer."""
        return [of(face) for face in self._faces(arn)]


def of(face: dict[str, Any]) -> Interface:
    """A network interface as EC2 describes it."""
    return Interface(
        face["VpcId"],
        face["SubnetId"],
        face["PrivateIpAddress"],
        tuple(group["GroupId"] for group in face["Groups"]),
        has_public_address=bool((face.get("Association") or {}).get("PublicIp")),
    )


def host_of(url: str) -> str:
    """The host of a URL."""
    return urlsplit(url).hostname or ""


def port_of(url: str) -> int:
    """Returns the port of a URL, 0 if it has none that exists."""
    parts = urlsplit(url)
    try:
        return parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        return 0
