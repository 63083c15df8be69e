"""What stacks provide of container instances, none of which is rehearsed: Auto Scaling groups and their capacity providers."""

from __future__ import annotations

from collections.abc import Iterator

from preflight.rehearsal.cloudformation.stack import Resource, Stacks

PROVIDER = "AWS::ECS::CapacityProvider"
TYPES = frozenset({"AWS::AutoScaling::AutoScalingGroup", "AWS::EC2::Instance", "AWS::EC2::SpotFleet", PROVIDER})


class ContainerInstances:
    """The container instances that the stacks of an account declare."""

    def __init__(self, stacks: Stacks) -> None:
        self._stacks = stacks

    def exist(self) -> bool:
        """Whether a stack declares container instances, created by now or not."""
        return any(resource.resource_type in TYPES for resource in self._resources())

    def is_provider(self, name: str) -> bool:
        """Whether a stack has a capacity provider of that name or ARN."""
        return any(r.resource_type == PROVIDER and r.physical_id == name for r in self._resources())

    def _resources(self) -> Iterator[Resource]:
        for stack in self._stacks.all():
            if stack.deleted is None:
                yield from list(stack.resources.values())
