"""A resource that may be created before another one that it needs, because nothing in the template orders them.

Only races, which AWS wins most of the time; an order that always fails is for the rehearsal.
Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-attribute-dependson.html.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping

from preflight.comply.cross_template_rules.violation import Violation
from preflight.plan.resolved_stacks import ResolvedStacks
from preflight.templates import dependency_graph, undeclared_dependencies

Check = Callable[[ResolvedStacks], Iterator[Violation]]
# The type that waits for each rule, and why its creation may fail; {needed} is the other resource.
REASONS: Mapping[str, tuple[str, str]] = {
    "EC2_EIP_DEPENDS_ON_ATTACHMENT": (
        undeclared_dependencies.EIP,
        "the address may be allocated before {needed} attaches the internet gateway to the VPC.",
    ),
    "EC2_NAT_GATEWAY_DEPENDS_ON_ATTACHMENT": (
        undeclared_dependencies.NAT_GATEWAY,
        "the NAT gateway may be created before {needed} attaches an internet gateway to its VPC, and then it fails.",
    ),
    "EC2_ROUTE_IGW_DEPENDS_ON_ATTACHMENT": (
        undeclared_dependencies.ROUTE,
        "the route may be created before {needed} attaches its internet gateway, and EC2 then refuses it.",
    ),
    "ELBV2_DEPENDS_ON_ATTACHMENT": (
        undeclared_dependencies.LOAD_BALANCER,
        "the load balancer may be created before {needed} attaches an internet gateway to its VPC, and then it fails.",
    ),
    "ECS_CLUSTER_DEPENDS_ON_NAMESPACE": (
        undeclared_dependencies.CLUSTER,
        "the cluster may be created before {needed}; it then creates a namespace of the same name, and {needed} fails.",
    ),
    "ECS_SERVICE_DEPENDS_ON_CAPACITY_PROVIDERS": (
        undeclared_dependencies.SERVICE,
        "the service may be created before {needed} gives its cluster the capacity providers, and ECS then refuses it; when the stack is deleted, the deletion of {needed} may fail because the service still uses them.",
    ),
    "ECS_SERVICE_DEPENDS_ON_MOUNT_TARGETS": (
        undeclared_dependencies.SERVICE,
        "tasks of the service may start before mount target {needed} exists, and then they fail.",
    ),
}
NEEDED: Mapping[str, str] = {
    "ECS_SERVICE_DEPENDS_ON_CAPACITY_PROVIDERS": undeclared_dependencies.PROVIDERS,
    "ECS_SERVICE_DEPENDS_ON_MOUNT_TARGETS": undeclared_dependencies.MOUNT_TARGET,
}


def _check(name: str, stacks: ResolvedStacks) -> Iterator[Violation]:
    """Yields the races of one rule in every template."""
    kind, reason = REASONS[name]
    for document in stacks.documents:
        resources = document.resources
        for pair in undeclared_dependencies.of_template(resources, dependency_graph.edges(resources)):
            needed = resources[pair.needed].get("Type")
            if pair.is_race and resources[pair.waiting].get("Type") == kind and needed == NEEDED.get(name, needed):
                fix = f"Set DependsOn: {pair.needed} in {pair.waiting}."
                yield Violation(document, ("Resources", pair.waiting), reason.format(needed=pair.needed), fix)


CHECKS: Mapping[str, Check] = {name: functools.partial(_check, name) for name in REASONS}
