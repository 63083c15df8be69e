"""A service's load balancer targets a container and a port that its task definition has.

Where both stand in one template a rule of cfn-guard says it; here the definition comes from another stack.
Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_LoadBalancer.html.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from preflight.aws import fargate_sizes
from preflight.comply.cross_template_rules import container_resources, violation
from preflight.comply.cross_template_rules.violation import Violation
from preflight.plan.cross_stack_references import ReferencedResource, ReferenceTracer
from preflight.plan.resolved_stacks import ResolvedStacks
from preflight.templates import intrinsic_functions


def check(stacks: ResolvedStacks) -> Iterator[Violation]:
    """Targets that the task definition of another stack does not have."""
    tracer = ReferenceTracer(stacks)
    for document in stacks.documents:
        for logical, service in document.of_type("AWS::ECS::Service"):
            definition = tracer.find(document, service.get("TaskDefinition"), container_resources.DEFINITION)
            if definition is None or definition.document is document:
                continue
            targets = service.get("LoadBalancers")
            for number, target in enumerate(targets if isinstance(targets, list) else []):
                for key, message in _wrong(target, definition):
                    path = violation.at(logical, "LoadBalancers", number, key)
                    fix = f"Name a container and a port of {definition.logical} in {definition.document.name}."
                    yield Violation(document, path, message, fix)


def _wrong(target: Any, definition: ReferencedResource) -> Iterator[tuple[str, str]]:
    containers = definition.properties.get("ContainerDefinitions")
    name = target.get("ContainerName") if isinstance(target, dict) else None
    if not isinstance(name, str) or not isinstance(containers, list) or intrinsic_functions.holds_kept(_names(containers)):
        return
    container = next((c for c in containers if isinstance(c, dict) and c.get("Name") == name), None)
    if container is None:
        yield "ContainerName", f"task definition {definition.logical} has no container {name}."
        return
    port = fargate_sizes.number_of(target.get("ContainerPort"))
    mappings = container.get("PortMappings", [])
    if port is None or not isinstance(mappings, list) or not all(map(_is_plain, mappings)):
        return
    if port not in [fargate_sizes.number_of(mapping["ContainerPort"]) for mapping in mappings]:
        yield "ContainerPort", f"container {name} of task definition {definition.logical} does not map port {port}."


def _names(containers: list[Any]) -> list[Any]:
    return [c.get("Name") if isinstance(c, dict) and not intrinsic_functions.is_kept(c) else {"Ref": "?"} for c in containers]


def _is_plain(mapping: Any) -> bool:
    return isinstance(mapping, dict) and fargate_sizes.number_of(mapping.get("ContainerPort")) is not None
