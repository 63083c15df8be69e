"""Deletes stacks and resources, users before what they use, as their deletion policies say."""

from __future__ import annotations

import threading
import traceback
from collections.abc import Iterable, Mapping

from preflight.rehearsal.cloudformation import parallel
from preflight.rehearsal.cloudformation.resource_handlers import ResourceHandlers
from preflight.rehearsal.cloudformation.resources import read_permissions
from preflight.rehearsal.cloudformation.resources.failure import ResourceFailedError
from preflight.rehearsal.cloudformation.stack import Resource, Stack
from preflight.rehearsal.protocol import utc_now

GONE = ("DELETE_COMPLETE", "DELETE_SKIPPED")


class Deleter:
    """Deletes the stacks of one account, and their resources."""

    def __init__(self, handlers: ResourceHandlers) -> None:
        self._handlers = handlers

    def delete(self, stack: Stack, *, retain: frozenset[str] = frozenset()) -> None:
        """Deletes every resource of a stack, then the stack; an operation under way is cancelled first."""
        stack.cancel.set()
        with stack.work:
            self.delete_locked(stack, retain=retain)

    def delete_locked(self, stack: Stack, *, retain: frozenset[str] = frozenset()) -> None:
        """Deletes a stack whose `work` the caller holds."""
        stack.set_status("DELETE_IN_PROGRESS", "User Initiated")
        try:
            failed = self.delete_resources(stack, retain=retain)
        except Exception as error:  # noqa: BLE001 - an internal error must not look like a finding
            traceback.print_exc()
            self._handlers.ledger.trouble(f"internal error while deleting {stack.name}: {error!r}")
            failed = ["?"]
        if failed:
            stack.set_status("DELETE_FAILED", failed_to_delete(failed))
            return
        stack.outputs, stack.imports, stack.deleted = {}, set(), utc_now()
        stack.set_status("DELETE_COMPLETE")

    def delete_resources(
        self, stack: Stack, *, is_rollback: bool = False, retain: frozenset[str] = frozenset()
    ) -> list[str]:
        """Deletes the resources of a stack, users before what they use. Returns the names that failed."""
        existing = {n for n, r in stack.resources.items() if r.physical_id and r.status not in GONE}
        users = {name: {n for n in existing if name in stack.needs.get(n, ())} for name in existing}
        failed = parallel.run_in_order(
            users,
            lambda name: self.delete_by_policy(stack, name, is_rollback=is_rollback, retain=retain),
            stop=threading.Event(),
            continues=True,
        )
        return sorted(failed)

    def delete_by_policy(
        self,
        stack: Stack,
        name: str,
        *,
        is_rollback: bool,
        retain: frozenset[str] = frozenset(),
        retains_except_on_create: bool | None = None,
    ) -> bool:
        """Deletes or keeps a resource as its DeletionPolicy says. Returns True on success."""
        resource = stack.resources[name]
        policy = resource.policy("DeletionPolicy")
        if retains_except_on_create is None:
            retains_except_on_create = stack.request.retains_except_on_create
        is_new = is_rollback and (policy == "RetainExceptOnCreate" or retains_except_on_create)
        is_retained = name in retain or (policy in {"Retain", "RetainExceptOnCreate"} and not is_new)
        return self.delete_resource(stack, resource, is_retained=is_retained)

    def delete_resource(self, stack: Stack, resource: Resource, *, is_retained: bool) -> bool:
        """Deletes a resource unless it is retained. Returns True on success."""
        if is_retained:
            stack.set_resource_status(resource, "DELETE_SKIPPED")
            return True
        stack.set_resource_status(resource, "DELETE_IN_PROGRESS")
        context = self._handlers.context(stack, resource)
        try:
            read_permissions.check(context, "delete", resource.physical_id, resource.properties)
            self._handlers.handler(resource).delete(context, resource.physical_id, resource.properties)
        except ResourceFailedError as failure:
            if not failure.is_not_found:
                stack.set_resource_status(resource, "DELETE_FAILED", failure.reason)
                return False
        stack.set_resource_status(resource, "DELETE_COMPLETE")
        return True


def failed_to_delete(names: Iterable[str]) -> str:
    """Returns AWS's reason for a stack whose resources could not be deleted."""
    return f"The following resource(s) failed to delete: [{', '.join(names)}]. "


def deletion_order(needs: Mapping[str, set[str]], names: Iterable[str]) -> list[str]:
    """Returns `names` in an order in which each comes before what it needs."""
    remaining, ordered = set(names), list[str]()
    while remaining:
        unused = [n for n in remaining if not any(n in needs.get(other, ()) for other in remaining - {n})]
        batch = sorted(unused) or sorted(remaining)
        ordered += batch
        remaining -= set(batch)
    return ordered
