"""Stacks, their resources and their events."""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

from preflight.aws import partitions
from preflight.rehearsal.protocol import Refusal

ENDED = ("_COMPLETE", "_FAILED")
UPDATABLE = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "CREATE_FAILED", "UPDATE_FAILED")
STACK = "AWS::CloudFormation::Stack"
HIDDEN = "****"  # the value of a NoEcho parameter as the API shows it


def now() -> datetime:
    """This moment in UTC, without a zone, as the serializers take it."""
    return datetime.now(timezone.utc).replace(tzinfo=None)


@dataclass
class Resource:
    """A resource of a stack: what was declared, what was made of it, and where it stands."""

    logical: str
    kind: str
    declared: Mapping[str, Any]
    physical: str = ""
    status: str = ""
    reason: str = ""
    changed: datetime = field(default_factory=now)
    properties: dict[str, Any] = field(default_factory=dict)
    shown: dict[str, Any] = field(default_factory=dict)  # without secrets
    attributes: Mapping[str, Any] = field(default_factory=dict)

    def policy(self, name: str) -> str:
        """DeletionPolicy or UpdateReplacePolicy; `Delete` where nothing is said."""
        return str(self.declared.get(name) or "Delete")


@dataclass(frozen=True)
class Event:
    """One line of DescribeStackEvents."""

    logical: str
    physical: str
    kind: str
    status: str
    reason: str
    operation: StackOperation
    token: str | None
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    moment: datetime = field(default_factory=now)
    properties: dict[str, Any] | None = None
    detail: str | None = None
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

    kind: str
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    subject: str = ""
    subject_name: str = ""


@dataclass(frozen=True)
class ValidationError:
    """What pre-deployment validation found: which check, where in the resource, and what is wrong."""

    logical: str
    kind: str
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
    """What a client asked for: the template, the values, and how failure is to be met."""

    body: str
    data: dict[str, Any]
    parameters: dict[str, Any]
    parameter_texts: dict[str, str]  # as the client sent them
    tags: dict[str, str] = field(default_factory=dict)
    capabilities: list[str] = field(default_factory=list)
    on_failure: str = "ROLLBACK"
    is_protected: bool = False
    token: str | None = None
    role: str | None = None
    timeout: int | None = None
    notifications: list[str] = field(default_factory=list)
    is_new_removed: bool = False
    is_validated: bool = True

    @property
    def secrets(self) -> list[str]:
        """The names of the NoEcho parameters."""
        return [name for name, definition in (self.data.get("Parameters") or {}).items() if is_no_echo(definition)]


def is_no_echo(definition: Mapping[str, Any]) -> bool:
    """Whether the API hides the value of a parameter."""
    return str(definition.get("NoEcho", "")).lower() == "true"


@dataclass
class Stack:
    """A stack. `changed` guards status, resources and events; `work` is held by the operation at work.

    `cancel` asks that operation to stop, because the stack is to be deleted; `is_going_back` asks an
    update to stop and to roll back.
    """

    id: str
    name: str
    region: str
    request: StackInput
    parent: str | None = None
    root: str | None = None
    status: str = ""
    reason: str = ""
    created: datetime = field(default_factory=now)
    updated: datetime | None = None
    deleted: datetime | None = None
    resources: dict[str, Resource] = field(default_factory=dict)
    outputs: dict[str, StackOutput] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    imports: set[str] = field(default_factory=set)
    needs: dict[str, set[str]] = field(default_factory=dict)
    cancel: threading.Event = field(default_factory=threading.Event)
    is_going_back: threading.Event = field(default_factory=threading.Event)
    work: threading.Lock = field(default_factory=threading.Lock)
    operation: StackOperation = field(default_factory=lambda: StackOperation("CREATE_STACK"))
    changed: threading.Condition = field(default_factory=lambda: threading.Condition(threading.RLock()))

    @property
    def is_over(self) -> bool:
        """Whether no operation is under way."""
        return self.status.endswith(ENDED)

    def check_updatable(self) -> None:
        """Hold the status against those from which a stack can be updated.

        Raises:
            Refusal: it is not one of them.
        """
        if self.status not in UPDATABLE:
            msg = f"Stack:{self.id} is in {self.status} state and can not be updated."
            raise Refusal("ValidationError", msg)

    def begin(self, kind: str, status: str) -> StackOperation:
        """Begin an operation at once, so that who asks next sees it; its event follows."""
        with self.changed:
            self.operation, self.status = StackOperation(kind), status
            return self.operation

    def say(self, status: str, reason: str = "") -> None:
        """Move the stack to `status`, with an event."""
        with self.changed:
            self.status, self.reason = status, reason
            self._add(Event(self.name, self.id, STACK, status, reason, self.operation, self.request.token))

    def tell(self, resource: Resource, status: str, reason: str = "", *, detail: str | None = None) -> None:
        """Move a resource to `status`, with an event."""
        with self.changed:
            resource.status, resource.reason, resource.changed = status, reason, now()
            event = Event(
                resource.logical,
                resource.physical,
                resource.kind,
                status,
                reason,
                self.operation,
                self.request.token,
                id=f"{resource.logical}-{status}-{now().isoformat(timespec='milliseconds')}Z",
                properties=dict(resource.shown or resource.properties),
                detail=detail,
            )
            self._add(event)

    def identify(self, resource: Resource, physical_id: str) -> None:
        """Notes the physical id of a resource that is being created, once."""
        if not resource.physical:
            resource.physical = physical_id
            self.tell(resource, "CREATE_IN_PROGRESS", "Resource creation Initiated")

    def report(self, violation: ValidationError) -> None:
        """Add what pre-deployment validation found."""
        token = self.request.token
        self._add(Event(violation.logical, "", violation.kind, "", "", self.operation, token, violation=violation))

    def _add(self, event: Event) -> None:
        with self.changed:
            self.events.append(event)
            self.changed.notify_all()

    def wait(self, holds: Callable[[], bool], *, timeout: float) -> bool:
        """Wait until `holds`, asked whenever something changed; whether it did in time."""
        with self.changed:
            return self.changed.wait_for(holds, timeout)


class Stacks:
    """All stacks of the account."""

    def __init__(self, account_id: str) -> None:
        self._account = account_id
        self._all: dict[str, Stack] = {}
        self.lock = threading.RLock()

    def new_id(self, region: str, name: str) -> str:
        """An ARN for a new stack."""
        return (
            f"arn:{partitions.partition_of(region)[0]}:cloudformation:{region}:{self._account}:stack/{name}/{uuid.uuid4()}"
        )

    def new(self, region: str, name: str, request: StackInput, *, parent: str | None = None) -> Stack:
        """A stack that is not kept yet."""
        return Stack(self.new_id(region, name), name, region, request, parent=parent)

    def add(self, stack: Stack) -> None:
        """Keep a new stack.

        Raises:
            Refusal: one of that name lives already.
        """
        with self.lock:
            if self.alive(stack.region, stack.name) is not None:
                raise Refusal("AlreadyExistsException", f"Stack [{stack.name}] already exists")
            self._all[stack.id] = stack

    def alive(self, region: str, name: str) -> Stack | None:
        """The stack of that name that is not deleted; by ARN deleted ones answer as well."""
        if name.startswith("arn:"):
            return self._all.get(name)
        found = [s for s in self.of(region) if s.name == name and s.status != "DELETE_COMPLETE"]
        return found[-1] if found else None

    def of(self, region: str) -> list[Stack]:
        """All stacks of a region, deleted ones as well, oldest first."""
        return [stack for stack in list(self._all.values()) if stack.region == region]

    def all(self) -> list[Stack]:
        """All stacks of all regions."""
        return list(self._all.values())

    def exports(self, region: str) -> dict[str, tuple[Stack, Any]]:
        """Export names with the stack that exports them and the value."""
        return {
            output.export: (stack, output.value)
            for stack in self.of(region)
            if stack.status != "DELETE_COMPLETE"
            for output in stack.outputs.values()
            if output.export
        }

    def importers(self, region: str, export: str) -> list[Stack]:
        """Stacks that import an export."""
        return [s for s in self.of(region) if export in s.imports and s.status != "DELETE_COMPLETE"]

    def importer_names(self, region: str, export: str | None) -> str:
        """Returns the names of the stacks that import an export, as AWS lists them; empty if there are none."""
        stacks = self.importers(region, export) if export else []
        return " and ".join(sorted({stack.name for stack in stacks}))
