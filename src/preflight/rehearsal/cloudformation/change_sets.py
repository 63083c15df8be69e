"""Change sets: what an operation would do, shown before it is done.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateChangeSet.html.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Protocol

from preflight.rehearsal import acting
from preflight.rehearsal.cloudformation import describe as shown
from preflight.rehearsal.cloudformation import read_actions, resource_changes, template_validation
from preflight.rehearsal.cloudformation import request as intake
from preflight.rehearsal.cloudformation import stack as stacks
from preflight.rehearsal.cloudformation.provisioner import Provisioner
from preflight.rehearsal.cloudformation.request import RequestReader
from preflight.rehearsal.cloudformation.resources.handler import ResourceFailedError
from preflight.rehearsal.cloudformation.stack import Stack, StackInput, Stacks, ValidationError
from preflight.rehearsal.identity import Principal
from preflight.rehearsal.protocol import Call, Operation, Refusal
from preflight.templates import functions
from preflight.templates.functions import ResolveError

NOTHING = "The submitted information didn't contain changes. Submit different information to create a change set."
INVALID = (
    "The following hook(s)/validation failed: [{}]. To troubleshoot Early Validation errors, use the "
    "DescribeEvents API for detailed failure information."
)
REVIEW = "REVIEW_IN_PROGRESS"


class StackExecutor(Protocol):
    """What carries a change set out."""

    def execute_create(self, stack: Stack) -> None:
        """Create the resources of a stack."""

    def execute_update(self, stack: Stack, request: StackInput) -> None:
        """Update a stack."""


@dataclass
class ChangeSet:
    """A change set: what is asked of which stack, what that would change, and where it stands."""

    id: str
    name: str
    stack: Stack
    request: StackInput
    kind: str
    given: Mapping[str, Any]
    status: str = "CREATE_IN_PROGRESS"
    execution: str = "UNAVAILABLE"
    reason: str = ""
    changes: list[dict[str, Any]] = field(default_factory=list)
    created: datetime = field(default_factory=stacks.now)

    def fail(self, reason: str) -> None:
        """Note why it cannot be executed."""
        self.status, self.reason = "FAILED", reason


class ChangeSets:
    """The change sets of one account."""

    def __init__(
        self, every: Stacks, taken: RequestReader, provisioner: Provisioner, engine: StackExecutor
    ) -> None:
        self._stacks = every
        self._intake = taken
        self._provisioner = provisioner
        self._engine = engine
        self._all: dict[str, ChangeSet] = {}
        self._lock = threading.Lock()

    def operations(self) -> Mapping[str, Operation]:
        """The actions on change sets, by name."""
        return {
            "CreateChangeSet": self.create,
            "DescribeChangeSet": self.describe,
            "ExecuteChangeSet": self.execute,
            "DeleteChangeSet": self.delete,
            "ListChangeSets": self.list,
        }

    def create(self, call: Call) -> dict[str, Any]:
        """CreateChangeSet."""
        name, kind = call.given["ChangeSetName"], call.given.get("ChangeSetType") or "UPDATE"
        intake.check_name(name, at="changeSetName")
        if kind == "IMPORT":
            raise Refusal(
                "InternalFailure", "importing resources is not modelled by the rehearsal", status=500
            )
        with self._lock:
            stack = self._stack(call, name, is_new=kind == "CREATE")
            if self._find(stack, name) is not None:
                raise Refusal("AlreadyExistsException", f"ChangeSet [{name}] already exists")
            if kind != "CREATE":
                stack.check_updatable()
            former = None if kind == "CREATE" else stack.request
            request = self._intake.request(call.region, call.given, stack.name, former=former, is_change_set=True)
            if former is not None:
                template_validation.check_types(stack.resources, request.data)
            made = ChangeSet(self._new_id(stack, name), name, stack, request, kind, call.given)
            self._keep(made)
        who = acting.through(intake.SERVICE)
        threading.Thread(target=lambda: self._try(made, who), daemon=True, name="change set").start()
        return {"Id": made.id, "StackId": stack.id}

    def _stack(self, call: Call, name: str, *, is_new: bool) -> Stack:
        asked = call.given["StackName"]
        found = self._stacks.alive(call.region, asked)
        if is_new and found is not None and found.status != REVIEW:
            msg = f"Stack [{asked}] already exists and cannot be created again with the changeSet [{name}]."
            raise template_validation.refuse(msg)
        if found is None and not is_new:
            raise template_validation.refuse(f"Stack [{asked}] does not exist")
        if found is not None:
            return found
        intake.check_name(asked)
        return self._stacks.new(call.region, asked, StackInput("", {"Resources": {}}, {}, {}))

    def _new_id(self, stack: Stack, name: str) -> str:
        return f"{stack.id.partition(':stack/')[0]}:changeSet/{name}/{uuid.uuid4()}"

    def _keep(self, made: ChangeSet) -> None:
        """Keep a change set, and the stack that it is the first of."""
        stack = made.stack
        if not stack.status:
            stack.request = made.request
            self._stacks.add(stack)
            stack.begin("CREATE_CHANGESET", REVIEW)
            stack.say(REVIEW, "User Initiated")
        self._all[made.id] = made

    def _try(self, made: ChangeSet, who: Principal | None) -> None:
        try:
            with acting.acting_as(who):
                self._compute(made)
        except ResourceFailedError as failure:
            made.fail(failure.reason)
        except Exception as error:  # noqa: BLE001 - who waits for it has to learn that it ended
            self._provisioner.book.trouble(f"the rehearsal broke in change set {made.name}: {error!r}")
            made.fail("Internal Failure")

    def _compute(self, made: ChangeSet) -> None:
        """Find out what the change set would do."""
        scope = resource_changes.scope(self._provisioner, made.stack, made.request, is_new=made.kind == "CREATE")
        if made.request.is_validated:
            known = replace(scope, refer=lambda _name, _attribute: functions.KEEP)
            found = self._provisioner.violations(made.stack, made.request, known)
            if found:
                self._refuse(made, found)
                return
        try:
            made.changes = list(resource_changes.resource_changes(self._provisioner, made.stack, made.request, scope))
        except ResolveError as error:
            made.fail(error.message)
            return
        if made.kind != "CREATE" and not differs(made.stack, made.request):
            made.fail(NOTHING)
            return
        made.status, made.execution = "CREATE_COMPLETE", "AVAILABLE"

    @staticmethod
    def _refuse(made: ChangeSet, found: list[ValidationError]) -> None:
        stack = made.stack
        with stack.changed:
            before = stack.operation
            stack.operation = stacks.Operation("CREATE_CHANGESET", subject=made.id, subject_name=made.name)
            for violation in found:
                stack.report(violation)
            stack.operation = before
        made.fail(INVALID.format(", ".join(sorted({violation.check for violation in found}))))

    def _find(self, stack: Stack, name: str) -> ChangeSet | None:
        return next((c for c in self._all.values() if c.stack is stack and c.name == name), None)

    def _need(self, call: Call) -> ChangeSet:
        name = call.given["ChangeSetName"]
        if name.startswith("arn:"):
            found = self._all.get(name)
        else:
            asked = call.given.get("StackName")
            if not asked:
                raise template_validation.refuse("StackName must be specified if ChangeSetName is not specified as an ARN.")
            stack = self._stacks.alive(call.region, asked)
            if stack is None:
                raise template_validation.refuse(f"Stack [{asked}] does not exist")
            found = self._find(stack, name)
        if found is None:
            raise Refusal("ChangeSetNotFound", f"ChangeSet [{name}] does not exist", status=404)
        return found

    def describe(self, call: Call) -> dict[str, Any]:
        """DescribeChangeSet."""
        found = self._need(call)
        request = found.request
        paged = read_actions.page("Changes", found.changes, call)
        return {
            **_summary(found),
            **paged,
            "Parameters": shown.parameters(request),
            "NotificationARNs": request.notifications,
            "RollbackConfiguration": {},
            "Capabilities": request.capabilities,
            "Tags": [{"Key": key, "Value": value} for key, value in request.tags.items()],
            "OnStackFailure": found.given.get("OnStackFailure"),
        }

    def execute(self, call: Call) -> dict[str, Any]:
        """ExecuteChangeSet."""
        found = self._need(call)
        if found.execution != "AVAILABLE":
            msg = f"ChangeSet [{found.id}] cannot be executed in its current status of [{found.status}]"
            raise Refusal("InvalidChangeSetStatus", msg)
        request, stack = found.request, found.stack
        if stack.status != REVIEW:
            stack.check_updatable()
        request.is_protected = stack.request.is_protected
        request.token = call.given.get("ClientRequestToken") or request.token
        request.is_new_removed = bool(call.given.get("RetainExceptOnCreate"))
        on_failure = "DO_NOTHING" if call.given.get("DisableRollback") else found.given.get("OnStackFailure")
        request.on_failure = on_failure or request.on_failure
        for other in [c for c in self._all.values() if c.stack is stack and c is not found]:
            other.execution = "OBSOLETE"
        found.execution = "EXECUTE_COMPLETE"
        if stack.status == REVIEW:
            stack.request = request
            self._engine.execute_create(stack)
        else:
            self._engine.execute_update(stack, request)
        return {}

    def delete(self, call: Call) -> dict[str, Any]:
        """DeleteChangeSet. One that does not exist is no error."""
        try:
            found = self._need(call)
        except Refusal as refusal:
            if refusal.code == "ChangeSetNotFound":
                return {}
            raise
        del self._all[found.id]
        return {}

    def forget(self, stack: Stack) -> None:
        """Drop the change sets of a stack that is deleted."""
        for found in [c for c in self._all.values() if c.stack is stack]:
            self._all.pop(found.id, None)

    def list(self, call: Call) -> dict[str, Any]:
        """ListChangeSets."""
        stack = self._stacks.alive(call.region, call.given["StackName"])
        if stack is None:
            raise template_validation.refuse(f"Stack [{call.given['StackName']}] does not exist")
        return read_actions.page("Summaries", [_summary(c) for c in self._all.values() if c.stack is stack], call)


def _summary(found: ChangeSet) -> dict[str, Any]:
    return {
        "StackId": found.stack.id,
        "StackName": found.stack.name,
        "ChangeSetId": found.id,
        "ChangeSetName": found.name,
        "ExecutionStatus": found.execution,
        "Status": found.status,
        "StatusReason": found.reason or None,
        "CreationTime": found.created,
        "Description": found.given.get("Description"),
        "IncludeNestedStacks": bool(found.given.get("IncludeNestedStacks")),
    }


def differs(stack: Stack, request: StackInput) -> bool:
    """Whether a request asks for anything that the stack is not already."""
    former = stack.request
    if stack.status in {"CREATE_FAILED", "UPDATE_FAILED"}:
        return True  # what failed is tried again
    is_same = (request.data, request.parameters, request.tags) == (former.data, former.parameters, former.tags)
    return not is_same or any(r["Type"] == stacks.STACK for r in request.data["Resources"].values())
