"""Resources that CloudFormation has still to create or update, and on which a service that fails could depend."""

from __future__ import annotations

from collections.abc import Container

from preflight.rehearsal.cloudformation.stack import STACK, Stack, Stacks
from preflight.templates import dependency_graph


class UnfinishedResources:
    """The resources of the operations that are under way."""

    def __init__(self, stacks: Stacks) -> None:
        self._stacks = stacks

    def can_help(self, service: str, failing: Container[str]) -> bool:
        """Whether a resource is still to come that could help a service (ARN) whose tasks fail.

        Resources that wait for one of the `failing` services (ARNs), in the whole tree of nested stacks,
        can not. ECS launches tasks again until such a resource exists.
        """
        stack = next((s for s in self._stacks.all() if service in _physical_ids(s)), None)
        if stack is None:
            return False
        root = self._stacks.find(stack.region, stack.root or stack.id)
        return root is not None and self._progresses(root, failing)

    def _progresses(self, stack: Stack, failing: Container[str]) -> bool:
        """Whether a resource is still to come that waits for no failing service."""
        needs = dict(stack.unfinished)
        blocked = {name for name in needs if self._is_blocked(stack, name, failing)}
        return any(
            name not in blocked and not any(dependency_graph.reaches(needs, name, other) for other in blocked)
            for name in needs
        )

    def _is_blocked(self, stack: Stack, name: str, failing: Container[str]) -> bool:
        """Whether an unfinished resource is a failing service, or a nested stack that waits for one."""
        resource = stack.resources.get(name)
        if resource is None or not resource.physical_id:
            return False
        nested = self._stacks.find(stack.region, resource.physical_id) if resource.resource_type == STACK else None
        if nested is not None and nested.unfinished:
            return not self._progresses(nested, failing)
        return resource.physical_id in failing


def _physical_ids(stack: Stack) -> set[str]:
    return {resource.physical_id for resource in list(stack.resources.values())} if stack.unfinished else set()
