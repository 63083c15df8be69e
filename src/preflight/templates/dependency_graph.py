"""Which resource of a template needs which, as the template declares it, and cycles. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from preflight.templates import references

ResourceDefinition = Mapping[str, Any]  # a member of Resources
ResourceDefinitions = Mapping[str, ResourceDefinition]
REFERRING = ("Properties", "Metadata")  # the parts of a resource whose references order it


def depends_on(resource: Mapping[str, Any]) -> list[str]:
    """Returns the names in DependsOn."""
    value = resource.get("DependsOn") or []
    listed = value if isinstance(value, list) else [value]
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
    return start == goal or goal in all_needs(needs, start)


def all_needs(needs: Mapping[str, set[str]], name: str) -> set[str]:
    """Returns the resources that one needs, directly or through others."""
    seen: set[str] = set()
    ahead = [*needs.get(name, ())]
    while ahead:
        needed = ahead.pop()
        if needed not in seen:
            seen.add(needed)
            ahead.extend(needs.get(needed, ()))
    return seen
