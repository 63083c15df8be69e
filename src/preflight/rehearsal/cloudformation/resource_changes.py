"""What an update would add, modify, replace and remove.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ResourceChange.html.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from preflight.rehearsal.cloudformation import dependencies, dynamic_references, template_validation
from preflight.rehearsal.cloudformation import stack as stacks
from preflight.rehearsal.cloudformation.provisioner import Provisioner
from preflight.rehearsal.cloudformation.resources.handler import ResourceFailedError
from preflight.rehearsal.cloudformation.stack import Resource, Stack, StackInput
from preflight.templates import functions, schemas
from preflight.templates.functions import FunctionResolver, ResolutionContext

ATTRIBUTES = ("Metadata", "CreationPolicy", "UpdatePolicy", "DeletionPolicy", "UpdateReplacePolicy")


def scope(
    provisioner: Provisioner, stack: Stack, request: StackInput, *, is_new: bool
) -> ResolutionContext:
    """What the template of a request is evaluated with: resources that exist are known, others are not."""
    known = provisioner.scope(stack)

    def refer(name: str, attribute: str | None) -> Any:
        resource = stack.resources.get(name)
        if is_new or resource is None or not resource.physical:
            return functions.KEEP
        return known.refer(name, attribute)

    return replace(
        known, data=request.data, parameters=request.parameters, imported=lambda _name: functions.KEEP, refer=refer
    )


def resource_changes(
    provisioner: Provisioner, stack: Stack, request: StackInput, known: ResolutionContext
) -> Iterator[dict[str, Any]]:
    """The members of DescribeChangeSet's list of changes."""
    moved: set[str] = set()  # whose physical id or attributes will be others

    def refer(name: str, attribute: str | None) -> Any:
        return functions.KEEP if name in moved else known.refer(name, attribute)

    resolver = FunctionResolver(replace(known, refer=refer))
    alive = template_validation.resources_that_exist(request.data, resolver)
    for name in _in_order(dependencies.edges(alive)):
        former = stack.resources.get(name)
        if former is None or not former.physical:
            yield _change("Add", name, alive[name]["Type"])
            continue
        found = _modified(provisioner, stack, former, alive[name], resolver)
        if found is not None:
            moved |= {name} if found["ResourceChange"]["Replacement"] != "False" else set()
            yield found
    for name, former in stack.resources.items():
        if name not in alive and former.physical:
            kept = former.policy("DeletionPolicy")
            yield _change("Remove", name, former.kind, former.physical, PolicyAction=kept.replace("ExceptOnCreate", ""))


def _in_order(needs: Mapping[str, set[str]]) -> Iterator[str]:
    left = {name: set(targets) for name, targets in needs.items()}
    while left:
        ready = sorted(name for name, targets in left.items() if not targets & set(left)) or sorted(left)
        for name in ready:
            del left[name]
        yield from ready


def _modified(
    provisioner: Provisioner,
    stack: Stack,
    former: Resource,
    declared: Mapping[str, Any],
    resolver: FunctionResolver,
) -> dict[str, Any] | None:
    kind = str(declared["Type"])
    value = resolver.value(declared.get("Properties") or {}, ("Resources", former.logical, "Properties"))
    with contextlib.suppress(ResourceFailedError):  # it fails when the resource is changed, where AWS reports it
        value = dynamic_references.resolved(value, provisioner.account, stack.region)
    made = schemas.coerce(kind, value)
    different = sorted(n for n in {*made, *former.properties} if made.get(n) != former.properties.get(n))
    policies = sorted(n for n in ATTRIBUTES if declared.get(n) != former.declared.get(n))
    if not different and not policies and kind == former.kind and kind != stacks.STACK:
        return None
    fixed = set(different) & schemas.create_only(kind)
    is_open = all(functions.holds_kept(made.get(name)) for name in fixed)
    replacement = "True" if kind != former.kind else "False" if not fixed else "Conditional" if is_open else "True"
    details = [_detail("Properties", n, made.get(n), is_fixed=n in fixed) for n in different]
    details += [_detail(n, None, None, is_fixed=False) for n in policies]
    return _change(
        "Modify",
        former.logical,
        kind,
        former.physical,
        Replacement=replacement,
        Scope=[*(["Properties"] if different else []), *policies],
        Details=details,
    )


def _detail(attribute: str, name: str | None, value: Any, *, is_fixed: bool) -> dict[str, Any]:
    is_open = functions.holds_kept(value)
    target = {"Attribute": attribute, "RequiresRecreation": "Always" if is_fixed else "Never"}
    return {
        "Target": {**target, **({"Name": name} if name else {})},
        "Evaluation": "Dynamic" if is_open else "Static",
        "ChangeSource": "ResourceAttribute" if is_open else "DirectModification",
    }


def _change(action: str, name: str, kind: str, physical: str | None = None, **more: Any) -> dict[str, Any]:
    return {
        "Type": "Resource",
        "ResourceChange": {
            "Action": action,
            "LogicalResourceId": name,
            "PhysicalResourceId": physical,
            "ResourceType": kind,
            "Scope": [],
            "Details": [],
            **more,
        },
    }
