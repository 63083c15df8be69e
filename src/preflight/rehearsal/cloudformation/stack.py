"""Stacks, their resources and their events."""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from preflight.aws import partitions
from preflight.model import JsonObject
from preflight.rehearsal.cloudformation import parallel
from preflight.rehearsal.cloudformation.live_references import Template
from preflight.rehearsal.protocol import Refusal, utc_now
from preflight.templates.dependency_graph import ResourceDefinition

ENDED = ("_COMPLETE", "_FAILED")
STABLE = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE")  # what a stack is rolled back to
UPDATABLE = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "CREATE_FAILED", "UPDATE_FAILED")
STACK = "AWS::CloudFormation::Stack"
MILLISECOND = timedelta(milliseconds=1)
HIDDEN = "****"  # the value of a NoEcho parameter as the API shows it


@dataclass
class Resource:
    """A resource of a stack: its definition in the template, its properties and its status."""

    logical_id: str
    resource_type: str
    definition: ResourceDefinition
    physical_id: str = ""
    status: str = ""
    reason: str = ""
    updated: datetime = field(default_factory=utc_now)
    properties: JsonObject = field(default_factory=dict)
    shown_properties: JsonObject = field(default_factory=dict)  # without secrets
    attributes: Mapping[str, Any] = field(default_factory=dict)
    drift: JsonObject = field(default_factory=dict)  # as drift detection last found it

    def policy(self, name: str) -> str:
        """Returns DeletionPolicy or UpdateReplacePolicy; the default is `Delete`."""
        return str(self.definition.get(name) or "Delete")


@dataclass(frozen=True)
class Event:
    """One line of DescribeStackEvents."""

    logical_id: str
    physical_id: str
    resource_type: str
    status: str
    reason: str
    operation: StackOperation
    token: str | None
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    timestamp: datetime = field(default_factory=utc_now)
    properties: JsonObject | None = None
    detailed_status: str | None = None
    violation: ValidationError | None = None

    @property
    def is_validation(self) -> bool:
        """Whether only DescribeEvents returns it."""
        return self.violation is not None

    @property
    def properties_text(self) -> str | None:
        """The properties of the resource as the API returns them."""
        return None if self.properties is None else json.dumps(self.properties, default=str)


@dataclass(frozen=True)
class StackOperation:
    """An operation on a stack: its type as DescribeEvents spells it, its id, and its change set, if any."""

    type: str
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    subject: str = ""
    subject_name: str = ""


@dataclass(frozen=True)
class ValidationError:
    """A violation that pre-deployment validation found: the check, the path in the resource, and the message."""

    logical_id: str
    resource_type: str
    check: str
    path: str
    message: str


@dataclass(frozen=True)
class StackOutput:
    """An output of a stack, and the name that it is exported under, if any."""

    value: str
    description: str | None = None
    export: str | None = None


@dataclass
class StackInput:
    """The request of a client: the template, the parameters, and what to do on failure."""

    template_body: str
    template: Template
    parameters: JsonObject
    parameter_texts: dict[str, str]  # as the client sent them
    tags: dict[str, str] = field(default_factory=dict)
    capabilities: list[str] = field(default_factory=list)
    on_failure: str = "ROLLBACK"
    is_protected: bool = False
    token: str | None = None
    role: str | None = None
    timeout_minutes: float | None = None
    notifications: list[str] = field(default_factory=list)
    retains_except_on_create: bool = False
    is_validated: bool = True
    change_set: str | None = None  # the id of the change set that it was in

    @property
    def secrets(self) -> list[str]:
        """The names of the NoEcho parameters."""
        return [name for name, definition in (self.template.get("Parameters") or {}).items() if is_no_echo(definition)]


def is_no_echo(definition: Mapping[str, Any]) -> bool:
    """Whether the API hides the value of a parameter."""
    return str(definition.get("NoEcho", "")).lower() == "true"


@dataclass
class Stack:
    """A stack. `changed` guards status, resources and events; the running operation holds `work`.

    `cancel` stops that operation because the stack is deleted; `update_cancel` stops an update and
    rolls it back.
    """

    id: str
    name: str
    region: str
    request: StackInput
    parent: str | None = None
    root: str | None = None
    status: str = ""
    reason: str = ""
    created: datetime = field(default_factory=utc_now)
    updated: datetime | None = None
    deleted: datetime | None = None
    resources: dict[str, Resource] = field(default_factory=dict)
    outputs: dict[str, StackOutput] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    imports: set[str] = field(default_factory=set)
    needs: dict[str, set[str]] = field(default_factory=dict)
    drift: JsonObject = field(default_factory=lambda: {"StackDriftStatus": "NOT_CHECKED"})
    unfinished: dict[str, set[str]] = field(default_factory=dict)  # what the running operation has still to do, with its needs
    cancel: threading.Event = field(default_factory=threading.Event)
    update_cancel: threading.Event = field(default_factory=threading.Event)
    work: threading.Lock = field(default_factory=threading.Lock)
    operation: StackOperation = field(default_factory=lambda: StackOperation("CREATE_STACK"))
    changed: threading.Condition = field(default_factory=lambda: threading.Condition(threading.RLock()))

    @property
    def has_been_stable(self) -> bool:
        """Whether an operation on the stack has succeeded."""
        return any(event.physical_id == self.id and event.status in STABLE for event in self.events)

    @property
    def is_finished(self) -> bool:
        """Whether no operation is under way."""
        return self.status.endswith(ENDED)

    def run_in_order(
        self, needs: Mapping[str, set[str]], act: Callable[[str], bool], *, stop: threading.Event, cancel: threading.Event
    ) -> set[str]:
        """Runs `act` on the resources of an operation as their needs allow, and returns those that failed."""

        def finish(name: str) -> bool:
            is_done = act(name)
            self.unfinished.pop(name, None)
            return is_done

        self.unfinished = dict(needs)
        try:
            return parallel.run_in_order(needs, finish, stop=stop, cancel=cancel)
        finally:
            self.unfinished = {}

    def check_updatable(self) -> None:
        """Checks that a stack of this status can be updated.

        Raises:
            Refusal: it cannot.
        """
        if self.status not in UPDATABLE:
            msg = f"Stack:{self.id} is in {self.status} state and can not be updated."
            raise Refusal("ValidationError", msg)

    def begin_update(self) -> None:
        """Begins an update, unless another operation is under way.

        Raises:
            Refusal: one is, or no stack of this status can be updated.
        """
        with self.changed:
            self.check_updatable()
            self.begin("UPDATE_STACK", "UPDATE_IN_PROGRESS")

    def begin(self, operation_type: str, status: str) -> StackOperation:
        """Begins an operation, so that the next request sees its status; its event follows."""
        with self.changed:
            self.operation, self.status = StackOperation(operation_type), status
            return self.operation

    def set_status(self, status: str, reason: str = "") -> None:
        """Sets the status of the stack and adds an event."""
        with self.changed:
            self.status, self.reason = status, reason
            self._add(Event(self.name, self.id, STACK, status, reason, self.operation, self.request.token))

    def set_resource_status(
        self, resource: Resource, status: str, reason: str = "", *, detailed_status: str | None = None
    ) -> None:
        """Sets the status of a resource and adds an event."""
        with self.changed:
            resource.status, resource.reason, resource.updated = status, reason, utc_now()
            event = Event(
                resource.logical_id,
                resource.physical_id,
                resource.resource_type,
                status,
                reason,
                self.operation,
                self.request.token,
                id=f"{resource.logical_id}-{status}-{utc_now().isoformat(timespec='milliseconds')}Z",
                properties=dict(resource.shown_properties or resource.properties),
                detailed_status=detailed_status,
            )
            self._add(event)

    def identify(self, resource: Resource, physical_id: str) -> None:
        """Notes the physical id of a resource that is being created, once."""
        if not resource.physical_id:
            resource.physical_id = physical_id
            self.set_resource_status(resource, "CREATE_IN_PROGRESS", "Resource creation Initiated")

    def add_violation(self, violation: ValidationError) -> None:
        """Adds an event for what pre-deployment validation found."""
        token = self.request.token
        self._add(
            Event(violation.logical_id, "", violation.resource_type, "", "", self.operation, token, violation=violation)
        )

    def _add(self, event: Event) -> None:
        """Adds an event, a millisecond or more after the former: clients order events by their timestamps."""
        with self.changed:
            earliest = self.events[-1].timestamp + MILLISECOND if self.events else event.timestamp
            self.events.append(replace(event, timestamp=max(earliest, event.timestamp)))
            self.changed.notify_all()

    def wait(self, holds: Callable[[], bool], *, timeout: float) -> bool:
        """Waits until `holds` returns True, checked at every change. Returns False if the time is up."""
        with self.changed:
            return self.changed.wait_for(holds, timeout)


class Stacks:
    """All stacks of the account."""

    def __init__(self, account_id: str) -> None:
        self._account = account_id
        self._all: dict[str, Stack] = {}
        self.lock = threading.RLock()

    def _new_id(self, region: str, name: str) -> str:
        return f"arn:{partitions.partition_of(region)[0]}:cloudformation:{region}:{self._account}:stack/{name}/{uuid.uuid4()}"

    def new(self, region: str, name: str, request: StackInput, *, parent: str | None = None) -> Stack:
        """Returns a new stack without adding it."""
        return Stack(self._new_id(region, name), name, region, request, parent=parent)

    def add(self, stack: Stack) -> None:
        """Adds a new stack.

        Raises:
            Refusal: a stack of that name exists already.
        """
        with self.lock:
            if self.find(stack.region, stack.name) is not None:
                raise Refusal("AlreadyExistsException", f"Stack [{stack.name}] already exists")
            self._all[stack.id] = stack

    def find(self, region: str, name: str) -> Stack | None:
        """Returns a stack by name, unless it is deleted, or by ARN, even if it is deleted; or None."""
        if name.startswith("arn:"):
            return self._all.get(name)
        stacks = [s for s in self.in_region(region) if s.name == name and s.status != "DELETE_COMPLETE"]
        return stacks[-1] if stacks else None

    def in_region(self, region: str) -> list[Stack]:
        """Returns all stacks of a region, including deleted ones, oldest first."""
        return [stack for stack in list(self._all.values()) if stack.region == region]

    def all(self) -> list[Stack]:
        """Returns all stacks of all regions."""
        return list(self._all.values())

    def exports(self, region: str) -> dict[str, tuple[Stack, Any]]:
        """Returns export names with the stack that exports them and the value."""
        return {
            output.export: (stack, output.value)
            for stack in self.in_region(region)
            if stack.status != "DELETE_COMPLETE"
            for output in stack.outputs.values()
            if output.export
        }

    def importers(self, region: str, export: str) -> list[Stack]:
        """Returns the stacks that import an export."""
        return [s for s in self.in_region(region) if export in s.imports and s.status != "DELETE_COMPLETE"]

    def importer_names(self, region: str, export: str | None) -> str:
        """Returns the names of the stacks that import an export, as AWS lists them; empty if there are none."""
        stacks = self.importers(region, export) if export else []
        return " and ".join(sorted({stack.name for stack in stacks}))
