"""The subnet of a Fargate service has the way to its image that the service's public address calls for.

With AssignPublicIp ENABLED that is a route to an attached internet gateway; without, one to a NAT gateway, or
VPC endpoints. Only said where all that matters is declared.
Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-task-networking.html.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from preflight.aws import reachability
from preflight.aws.network import Blocker, Interface, Network
from preflight.comply.cross_template_rules import declared_network, execution_role, violation
from preflight.comply.cross_template_rules.declared_network import DeclaredNetwork
from preflight.comply.cross_template_rules.violation import Violation
from preflight.plan.cross_stack_references import ReferencedResource, ReferenceTracer, UnknownError
from preflight.plan.resolved_stacks import ResolvedStacks, ResolvedTemplate
from preflight.templates import intrinsic_functions

_VPC = ("NetworkConfiguration", "AwsvpcConfiguration")
_PRIVATE_IMAGE = re.compile(r"\.dkr\.ecr\.([a-z0-9-]+)\.amazonaws\.com")
ECR = ("ecr.api", "ecr.dkr", "s3")


@dataclass(frozen=True)
class _Needs:
    """Where the images of a task are (`ecr`, the `internet`, None: not known), and whether it logs to CloudWatch."""

    registry: str | None
    has_log: bool


def check(stacks: ResolvedStacks) -> Iterator[Violation]:
    """Services whose tasks cannot reach what they start from."""
    services = [(d, name, s) for d in stacks.documents for name, s in d.of_type("AWS::ECS::Service") if _is_judged(s)]
    try:
        declared = DeclaredNetwork(stacks) if services else None
    except UnknownError:
        return
    for document, logical, service in services:
        if declared is not None:
            yield from _service(stacks, declared, document, logical, service)


def _is_judged(service: Mapping[str, Any]) -> bool:
    """Whether it runs on Fargate, and has tasks at all."""
    providers = service.get("CapacityProviderStrategy")
    names = [p.get("CapacityProvider") if isinstance(p, dict) else None for p in providers] if isinstance(providers, list) else []
    is_fargate = service.get("LaunchType") == "FARGATE" or (names and all(n in ("FARGATE", "FARGATE_SPOT") for n in names))
    return bool(is_fargate) and intrinsic_functions.as_text(service.get("DesiredCount", 1)) != "0"


def _service(
    stacks: ResolvedStacks, declared: DeclaredNetwork, document: ResolvedTemplate, logical: str, service: Mapping[str, Any]
) -> Iterator[Violation]:
    outer = service.get(_VPC[0])
    inner = outer.get(_VPC[1]) if isinstance(outer, dict) else None
    public = inner.get("AssignPublicIp", "DISABLED") if isinstance(inner, dict) else None
    if not isinstance(inner, dict) or public not in ("ENABLED", "DISABLED"):
        return
    for subnet, resource in declared.subnets(document, inner.get("Subnets")):
        if not _is_settled(stacks, resource):
            continue
        try:
            vpc = declared.vpc_of(resource)
        except UnknownError:
            continue
        interface = Interface(vpc, subnet, "10.0.0.10", (declared_network.ANY,), has_public_address=public == "ENABLED")
        missing = _missing(declared.described, interface, _needs(stacks, document, service))
        if missing is not None:
            key = "Subnets" if public == "ENABLED" else "AssignPublicIp"
            path = violation.at(logical, *_VPC, *([key] if key in inner else []))
            message = f"tasks in {resource.logical} ({resource.document.name}) cannot pull their image: {declared.with_logical_ids(missing.message)}."
            yield Violation(document, path, message, declared.with_logical_ids(missing.fix))
            return


def _is_settled(stacks: ResolvedStacks, subnet: ReferencedResource) -> bool:
    """Whether no template that is not here is likely to route it: without a plan, an exported subnet may be."""
    if subnet.properties.get("Ipv6Native") not in (None, False, "false"):
        return False
    if stacks.is_closed:
        return True
    return not any(document is subnet.document for document, _ in stacks.exports.values())


def _missing(
    declared: Network, interface: Interface, needs: _Needs
) -> Blocker | None:
    """What keeps a task from its image, or from its log; None where nothing does, or it is not known."""
    internet = reachability.to_internet(declared, interface)
    if internet is None or needs.registry == "internet":
        return internet
    services = (*ECR, "logs") if needs.has_log else ECR
    missing = [m for s in services if (m := reachability.to_service(declared, interface, s)) is not None]
    if needs.registry == "ecr":
        return next(iter(missing), None)
    has_endpoints = any(reachability.to_service(declared, interface, s) is None for s in ECR)
    return None if has_endpoints else internet


def _needs(stacks: ResolvedStacks, document: ResolvedTemplate, service: Mapping[str, Any]) -> _Needs:
    """What the tasks of a service need to reach, as far as it is known."""
    try:
        definition = ReferenceTracer(stacks).one(document, service.get("TaskDefinition"))
    except UnknownError:
        return _Needs(None, has_log=False)
    containers = definition.properties.get("ContainerDefinitions")
    known = [c for c in containers if isinstance(c, dict)] if isinstance(containers, list) else []
    region = definition.document.resolver.scope.pseudo["AWS::Region"]
    registries = {_registry(execution_role.image_text(c.get("Image")), region) for c in known}
    drivers = [c["LogConfiguration"].get("LogDriver") for c in known if isinstance(c.get("LogConfiguration"), dict)]
    registry = "internet" if "internet" in registries else next(iter(registries)) if len(registries) == 1 else None
    return _Needs(registry, has_log="awslogs" in drivers)


def _registry(image: str, region: str) -> str | None:
    """`ecr` of this region, the `internet`, or None where the name does not say."""
    match = _PRIVATE_IMAGE.search(image)
    if match:
        return "ecr" if match[1] == region else "internet"
    host = image.partition("/")[0]
    return "internet" if image and "${" not in host else None
