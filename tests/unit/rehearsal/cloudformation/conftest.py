"""A stack over a service that only records its calls: no account, no requests."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from unittest.mock import MagicMock

import pytest

from preflight.rehearsal.cloudformation.provisioner import Provisioner
from preflight.rehearsal.cloudformation.resource_handlers import ResourceHandlers
from preflight.rehearsal.cloudformation.resources.context import HandlerContext
from preflight.rehearsal.cloudformation.resources.failure import ResourceFailedError
from preflight.rehearsal.cloudformation.resources.handler import CreatedResource, Handler
from preflight.rehearsal.cloudformation.stack import Stack, StackInput, Stacks
from preflight.rehearsal.ledger import Ledger

Properties = Mapping[str, Any]


class RecordingService:
    """Records its calls in order. The physical id is the property Name.

    A call in `hooks` runs its hook first; a call in `failing` fails.
    """

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.failing: set[str] = set()
        self.hooks: dict[str, Callable[[HandlerContext], object]] = {}

    def _call(self, context: HandlerContext, text: str) -> None:
        self.calls.append(text)
        if text in self.hooks:
            self.hooks[text](context)
        if text in self.failing:
            raise ResourceFailedError(text, is_whole=True)

    def create(self, context: HandlerContext, properties: Properties) -> CreatedResource:
        self._call(context, f"create {properties['Name']}")
        return CreatedResource(properties["Name"])

    def update(
        self, context: HandlerContext, physical_id: str, _former: Properties, properties: Properties
    ) -> CreatedResource:
        self._call(context, f"update {physical_id} to {properties.get('Size')}")
        return CreatedResource(physical_id)

    def delete(self, context: HandlerContext, physical_id: str, _properties: Properties) -> None:
        self._call(context, f"delete {physical_id}")

    def handlers(self) -> dict[str, Handler]:
        """Test::Service::Thing is updated in place, Test::Service::Fixed is replaced by every change."""
        return {
            "Test::Service::Thing": Handler(self.create, self.delete, self.update),
            "Test::Service::Fixed": Handler(self.create, self.delete),
        }


@pytest.fixture
def service() -> RecordingService:
    return RecordingService()


@pytest.fixture
def provisioner(service: RecordingService) -> Provisioner:
    account = MagicMock()
    account.id = "123456789012"
    return Provisioner(Stacks(account.id), ResourceHandlers(account, service.handlers(), Ledger()))


def thing(
    name: str, *depends_on: str, kind: str = "Test::Service::Thing", size: int = 1, **attributes: str
) -> dict[str, Any]:
    return {"Type": kind, "Properties": {"Name": name, "Size": size}, "DependsOn": list(depends_on), **attributes}


def request(
    on_failure: str = "ROLLBACK", outputs: dict[str, Any] | None = None, **resources: dict[str, Any]
) -> StackInput:
    return StackInput("", {"Resources": resources, "Outputs": outputs or {}}, {}, {}, on_failure=on_failure)


def new_stack(provisioner: Provisioner, stack_input: StackInput) -> Stack:
    """A stack whose resources the provisioner tried to create."""
    stack = provisioner.stacks.new("us-east-1", "s", stack_input)
    provisioner.stacks.add(stack)
    provisioner.create(stack)
    return stack


def statuses(stack: Stack, logical_id: str) -> list[str]:
    return [event.status for event in stack.events if event.logical_id == logical_id]
