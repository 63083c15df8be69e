"""Which resources exist, and which references between them are live under the conditions that hold. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from preflight.templates.dependency_graph import REFERRING, ResourceDefinition, ResourceDefinitions
from preflight.templates.intrinsic_functions import FunctionResolver, ResolveError

Template = Mapping[str, Any]


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
