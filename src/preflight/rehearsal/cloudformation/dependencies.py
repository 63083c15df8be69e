"""Which resource needs which: references, DependsOn, and cycles. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from preflight.templates import functions

REFERRING = ("Properties", "Metadata")  # the parts of a resource whose references order it


def references(value: Any) -> Iterator[tuple[str, str | None]]:
    """Every name that Ref, Fn::GetAtt and Fn::Sub in `value` refer to, with the attribute or None."""
    if isinstance(value, list):
        for item in value:
            yield from references(item)
        return
    if not isinstance(value, dict):
        return
    name = functions.function_of(value)
    argument = value[name] if name else None
    if name == "Ref" and isinstance(argument, str):
        yield argument, None
    elif name == "Fn::GetAtt":
        yield from _attribute(argument)
    elif name == "Fn::Sub":
        yield from _substituted(argument)
    else:
        for item in value.values():
            yield from references(item)


def _attribute(argument: Any) -> Iterator[tuple[str, str | None]]:
    parts = argument.split(".", 1) if isinstance(argument, str) else argument
    if isinstance(parts, list) and parts and isinstance(parts[0], str):
        yield parts[0], parts[1] if len(parts) > 1 and isinstance(parts[1], str) else ""
        yield from references(parts[1:])


def _substituted(argument: Any) -> Iterator[tuple[str, str | None]]:
    text, names = (argument, {}) if isinstance(argument, str) else (None, {})
    if isinstance(argument, list) and argument:
        text = argument[0]
        names = argument[1] if len(argument) > 1 and isinstance(argument[1], dict) else {}
    if isinstance(text, str):
        for name in functions.SUB_NAME.findall(text):
            if name.strip() not in names:
                target, dot, attribute = name.strip().partition(".")
                yield target, attribute if dot else None
    yield from references(list(names.values()))


def depends_on(resource: Mapping[str, Any]) -> list[str]:
    """What a resource names in DependsOn."""
    named = resource.get("DependsOn") or []
    listed = named if isinstance(named, list) else [named]
    return [name for name in listed if isinstance(name, str)]


def edges(resources: Mapping[str, Mapping[str, Any]]) -> dict[str, set[str]]:
    """For each resource the resources it needs, of those in `resources`.

    A reference in Metadata orders as one in Properties does; that is how a template waits for a
    resource under a condition, which DependsOn cannot.
    """
    return {
        name: {
            target
            for target in [
                *depends_on(resource),
                *(found for part in REFERRING for found, _ in references(resource.get(part))),
            ]
            if target in resources
        }
        for name, resource in resources.items()
    }


def cycle(needs: Mapping[str, set[str]]) -> list[str]:
    """The resources of the graph that no order can satisfy; empty where there is an order."""
    left = {name: set(targets) for name, targets in needs.items()}
    while ready := [name for name, targets in left.items() if not targets]:
        for name in ready:
            del left[name]
        for targets in left.values():
            targets.difference_update(ready)
    return sorted(_core(left))


def _core(left: dict[str, set[str]]) -> set[str]:
    """Without those that only lead into the cycle."""
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
