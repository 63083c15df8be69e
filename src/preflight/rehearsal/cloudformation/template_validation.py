"""What CloudFormation refuses at once, before there is a stack. Pure.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-anatomy.html and
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from preflight.rehearsal.cloudformation import dependencies
from preflight.rehearsal.protocol import Refusal
from preflight.templates import language_extensions, references
from preflight.templates.functions import FunctionResolver

SECTIONS = {
    "AWSTemplateFormatVersion",
    "Description",
    "Metadata",
    "Parameters",
    "Mappings",
    "Conditions",
    "Transform",
    "Resources",
    "Outputs",
    "Rules",
    "Hooks",
    "Globals",
}
ATTRIBUTES = {
    "Type",
    "Properties",
    "Metadata",
    "Condition",
    "DependsOn",
    "DeletionPolicy",
    "UpdateReplacePolicy",
    "CreationPolicy",
    "UpdatePolicy",
    "Version",
}
LIMITS = (("Resources", 500), ("Parameters", 200), ("Mappings", 200), ("Outputs", 200))
ALPHANUMERIC = re.compile(r"[A-Za-z0-9]{1,255}")
FORMAT = "Template format error: "
VERSION = "2010-09-09"
PARAMETER = {
    "AllowedPattern",
    "AllowedValues",
    "ConstraintDescription",
    "Default",
    "Description",
    "MaxLength",
    "MaxValue",
    "MinLength",
    "MinValue",
    "NoEcho",
    "Type",
}
MAX_ATTRIBUTES = 200


def refuse(message: str) -> Refusal:
    """A validation error."""
    return Refusal("ValidationError", message)


def check(data: Mapping[str, Any], *, is_type: Callable[[str], bool]) -> None:
    """Hold a template against the rules of its form; `is_type` knows the resource types.

    Raises:
        Refusal: the first thing that is wrong, in AWS's words.
    """
    said = next(_wrong(data, is_type), None)
    if said is not None:
        raise refuse(said)


def check_sections(data: Mapping[str, Any]) -> None:
    """Hold the sections of a template, and nothing in Resources, against their form.

    Raises:
        Refusal: the first thing that is wrong, in AWS's words.
    """
    said = next(_sections(data), None)
    if said is not None:
        raise refuse(said)


def _wrong(data: Mapping[str, Any], is_type: Callable[[str], bool]) -> Iterator[str]:
    malformed = next(_sections(data), None)
    if malformed:
        yield malformed
        return
    yield from _nulls(data, "")
    resources = data.get("Resources")
    if not isinstance(resources, dict) or not resources:
        yield f"{FORMAT}At least one Resources member must be defined."
        return
    yield from _limits(data)
    for name, resource in resources.items():
        yield from _resource(name, resource)
    for name in data.get("Parameters") or {}:
        if not ALPHANUMERIC.fullmatch(name):
            yield f"{FORMAT}Parameter name {name} is non alphanumeric."
    yield from _mappings(data.get("Mappings") or {})
    if not language_extensions.is_used(data):
        yield from _unsupported(resources)
    types = sorted({r["Type"] for r in resources.values() if not is_type(r["Type"])})
    if types:
        yield f"{FORMAT}Unrecognized resource types: [{', '.join(types)}]"
    yield from _outputs(data)


def _sections(data: Mapping[str, Any]) -> Iterator[str]:
    unknown = [key for key in data if key not in SECTIONS]
    if unknown:
        yield f"Invalid template property or properties [{', '.join(unknown)}]"
    version = data.get("AWSTemplateFormatVersion", VERSION)
    if str(version) != VERSION:
        yield f"Template format error: {version} is not a supported value for AWSTemplateFormatVersion."
    if not isinstance(data.get("Description", ""), str):
        yield f"{FORMAT}Description must be a string."
    for section in ("Metadata", "Parameters", "Mappings", "Conditions", "Outputs", "Rules"):
        if section in data and not isinstance(data[section], dict):
            yield f"{FORMAT}'{section}' must be an object"
    for name, declared in _map(data, "Parameters").items():
        if not isinstance(declared, dict) or "Type" not in declared:
            yield f"{FORMAT}Every Parameters object must contain a Type member. ({name})"
            continue
        unknown = [key for key in declared if key not in PARAMETER]
        if unknown:
            yield f"Invalid template parameter property '{unknown[0]}'"


def _unsupported(value: Any) -> Iterator[str]:
    """Functions that only AWS::LanguageExtensions brings."""
    for key, item in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        if isinstance(key, str) and (key in language_extensions.ONLY_HERE or key.startswith(language_extensions.LOOP)):
            yield f"Template error: Encountered unsupported function: {key} Supported functions need the transform {language_extensions.NAME}"
        yield from _unsupported(item)


def _map(data: Mapping[str, Any], section: str) -> Mapping[str, Any]:
    found = data.get(section)
    return found if isinstance(found, dict) else {}


def _limits(data: Mapping[str, Any]) -> Iterator[str]:
    for section, most in LIMITS:
        if isinstance(data.get(section), dict) and len(data[section]) > most:
            count = len(data[section])
            yield f"{FORMAT}Number of {section.lower()}, {count}, is greater than maximum allowed, {most}"
    if len(str(data.get("Description", "")).encode()) > 1024:
        yield f"{FORMAT}'Description' length is greater than 1024."


def _nulls(value: Any, path: str) -> Iterator[str]:
    if value is None:
        yield f"[{path}] 'null' values are not allowed in templates"
    pairs: Iterable[tuple[Any, Any]] = ()
    if isinstance(value, dict):
        pairs = value.items()
    elif isinstance(value, list):
        pairs = enumerate(value)
    for key, item in pairs:
        if not (path == "" and key == "Metadata"):
            yield from _nulls(item, f"{path}/{key}")


def _resource(name: str, resource: Any) -> Iterator[str]:
    if not ALPHANUMERIC.fullmatch(name):
        yield f"{FORMAT}Resource name {name} is non alphanumeric."
    if not isinstance(resource, dict):
        yield f"{FORMAT}Any Resources member must be an object."
        return
    if not isinstance(resource.get("Type"), str):
        yield f"{FORMAT}[/Resources/{name}] Every Resources object must contain a Type member."
    for key in resource:
        if key not in ATTRIBUTES:
            yield f"Invalid template resource property '{key}'"
    if not isinstance(resource.get("Properties", {}), dict):
        yield f"{FORMAT}[/Resources/{name}/Properties] 'Properties' must be an object"
    named = resource.get("DependsOn", [])
    if not all(isinstance(other, str) for other in (named if isinstance(named, list) else [named])):
        yield f"{FORMAT}DependsOn must be a string or list of strings."
    if not isinstance(resource.get("Condition", ""), str):
        yield f"{FORMAT}Every Condition member must be a string."
    policy = resource.get("DeletionPolicy", "Delete")
    if isinstance(policy, str) and policy not in {"Delete", "Retain", "Snapshot", "RetainExceptOnCreate"}:
        yield f"{FORMAT}Unrecognized DeletionPolicy {policy} for resource {name}"


def _mappings(mappings: Any) -> Iterator[str]:
    for name, mapping in mappings.items() if isinstance(mappings, dict) else ():
        if not isinstance(mapping, dict) or not all(isinstance(m, dict) for m in mapping.values()):
            yield f"{FORMAT}Every Mappings member {name} must be a map"
            continue
        if len(mapping) > MAX_ATTRIBUTES:
            yield f"{FORMAT}Number of mapping attributes, {len(mapping)}, is greater than maximum allowed, {MAX_ATTRIBUTES}"
        values = [value for inner in mapping.values() for value in inner.values()]
        if any(isinstance(value, dict) for value in values):
            yield f"{FORMAT}Every Mappings attribute must be a String or a List."


def _outputs(data: Mapping[str, Any]) -> Iterator[str]:
    names = []
    for output in (data.get("Outputs") or {}).values():
        if not isinstance(output, dict) or "Value" not in output:
            yield f"{FORMAT}Every Outputs member must contain a Value object"
            return
        if not isinstance(output.get("Export", {}), dict):
            yield f"{FORMAT}Every Export must be an object with a Name"
            return
        export = (output.get("Export") or {}).get("Name")
        names.append(export if isinstance(export, str) else None)
    doubled = sorted({name for name in names if name and names.count(name) > 1})
    if doubled:
        yield (
            f"{FORMAT}The Outputs section contains duplicate Export names: [{', '.join(doubled)}]. "
            "Specify a unique name for each export."
        )


def check_types(former: Mapping[str, Any], data: Mapping[str, Any]) -> None:
    """A resource keeps its type.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/troubleshooting.html.

    Raises:
        Refusal: in AWS's words.
    """
    declared = data["Resources"]
    changed = [n for n, resource in former.items() if n in declared and declared[n]["Type"] != resource.kind]
    if changed:
        msg = f"Update of resource type is not permitted. The new template modifies resource type of the following resources: [{', '.join(sorted(changed))}]"
        raise refuse(msg)


def check_conditions(data: Mapping[str, Any]) -> None:
    """Conditions speak of parameters, pseudo parameters, mappings and other conditions alone.

    Raises:
        Refusal: in AWS's words.
    """
    for target in [r.name for r in references.references_in(list((data.get("Conditions") or {}).values()))]:
        if not _is_known(target, set(data.get("Parameters") or {})):
            msg = f"{FORMAT}Unresolved dependencies [{target}]. Cannot reference resources in the Conditions block of the template"
            raise refuse(msg)


def check_references(data: Mapping[str, Any], resolver: FunctionResolver) -> None:
    """Hold every reference against what exists under the conditions, and find cycles.

    Raises:
        Refusal: in AWS's words.
    """
    alive = dependencies.resources_that_exist(data, resolver)
    names = {*alive, *(data.get("Parameters") or {})}
    for resource in alive.values():
        targets = [r.name for r in references.references_in(dependencies.with_chosen_branches(resource.get("Properties"), resolver))]
        missing = [t for t in [*targets, *dependencies.depends_on(resource)] if not _is_known(t, names)]
        if missing:
            listed = ", ".join(dict.fromkeys(missing))
            msg = f"{FORMAT}Unresolved resource dependencies [{listed}] in the Resources block of the template"
            raise refuse(msg)
    for output in (data.get("Outputs") or {}).values():
        if resolver.holds(output):
            targets = [r.name for r in references.references_in(dependencies.with_chosen_branches(output["Value"], resolver))]
            missing = [t for t in targets if not _is_known(t, names)]
            if missing:
                listed = ", ".join(dict.fromkeys(missing))
                raise refuse(f"Unresolved resource dependencies [{listed}] in the Outputs block of the template")
    circle = dependencies.cycle(dependencies.edges(dependencies.with_live_references(alive, resolver)))
    if circle:
        raise refuse(f"Circular dependency between resources: [{', '.join(circle)}]")


def _is_known(name: str, names: set[str]) -> bool:
    return name in names or name.startswith("AWS::")
