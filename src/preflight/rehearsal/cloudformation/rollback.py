"""Rolls a stack back: a failed creation by deletion, a failed update by undoing its steps, the last first.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/stack-failure-options.html.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from preflight.rehearsal.cloudformation import deletion
from preflight.rehearsal.cloudformation.deletion import Deleter
from preflight.rehearsal.cloudformation.resources import defaults, tagging
from preflight.rehearsal.cloudformation.resources.failure import ResourceFailedError
from preflight.rehearsal.cloudformation.resources.handler import CreatedResource
from preflight.rehearsal.cloudformation.stack import Resource, Stack, StackInput, StackOutput

if TYPE_CHECKING:
    from preflight.rehearsal.cloudformation.provisioner import Provisioner


@dataclass
class Step:
    """What a resource was before the update, None if it is new, and what the update made of it.

    `modified` is what it was changed to in place; `made` are the resources that were created in its
    stead, those included whose creation failed.
    """

    before: Resource | None
    nested: StackInput | None = None  # of a nested stack: what it was
    modified: Resource | None = None
    made: list[Resource] = field(default_factory=list)

    def made_except(self, current: Resource | None) -> list[Resource]:
        """Returns what was created and is not the resource of now, the last first."""
        kept = {"", current.physical_id if current is not None else ""}
        return [resource for resource in reversed(self.made) if resource.physical_id not in kept]

    def replaced_by(self, current: Resource) -> list[Resource]:
        """Returns what was before, if the resource of now was created in its stead."""
        is_replaced = any(resource.physical_id == current.physical_id for resource in self.made)
        return [self.before] if self.before is not None and is_replaced else []


@dataclass
class StableState:
    """What a rollback restores of a stack, and what has been done to its resources since then."""

    request: StackInput
    outputs: dict[str, StackOutput]
    imports: set[str]
    needs: dict[str, set[str]]
    steps: dict[str, Step] = field(default_factory=dict)

    @classmethod
    def of(cls, stack: Stack) -> StableState:
        """Returns the state that a stack is in."""
        return cls(stack.request, stack.outputs, stack.imports, dict(stack.needs))

    def deletion_order(self, stack: Stack, names: Iterable[str]) -> list[str]:
        """Returns `names` so that each comes before what it needs by the template of now, or needed by the former one."""
        both = {name: self.needs.get(name, set()) | stack.needs.get(name, set()) for name in {*self.needs, *stack.needs}}
        return deletion.deletion_order(both, names)


def roll_back_creation(stack: Stack, deleter: Deleter, reason: str) -> None:
    """Deletes what a failed creation created."""
    stack.set_status("ROLLBACK_IN_PROGRESS", reason)
    failed = deleter.delete_resources(stack, is_rollback=True)
    if failed:
        stack.set_status("ROLLBACK_FAILED", deletion.failed_to_delete(failed))
        return
    stack.outputs, stack.imports = {}, set()
    stack.set_status("ROLLBACK_COMPLETE")
    if stack.request.on_failure == "DELETE":
        deleter.delete_locked(stack)


class UpdateRollback:
    """The steps of one update, and how they are undone."""

    def __init__(
        self,
        provisioner: Provisioner,
        stack: Stack,
        request: StackInput,
        stable: StableState,
        update_nested: Callable[[str, StackInput], None],
    ) -> None:
        self._handlers = provisioner.handlers
        self._deleter = provisioner.deleter
        self._stack = stack
        self._stable = stable
        self._request = request
        self._update_nested = update_nested

    def run(self, reason: str, *, skip: frozenset[str] = frozenset()) -> None:
        """Undoes every step, the last first, except those of the resources in `skip`; then deletes what is new."""
        stack, stable = self._stack, self._stable
        stack.set_status("UPDATE_ROLLBACK_IN_PROGRESS", reason)
        stack.request, stack.outputs, stack.imports = stable.request, stable.outputs, stable.imports
        failed = [
            name
            for name, step in reversed(stable.steps.items())
            if step.before is not None and name not in skip and not self._undo(name, step, step.before)
        ]
        if failed:
            stack.set_status(
                "UPDATE_ROLLBACK_FAILED", f"The following resource(s) failed to update: [{', '.join(failed)}]. "
            )
            return
        for name in skip & stable.steps.keys():
            stack.set_resource_status(stack.resources[name], "UPDATE_COMPLETE")
        stack.set_status("UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS")
        for name in stable.deletion_order(stack, stable.steps):
            self._delete_new(name, stable.steps[name], is_skipped=name in skip)
        stable.steps.clear()
        stack.needs = stable.needs
        stack.set_status("UPDATE_ROLLBACK_COMPLETE")

    def _delete_new(self, name: str, step: Step, *, is_skipped: bool) -> None:
        """Deletes what the update created for a resource; a failure here does not undo the rollback."""
        stack = self._stack
        current = stack.resources.get(name)
        if step.before is None and current is not None:
            if current.physical_id:
                retains = self._request.retains_except_on_create
                self._deleter.delete_by_policy(stack, name, is_rollback=True, retains_except_on_create=retains)
            del stack.resources[name]
        for resource in [] if is_skipped else step.made_except(current):
            self._deleter.delete_resource(stack, resource, is_retained=False)

    def _undo(self, name: str, step: Step, before: Resource) -> bool:
        """Undoes what was changed in place. Returns True on success."""
        stack, current = self._stack, self._stack.resources[name]
        handler, modified = self._handlers.handler(before), step.modified
        context = self._handlers.context(stack, before)
        stack.set_resource_status(current, "UPDATE_IN_PROGRESS")
        try:
            if step.nested is not None:
                self._update_nested(before.physical_id, step.nested)
            elif modified is not None:
                undone = CreatedResource(before.physical_id, before.attributes)
                if handler.update is not None:
                    properties = defaults.with_defaults(before.resource_type, modified.properties, before.properties)
                    undone = handler.update(context, modified.physical_id, modified.properties, properties)
                new = before.properties, self._stable.request.tags
                tagging.update_with_stack(context, undone, (modified.properties, self._request.tags), new)
                before.physical_id = undone.id
        except ResourceFailedError as failure:
            stack.set_resource_status(current, "UPDATE_FAILED", failure.reason)
            return False
        step.modified, stack.resources[name] = None, before
        stack.set_resource_status(before, "UPDATE_COMPLETE")
        return True
