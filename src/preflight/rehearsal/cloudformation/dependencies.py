"""Which resources exist, which resource needs which, and cycles. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from preflight.templates import references
from preflight.templates.functions import FunctionResolver, ResolveError

Template = Mapping[str, Any]
ResourceDefinition = Mapping[str, Any]  # a member of Resources
ResourceDefinitions = Mapping[str, ResourceDefinition]
REFERRING = ("Properties", "Metadata")  # the parts of a resource whose references order it


def depends_on(resource: Mapping[str, Any]) -> list[str]:
    """Returns the names in DependsOn."""
    named = resource.get("DependsOn") or []
    listed = named if isinstance(named, list) else [named]
    return [name for name in listed if isinstance(name, str)]


def edges(resources: ResourceDefinitions) -> dict[str, set[str]]:
    """Returns for each resource the resources in `resources` that it needs.

    A reference in Metadata orders like one in Properties: a template can so wait for a resource under
    a condition, which DependsOn cannot.
    """
    return {
        name: {
            target
            for target in [
                *depends_on(resource),
                *(r.name for part in REFERRING for r in references.references_in(resource.get(part))),
            ]
            if target in resources
        }
        for name, resource in resources.items()
    }


def cycle(needs: Mapping[str, set[str]]) -> list[str]:
    """Returns the resources that form cycles; empty if there is an order."""
    left = {name: set(targets) for name, targets in needs.items()}
    while ready := [name for name, targets in left.items() if not targets]:
        for name in ready:
            del left[name]
        for targets in left.values():
            targets.difference_update(ready)
    return sorted(_core(left))


def _core(left: dict[str, set[str]]) -> set[str]:
    """Returns the names without those that only lead into the cycle."""
    core = set(left)
    while outside := {name for name in core if not any(name in left[other] for other in core)}:
        core -= outside
    return core


def reaches(needs: Mapping[str, set[str]], start: str, goal: str) -> bool:
    """Whether `start` needs `goal`, directly or through others."""
    seen: set[str] = set()
    ahead = [start]
    while ahead:
        name = ahead.pop()
        if name == goal:
            return True
        if name not in seen:
            seen.add(name)
            ahead.extend(needs.get(name, ()))
    return False


def with_chosen_branches(value: Any, resolver: FunctionResolver) -> Any:
    """Returns `value` with every Fn::If replaced by its chosen branch, so that only live references remain.

    Raises:
        ResolveError: a condition cannot be decided.
    """
    if isinstance(value, list):
        return [with_chosen_branches(item, resolver) for item in value]
    if not isinstance(value, dict):
        return value
    argument = value.get("Fn::If") if len(value) == 1 else None
    if isinstance(argument, list) and len(argument) == 3 and isinstance(argument[0], str):
        if argument[0] not in (resolver.scope.data.get("Conditions") or {}):
            msg = f"Template error: unresolved condition dependency {argument[0]} in Fn::If"
            raise ResolveError(msg)
        return with_chosen_branches(argument[1 if resolver.condition(argument[0]) else 2], resolver)
    return {key: with_chosen_branches(item, resolver) for key, item in value.items()}


def with_live_references(definitions: ResourceDefinitions, resolver: FunctionResolver) -> dict[str, ResourceDefinition]:
    """Returns resources with only the references that order them under the conditions that hold.

    Raises:
        ResolveError: a condition cannot be decided.
    """
    return {
        name: {**definition, **{part: with_chosen_branches(definition.get(part), resolver) for part in REFERRING}}
        for name, definition in definitions.items()
    }


def resources_that_exist(template: Template, resolver: FunctionResolver) -> dict[str, ResourceDefinition]:
    """Returns the resources whose conditions hold."""
    return {name: definition for name, definition in template["Resources"].items() if resolver.holds(definition)}
