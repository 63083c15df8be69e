"""Change sets: what an operation would do, shown before it is done.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateChangeSet.html.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Protocol

from preflight.model import JsonObject
from preflight.rehearsal import acting
from preflight.rehearsal.cloudformation import describe, read_actions, resource_changes, template_validation
from preflight.rehearsal.cloudformation.evaluation import Evaluator
from preflight.rehearsal.cloudformation.request import SERVICE, RequestReader, check_name
from preflight.rehearsal.cloudformation.resource_changes import ResourceChange
from preflight.rehearsal.cloudformation.resources.failure import ResourceFailedError
from preflight.rehearsal.cloudformation.stack import STACK, Stack, StackInput, StackOperation, Stacks, ValidationError
from preflight.rehearsal.identity import Principal
from preflight.rehearsal.ledger import Ledger
from preflight.rehearsal.protocol import Call, Operation, Refusal, utc_now
from preflight.templates import functions
from preflight.templates.functions import ResolveError

NOTHING = "The submitted information didn't contain changes. Submit different information to create a change set."
INVALID = (
    "The following hook(s)/validation failed: [{}]. To troubleshoot Early Validation errors, use the "
    "DescribeEvents API for detailed failure information."
)
REVIEW = "REVIEW_IN_PROGRESS"


class StackExecutor(Protocol):
    """Executes change sets."""

    def execute_create(self, stack: Stack) -> None:
        """Creates the resources of a stack."""

    def execute_update(self, stack: Stack, request: StackInput) -> None:
        """Updates a stack."""


@dataclass
class ChangeSet:
    """A change set: what is requested of which stack, what that would change, and its status."""

    id: str
    name: str
    stack: Stack
    request: StackInput
    kind: str
    description: str | None = None
    includes_nested: bool = False
    on_failure: str | None = None
    status: str = "CREATE_IN_PROGRESS"
    execution: str = "UNAVAILABLE"
    reason: str = ""
    changes: list[ResourceChange] = field(default_factory=list)
    created: datetime = field(default_factory=utc_now)

    @property
    def is_new(self) -> bool:
        """Whether it creates a stack."""
        return self.kind == "CREATE"

    def fail(self, reason: str) -> None:
        """Notes why it cannot be executed."""
        self.status, self.reason = "FAILED", reason

    def as_summary(self) -> JsonObject:
        """Returns one member of ListChangeSets."""
        return {
            "StackId": self.stack.id,
            "StackName": self.stack.name,
            "ChangeSetId": self.id,
            "ChangeSetName": self.name,
            "ExecutionStatus": self.execution,
            "Status": self.status,
            "StatusReason": self.reason or None,
            "CreationTime": self.created,
            "Description": self.description,
            "IncludeNestedStacks": self.includes_nested,
        }


class ChangeSets:
    """The change sets of one account."""

    def __init__(
        self, stacks: Stacks, reader: RequestReader, evaluator: Evaluator, ledger: Ledger, executor: StackExecutor
    ) -> None:
        self._stacks = stacks
        self._reader = reader
        self._evaluator = evaluator
        self._ledger = ledger
        self._executor = executor
        self._change_sets: dict[str, ChangeSet] = {}
        self._lock = threading.Lock()

    def operations(self) -> Mapping[str, Operation]:
        """Returns the actions on change sets, by name."""
        return {
            "CreateChangeSet": self.create,
            "DescribeChangeSet": self.describe,
            "ExecuteChangeSet": self.execute,
            "DeleteChangeSet": self.delete,
            "ListChangeSets": self.list,
        }

    def create(self, call: Call) -> JsonObject:
        """CreateChangeSet."""
        name, kind = call.given["ChangeSetName"], call.given.get("ChangeSetType") or "UPDATE"
        check_name(name, at="changeSetName")
        if kind == "IMPORT":
            raise Refusal("InternalFailure", "importing resources is not modelled by the rehearsal", status=500)
        with self._lock:
            stack = self._stack(call, name, is_new=kind == "CREATE")
            if self._find(stack, name) is not None:
                raise Refusal("AlreadyExistsException", f"ChangeSet [{name}] already exists")
            if kind != "CREATE":
                stack.check_updatable()
            former = None if kind == "CREATE" else stack.request
            request = self._reader.read(call.region, call.given, stack.name, former=former, is_change_set=True)
            if former is not None:
                template_validation.check_types(stack.resources, request.template)
            change_set = ChangeSet(
                f"{stack.id.partition(':stack/')[0]}:changeSet/{name}/{uuid.uuid4()}",
                name,
                stack,
                request,
                kind,
                call.given.get("Description"),
                bool(call.given.get("IncludeNestedStacks")),
                call.given.get("OnStackFailure"),
            )
            self._add(change_set)
        caller = acting.through(SERVICE)
        threading.Thread(target=lambda: self._try(change_set, caller), daemon=True, name="change set").start()
        return {"Id": change_set.id, "StackId": stack.id}

    def _stack(self, call: Call, name: str, *, is_new: bool) -> Stack:
        stack_name = call.given["StackName"]
        stack = self._stacks.find(call.region, stack_name)
        if is_new and stack is not None and stack.status != REVIEW:
            msg = f"Stack [{stack_name}] already exists and cannot be created again with the changeSet [{name}]."
            raise template_validation.refuse(msg)
        if stack is not None:
            return stack
        if not is_new:
            raise template_validation.refuse(f"Stack [{stack_name}] does not exist")
        check_name(stack_name)
        return self._stacks.new(call.region, stack_name, StackInput("", {"Resources": {}}, {}, {}))

    def _add(self, change_set: ChangeSet) -> None:
        """Adds a change set, and its stack if this is its first."""
        stack = change_set.stack
        if not stack.status:
            stack.request = change_set.request
            self._stacks.add(stack)
            stack.begin("CREATE_CHANGESET", REVIEW)
            stack.set_status(REVIEW, "User Initiated")
        self._change_sets[change_set.id] = change_set

    def _try(self, change_set: ChangeSet, caller: Principal | None) -> None:
        try:
            with acting.acting_as(caller):
                self._compute(change_set)
        except ResourceFailedError as failure:
            change_set.fail(failure.reason)
        except Exception as error:  # noqa: BLE001 - a client that waits must see it end
            self._ledger.trouble(f"internal error in change set {change_set.name}: {error!r}")
            change_set.fail("Internal Failure")

    def _compute(self, change_set: ChangeSet) -> None:
        """Computes what the change set would do."""
        stack, request = change_set.stack, change_set.request
        context = resource_changes.resolution_context(self._evaluator, stack, request, is_new=change_set.is_new)
        if request.is_validated:
            static_context = replace(context, refer=lambda _name, _attribute: functions.KEEP)
            violations = self._evaluator.violations(stack, request, static_context)
            if violations:
                self._fail_validation(change_set, violations)
                return
        try:
            change_set.changes = list(resource_changes.resource_changes(self._evaluator, stack, request, context))
        except ResolveError as error:
            change_set.fail(error.message)
            return
        if not change_set.is_new and not differs(stack, request):
            change_set.fail(NOTHING)
            return
        change_set.status, change_set.execution = "CREATE_COMPLETE", "AVAILABLE"

    @staticmethod
    def _fail_validation(change_set: ChangeSet, violations: Sequence[ValidationError]) -> None:
        stack = change_set.stack
        with stack.changed:
            operation = stack.operation
            stack.operation = StackOperation("CREATE_CHANGESET", subject=change_set.id, subject_name=change_set.name)
            for violation in violations:
                stack.add_violation(violation)
            stack.operation = operation
        change_set.fail(INVALID.format(", ".join(sorted({violation.check for violation in violations}))))

    def _of(self, stack: Stack) -> Sequence[ChangeSet]:
        return [change_set for change_set in self._change_sets.values() if change_set.stack is stack]

    def _find(self, stack: Stack, name: str) -> ChangeSet | None:
        return next((change_set for change_set in self._of(stack) if change_set.name == name), None)

    def _need(self, call: Call) -> ChangeSet:
        name = call.given["ChangeSetName"]
        if name.startswith("arn:"):
            change_set = self._change_sets.get(name)
        else:
            stack_name = call.given.get("StackName")
            if not stack_name:
                raise template_validation.refuse(
                    "StackName must be specified if ChangeSetName is not specified as an ARN."
                )
            change_set = self._find(self._need_stack(call), name)
        if change_set is None:
            raise Refusal("ChangeSetNotFound", f"ChangeSet [{name}] does not exist", status=404)
        return change_set

    def _need_stack(self, call: Call) -> Stack:
        name = call.given["StackName"]
        stack = self._stacks.find(call.region, name)
        if stack is None:
            raise template_validation.refuse(f"Stack [{name}] does not exist")
        return stack

    def describe(self, call: Call) -> JsonObject:
        """DescribeChangeSet."""
        change_set = self._need(call)
        request = change_set.request
        has_values = bool(call.given.get("IncludePropertyValues"))
        changes = [change.as_response(has_values=has_values) for change in change_set.changes]
        return {
            **change_set.as_summary(),
            **read_actions.page("Changes", changes, call),
            "Parameters": describe.parameters(request) or None,
            "NotificationARNs": request.notifications,
            "RollbackConfiguration": {},
            "Capabilities": request.capabilities or None,
            "Tags": describe.tags(request) or None,
            "OnStackFailure": change_set.on_failure,
        }

    def execute(self, call: Call) -> JsonObject:
        """ExecuteChangeSet."""
        change_set = self._need(call)
        if change_set.execution != "AVAILABLE":
            msg = f"ChangeSet [{change_set.id}] cannot be executed in its current status of [{change_set.status}]"
            raise Refusal("InvalidChangeSetStatus", msg)
        request, stack = change_set.request, change_set.stack
        if stack.status != REVIEW:
            stack.check_updatable()
        request.is_protected = stack.request.is_protected
        request.token = call.given.get("ClientRequestToken") or request.token
        request.retains_except_on_create = bool(call.given.get("RetainExceptOnCreate"))
        on_failure = "DO_NOTHING" if call.given.get("DisableRollback") else change_set.on_failure
        request.on_failure = on_failure or request.on_failure
        request.change_set, stack.updated = change_set.id, utc_now()
        self.delete_of(stack)  # all of them go when one is executed
        if stack.status == REVIEW:
            stack.request = request
            self._executor.execute_create(stack)
        else:
            self._executor.execute_update(stack, request)
        return {}

    def delete(self, call: Call) -> JsonObject:
        """DeleteChangeSet. One that does not exist is no error."""
        try:
            change_set = self._need(call)
        except Refusal as refusal:
            if refusal.code == "ChangeSetNotFound":
                return {}
            raise
        del self._change_sets[change_set.id]
        return {}

    def delete_of(self, stack: Stack) -> None:
        """Deletes the change sets of a stack."""
        for change_set in self._of(stack):
            self._change_sets.pop(change_set.id, None)

    def list(self, call: Call) -> JsonObject:
        """ListChangeSets."""
        change_sets = self._of(self._need_stack(call))
        return read_actions.page("Summaries", [change_set.as_summary() for change_set in change_sets], call)


def differs(stack: Stack, request: StackInput) -> bool:
    """Whether a request differs from what the stack is already."""
    former = stack.request
    if stack.status in {"CREATE_FAILED", "UPDATE_FAILED"}:
        return True  # what failed is tried again
    templates = [{k: v for k, v in r.template.items() if k != "Metadata"} for r in (request, former)]
    is_same = templates[0] == templates[1] and (request.parameters, request.tags) == (former.parameters, former.tags)
    return not is_same or any(r["Type"] == STACK for r in request.template["Resources"].values())
