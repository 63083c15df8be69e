"""The CloudFormation API: the actions that change stacks, each carried out in the background.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_Operations.html.
"""

from __future__ import annotations

import threading
import traceback
from collections.abc import Callable, Mapping

from preflight.model import JsonObject
from preflight.rehearsal import acting
from preflight.rehearsal.account import Account
from preflight.rehearsal.cloudformation import change_sets, moto_losses, template_validation
from preflight.rehearsal.cloudformation.change_sets import ChangeSets
from preflight.rehearsal.cloudformation.drift import DriftDetection
from preflight.rehearsal.cloudformation.provisioner import Provisioner
from preflight.rehearsal.cloudformation.read_actions import ReadActions
from preflight.rehearsal.cloudformation.request import SERVICE, ApiRequest, RequestReader, check_name
from preflight.rehearsal.cloudformation.resource_handlers import ResourceHandlers
from preflight.rehearsal.cloudformation.resources import nested_stack
from preflight.rehearsal.cloudformation.resources.handler import Handler
from preflight.rehearsal.cloudformation.stack import Stack, StackInput, Stacks
from preflight.rehearsal.cloudformation.update import Updater
from preflight.rehearsal.ledger import Ledger
from preflight.rehearsal.protocol import Call, Operation, Refusal
from preflight.rehearsal.services.sts import Sts

SESSION = "AWSCloudFormation"  # the name of the sessions in which CloudFormation uses a stack's role
MOST_NESTED = 200  # stacks in a stack, each of which has a thread here
FAILED = ("CREATE_FAILED", "UPDATE_FAILED")


class Api:
    """The actions on the stacks of one account."""

    def __init__(self, account: Account, handlers: Mapping[str, Handler], ledger: Ledger) -> None:
        self._ledger = ledger
        self.stacks = Stacks(account.id)
        self._handlers = ResourceHandlers(account, {**handlers, **nested_stack.types(self)}, ledger)
        self._provisioner = Provisioner(self.stacks, self._handlers)
        evaluator = self._provisioner.evaluator
        self._reader = RequestReader(account, evaluator.zones, ledger)
        self._read_actions = ReadActions(self.stacks, self._reader)
        self._change_sets = ChangeSets(self.stacks, self._reader, evaluator, ledger, self)
        self._drift = DriftDetection(self._handlers, self._read_actions)
        self._updaters: dict[str, Updater] = {}

    def close(self) -> None:
        """Cancels every operation that is under way."""
        for stack in self.stacks.all():
            stack.cancel.set()

    def audit(self) -> None:
        """Reads every resource back and records in the ledger what the services did not keep."""
        moto_losses.read_stacks(self._handlers, self.stacks)

    def operations(self) -> Mapping[str, Operation]:
        """Returns every action that is modelled, by name."""
        return {
            **self._read_actions.operations(),
            **self._change_sets.operations(),
            **self._drift.operations(),
            "CreateStack": self.create,
            "UpdateStack": self.update_stack,
            "CancelUpdateStack": self.cancel_update,
            "ContinueUpdateRollback": self.continue_rollback,
            "RollbackStack": self.roll_back,
            "UpdateTerminationProtection": self.protect,
            "DeleteStack": self.delete,
        }

    def create(self, call: Call) -> JsonObject:
        """CreateStack."""
        return {"StackId": self.begin(call.region, call.parameters).id}

    def begin(self, region: str, request: ApiRequest, *, parent: str | None = None) -> Stack:
        """Checks a request, adds its stack, and creates its resources in the background.

        Raises:
            Refusal: AWS would refuse at once; then no stack is added.
        """
        name = request["StackName"]
        check_name(name)
        parent_stack = self.stacks.find(region, parent) if parent else None
        token = request.get("ClientRequestToken")
        existing = self.stacks.find(region, name)
        if existing is not None and token and existing.request.token == token:
            return existing
        root = (parent_stack.root or parent_stack.id) if parent_stack is not None else None
        self._check_hierarchy(name, root)
        stack = self.stacks.new(region, name, self._reader.read(region, request, name), parent=parent)
        stack.root = root
        self.stacks.add(stack)
        self.execute_create(stack)
        return stack

    def _check_hierarchy(self, name: str, root: str | None) -> None:
        """Check that a stack does not hold too many others; AWS counts their resources, of which there may be 2500.

        Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html.

        Raises:
            Refusal: it does; it is not known whether AWS refuses it.
        """
        nested = [stack for stack in self.stacks.all() if stack.root == root and stack.status != "DELETE_COMPLETE"]
        if root is not None and len(nested) >= MOST_NESTED:
            msg = f"more than {MOST_NESTED} stacks are nested in one"
            self._ledger.trouble(f"stack {name}: {msg}. Next: check whether a template nests itself")
            raise Refusal("InternalFailure", msg, status=500)

    def execute_create(self, stack: Stack) -> None:
        """Creates the resources of a stack in the background."""
        stack.begin("CREATE_STACK", "CREATE_IN_PROGRESS")
        stack.set_status("CREATE_IN_PROGRESS", "User Initiated")
        self._in_background(stack, lambda: self._provisioner.create(stack))

    def find(self, region: str, name: str) -> Stack | None:
        """Returns a stack by name or ARN, or None."""
        return self.stacks.find(region, name)

    def update_stack(self, call: Call) -> JsonObject:
        """UpdateStack."""
        stack = self._read_actions.need(call, "Stack [{}] does not exist")
        stack.check_updatable()
        if not self.begin_update(stack, call.parameters):
            raise template_validation.refuse("No updates are to be performed.")
        return {"StackId": stack.id}

    def begin_update(self, stack: Stack, request: ApiRequest) -> bool:
        """Begins to update a stack. Returns False if there is nothing to update.

        Raises:
            Refusal: AWS would refuse at once.
        """
        stack_input = self._reader.read(stack.region, request, stack.name, former=stack.request)
        template_validation.check_types(stack.resources, stack_input.template)
        if not change_sets.differs(stack, stack_input):
            return False
        self.execute_update(stack, stack_input)
        return True

    def execute_update(self, stack: Stack, request: StackInput) -> None:
        """Updates a stack in the background."""
        failed = self._updaters.get(stack.id) if stack.status == "UPDATE_FAILED" else None
        stack.begin_update()
        updater = self._updaters[stack.id] = Updater(self._provisioner, stack, request, failed=failed)
        self._in_background(stack, lambda: self._run(stack, updater.run), role=request.role)

    def _in_background(self, stack: Stack, act: Callable[[], None], *, role: str | None = None) -> None:
        """Runs `act` as the stack's role, or as the caller, with CloudFormation in aws:CalledVia.

        Sources: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-iam-servicerole.html and
        https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/fas-requests-and-permission-evaluation.html.
        """
        role = role or stack.request.role
        session = Sts.session_of(role, "AROA", SESSION).through(SERVICE) if role else None
        principal = session or acting.through(SERVICE)

        def work() -> None:
            with acting.acting_as(principal):
                act()

        threading.Thread(target=work, daemon=True, name="stack").start()

    def _run(self, stack: Stack, work: Callable[[], None]) -> None:
        try:
            with stack.work:
                work()
        except Exception as error:  # noqa: BLE001 - an internal error must not look like a finding
            traceback.print_exc()
            self._ledger.trouble(f"internal error while updating {stack.name}: {error!r}")
            stack.set_status("UPDATE_ROLLBACK_FAILED", "Internal Failure")

    def cancel_update(self, call: Call) -> JsonObject:
        """CancelUpdateStack."""
        stack = self._read_actions.need(call, "Stack [{}] does not exist")
        if stack.status != "UPDATE_IN_PROGRESS":
            raise template_validation.refuse("CancelUpdateStack cannot be called from current stack status")
        stack.update_cancel.set()
        return {}

    def continue_rollback(self, call: Call) -> JsonObject:
        """ContinueUpdateRollback."""
        stack = self._read_actions.need(call, "Stack [{}] does not exist")
        if stack.status != "UPDATE_ROLLBACK_FAILED":
            msg = f"Stack:{stack.id} is in {stack.status} state and can not continue rollback."
            raise template_validation.refuse(msg)
        skip = frozenset(call.parameters.get("ResourcesToSkip") or [])
        self._roll_back_update(stack, "CONTINUE_ROLLBACK", skip=skip, role=self._role(call))
        return {}

    def roll_back(self, call: Call) -> JsonObject:
        """RollbackStack."""
        stack = self._read_actions.need(call, "Stack [{}] does not exist")
        if stack.status not in FAILED:
            msg = f"Stack:{stack.id} is in {stack.status} state and can not be rolled back."
            raise template_validation.refuse(msg)
        stack.request.retains_except_on_create = bool(call.parameters.get("RetainExceptOnCreate"))
        if stack.status == "UPDATE_FAILED" and stack.has_been_stable:
            self._roll_back_update(stack, "ROLLBACK", skip=frozenset(), role=self._role(call))
        else:
            role = self._role(call)
            stack.begin("ROLLBACK", "ROLLBACK_IN_PROGRESS")
            self._in_background(stack, lambda: self._provisioner.roll_back(stack), role=role)
        return {"StackId": stack.id, "OperationId": stack.operation.id}

    def _role(self, call: Call) -> str | None:
        """Returns the role of a request, which CloudFormation must be able to assume."""
        role: str | None = call.parameters.get("RoleARN")
        self._reader.check_role(role, call.region)
        return role

    def _roll_back_update(self, stack: Stack, kind: str, *, skip: frozenset[str], role: str | None) -> None:
        updater = self._updaters[stack.id]
        stack.begin(kind, "UPDATE_ROLLBACK_IN_PROGRESS")
        self._in_background(
            stack, lambda: self._run(stack, lambda: updater.roll_back(skip=skip)), role=role
        )

    def protect(self, call: Call) -> JsonObject:
        """UpdateTerminationProtection."""
        stack = self._read_actions.need(call, "Stack [{}] does not exist")
        stack.request.is_protected = bool(call.parameters["EnableTerminationProtection"])
        return {"StackId": stack.id}

    def begin_delete(self, stack: Stack, *, retain: frozenset[str] = frozenset(), role: str | None = None) -> None:
        """Deletes a stack in the background, after reading its resources back for the ledger, which outlives it."""
        is_complete = stack.status in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}
        stack.begin("DELETE_STACK", "DELETE_IN_PROGRESS")

        def work() -> None:
            if is_complete:
                with acting.acting_as(None):
                    moto_losses.read_stack(self._handlers, stack)
            self._provisioner.deleter.delete(stack, retain=retain)

        self._in_background(stack, work, role=role)

    def delete(self, call: Call) -> JsonObject:
        """DeleteStack. An unknown stack is no error."""
        stack = self.stacks.find(call.region, call.parameters["StackName"])
        if stack is None or stack.status in {"DELETE_COMPLETE", "DELETE_IN_PROGRESS"}:
            return {}
        if stack.request.is_protected:
            msg = f"Stack [{stack.name}] cannot be deleted while TerminationProtection is enabled"
            raise template_validation.refuse(msg)
        if stack.status.startswith("UPDATE_") and stack.status.endswith("_IN_PROGRESS"):
            raise template_validation.refuse(f"Stack [{stack.id}] cannot be deleted while in status {stack.status}")
        for output in stack.outputs.values():
            importers = self.stacks.importer_names(stack.region, output.export)
            if importers:
                reason = f"Export {output.export} cannot be deleted as it is in use by {importers}"
                stack.set_status(stack.status, reason)
                return {}
        retain = frozenset(call.parameters.get("RetainResources") or [])
        if retain and stack.status != "DELETE_FAILED":
            msg = (
                "Invalid operation on stack: RetainResources may be given for a stack in the DELETE_FAILED state only."
            )
            raise template_validation.refuse(msg)
        role = self._role(call)
        self._change_sets.delete_of(stack)
        self.begin_delete(stack, retain=retain, role=role)
        return {}
