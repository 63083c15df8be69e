"""Checks what CloudFormation refuses at once, before there is a stack. Pure.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-anatomy.html and
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from preflight.rehearsal.cloudformation import live_references
from preflight.rehearsal.cloudformation.live_references import Template
from preflight.rehearsal.cloudformation.stack import Resource
from preflight.rehearsal.protocol import Refusal
from preflight.templates import dependency_graph, language_extensions, references
from preflight.templates.intrinsic_functions import FunctionResolver

SECTIONS = {
    "AWSTemplateFormatVersion", "Description", "Metadata", "Parameters", "Mappings", "Conditions", "Transform",
    "Resources", "Outputs", "Rules", "Hooks", "Globals",
}
ATTRIBUTES = {
    "Type", "Properties", "Metadata", "Condition", "DependsOn", "DeletionPolicy", "UpdateReplacePolicy",
    "CreationPolicy", "UpdatePolicy", "Version",
}
LIMITS = (("Resources", 500), ("Parameters", 200), ("Mappings", 200), ("Outputs", 200))
ALPHANUMERIC = re.compile(r"[A-Za-z0-9]{1,255}")
FORMAT = "Template format error: "
VERSION = "2010-09-09"
PARAMETER = {
    "AllowedPattern", "AllowedValues", "ConstraintDescription", "Default", "Description", "MaxLength", "MaxValue",
    "MinLength", "MinValue", "NoEcho", "Type",
}
MAX_ATTRIBUTES = 200


def refuse(message: str) -> Refusal:
    """Returns a validation error."""
    return Refusal("ValidationError", message)


def check(template: Template, *, is_type: Callable[[str], bool]) -> None:
    """Checks the form of a template; `is_type` reports whether a resource type exists.

    Raises:
        Refusal: the first thing that is wrong, in AWS's words.
    """
    message = next(_errors(template, is_type), None)
    if message is not None:
        raise refuse(message)


def check_sections(template: Template) -> None:
    """Checks the form of the sections of a template, without its resources.

    Raises:
        Refusal: the first thing that is wrong, in AWS's words.
    """
    message = next(_section_errors(template), None)
    if message is not None:
        raise refuse(message)


def _errors(template: Template, is_type: Callable[[str], bool]) -> Iterator[str]:
    malformed = next(_section_errors(template), None)
    if malformed:
        yield malformed
        return
    yield from _nulls(template, "")
    resources = template.get("Resources")
    if not isinstance(resources, dict) or not resources:
        yield f"{FORMAT}At least one Resources member must be defined."
        return
    yield from _limits(template)
    for name, resource in resources.items():
        yield from _resource(name, resource)
    for name in template.get("Parameters") or {}:
        if not ALPHANUMERIC.fullmatch(name):
            yield f"{FORMAT}Parameter name {name} is non alphanumeric."
    yield from _mappings(template.get("Mappings") or {})
    if not language_extensions.is_used(template):
        yield from _unsupported(resources)
    types = sorted({r["Type"] for r in resources.values() if not is_type(r["Type"])})
    if types:
        yield f"{FORMAT}Unrecognized resource types: [{', '.join(types)}]"
    yield from _outputs(template)


def _section_errors(template: Template) -> Iterator[str]:
    unknown = [key for key in template if key not in SECTIONS]
    if unknown:
        yield f"Invalid template property or properties [{', '.join(unknown)}]"
    version = template.get("AWSTemplateFormatVersion", VERSION)
    if str(version) != VERSION:
        yield f"Template format error: {version} is not a supported value for AWSTemplateFormatVersion."
    if not isinstance(template.get("Description", ""), str):
        yield f"{FORMAT}Description must be a string."
    for section in ("Metadata", "Parameters", "Mappings", "Conditions", "Outputs", "Rules"):
        if section in template and not isinstance(template[section], dict):
            yield f"{FORMAT}'{section}' must be an object"
    for name, definition in _map(template, "Parameters").items():
        if not isinstance(definition, dict) or "Type" not in definition:
            yield f"{FORMAT}Every Parameters object must contain a Type member. ({name})"
            continue
        unknown = [key for key in definition if key not in PARAMETER]
        if unknown:
            yield f"Invalid template parameter property '{unknown[0]}'"


def _unsupported(value: Any) -> Iterator[str]:
    """Yields messages about functions that need AWS::LanguageExtensions."""
    for key, item in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        if isinstance(key, str) and (key in language_extensions.ONLY_HERE or key.startswith(language_extensions.LOOP)):
            yield f"Template error: Encountered unsupported function: {key} Supported functions need the transform {language_extensions.NAME}"
        yield from _unsupported(item)


def _map(template: Template, section: str) -> Mapping[str, Any]:
    value = template.get(section)
    return value if isinstance(value, dict) else {}


def _limits(template: Template) -> Iterator[str]:
    for section, maximum in LIMITS:
        if isinstance(template.get(section), dict) and len(template[section]) > maximum:
            count = len(template[section])
            yield f"{FORMAT}Number of {section.lower()}, {count}, is greater than maximum allowed, {maximum}"
    if len(str(template.get("Description", "")).encode()) > 1024:
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
    targets = resource.get("DependsOn", [])
    if not all(isinstance(target, str) for target in (targets if isinstance(targets, list) else [targets])):
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


def _outputs(template: Template) -> Iterator[str]:
    names = []
    for output in (template.get("Outputs") or {}).values():
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


def check_types(former: Mapping[str, Resource], template: Template) -> None:
    """Refuses an update that changes the type of a resource.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/troubleshooting.html.

    Raises:
        Refusal: in AWS's words.
    """
    definitions = template["Resources"]
    changed = [n for n, r in former.items() if n in definitions and definitions[n]["Type"] != r.resource_type]
    if changed:
        msg = f"Update of resource type is not permitted. The new template modifies resource type of the following resources: [{', '.join(sorted(changed))}]"
        raise refuse(msg)


def check_conditions(template: Template) -> None:
    """Refuses conditions that refer to resources.

    Raises:
        Refusal: in AWS's words.
    """
    for target in [r.name for r in references.references_in(list((template.get("Conditions") or {}).values()))]:
        if not _is_known(target, set(template.get("Parameters") or {})):
            msg = f"{FORMAT}Unresolved dependencies [{target}]. Cannot reference resources in the Conditions block of the template"
            raise refuse(msg)


def check_references(template: Template, resolver: FunctionResolver) -> None:
    """Checks that every reference has a target under the conditions, and that there are no cycles.

    Raises:
        Refusal: in AWS's words.
    """
    definitions = live_references.resources_that_exist(template, resolver)
    names = {*definitions, *(template.get("Parameters") or {})}
    for resource in definitions.values():
        properties = live_references.with_chosen_branches(resource.get("Properties"), resolver)
        targets = [r.name for r in references.references_in(properties)]
        missing = [t for t in [*targets, *dependency_graph.depends_on(resource)] if not _is_known(t, names)]
        if missing:
            listed = ", ".join(dict.fromkeys(missing))
            msg = f"{FORMAT}Unresolved resource dependencies [{listed}] in the Resources block of the template"
            raise refuse(msg)
    for output in (template.get("Outputs") or {}).values():
        if resolver.holds(output):
            value = live_references.with_chosen_branches(output["Value"], resolver)
            targets = [r.name for r in references.references_in(value)]
            missing = [t for t in targets if not _is_known(t, names)]
            if missing:
                listed = ", ".join(dict.fromkeys(missing))
                raise refuse(f"Unresolved resource dependencies [{listed}] in the Outputs block of the template")
    cycle = dependency_graph.cycle(dependency_graph.edges(live_references.with_live_references(definitions, resolver)))
    if cycle:
        raise refuse(f"Circular dependency between resources: [{', '.join(cycle)}]")


def _is_known(name: str, names: set[str]) -> bool:
    return name in names or name.startswith("AWS::")
