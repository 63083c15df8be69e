"""The order that fails: where AWS documents that a missing DependsOn can fail, it does. Pure.

Resources that nothing orders may be made in any order. AWS's documentation names pairs for which the
wrong order fails, so the rehearsal makes them in that order, each time.
Sources: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-attribute-dependson.html, and
for capacity providers https://github.com/aws/containers-roadmap/issues/631#issuecomment-816354807.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from preflight.rehearsal.cloudformation import dependencies
from preflight.templates import references

Resources = Mapping[str, Mapping[str, Any]]


def with_undeclared_dependencies(resources: Resources, needs: Mapping[str, set[str]]) -> dict[str, set[str]]:
    """`needs` with one more need for each unordered pair: what ought to be first waits."""
    ordered = {name: set(targets) for name, targets in needs.items()}
    for first, second in _pairs(resources):
        if not dependencies.reaches(ordered, second, first) and not dependencies.reaches(ordered, first, second):
            ordered[first].add(second)
    return ordered


def _pairs(resources: Resources) -> Iterator[tuple[str, str]]:
    """Pairs of which the first has to be complete before the second is made."""
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


def _providers(resources: Resources, service: str) -> Iterator[str]:
    """Associations that give the cluster of a service the providers, or the default strategy, that it is launched by."""
    properties = resources[service].get("Properties") or {}
    if _is_given(properties, "LaunchType") and not _is_given(properties, "CapacityProviderStrategy"):
        return
    for association in _of_type(resources, "AWS::ECS::ClusterCapacityProviderAssociations"):
        cluster = _target(resources[association], "Cluster")
        if cluster is not None and cluster == _target(resources[service], "Cluster"):
            yield association


def _is_given(properties: Mapping[str, Any], name: str) -> bool:
    return properties.get(name) not in (None, {"Ref": "AWS::NoValue"})


def _of_type(resources: Resources, kind: str) -> list[str]:
    return [name for name, resource in resources.items() if resource.get("Type") == kind]


def _target(resource: Mapping[str, Any], name: str) -> str | None:
    found = [r.name for r in references.references_in((resource.get("Properties") or {}).get(name))]
    return found[0] if found else None


def _target_groups(properties: Mapping[str, Any]) -> set[str]:
    balancers = properties.get("LoadBalancers") or []
    return {r.name for balancer in balancers for r in references.references_in(balancer)}
