"""Pre-deployment validation: finds invalid properties and taken names before any resource exists.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/validate-stack-deployments.html.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from preflight.rehearsal.cloudformation import live_references
from preflight.rehearsal.cloudformation.live_references import Template
from preflight.rehearsal.cloudformation.stack import Stack, ValidationError
from preflight.templates import intrinsic_functions, schemas
from preflight.templates.dependency_graph import ResourceDefinition
from preflight.templates.intrinsic_functions import FunctionResolver, ResolutionContext
from preflight.templates.schemas import Open

PROPERTIES = "AWS::EarlyValidation::PropertyValidation"
EXISTENCE = "AWS::EarlyValidation::ResourceExistenceCheck"


def property_violations(template: Template, context: ResolutionContext) -> list[ValidationError]:
    """Returns what the schemas refuse of the properties that are known already."""
    resolver = FunctionResolver(context)
    return [
        violation
        for name, definition in live_references.resources_that_exist(template, resolver).items()
        for violation in _resource_violations(name, definition, resolver)
    ]


def name_conflicts(
    template: Template, context: ResolutionContext, exists: Callable[[str, str, Mapping[str, Any]], bool]
) -> list[ValidationError]:
    """Returns the resources whose explicit name is taken already.

    `exists` is called with resource type, name and the properties that are known.
    """
    resolver = FunctionResolver(context)
    conflicts = []
    for logical_id, definition in live_references.resources_that_exist(template, resolver).items():
        resource_type, path = str(definition["Type"]), ("Resources", logical_id, "Properties")
        properties = resolver.value(definition.get("Properties") or {}, path)
        keys = schemas.identifiers(resource_type)
        if len(keys) != 1 or not keys[0].endswith("Name") or not isinstance(properties, dict):
            continue
        name = properties.get(keys[0])
        if isinstance(name, str) and not intrinsic_functions.holds_kept(properties) and exists(resource_type, name, properties):
            identifier = json.dumps({f"/properties/{keys[0]}": name}, separators=(",", ":"))
            message = f"Resource of type '{resource_type}' with identifier '{identifier}' already exists."
            property_path = "/".join(("", *path, keys[0]))
            conflicts.append(ValidationError(logical_id, resource_type, EXISTENCE, property_path, message))
    return conflicts


def _resource_violations(
    name: str, definition: ResourceDefinition, resolver: FunctionResolver
) -> Iterator[ValidationError]:
    resource_type, path = str(definition["Type"]), ("Resources", name, "Properties")
    value = with_open_values(resolver.value(definition.get("Properties") or {}, path))
    properties = schemas.coerce(resource_type, value if isinstance(value, dict) else {})
    for message in schemas.violations(resource_type, properties):
        property_path = message.partition(":")[0].removeprefix("#").strip("/")
        full_path = "/".join(("", *path, property_path)).rstrip("/")
        yield ValidationError(name, resource_type, PROPERTIES, full_path, message)


def with_open_values(value: Any) -> Any:
    """Returns `value` with a value that every schema accepts for everything that is not known yet."""
    if intrinsic_functions.is_kept(value) or (isinstance(value, str) and "{{resolve:" in value):
        return Open()
    if isinstance(value, dict):
        return {key: with_open_values(item) for key, item in value.items()}
    return [with_open_values(item) for item in value] if isinstance(value, list) else value


def report(stack: Stack, violations: list[ValidationError], status: str) -> str:
    """Adds events for violations to a stack. Returns the stack's own reason."""
    for violation in violations:
        stack.add_violation(violation)
    names = list(dict.fromkeys(violation.logical_id for violation in violations))
    for name in names:
        reason = _reason(name, [violation for violation in violations if violation.logical_id == name])
        stack.set_resource_status(stack.resources[name], status, reason, detailed_status="VALIDATION_FAILED")
    return f"Validation failed for following resources: [{', '.join(names)}]."


def _reason(name: str, violations: list[ValidationError]) -> str:
    lines = "\n".join(violation.message for violation in violations)
    if all(violation.check == EXISTENCE for violation in violations):
        return lines
    return f"Properties validation failed for resource {name} with message:\n{lines}"
