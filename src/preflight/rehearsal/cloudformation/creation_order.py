"""Adds the dependencies that AWS documents as required, in the order that fails without DependsOn. Pure.

CloudFormation may create resources without dependencies in any order. AWS's documentation names pairs
for which one order fails; the rehearsal always creates them in that order.
Sources: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-attribute-dependson.html, and
for capacity providers https://github.com/aws/containers-roadmap/issues/631#issuecomment-816354807.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from preflight.rehearsal.cloudformation import dependencies
from preflight.rehearsal.cloudformation.dependencies import ResourceDefinitions
from preflight.templates import references


def with_undeclared_dependencies(resources: ResourceDefinitions, needs: Mapping[str, set[str]]) -> dict[str, set[str]]:
    """Returns `needs` with one more for each unordered pair: the resource that should be first waits."""
    ordered = {name: set(targets) for name, targets in needs.items()}
    for first, second in _pairs(resources):
        if not dependencies.reaches(ordered, second, first) and not dependencies.reaches(ordered, first, second):
            ordered[first].add(second)
    return ordered


def _pairs(resources: ResourceDefinitions) -> Iterator[tuple[str, str]]:
    """Yields pairs whose first resource must be complete before the second is created."""
    attachments = _of_type(resources, "AWS::EC2::VPCGatewayAttachment")
    for route in _of_type(resources, "AWS::EC2::Route"):
        gateway = _target(resources[route], "GatewayId")
        for attachment in attachments:
            if gateway is not None and gateway == _target(resources[attachment], "InternetGatewayId"):
                yield attachment, route
    for waiting in [
        *_of_type(resources, "AWS::ElasticLoadBalancingV2::LoadBalancer"),
        *_of_type(resources, "AWS::EC2::NatGateway"),
    ]:
        for attachment in attachments:
            if (resources[waiting].get("Properties") or {}).get("Scheme") != "internal":
                yield attachment, waiting
    for service in _of_type(resources, "AWS::ECS::Service"):
        yield from ((association, service) for association in _providers(resources, service))
        groups = _target_groups(resources[service].get("Properties") or {})
        for listener in [
            *_of_type(resources, "AWS::ElasticLoadBalancingV2::Listener"),
            *_of_type(resources, "AWS::ElasticLoadBalancingV2::ListenerRule"),
        ]:
            forwarded = {r.name for r in references.references_in(resources[listener].get("Properties"))}
            if groups & forwarded:
                yield listener, service


def _providers(resources: ResourceDefinitions, service: str) -> Iterator[str]:
    """Yields the associations that give a service's cluster its capacity providers or default strategy."""
    properties = resources[service].get("Properties") or {}
    if _has_value(properties, "LaunchType") and not _has_value(properties, "CapacityProviderStrategy"):
        return
    for association in _of_type(resources, "AWS::ECS::ClusterCapacityProviderAssociations"):
        cluster = _target(resources[association], "Cluster")
        if cluster is not None and cluster == _target(resources[service], "Cluster"):
            yield association


def _has_value(properties: Mapping[str, Any], name: str) -> bool:
    return properties.get(name) not in (None, {"Ref": "AWS::NoValue"})


def _of_type(resources: ResourceDefinitions, kind: str) -> list[str]:
    return [name for name, resource in resources.items() if resource.get("Type") == kind]


def _target(resource: Mapping[str, Any], name: str) -> str | None:
    names = [r.name for r in references.references_in((resource.get("Properties") or {}).get(name))]
    return names[0] if names else None


def _target_groups(properties: Mapping[str, Any]) -> set[str]:
    balancers = properties.get("LoadBalancers") or []
    return {r.name for balancer in balancers for r in references.references_in(balancer)}
