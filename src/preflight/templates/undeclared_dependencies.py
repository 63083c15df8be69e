"""Pairs of resources of which one needs the other though nothing in the template says so. Pure.

CloudFormation creates resources without dependencies in any order. For the pairs here one order fails:
always, because of how long each takes, or now and then, which is a race.
Sources: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-attribute-dependson.html,
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-load-balancing.html,
for load balancers https://github.com/aws-cloudformation/aws-cloudformation-templates/issues/75, and for capacity providers https://github.com/aws/containers-roadmap/issues/631#issuecomment-816354807.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from preflight.templates import dependency_graph, references
from preflight.templates.dependency_graph import ResourceDefinitions

ATTACHMENT = "AWS::EC2::VPCGatewayAttachment"
CLUSTER = "AWS::ECS::Cluster"
EIP = "AWS::EC2::EIP"
INTERNET_GATEWAY = "AWS::EC2::InternetGateway"
LISTENERS = ("AWS::ElasticLoadBalancingV2::Listener", "AWS::ElasticLoadBalancingV2::ListenerRule")
LOAD_BALANCER = "AWS::ElasticLoadBalancingV2::LoadBalancer"
MOUNT_TARGET = "AWS::EFS::MountTarget"
HTTP_NAMESPACE = "AWS::ServiceDiscovery::HttpNamespace"
NAMESPACES = (
    HTTP_NAMESPACE,
    "AWS::ServiceDiscovery::PrivateDnsNamespace",
    "AWS::ServiceDiscovery::PublicDnsNamespace",
)
NAT_GATEWAY = "AWS::EC2::NatGateway"
PROVIDERS = "AWS::ECS::ClusterCapacityProviderAssociations"
QUICK_TYPES = frozenset({*LISTENERS, "AWS::ElasticLoadBalancingV2::TargetGroup", "AWS::EC2::SecurityGroup"})
ROLE = "AWS::IAM::Role"
ROUTE = "AWS::EC2::Route"
SERVICE = "AWS::ECS::Service"
VPC = "AWS::EC2::VPC"


@dataclass(frozen=True)
class UndeclaredDependency:
    """`waiting` needs `needed` complete; with `is_race` AWS creates them in time now and then."""

    waiting: str
    needed: str
    is_race: bool = True


def of_template(resources: ResourceDefinitions, needs: Mapping[str, set[str]]) -> list[UndeclaredDependency]:
    """Returns the pairs of which neither resource needs the other by `needs`."""
    return [
        pair
        for pair in dict.fromkeys(_Pairs(resources, needs).all())
        if not dependency_graph.reaches(needs, pair.waiting, pair.needed)
        and not dependency_graph.reaches(needs, pair.needed, pair.waiting)
    ]


class _Pairs:
    """The resources of a template by type, and the pairs among them."""

    def __init__(self, resources: ResourceDefinitions, needs: Mapping[str, set[str]]) -> None:
        properties = {name: resource.get("Properties") for name, resource in resources.items()}
        self._properties = {name: value if isinstance(value, dict) else {} for name, value in properties.items()}
        self._types = {name: resource.get("Type") for name, resource in resources.items()}
        self._needs = needs

    def all(self) -> Iterator[UndeclaredDependency]:
        yield from self._attachments()
        yield from self._of_services()
        yield from self._namespaces()

    def _of_type(self, *kinds: str) -> list[str]:
        return [name for name, kind in self._types.items() if kind in kinds]

    def _targets(self, name: str, key: str) -> list[str]:
        """Returns the resources of the template that a property refers to."""
        return [r.name for r in references.references_in(self._properties.get(name, {}).get(key)) if r.name in self._types]

    def _share(self, first: str, first_key: str, second: str, second_key: str) -> bool:
        """Whether two properties refer to a resource of the template in common."""
        return bool({*self._targets(first, first_key)} & {*self._targets(second, second_key)})

    def _attachments(self) -> Iterator[UndeclaredDependency]:
        for attachment in self._of_type(ATTACHMENT):
            for route in self._of_type(ROUTE):
                if self._share(route, "GatewayId", attachment, "InternetGatewayId"):
                    yield UndeclaredDependency(route, attachment)
            for gateway in self._of_type(NAT_GATEWAY):
                is_public = self._properties[gateway].get("ConnectivityType") != "private"
                if is_public and self._is_in_vpc(gateway, "SubnetId", attachment):
                    yield UndeclaredDependency(gateway, attachment)
            for address in self._of_type(EIP):
                yield UndeclaredDependency(address, attachment)
            for balancer in self._of_type(LOAD_BALANCER):
                is_public = self._properties[balancer].get("Scheme") != "internal"
                if is_public and any(self._is_in_vpc(balancer, key, attachment) for key in ("Subnets", "SubnetMappings")):
                    yield UndeclaredDependency(balancer, attachment, is_race=self._is_race(balancer, attachment))

    def _is_race(self, balancer: str, attachment: str) -> bool:
        """Whether an attachment waits for no more than its VPC and gateway, or than the load balancer does.

        AWS attaches a gateway while it creates subnets and security groups, so that most load balancers find it attached:
        https://github.com/aws-cloudformation/aws-cloudformation-templates/issues/75.
        """
        before, before_attachment = (dependency_graph.all_needs(self._needs, name) for name in (balancer, attachment))
        return {self._types.get(name) for name in before_attachment - before} <= {VPC, INTERNET_GATEWAY}

    def _is_in_vpc(self, name: str, key: str, attachment: str) -> bool:
        """Whether the subnets in a property belong to the VPC of an attachment, as far as the template says."""
        if not _has_value(self._properties[name], key):
            return False
        subnets = self._targets(name, key)
        return not subnets or any(
            self._share(subnet, "VpcId", attachment, "VpcId") or not self._targets(subnet, "VpcId") for subnet in subnets
        )

    def _of_services(self) -> Iterator[UndeclaredDependency]:
        for service in self._of_type(SERVICE):
            groups = set(self._targets(service, "LoadBalancers"))
            for listener in self._of_type(*LISTENERS):
                if groups & {r.name for r in references.references_in(self._properties[listener])}:
                    yield UndeclaredDependency(service, listener, is_race=self._is_late(service, listener))
            for association in self._of_type(PROVIDERS) if self._takes_strategy(service) else ():
                if self._share(service, "Cluster", association, "Cluster"):
                    yield UndeclaredDependency(service, association)
            for definition in self._targets(service, "TaskDefinition"):
                for target in self._of_type(MOUNT_TARGET):
                    if self._share(definition, "Volumes", target, "FileSystemId"):
                        yield UndeclaredDependency(service, target)

    def _is_late(self, service: str, listener: str) -> bool:
        """Whether a service waits for a role while its listener waits for nothing that takes long: no load balancer, no role.

        IAM's roles are complete some ten seconds after they are asked for, listeners and their rules after one or two.
        """
        before, before_listener = (dependency_graph.all_needs(self._needs, name) for name in (service, listener))
        waited, waited_for_listener = ({self._types.get(name) for name in names} for names in (before - before_listener, before_listener - before))
        return ROLE in waited and not waited_for_listener - QUICK_TYPES

    def _takes_strategy(self, service: str) -> bool:
        """Whether a service has a capacity provider strategy, of its own or its cluster's."""
        properties = self._properties[service]
        return _has_value(properties, "CapacityProviderStrategy") or not _has_value(properties, "LaunchType")

    def _namespaces(self) -> Iterator[UndeclaredDependency]:
        """Yields clusters that create a Service Connect namespace whose name another resource has, too.

        Theirs is an HTTP namespace, and Cloud Map refuses another one of that name while it is made, and afterwards:
        https://github.com/aws/aws-cdk/issues/25554.
        """
        for cluster in self._of_type(CLUSTER):
            defaults = self._properties[cluster].get("ServiceConnectDefaults")
            name = defaults.get("Namespace") if isinstance(defaults, dict) else None
            for namespace in self._of_type(*NAMESPACES):
                if name is not None and name == self._properties[namespace].get("Name"):
                    yield UndeclaredDependency(cluster, namespace, is_race=self._types[namespace] != HTTP_NAMESPACE)


def _has_value(properties: Mapping[str, Any], name: str) -> bool:
    return properties.get(name) not in (None, {"Ref": "AWS::NoValue"})
