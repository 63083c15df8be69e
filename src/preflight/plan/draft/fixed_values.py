"""Values of parameters that a plain text elsewhere in the template fixes: a container's name and its port. Pure.

A service and a task definition name the same container, and so do a container and those it depends on.
Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-ecs-service-loadbalancer.html
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Any

from preflight.plan.resolved_stacks import ResolvedTemplate
from preflight.plan.texts import DEFINITION
from preflight.templates import intrinsic_functions, references

SERVICE = "AWS::ECS::Service"


def of(document: ResolvedTemplate) -> dict[str, str]:
    """Returns the values of parameters that containers, services and dependencies agree on, by name."""
    values: dict[str, str] = {}
    for _, service in document.of_type(SERVICE):
        containers = _containers(document, service)
        for target in (*_dicts(service.get("LoadBalancers")), *_dicts(service.get("ServiceRegistries"))):
            values = {**_agreed(target, containers), **values}
    for _, definition in document.of_type(DEFINITION):
        containers = list(_dicts(definition.get("ContainerDefinitions")))
        for dependency in itertools.chain.from_iterable(_dicts(container.get("DependsOn")) for container in containers):
            values = {**_same(dependency.get("ContainerName"), [container.get("Name") for container in containers]), **values}
    return values


def _containers(document: ResolvedTemplate, service: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Returns the containers of a service whose task definition stands in its own template."""
    logical = references.referenced(service.get("TaskDefinition"))
    definition = dict(document.of_type(DEFINITION)).get(logical or "", {})
    return list(_dicts(definition.get("ContainerDefinitions")))


def _agreed(target: Mapping[str, Any], containers: list[dict[str, Any]]) -> dict[str, str]:
    """Returns what makes a target of a load balancer or a registry name one of the containers, and one of its ports."""
    name = target.get("ContainerName")
    if name is None or not containers:
        return {}
    values = _same(name, [container.get("Name") for container in containers])
    named = [container for container in containers if container.get("Name") == name or values.get(references.referenced(container.get("Name")) or "") == name]
    ports = [mapping.get("ContainerPort") for container in named or containers for mapping in _dicts(container.get("PortMappings"))]
    port = target.get("ContainerPort")
    return values if port is None else {**_same(port, ports), **values}


def _same(value: Any, others: list[Any]) -> dict[str, str]:
    """Returns the value of a parameter that makes one of two sides name the other, if it is plain and none does so yet."""
    texts = [_text(other) for other in others]
    parameters = [references.referenced(other) for other in others]
    text, parameter = _text(value), references.referenced(value)
    if text is not None and text not in texts:
        other = next((name for name in parameters if name), None)
        return {other: text} if other else {}
    if parameter is not None and parameter not in parameters:
        first = next((other_text for other_text in texts if other_text), None)
        return {parameter: first} if first else {}
    return {}


def _text(value: Any) -> str | None:
    is_plain = isinstance(value, str | int) and not isinstance(value, bool)
    return intrinsic_functions.as_text(value) if is_plain else None


def _dicts(value: Any) -> Iterator[dict[str, Any]]:
    yield from (item for item in value if isinstance(item, dict)) if isinstance(value, list) else ()
