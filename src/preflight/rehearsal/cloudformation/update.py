"""Changes a stack in place: creates, modifies, replaces, removes; and goes back where one of these fails.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-updating-stacks-update-behaviors.html.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from preflight.rehearsal.cloudformation import stack as stacks
from preflight.rehearsal.cloudformation import template_validation
from preflight.rehearsal.cloudformation.provisioner import Provisioner
from preflight.rehearsal.cloudformation.resources.handler import ResourceFailedError
from preflight.rehearsal.cloudformation.stack import Resource, Stack, StackInput
from preflight.templates import schemas
from preflight.templates.functions import FunctionResolver, ResolveError

REPLACES = "Requested update requires the creation of a new physical resource; hence creating one."
CANCELLED = "Resource update cancelled"
NAMED = {
    "AWS::EC2::SecurityGroup": ("GroupName",),
    "AWS::ElasticLoadBalancingV2::LoadBalancer": ("Name",),
    "AWS::ElasticLoadBalancingV2::TargetGroup": ("Name",),
}


@dataclass
class Step:
    """What one resource was before, and what became of it: `created`, `modified` or `replaced`."""

    before: Resource | None
    kind: str


class Updater:
    """One update of one stack, and the way back from it."""

    def __init__(self, provisioner: Provisioner, stack: Stack, request: StackInput) -> None:
        self._provisioner = provisioner
        self._stack = stack
        self._former = stack.request
        self._request = request
        self._steps: dict[str, Step] = {}
        self._outputs = stack.outputs
        self._imports = stack.imports

    def run(self) -> None:
        """Carry the update out, or back."""
        stack = self._stack
        stack.updated = stacks.now()
        stack.is_going_back.clear()
        stack.request = self._request
        self._imports, stack.imports = stack.imports, set()
        stack.say("UPDATE_IN_PROGRESS", "User Initiated")
        resolver = FunctionResolver(self._provisioner.scope(stack))
        alive = template_validation.resources_that_exist(self._request.data, resolver)
        removed = [name for name in stack.resources if name not in alive]
        said = (
            self._provisioner.imports_missing(stack, alive)
            or self._invalid()
            or self._apply(alive, resolver)
            or self._provisioner.set_outputs(stack, resolver)
        )
        if said is None:
            self._clean(removed)
        elif self._request.on_failure == "DO_NOTHING" and not stack.is_going_back.is_set():
            stack.say("UPDATE_FAILED", said)
        else:
            self.back(said)

    def _invalid(self) -> str | None:
        stack = self._stack
        if not self._request.is_validated:
            return None
        found = self._provisioner.violations(stack, self._request, self._provisioner.static(stack))
        for violation in found:
            stack.resources.setdefault(violation.logical, Resource(violation.logical, violation.kind, {}))
        said = self._provisioner.tell_violations(stack, found, "UPDATE_FAILED") if found else None
        for name in {violation.logical for violation in found}:
            if not stack.resources[name].physical:
                del stack.resources[name]
        return said

    def _apply(self, alive: Mapping[str, Mapping[str, Any]], resolver: FunctionResolver) -> str | None:
        stack, stop = self._stack, threading.Event()
        needs = self._provisioner.needed(stack, alive, resolver)
        failed = self._provisioner.each(
            needs, lambda name: self._one(name, alive[name], resolver, stop), stop, stack.is_going_back
        )
        if stack.is_going_back.is_set():
            return "Update cancelled by user."
        if not failed:
            return None
        verb = "create" if all(stack.resources[n].status == "CREATE_FAILED" for n in failed) else "update"
        return f"The following resource(s) failed to {verb}: [{', '.join(sorted(failed))}]."

    def _one(self, name: str, declared: Mapping[str, Any], resolver: FunctionResolver, stop: threading.Event) -> bool:
        former = self._stack.resources.get(name)
        if former is None or not former.physical:
            self._stack.resources[name] = Resource(name, str(declared["Type"]), declared)
            self._steps.setdefault(name, Step(None, "created"))
            return self._provisioner.create_one(self._stack, name, resolver, stop)
        changed = replace(former, declared=declared, kind=str(declared["Type"]))
        try:
            changed.properties = self._provisioner.properties(self._stack, changed, resolver)
            is_same = changed.properties == former.properties and changed.kind == former.kind
            if is_same and not former.status.endswith("_FAILED"):
                former.declared = declared
                return True
            return self._change(name, former, changed, stop)
        except (ResourceFailedError, ResolveError) as failure:
            reason = failure.reason if isinstance(failure, ResourceFailedError) else failure.message
            self._stack.tell(self._stack.resources[name], "UPDATE_FAILED", CANCELLED if stop.is_set() else reason)
            return False

    def _change(self, name: str, former: Resource, changed: Resource, stop: threading.Event) -> bool:
        stack, handler = self._stack, self._provisioner.handler(changed)
        place = self._provisioner.place(stack, changed, stop)
        is_replaced = handler.update is None or changed.kind != former.kind or bool(replaces(changed, former))
        self._steps.setdefault(name, Step(replace(former), "replaced" if is_replaced else "modified"))
        stack.resources[name] = changed
        stack.tell(changed, "UPDATE_IN_PROGRESS", REPLACES if is_replaced else "")
        if is_replaced or handler.update is None:
            if replaces(changed, former):
                _check_name(changed, former)
            made = handler.create(replace(place, identify=lambda _physical: None), changed.properties)
            changed.physical = made.id
            stack.tell(changed, "UPDATE_IN_PROGRESS", "Resource creation Initiated")
        else:
            made = handler.update(place, former.physical, former.properties, changed.properties)
        changed.physical, changed.attributes = made.id, made.attributes
        stack.tell(changed, "UPDATE_COMPLETE")
        return True

    def back(self, said: str, *, skip: frozenset[str] = frozenset()) -> None:
        """Undo every step, the last first; what is in `skip` is taken for undone."""
        stack = self._stack
        stack.say("UPDATE_ROLLBACK_IN_PROGRESS", said)
        stack.request, stack.outputs, stack.imports = self._former, self._outputs, self._imports
        failed = [
            name
            for name, step in reversed(self._steps.items())
            if step.before is not None and name not in skip and not self._undo(name, step, step.before)
        ]
        if failed:
            stack.say("UPDATE_ROLLBACK_FAILED", f"The following resource(s) failed to update: [{', '.join(failed)}]. ")
            return
        stack.say("UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS")
        for name in [name for name, step in reversed(self._steps.items()) if step.before is None]:
            if stack.resources[name].physical:
                self._provisioner.delete_one(stack, name, is_rollback=True)
            del stack.resources[name]
        self._steps = {}
        stack.say("UPDATE_ROLLBACK_COMPLETE")

    def _undo(self, name: str, step: Step, before: Resource) -> bool:
        stack, now = self._stack, self._stack.resources[name]
        handler = self._provisioner.handler(before)
        place = self._provisioner.place(stack, before, threading.Event())
        stack.tell(now, "UPDATE_IN_PROGRESS")
        try:
            if step.kind == "replaced" and now.physical not in {"", before.physical}:
                handler.delete(place, now.physical, now.properties)
            elif step.kind == "modified" and handler.update is not None:
                handler.update(place, before.physical, now.properties, before.properties)
        except ResourceFailedError as failure:
            stack.tell(now, "UPDATE_FAILED", failure.reason)
            return False
        stack.resources[name] = before
        stack.tell(before, "UPDATE_COMPLETE")
        return True

    def _clean(self, removed: list[str]) -> None:
        """Delete what was replaced and what the template has no longer; a failure there does not undo the update."""
        stack = self._stack
        stack.say("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
        former = {n: s.before for n, s in self._steps.items() if s.kind == "replaced" and s.before is not None}
        for name in self._provisioner.users_first(stack, [*removed, *former]):
            if name in former:
                is_kept = former[name].policy("UpdateReplacePolicy") == "Retain"
                self._provisioner.delete_resource(stack, former[name], is_kept=is_kept)
                continue
            if stack.resources[name].physical:
                self._provisioner.delete_one(stack, name, is_rollback=False)
            del stack.resources[name]
        self._steps = {}
        stack.say("UPDATE_COMPLETE")


def replaces(changed: Resource, former: Resource) -> frozenset[str]:
    """The properties that differ and that AWS sets only when a resource is made."""
    names = {*changed.properties, *former.properties}
    different = {name for name in names if changed.properties.get(name) != former.properties.get(name)}
    return frozenset(different) & schemas.create_only(changed.kind)


def _check_name(changed: Resource, former: Resource) -> None:
    """A replacement is created before the former resource goes, so it cannot have the same name.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-properties-name.html.

    Raises:
        FailedError: the template gives both the same one.
    """
    for key in _names(changed.kind):
        own = changed.properties.get(key)
        if isinstance(own, str) and own == former.properties.get(key) and changed.kind == former.kind:
            msg = (
                "CloudFormation cannot update a stack when a custom-named resource requires replacing. "
                f"Rename {own} and update the stack again."
            )
            raise ResourceFailedError(msg, is_whole=True)


def _names(kind: str) -> list[str]:
    """Properties that give a resource of the type a name that no other can have."""
    short = kind.rpartition("::")[2]
    identifiers = schemas.identifiers(kind)
    return [f"{short}Name", *(identifiers if len(identifiers) == 1 else []), *NAMED.get(kind, ())]
