"""Change sets: what an operation would do, shown before it is done.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateChangeSet.html.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Protocol

from preflight.model import JsonObject
from preflight.rehearsal import acting
from preflight.rehearsal.cloudformation import describe, read_actions, resource_changes, template_validation
from preflight.rehearsal.cloudformation.request import SERVICE, RequestReader, check_name
from preflight.rehearsal.cloudformation.resource_changes import ResourceChange
from preflight.rehearsal.cloudformation.resources import nested_stack
from preflight.rehearsal.cloudformation.resources.failure import ResourceFailedError
from preflight.rehearsal.cloudformation.stack import STACK, Stack, StackInput, StackOperation, Stacks, ValidationError
from preflight.rehearsal.cloudformation.stack_references import Evaluator
from preflight.rehearsal.identity import Principal
from preflight.rehearsal.ledger import Ledger
from preflight.rehearsal.protocol import Call, Operation, Refusal, utc_now
from preflight.templates import intrinsic_functions
from preflight.templates.intrinsic_functions import ResolutionContext, ResolveError

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
    parent: ChangeSet | None = None  # of a nested stack: that of the stack around it

    @property
    def is_new(self) -> bool:
        """Whether it creates a stack."""
        return self.kind == "CREATE"

    @property
    def root(self) -> ChangeSet:
        """The change set that was asked for: of the stack around all others."""
        return self if self.parent is None else self.parent.root

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
            "ParentChangeSetId": self.parent.id if self.parent is not None else None,
            "RootChangeSetId": self.root.id if self.parent is not None else None,
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
        name, kind = call.parameters["ChangeSetName"], call.parameters.get("ChangeSetType") or "UPDATE"
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
            request = self._reader.read(call.region, call.parameters, stack.name, former=former, is_change_set=True)
            if former is not None:
                template_validation.check_types(stack.resources, request.template)
            change_set = ChangeSet(
                _new_id(stack, name),
                name,
                stack,
                request,
                kind,
                call.parameters.get("Description"),
                bool(call.parameters.get("IncludeNestedStacks")),
                call.parameters.get("OnStackFailure"),
            )
            self._add(change_set)
        caller = acting.through(SERVICE)
        threading.Thread(target=lambda: self._try(change_set, caller), daemon=True, name="change set").start()
        return {"Id": change_set.id, "StackId": stack.id}

    def _stack(self, call: Call, name: str, *, is_new: bool) -> Stack:
        stack_name = call.parameters["StackName"]
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
            static_context = replace(context, refer=lambda _name, _attribute: intrinsic_functions.KEEP)
            violations = self._evaluator.violations(stack, request, static_context)
            if violations:
                self._fail_validation(change_set, violations)
                return
        try:
            change_set.changes = list(self._changes(change_set, context))
        except ResolveError as error:
            change_set.fail(error.message)
            return
        if not change_set.is_new and not differs(stack, request):
            change_set.fail(NOTHING)
            return
        change_set.status, change_set.execution = "CREATE_COMPLETE", "AVAILABLE"

    def _changes(self, change_set: ChangeSet, context: ResolutionContext) -> Iterator[ResourceChange]:
        """Yields the changes of a change set, with the change sets of nested stacks if they are included."""
        nested: dict[str, str] = {}

        def add_nested(change: ResourceChange) -> bool:
            child = self._nested(change_set, change)
            if child is None or child.status == "FAILED":
                return child is None
            self._change_sets[child.id], nested[change.logical_id] = child, child.id
            return any(c.is_replacing for c in child.changes) or child.request.template.get("Outputs") != child.stack.request.template.get("Outputs")

        changes = resource_changes.resource_changes(
            self._evaluator,
            change_set.stack,
            change_set.request,
            context,
            has_new_outputs=add_nested if change_set.includes_nested else lambda _change: False,
        )
        for change in changes:
            yield replace(change, nested_change_set=nested.get(change.logical_id))

    def _nested(self, parent: ChangeSet, change: ResourceChange) -> ChangeSet | None:
        """Returns the computed change set of a nested stack that exists, or None if it cannot be computed.

        https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/change-sets-for-nested-stacks.html
        """
        stack, properties = self._stacks.find(parent.stack.region, change.physical_id or ""), change.after or {}
        if stack is None or not isinstance(properties.get("TemplateURL"), str):
            return None
        parameters = properties.get("Parameters") or {}
        later = {key: value for key, value in parameters.items() if intrinsic_functions.holds_kept(value)}
        texts = [{"ParameterKey": key, **({"UsePreviousValue": True} if key in later else {"ParameterValue": nested_stack.text(value)})} for key, value in parameters.items()]
        parameters_of_request = {"TemplateURL": properties["TemplateURL"], "Parameters": texts, "Capabilities": parent.request.capabilities}
        try:
            request = self._reader.read(stack.region, parameters_of_request, stack.name, former=stack.request, is_change_set=True)
        except Refusal:
            return None  # it fails when the stack around it is updated, where AWS reports it
        request.parameters |= later
        if parent.request.tags != parent.stack.request.tags:
            request.tags = {**request.tags, **parent.request.tags}
        name = f"{parent.name[:100]}-{change.logical_id[:20]}"
        child = ChangeSet(_new_id(stack, name), name, stack, request, "UPDATE", includes_nested=True, parent=parent)
        self._compute(child)
        return child

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
        name = call.parameters["ChangeSetName"]
        if name.startswith("arn:"):
            change_set = self._change_sets.get(name)
        else:
            stack_name = call.parameters.get("StackName")
            if not stack_name:
                raise template_validation.refuse(
                    "StackName must be specified if ChangeSetName is not specified as an ARN."
                )
            change_set = self._find(self._need_stack(call), name)
        if change_set is None:
            raise Refusal("ChangeSetNotFound", f"ChangeSet [{name}] does not exist", status=404)
        return change_set

    def _need_stack(self, call: Call) -> Stack:
        name = call.parameters["StackName"]
        stack = self._stacks.find(call.region, name)
        if stack is None:
            raise template_validation.refuse(f"Stack [{name}] does not exist")
        return stack

    def describe(self, call: Call) -> JsonObject:
        """DescribeChangeSet."""
        change_set = self._need(call)
        request = change_set.request
        has_values = bool(call.parameters.get("IncludePropertyValues"))
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
        if change_set.parent is not None:
            msg = f"Change set [{change_set.id}] belongs to a nested stack: execute its root change set [{change_set.root.id}]"
            raise template_validation.refuse(msg)
        if change_set.execution != "AVAILABLE":
            msg = f"ChangeSet [{change_set.id}] cannot be executed in its current status of [{change_set.status}]"
            raise Refusal("InvalidChangeSetStatus", msg)
        request, stack = change_set.request, change_set.stack
        if stack.status != REVIEW:
            stack.check_updatable()
        request.is_protected = stack.request.is_protected
        request.token = call.parameters.get("ClientRequestToken") or request.token
        request.retains_except_on_create = bool(call.parameters.get("RetainExceptOnCreate"))
        on_failure = "DO_NOTHING" if call.parameters.get("DisableRollback") else change_set.on_failure
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
        self._delete(change_set)
        return {}

    def delete_of(self, stack: Stack) -> None:
        """Deletes the change sets of a stack."""
        for change_set in self._of(stack):
            self._delete(change_set)

    def _delete(self, change_set: ChangeSet) -> None:
        """Deletes a change set, and those of nested stacks with it."""
        for other in [other for other in self._change_sets.values() if change_set is other or change_set is other.root]:
            self._change_sets.pop(other.id, None)

    def list(self, call: Call) -> JsonObject:
        """ListChangeSets."""
        change_sets = self._of(self._need_stack(call))
        return read_actions.page("Summaries", [change_set.as_summary() for change_set in change_sets], call)


def _new_id(stack: Stack, name: str) -> str:
    return f"{stack.id.partition(':stack/')[0]}:changeSet/{name}/{uuid.uuid4()}"


def differs(stack: Stack, request: StackInput) -> bool:
    """Whether a request differs from what the stack is already."""
    former = stack.request
    if stack.status in {"CREATE_FAILED", "UPDATE_FAILED"}:
        return True  # what failed is tried again
    templates = [{k: v for k, v in r.template.items() if k != "Metadata"} for r in (request, former)]
    is_same = templates[0] == templates[1] and (request.parameters, request.tags) == (former.parameters, former.tags)
    return not is_same or any(r["Type"] == STACK for r in request.template["Resources"].values())
