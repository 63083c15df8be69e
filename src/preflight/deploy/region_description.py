"""Describes what runs in a region after a deployment, for the picture in the report."""

from __future__ import annotations

import datetime as dt
import functools
import itertools
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from preflight.architecture import (
    DeployedContainer,
    DeployedRegion,
    DeployedSecurityGroup,
    DeployedService,
    DeployedSubnet,
    DeployedTask,
    DeployedVpc,
    IngressRule,
    ServiceMessage,
)
from preflight.aws import describe_network, reachability
from preflight.aws.network import ANY_INTERNET_CALLER, Described, Network
from preflight.deploy.balancer_description import BalancerDescription
from preflight.deploy.connection_description import ConnectionDescription
from preflight.deploy.session import Session
from preflight.deploy.tasks import Tasks

BATCH = 10  # services that DescribeServices takes
MAX_STOPPED = 5  # tasks of a service that are shown after they stopped


def describe(session: Session, services: Mapping[str, str]) -> DeployedRegion | None:
    """Returns what runs in the region of a session, or None without a service; `services` has clusters by ARN.

    Raises:
        ClientError, BotoCoreError: the account did not answer, or not to this caller.
    """
    return RegionDescription(session, services).region() if services else None


class RegionDescription:
    """What an account describes of the services of one deployment; each request is sent once."""

    def __init__(self, session: Session, services: Mapping[str, str]) -> None:
        self._session = session
        self._services = services
        self._ecs = session.client("ecs")
        self._ec2 = session.client("ec2")

    def region(self) -> DeployedRegion:
        """Returns the region with everything in it."""
        services = [self._service(described) for described in self._described]
        tasks = [self._task(task, str(service["serviceName"])) for service in self._described for task in self._tasks(service)]
        groups = {group for service in services for group in service.security_groups}
        balancers = BalancerDescription(self._session, self._described, self._interfaces)
        groups |= {group for balancer in balancers.load_balancers for group in balancer.security_groups}
        connections = ConnectionDescription(self._networks, balancers, services, tasks)
        return DeployedRegion(
            self._session.region,
            tuple(self._vpc(vpc) for vpc in self._networks),
            tuple(_security_group(g) for n in self._networks.values() for g in n.security_groups if g["GroupId"] in groups),
            balancers.load_balancers,
            tuple(services),
            tuple(balancers.with_target_health(task) for task in tasks),
            tuple(connections.all()),
        )

    @functools.cached_property
    def _described(self) -> list[Described]:
        by_cluster = itertools.groupby(sorted(self._services, key=lambda arn: self._services[arn]), key=self._services.__getitem__)
        return [
            service
            for cluster, arns in by_cluster
            for batch in _batches(arns, BATCH)
            for service in self._ecs.describe_services(cluster=cluster, services=batch)["services"]
            if service.get("status") != "INACTIVE"
        ]

    @functools.cached_property
    def _subnet_vpcs(self) -> dict[str, str]:
        """The VPCs of the services' subnets."""
        subnets = sorted({subnet for service in self._described for subnet in _placement(service).get("subnets", [])})
        described = self._ec2.describe_subnets(SubnetIds=subnets)["Subnets"] if subnets else []
        return {subnet["SubnetId"]: subnet["VpcId"] for subnet in described}

    @functools.cached_property
    def _networks(self) -> dict[str, Network]:
        vpcs = dict.fromkeys(self._subnet_vpcs.values())
        return {vpc: describe_network.describe_network(self._ec2, vpc) for vpc in vpcs}

    @functools.cached_property
    def _interfaces(self) -> list[Described]:
        wanted = [{"Name": "vpc-id", "Values": list(self._networks)}]
        pages = self._ec2.get_paginator("describe_network_interfaces").paginate(Filters=wanted) if self._networks else []
        return [interface for page in pages for interface in page["NetworkInterfaces"]]

    def _vpc(self, vpc: str) -> DeployedVpc:
        network, described = self._networks[vpc], self._ec2.describe_vpcs(VpcIds=[vpc])["Vpcs"][0]
        subnets = (
            DeployedSubnet(s["SubnetId"], name_of(s), s["AvailabilityZone"], s["CidrBlock"], _is_public(network, s))
            for s in network.subnets
        )
        return DeployedVpc(vpc, name_of(described), described["CidrBlock"], tuple(subnets))

    def _service(self, described: Described) -> DeployedService:
        placement = _placement(described)
        definition = self._definition(described)
        subnets = tuple(placement.get("subnets", []))
        return DeployedService(
            name=described["serviceName"],
            cluster=described["clusterArn"].rpartition("/")[2],
            vpc=next((self._subnet_vpcs[subnet] for subnet in subnets if subnet in self._subnet_vpcs), ""),
            desired=described["desiredCount"],
            running=described["runningCount"],
            subnets=subnets,
            security_groups=tuple(placement.get("securityGroups", [])),
            containers=tuple(_container(container) for container in definition.get("containerDefinitions", [])),
            task_role=_role(definition.get("taskRoleArn")),
            execution_role=_role(definition.get("executionRoleArn")),
            messages=tuple(ServiceMessage(time_of(e["createdAt"]), e["message"]) for e in reversed(described.get("events", []))),
        )

    def _definition(self, service: Described) -> Described:
        """Returns the task definition of a service, nothing if its task sets have them (an external deployment controller)."""
        name = service.get("taskDefinition")
        return self._ecs.describe_task_definition(taskDefinition=name)["taskDefinition"] if name else {}

    def _tasks(self, service: Described) -> Iterator[Described]:
        """Yields the tasks of a service: those that run, and the last ones that stopped."""
        tasks, cluster = Tasks(self._session), service["clusterArn"].rpartition("/")[2]
        yield from tasks.described(cluster, service["serviceName"], "RUNNING")
        stopped = tasks.described(cluster, service["serviceName"], "STOPPED")
        yield from sorted(stopped, key=lambda task: str(task.get("stoppedAt")))[-MAX_STOPPED:]

    def _task(self, task: Described, service: str) -> DeployedTask:
        details = {item["name"]: item["value"] for attachment in task["attachments"] for item in attachment["details"]}
        own = details.get("networkInterfaceId")
        interface = next((i for i in self._interfaces if i["NetworkInterfaceId"] == own), {})
        health = task.get("healthStatus")
        return DeployedTask(
            id=task["taskArn"].rpartition("/")[2],
            service=service,
            subnet=details.get("subnetId", ""),
            private=details.get("privateIPv4Address") or interface.get("PrivateIpAddress", ""),
            public=(interface.get("Association") or {}).get("PublicIp"),
            state=task["lastStatus"],
            health=None if health == "UNKNOWN" else health,
            reason=task.get("stoppedReason"),
            times={key: time_of(value) for key, value in task.items() if isinstance(value, dt.datetime)},
        )


def _batches(items: Iterable[str], size: int) -> Iterator[list[str]]:
    remaining = iter(items)
    while batch := list(itertools.islice(remaining, size)):
        yield batch


def _placement(service: Described) -> Described:
    configuration: Described = (service.get("networkConfiguration") or {}).get("awsvpcConfiguration") or {}
    return configuration


def _is_public(network: Network, subnet: Described) -> bool:
    route = reachability.route_to(network.route_table(subnet["SubnetId"], subnet["VpcId"]), ANY_INTERNET_CALLER)
    return str((route or {}).get("GatewayId", "")).startswith("igw-")


def _container(container: Described) -> DeployedContainer:
    ports = dict.fromkeys(int(mapping["containerPort"]) for mapping in container.get("portMappings") or [] if "containerPort" in mapping)
    return DeployedContainer(container["name"], container["image"], tuple(ports))


def _role(arn: str | None) -> str | None:
    return arn.rpartition("/")[2] if arn else None


def _security_group(group: Described) -> DeployedSecurityGroup:
    return DeployedSecurityGroup(group["GroupId"], group["GroupName"], tuple(map(_rule, group.get("IpPermissions", []))))


def _rule(permission: Described) -> IngressRule:
    protocol = "all" if permission["IpProtocol"] == "-1" else str(permission["IpProtocol"])
    first, last = permission.get("FromPort"), permission.get("ToPort")
    ports = "all" if first is None or first == -1 or protocol == "all" else str(first) if first == last else f"{first}-{last}"
    peers = [
        item[key]
        for field, key in (("IpRanges", "CidrIp"), ("Ipv6Ranges", "CidrIpv6"), ("UserIdGroupPairs", "GroupId"), ("PrefixListIds", "PrefixListId"))
        for item in permission.get(field) or []
        if item.get(key)
    ]
    return IngressRule(protocol, ports, tuple(peers))


def name_of(described: Mapping[str, Any]) -> str:
    """Returns the tag Name of what EC2 describes, or nothing."""
    return next((tag["Value"] for tag in described.get("Tags") or [] if tag["Key"] == "Name"), "")


def time_of(time: dt.datetime) -> str:
    """Returns a time as reports have it: UTC, to the millisecond."""
    return time.astimezone(dt.timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
