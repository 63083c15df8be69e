"""Pre-deployment validation: what is wrong with properties before any resource exists.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/validate-stack-deployments.html.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from preflight.rehearsal.cloudformation import dependencies
from preflight.rehearsal.cloudformation.stack import Stack, ValidationError
from preflight.templates import functions, schemas
from preflight.templates.functions import FunctionResolver, ResolutionContext
from preflight.templates.schemas import Open

PROPERTIES = "AWS::EarlyValidation::PropertyValidation"
EXISTENCE = "AWS::EarlyValidation::ResourceExistenceCheck"


def property_violations(data: Mapping[str, Any], scope: ResolutionContext) -> list[ValidationError]:
    """Returns what the schemas refuse of the properties that are known already."""
    resolver = FunctionResolver(scope)
    return [found for name, declared in dependencies.resources_that_exist(data, resolver).items() for found in _of(name, declared, resolver)]


def name_conflicts(
    data: Mapping[str, Any], scope: ResolutionContext, exists: Callable[[str, str, Mapping[str, Any]], bool]
) -> list[ValidationError]:
    """Returns the resources whose explicit name is taken already.

    `exists` is called with resource type, name and the properties that are known.
    """
    resolver = FunctionResolver(scope)
    found = []
    for logical, declared in dependencies.resources_that_exist(data, resolver).items():
        kind, path = str(declared["Type"]), ("Resources", logical, "Properties")
        known = resolver.value(declared.get("Properties") or {}, path)
        keys = schemas.identifiers(kind)
        own = known.get(keys[0]) if len(keys) == 1 and keys[0].endswith("Name") and isinstance(known, dict) else None
        if isinstance(own, str) and not functions.holds_kept(known) and exists(kind, own, known):
            identifier = json.dumps({f"/properties/{keys[0]}": own}, separators=(",", ":"))
            said = f"Resource of type '{kind}' with identifier '{identifier}' already exists."
            found.append(ValidationError(logical, kind, EXISTENCE, "/".join(("", *path, keys[0])), said))
    return found


def _of(name: str, declared: Mapping[str, Any], resolver: FunctionResolver) -> Iterator[ValidationError]:
    kind, path = str(declared["Type"]), ("Resources", name, "Properties")
    known = opened(resolver.value(declared.get("Properties") or {}, path))
    for said in schemas.violations(kind, schemas.coerce(kind, known if isinstance(known, dict) else {})):
        where = said.partition(":")[0].removeprefix("#").strip("/")
        at = "/".join(("", *path, where)).rstrip("/")
        yield ValidationError(name, kind, PROPERTIES, at, said)


def opened(value: Any) -> Any:
    """`value` with everything that is not known yet made a value that every schema takes."""
    if functions.is_kept(value) or (isinstance(value, str) and "{{resolve:" in value):
        return Open()
    if isinstance(value, dict):
        return {key: opened(item) for key, item in value.items()}
    return [opened(item) for item in value] if isinstance(value, list) else value


def report(stack: Stack, violations: list[ValidationError], status: str) -> str:
    """Adds events for violations to a stack. Returns the stack's own reason."""
    for violation in violations:
        stack.report(violation)
    names = list(dict.fromkeys(violation.logical for violation in violations))
    for name in names:
        reason = _reason(name, [violation for violation in violations if violation.logical == name])
        stack.tell(stack.resources[name], status, reason, detail="VALIDATION_FAILED")
    return f"Validation failed for following resources: [{', '.join(names)}]."


def _reason(name: str, violations: list[ValidationError]) -> str:
    lines = "\n".join(violation.message for violation in violations)
    if all(violation.check == EXISTENCE for violation in violations):
        return lines
    return f"Properties validation failed for resource {name} with message:\n{lines}"
