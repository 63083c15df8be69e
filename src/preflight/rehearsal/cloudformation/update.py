"""Changes a stack in place: creates, modifies, replaces, removes; and goes back where one of these fails.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-updating-stacks-update-behaviors.html.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from preflight import resolve, schemas
from preflight.rehearsal.cloudformation import check, provision
from preflight.rehearsal.cloudformation import stack as stacks
from preflight.rehearsal.resources import handler as handlers

REPLACES = "Requested update requires the creation of a new physical resource; hence creating one."


@dataclass
class Step:
    """What one resource was before, and what became of it: `created`, `modified` or `replaced`."""

    before: stacks.Resource | None
    kind: str


class Updater:
    """One update of one stack."""

    def __init__(self, provisioner: provision.Provisioner, stack: stacks.Stack, request: stacks.Request) -> None:
        self._provisioner = provisioner
        self._stack = stack
        self._former = stack.request
        self._request = request
        self._steps: dict[str, Step] = {}
        self._outputs = stack.outputs

    def run(self) -> None:
        """Carry the update out, or back."""
        stack = self._stack
        stack.updated = stacks.now()
        stack.say("UPDATE_IN_PROGRESS", "User Initiated")
        stack.request = self._request
        resolver = resolve.Resolver(self._provisioner.scope(stack))
        alive = check.living(self._request.data, resolver)
        removed = [name for name in stack.resources if name not in alive]
        said = self._apply(alive, resolver) or self._provisioner.set_outputs(stack, resolver)
        if said is not None:
            self._back(said)
            return
        stack.say("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
        self._clean(removed)
        stack.say("UPDATE_COMPLETE")

    def _apply(self, alive: Mapping[str, Mapping[str, Any]], resolver: resolve.Resolver) -> str | None:
        stop = threading.Event()
        needs = self._provisioner.needs(alive, resolver)
        failed = self._provisioner.each(needs, lambda name: self._one(name, alive[name], resolver, stop), stop)
        if not failed:
            return None
        verb = "create" if all(self._stack.resources[n].status == "CREATE_FAILED" for n in failed) else "update"
        return f"The following resource(s) failed to {verb}: [{', '.join(sorted(failed))}]."

    def _one(self, name: str, declared: Mapping[str, Any], resolver: resolve.Resolver, stop: threading.Event) -> bool:
        former = self._stack.resources.get(name)
        if former is None or not former.physical:
            self._stack.resources[name] = stacks.Resource(name, str(declared["Type"]), declared)
            self._steps[name] = Step(None, "created")
            return self._provisioner.create_one(self._stack, name, resolver, stop)
        changed = replace(former, declared=declared, kind=str(declared["Type"]))
        try:
            changed.properties = self._provisioner.properties(self._stack, changed, resolver)
            if changed.properties == former.properties and changed.kind == former.kind:
                former.declared = declared
                return True
            return self._change(name, former, changed, stop)
        except (handlers.FailedError, resolve.ResolveError) as failure:
            reason = failure.reason if isinstance(failure, handlers.FailedError) else failure.message
            self._stack.tell(self._stack.resources[name], "UPDATE_FAILED", reason)
            return False

    def _change(self, name: str, former: stacks.Resource, changed: stacks.Resource, stop: threading.Event) -> bool:
        stack, handler = self._stack, self._provisioner.handler(changed)
        place = self._provisioner.place(stack, changed, stop)
        is_replaced = handler.update is None or changed.kind != former.kind or replaces(changed, former)
        self._steps[name] = Step(replace(former), "replaced" if is_replaced else "modified")
        stack.resources[name] = changed
        stack.tell(changed, "UPDATE_IN_PROGRESS", REPLACES if is_replaced else "")
        if is_replaced or handler.update is None:
            made = handler.create(replace(place, identify=lambda _physical: None), changed.properties)
            changed.physical = made.id
            stack.tell(changed, "UPDATE_IN_PROGRESS", "Resource creation Initiated")
        else:
            made = handler.update(place, former.physical, former.properties, changed.properties)
        changed.physical, changed.attributes = made.id, made.attributes
        stack.tell(changed, "UPDATE_COMPLETE")
        return True

    def _back(self, said: str) -> None:
        """Undo every step, the last first."""
        stack = self._stack
        stack.say("UPDATE_ROLLBACK_IN_PROGRESS", said)
        stack.request, stack.outputs = self._former, self._outputs
        created = []
        for name, step in reversed(self._steps.items()):
            if step.before is None:
                created.append(name)
            else:
                self._undo(name, step, step.before)
        stack.say("UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS")
        for name in created:
            if stack.resources[name].physical:
                self._provisioner.delete_one(stack, name, is_rollback=True)
            del stack.resources[name]
        stack.say("UPDATE_ROLLBACK_COMPLETE")

    def _undo(self, name: str, step: Step, before: stacks.Resource) -> None:
        stack, now = self._stack, self._stack.resources[name]
        handler = self._provisioner.handler(before)
        place = self._provisioner.place(stack, before, threading.Event())
        try:
            if step.kind == "replaced" and now.physical not in {"", before.physical}:
                handler.delete(place, now.physical, now.properties)
            elif step.kind == "modified" and handler.update is not None:
                handler.update(place, before.physical, now.properties, before.properties)
        except handlers.FailedError as failure:
            stack.tell(before, "UPDATE_FAILED", failure.reason)
        stack.resources[name] = before
        stack.tell(before, "UPDATE_COMPLETE")

    def _clean(self, removed: list[str]) -> None:
        """Delete what was replaced and what the template has no longer."""
        stack = self._stack
        for step in self._steps.values():
            if step.kind == "replaced" and step.before is not None:
                policy = step.before.policy("UpdateReplacePolicy")
                self._provisioner.delete_resource(stack, step.before, is_kept=policy == "Retain")
        for name in self._provisioner.users_first(stack, removed):
            self._provisioner.delete_one(stack, name, is_rollback=False)
            del stack.resources[name]


def replaces(changed: stacks.Resource, former: stacks.Resource) -> bool:
    """Whether a property differs that AWS sets only when a resource is made."""
    names = {*changed.properties, *former.properties}
    different = {name for name in names if changed.properties.get(name) != former.properties.get(name)}
    return bool(different & schemas.create_only(changed.kind))
