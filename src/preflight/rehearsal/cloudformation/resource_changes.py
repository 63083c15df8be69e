"""What an update would add, modify, replace and remove.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ResourceChange.html.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from preflight.model import JsonObject
from preflight.rehearsal.cloudformation import dynamic_references, live_references
from preflight.rehearsal.cloudformation.resources import tagging
from preflight.rehearsal.cloudformation.resources.failure import ResourceFailedError
from preflight.rehearsal.cloudformation.stack import HIDDEN, STACK, Resource, Stack, StackInput
from preflight.rehearsal.cloudformation.stack_references import Evaluator
from preflight.templates import dependency_graph, intrinsic_functions, schemas
from preflight.templates.dependency_graph import ResourceDefinition
from preflight.templates.intrinsic_functions import FunctionResolver, ResolutionContext

ATTRIBUTES = ("Metadata", "CreationPolicy", "UpdatePolicy", "DeletionPolicy", "UpdateReplacePolicy")


@dataclass(frozen=True)
class ResourceChange:
    """What an operation would do to one resource."""

    action: str
    logical_id: str
    resource_type: str
    physical_id: str | None = None
    replacement: str | None = None
    policy_action: str | None = None
    scope: tuple[str, ...] = ()
    details: tuple[JsonObject, ...] = ()
    before: JsonObject | None = None  # properties, without secrets
    after: JsonObject | None = None
    nested_change_set: str | None = None  # the id of that of a nested stack

    @property
    def is_replacing(self) -> bool:
        """Whether the physical id and the attributes of the resource may change."""
        return self.replacement in {"True", "Conditional"}

    def as_response(self, *, has_values: bool = False) -> JsonObject:
        """Returns one member of DescribeChangeSet's list of changes, with the values of properties if wanted."""
        contexts = {"BeforeContext": self.before, "AfterContext": self.after} if has_values else {}
        details = self.details if has_values else tuple(map(_without_values, self.details))
        return {
            "Type": "Resource",
            "ResourceChange": {
                "Action": self.action,
                "LogicalResourceId": self.logical_id,
                "PhysicalResourceId": self.physical_id,
                "ResourceType": self.resource_type,
                "Replacement": self.replacement,
                "PolicyAction": self.policy_action,
                "Scope": list(self.scope),
                "Details": list(details),
                "ChangeSetId": self.nested_change_set,
                **{name: json.dumps({"Properties": p}, default=_unresolved) for name, p in contexts.items() if p is not None},
            },
        }


def resolution_context(evaluator: Evaluator, stack: Stack, request: StackInput, *, is_new: bool) -> ResolutionContext:
    """Returns what the template of a request is evaluated with: only resources that exist have values."""
    full_context = evaluator.context(stack)

    def refer(name: str, attribute: str | None) -> Any:
        resource = stack.resources.get(name)
        if is_new or resource is None or not resource.physical_id:
            return intrinsic_functions.KEEP
        return full_context.refer(name, attribute)

    return replace(
        full_context,
        data=request.template,
        parameters=request.parameters,
        imported=lambda _name: intrinsic_functions.KEEP,
        refer=refer,
    )


def resource_changes(
    evaluator: Evaluator,
    stack: Stack,
    request: StackInput,
    context: ResolutionContext,
    *,
    has_new_outputs: Callable[[ResourceChange], bool] = lambda _change: False,
) -> Iterator[ResourceChange]:
    """Yields the changes to the resources of a stack, each after those that it refers to.

    `has_new_outputs` is asked of each nested stack that exists.
    """
    replaced: set[str] = set()

    def refer(name: str, attribute: str | None) -> Any:
        return intrinsic_functions.KEEP if name in replaced else context.refer(name, attribute)

    resolver = FunctionResolver(replace(context, refer=refer))
    hidden = {**context.parameters, **dict.fromkeys(request.secrets, HIDDEN)}
    resolvers = resolver, FunctionResolver(replace(context, refer=refer, parameters=hidden))
    definitions = live_references.resources_that_exist(request.template, resolver)
    for name in _in_order(dependency_graph.edges(definitions)):
        former = stack.resources.get(name)
        if former is None or not former.physical_id:
            properties = resolvers[1].value(definitions[name].get("Properties") or {}, ("Resources", name, "Properties"))
            yield ResourceChange("Add", name, definitions[name]["Type"], after=properties)
            continue
        change = _modification(evaluator, stack, former, definitions[name], resolvers, has_new_tags=request.tags != stack.request.tags)
        if change is not None:
            is_open = change.is_replacing or (change.resource_type == STACK and has_new_outputs(change))
            replaced |= {name} if is_open else set()
            yield change
    for name, former in stack.resources.items():
        if name not in definitions and former.physical_id:
            policy = former.policy("DeletionPolicy").replace("ExceptOnCreate", "")
            yield ResourceChange("Remove", name, former.resource_type, former.physical_id, policy_action=policy, before=_shown(former))


def _in_order(needs: Mapping[str, set[str]]) -> Iterator[str]:
    remaining = {name: set(targets) for name, targets in needs.items()}
    while remaining:
        ready = sorted(n for n, targets in remaining.items() if not targets & set(remaining)) or sorted(remaining)
        for name in ready:
            del remaining[name]
        yield from ready


def _modification(
    evaluator: Evaluator,
    stack: Stack,
    former: Resource,
    definition: ResourceDefinition,
    resolvers: tuple[FunctionResolver, FunctionResolver],
    *,
    has_new_tags: bool,
) -> ResourceChange | None:
    """Returns the change to a resource, or None; the second of the resolvers is for what is shown."""
    resource_type = str(definition["Type"])
    path = ("Resources", former.logical_id, "Properties")
    value, shown = (resolver.value(definition.get("Properties") or {}, path) for resolver in resolvers)
    before = _shown(former)
    with contextlib.suppress(ResourceFailedError):  # it fails when the resource is changed, where AWS reports it
        value = dynamic_references.resolve(value, evaluator.account, stack.region, evaluator.ledger)
    properties = schemas.coerce(resource_type, value)
    names = {*properties, *former.properties}
    different = sorted(n for n in names if properties.get(n) != former.properties.get(n))
    attributes = sorted(n for n in ATTRIBUTES if definition.get(n) != former.definition.get(n))
    attributes += ["Tags"] if has_new_tags and tagging.has_stack_tags(resource_type) else []
    if not different and not attributes and resource_type == former.resource_type and resource_type != STACK:
        return None
    fixed = set(different) & schemas.create_only(resource_type)
    details = [_property_detail(n, before.get(n), shown.get(n), is_create_only=n in fixed) for n in different]
    replacement = "True" if resource_type != former.resource_type else _replacement([properties.get(name) for name in fixed])
    return ResourceChange(
        "Modify",
        former.logical_id,
        resource_type,
        former.physical_id,
        replacement,
        policy_action=None if replacement == "False" else f"ReplaceAnd{definition.get('UpdateReplacePolicy') or 'Delete'}",
        before=before,
        after=shown,
        scope=(*(["Properties"] if different else []), *attributes),
        details=(*details, *(_attribute_detail(n) for n in attributes)),
    )


def _shown(resource: Resource) -> JsonObject:
    """Returns the properties of a resource that exists, without secrets."""
    return resource.shown_properties or resource.properties


def _replacement(create_only_values: Sequence[Any]) -> str:
    if not create_only_values:
        return "False"
    return "Conditional" if all(intrinsic_functions.holds_kept(value) for value in create_only_values) else "True"


def _without_values(detail: JsonObject) -> JsonObject:
    target = {key: value for key, value in detail["Target"].items() if key in {"Attribute", "Name", "RequiresRecreation"}}
    return {**detail, "Target": target}


def _unresolved(_value: object) -> str:
    """Returns what a change set shows of a value that is known only once another resource is changed."""
    return "{{changeSet:KNOWN_AFTER_APPLY}}"


def _as_value(value: Any) -> str | None:
    return None if value is None else value if isinstance(value, str) else json.dumps(value, default=_unresolved)


def _property_detail(name: str, before: Any, value: Any, *, is_create_only: bool) -> JsonObject:
    is_open = intrinsic_functions.holds_kept(value)
    recreation = "Always" if is_create_only else "Never"
    return {
        "Target": {
            "Attribute": "Properties",
            "RequiresRecreation": recreation,
            "Name": name,
            "Path": f"/Properties/{name}",
            "BeforeValue": _as_value(before),
            "AfterValue": _as_value(value),
            "AttributeChangeType": "Add" if before is None else "Remove" if value is None else "Modify",
        },
        "Evaluation": "Dynamic" if is_open else "Static",
        "ChangeSource": "ResourceAttribute" if is_open else "DirectModification",
    }


def _attribute_detail(attribute: str) -> JsonObject:
    return {
        "Target": {"Attribute": attribute, "RequiresRecreation": "Never"},
        "Evaluation": "Static",
        "ChangeSource": "DirectModification",
    }
