"""What the transform AWS::LanguageExtensions makes of a template; pure.

Loops are unrolled, and functions are evaluated where CloudFormation otherwise takes plain text only:
in the names that Ref and Fn::GetAtt refer to, and in DeletionPolicy and UpdateReplacePolicy.
Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/transform-aws-languageextensions.html
and https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-foreach.html.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from preflight.templates import intrinsic_functions
from preflight.templates.intrinsic_functions import FunctionResolver, Path, ResolutionContext, ResolveError

NAME = "AWS::LanguageExtensions"
BLUE_GREEN = "AWS::CodeDeployBlueGreen"  # the transform of templates that have Hooks
LOOP = "Fn::ForEach::"
MAX_DEPTH = 5
MAX_RESOURCES = MAX_KEYS = 500  # of a template, and so of one loop: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
ONLY_HERE = frozenset({"Fn::Length", "Fn::ToJsonString"})
_POLICIES = ("DeletionPolicy", "UpdateReplacePolicy")
_SHAPE = (
    "Fn::ForEach: the value must be a list of three: an identifier, a collection, and a map whose key holds "
    "the identifier as ${Identifier} or &{Identifier}"
)


def transforms(data: Mapping[str, Any]) -> list[str]:
    """Names of the transforms that a template declares, in order."""
    declared = data.get("Transform") or []
    listed = declared if isinstance(declared, list) else [declared]
    return [t if isinstance(t, str) else str(t.get("Name", t)) if isinstance(t, dict) else str(t) for t in listed]


def includes(value: Any) -> bool:
    """Whether the function Fn::Transform, a macro in the middle of a template, stands anywhere in `value`."""
    if isinstance(value, dict):
        return "Fn::Transform" in value or any(map(includes, value.values()))
    return isinstance(value, list) and any(map(includes, value))


def is_used(data: Mapping[str, Any]) -> bool:
    """Whether the template declares the transform."""
    return NAME in transforms(data)


def least_resources(data: Mapping[str, Any]) -> int:
    """Returns how many resources a template has at least once its loops over literal collections are unrolled."""
    resources = data.get("Resources")
    return _least(resources, 0) if isinstance(resources, dict) and is_used(data) else 0


def _least(body: Mapping[str, Any], depth: int) -> int:
    return sum(_least_of_loop(value, depth + 1) if key.startswith(LOOP) else 1 for key, value in body.items())


def _least_of_loop(value: Any, depth: int) -> int:
    if depth > MAX_DEPTH or not (isinstance(value, list) and len(value) == 3 and isinstance(value[2], dict)):
        return 1
    return (len(value[1]) if isinstance(value[1], list) else 1) * _least(value[2], depth)


def expanded(data: Mapping[str, Any], scope: ResolutionContext) -> dict[str, Any]:
    """The template after the transform, evaluated with the parameters and pseudo parameters of `scope`.

    Raises:
        ResolveError: a loop or a name cannot be evaluated.
    """
    resolver = FunctionResolver(scope)
    result: dict[str, Any] = {}
    for section, content in data.items():
        unrolled = _unrolled(content, {}, resolver, (section,), 0)
        result[section] = _named(unrolled, resolver, (section,)) if section in {"Resources", "Outputs"} else unrolled
    for name, resource in (result.get("Resources") or {}).items():
        for policy in _POLICIES:
            if isinstance(resource, dict) and isinstance(resource.get(policy), dict):
                resource[policy] = resolver.value(resource[policy], ("Resources", name, policy))
    return result


def _unrolled(value: Any, names: Mapping[str, str], resolver: FunctionResolver, path: Path, depth: int) -> Any:
    if depth:  # within a loop it is written once more
        resolver.charge(len(value) + intrinsic_functions.SPACE if isinstance(value, str) else intrinsic_functions.SPACE, path)
    if isinstance(value, str):
        return _filled(value, names)
    if isinstance(value, list):
        return [_unrolled(item, names, resolver, (*path, n), depth) for n, item in enumerate(value)]
    if not isinstance(value, dict):
        return value
    if set(value) == {"Ref"} and isinstance(value["Ref"], str) and value["Ref"] in names:
        return names[value["Ref"]]
    result: dict[str, Any] = {}
    for key, item in value.items():
        if key.startswith(LOOP):
            _add(result, _loop(item, names, resolver, (*path, key), depth + 1), (*path, key))
        else:
            _add(result, {_filled(key, names): _unrolled(item, names, resolver, (*path, key), depth)}, (*path, key))
    return result


def _add(into: dict[str, Any], more: Mapping[str, Any], path: Path) -> None:
    doubled = [key for key in more if key in into]
    if doubled:
        msg = f"Template format error: duplicate key {doubled[0]} after Fn::ForEach"
        raise ResolveError(msg, path)
    into.update(more)


def _loop(
    value: Any, names: Mapping[str, str], resolver: FunctionResolver, path: Path, depth: int
) -> dict[str, Any]:
    if depth > MAX_DEPTH:
        msg = f"Fn::ForEach: loops may be nested {MAX_DEPTH} deep at most"
        raise ResolveError(msg, path)
    if not (isinstance(value, list) and len(value) == 3 and isinstance(value[0], str) and isinstance(value[2], dict)):
        raise ResolveError(_SHAPE, path)
    identifier, collection, body = value
    items = resolver.value(_unrolled(collection, names, resolver, path, depth), path)
    if not isinstance(items, list) or any(isinstance(item, dict | list) for item in items):
        msg = "Fn::ForEach: the collection must be a list of texts that parameters and mappings alone decide"
        raise ResolveError(msg, path)
    result: dict[str, Any] = {}
    for item in items:
        inner = {**names, identifier: intrinsic_functions.as_text(item)}
        _add(result, _unrolled(body, inner, resolver, (*path, 2), depth), path)
        if len(result) > MAX_KEYS:
            is_section = all(isinstance(part, int) or part.startswith(LOOP) for part in path[1:])
            what = str(path[0]).lower() if is_section else "keys"
            msg = f"Template format error: Number of {what}, {len(result)}, is greater than maximum allowed, {MAX_KEYS}"
            raise ResolveError(msg, path)
    return result


def _filled(text: str, names: Mapping[str, str]) -> str:
    for name, value in names.items():
        plain = re.sub(r"[^A-Za-z0-9]", "", value)
        text = text.replace(f"${{{name}}}", value).replace(f"&{{{name}}}", plain)
    return text


def _named(value: Any, resolver: FunctionResolver, path: Path) -> Any:
    """Evaluate the functions within the names that Ref and Fn::GetAtt refer to."""
    if isinstance(value, list):
        return [_named(item, resolver, (*path, n)) for n, item in enumerate(value)]
    if not isinstance(value, dict):
        return value
    if set(value) == {"Ref"} and isinstance(value["Ref"], dict):
        return {"Ref": resolver.value(value["Ref"], (*path, "Ref"))}
    if set(value) == {"Fn::GetAtt"} and isinstance(value["Fn::GetAtt"], list):
        return {"Fn::GetAtt": [resolver.value(part, (*path, "Fn::GetAtt")) for part in value["Fn::GetAtt"]]}
    return {key: _named(item, resolver, (*path, key)) for key, item in value.items()}


def loop_of(section: Mapping[str, Any], name: str) -> tuple[str, ...] | None:
    """Path, within a section, of the key in a loop that `name` was made from; None where there is none."""
    for key, value in section.items():
        if not (key.startswith(LOOP) and isinstance(value, list) and len(value) == 3 and isinstance(value[2], dict)):
            continue
        if LOOP in "".join(value[2]):
            inner = loop_of(value[2], name)
            if inner is not None:
                return (key, *inner)
        if any(_could_be(pattern, name) for pattern in value[2]):
            return (key,)
    return None


def _could_be(pattern: str, name: str) -> bool:
    parts = re.split(r"[$&]\{[^}]*\}", pattern)
    return len(parts) > 1 and re.fullmatch(".+".join(map(re.escape, parts)), name) is not None
