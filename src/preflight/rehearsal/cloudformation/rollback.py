"""Rolls a stack back: a failed creation by deletion, a failed update by undoing its steps, the last first.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/stack-failure-options.html.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from preflight.rehearsal.cloudformation import deletion
from preflight.rehearsal.cloudformation.deletion import Deleter
from preflight.rehearsal.cloudformation.resources import tagging
from preflight.rehearsal.cloudformation.resources.failure import ResourceFailedError
from preflight.rehearsal.cloudformation.resources.handler import CreatedResource
from preflight.rehearsal.cloudformation.stack import Resource, Stack, StackInput

if TYPE_CHECKING:
    from preflight.rehearsal.cloudformation.provisioner import Provisioner


@dataclass
class Step:
    """What a resource was before the update, and what was done: `created`, `modified` or `replaced`."""

    before: Resource | None
    kind: str
    nested: StackInput | None = None  # of a nested stack: what it was


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
        update_nested: Callable[[str, StackInput], None],
    ) -> None:
        self.steps: dict[str, Step] = {}
        self._handlers = provisioner.handlers
        self._deleter = provisioner.deleter
        self._stack = stack
        self._former = stack.request, stack.outputs, stack.imports
        self._request = request
        self._update_nested = update_nested

    def run(self, reason: str, *, skip: frozenset[str] = frozenset()) -> None:
        """Undoes every step, the last first, except those of the resources in `skip`."""
        stack = self._stack
        stack.set_status("UPDATE_ROLLBACK_IN_PROGRESS", reason)
        stack.request, stack.outputs, stack.imports = self._former
        failed = [
            name
            for name, step in reversed(self.steps.items())
            if step.before is not None and name not in skip and not self._undo(name, step, step.before)
        ]
        if failed:
            stack.set_status(
                "UPDATE_ROLLBACK_FAILED", f"The following resource(s) failed to update: [{', '.join(failed)}]. "
            )
            return
        stack.set_status("UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS")
        for name in [name for name, step in reversed(self.steps.items()) if step.before is None]:
            if stack.resources[name].physical_id:
                self._deleter.delete_by_policy(stack, name, is_rollback=True)
            del stack.resources[name]
        self.steps.clear()
        stack.set_status("UPDATE_ROLLBACK_COMPLETE")

    def _undo(self, name: str, step: Step, before: Resource) -> bool:
        """Undoes one step. Returns True on success."""
        stack, current = self._stack, self._stack.resources[name]
        handler = self._handlers.handler(before)
        context = self._handlers.context(stack, before)
        stack.set_resource_status(current, "UPDATE_IN_PROGRESS")
        try:
            if step.kind == "replaced" and current.physical_id not in {"", before.physical_id}:
                handler.delete(context, current.physical_id, current.properties)
            elif step.nested is not None:
                self._update_nested(before.physical_id, step.nested)
            elif step.kind == "modified":
                if handler.update is not None:
                    handler.update(context, before.physical_id, current.properties, before.properties)
                undone = CreatedResource(before.physical_id, before.attributes)
                new = before.properties, self._former[0].tags
                tagging.update_with_stack(context, undone, (current.properties, self._request.tags), new)
        except ResourceFailedError as failure:
            stack.set_resource_status(current, "UPDATE_FAILED", failure.reason)
            return False
        stack.resources[name] = before
        stack.set_resource_status(before, "UPDATE_COMPLETE")
        return True
