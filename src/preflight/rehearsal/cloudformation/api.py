"""The CloudFormation API: actions in, stacks at work.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_Operations.html.
"""

from __future__ import annotations

import threading
import traceback
from collections.abc import Callable, Mapping
from typing import Any

from preflight.rehearsal import acting
from preflight.rehearsal.account import Account
from preflight.rehearsal.cloudformation import change_sets, readback, template_validation
from preflight.rehearsal.cloudformation import request as intake
from preflight.rehearsal.cloudformation.change_sets import ChangeSets
from preflight.rehearsal.cloudformation.provisioner import Provisioner
from preflight.rehearsal.cloudformation.read_actions import ReadActions
from preflight.rehearsal.cloudformation.request import RequestReader
from preflight.rehearsal.cloudformation.resources import nested_stack
from preflight.rehearsal.cloudformation.resources.handler import Handler
from preflight.rehearsal.cloudformation.stack import Stack, StackInput, Stacks
from preflight.rehearsal.cloudformation.update import Updater
from preflight.rehearsal.ledger import Ledger
from preflight.rehearsal.protocol import Call, Operation
from preflight.rehearsal.services.sts import Sts

SESSION = "AWSCloudFormation"  # the name of the sessions in which CloudFormation uses a stack's role
FAILED = ("CREATE_FAILED", "UPDATE_FAILED")


class Api:
    """The actions, over the stacks of one account."""

    def __init__(self, account: Account, types: Mapping[str, Handler], book: Ledger) -> None:
        self._book = book
        self.stacks = Stacks(account.id)
        self._provisioner = Provisioner(self.stacks, account, {**types, **nested_stack.types(self)}, book)
        self._intake = RequestReader(account, self._provisioner.zones, book)
        self._views = ReadActions(self.stacks, self._intake)
        self._changesets = ChangeSets(self.stacks, self._intake, self._provisioner, self)
        self._updaters: dict[str, Updater] = {}

    def close(self) -> None:
        """Stop every operation that is under way."""
        for stack in self.stacks.all():
            stack.cancel.set()

    def audit(self) -> None:
        """Read every resource back and enter what was lost into the ledger."""
        readback.every(self._provisioner, self.stacks)

    def operations(self) -> Mapping[str, Operation]:
        """Every action that is modelled, by its name."""
        return {
            **self._views.operations(),
            **self._changesets.operations(),
            "CreateStack": self.create,
            "UpdateStack": self.update_stack,
            "CancelUpdateStack": self.cancel_update,
            "ContinueUpdateRollback": self.continue_rollback,
            "RollbackStack": self.roll_back,
            "UpdateTerminationProtection": self.protect,
            "DeleteStack": self.delete,
        }

    def create(self, call: Call) -> dict[str, Any]:
        """CreateStack."""
        return {"StackId": self.begin(call.region, call.given).id}

    def begin(self, region: str, given: Mapping[str, Any], *, parent: str | None = None) -> Stack:
        """Check a request, keep its stack, and create its resources in the background.

        Raises:
            Refusal: AWS would refuse at once; nothing is kept then.
        """
        name = given["StackName"]
        intake.check_name(name)
        above = self.stacks.alive(region, parent) if parent else None
        token = given.get("ClientRequestToken")
        known = self.stacks.alive(region, name)
        if known is not None and token and known.request.token == token:
            return known
        stack = self.stacks.new(region, name, self._intake.request(region, given, name), parent=parent)
        stack.root = (above.root or above.id) if above is not None else None
        self.stacks.add(stack)
        self.execute_create(stack)
        return stack

    def execute_create(self, stack: Stack) -> None:
        """Create the resources of a stack in the background."""
        stack.begin("CREATE_STACK", "CREATE_IN_PROGRESS")
        stack.say("CREATE_IN_PROGRESS", "User Initiated")
        self._in_background(stack, lambda: self._provisioner.create(stack))

    def find(self, region: str, name: str) -> Stack | None:
        """A stack by name or ARN."""
        return self.stacks.alive(region, name)

    def update_stack(self, call: Call) -> dict[str, Any]:
        """UpdateStack."""
        stack = self._views.need(call, "Stack [{}] does not exist")
        stack.check_updatable()
        if not self.begin_update(stack, call.given):
            raise template_validation.refuse("No updates are to be performed.")
        return {"StackId": stack.id}

    def begin_update(self, stack: Stack, given: Mapping[str, Any]) -> bool:
        """Begin to update a stack; whether there is anything to do.

        Raises:
            Refusal: AWS would refuse at once.
        """
        request = self._intake.request(stack.region, given, stack.name, former=stack.request)
        template_validation.check_types(stack.resources, request.data)
        if not change_sets.differs(stack, request):
            return False
        self.execute_update(stack, request)
        return True

    def execute_update(self, stack: Stack, request: StackInput) -> None:
        """Update a stack in the background."""
        updater = self._updaters[stack.id] = Updater(self._provisioner, stack, request)
        stack.begin("UPDATE_STACK", "UPDATE_IN_PROGRESS")
        self._in_background(stack, lambda: self._run(stack, updater.run), role=request.role)

    def _in_background(self, stack: Stack, act: Callable[[], None], *, role: str | None = None) -> None:
        """Work on a stack in the name of its role, or of who asks for it; either way CloudFormation is told as between.

        Sources: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-iam-servicerole.html and
        https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/fas-requests-and-permission-evaluation.html.
        """
        role = role or stack.request.role
        own = Sts.session_of(role, "AROA", SESSION).through(intake.SERVICE) if role else None
        who = own or acting.through(intake.SERVICE)

        def work() -> None:
            with acting.acting_as(who):
                act()

        threading.Thread(target=work, daemon=True, name="stack").start()

    def _run(self, stack: Stack, work: Callable[[], None]) -> None:
        try:
            with stack.work:
                work()
        except Exception as error:  # noqa: BLE001 - a fault of ours must not look like a finding
            traceback.print_exc()
            self._book.trouble(f"the rehearsal broke while it updated {stack.name}: {error!r}")
            stack.say("UPDATE_ROLLBACK_FAILED", "Internal Failure")

    def cancel_update(self, call: Call) -> dict[str, Any]:
        """CancelUpdateStack."""
        stack = self._views.need(call, "Stack [{}] does not exist")
        if stack.status != "UPDATE_IN_PROGRESS":
            raise template_validation.refuse("CancelUpdateStack cannot be called from current stack status")
        stack.is_going_back.set()
        return {}

    def continue_rollback(self, call: Call) -> dict[str, Any]:
        """ContinueUpdateRollback."""
        stack = self._views.need(call, "Stack [{}] does not exist")
        if stack.status != "UPDATE_ROLLBACK_FAILED":
            msg = f"Stack:{stack.id} is in {stack.status} state and can not continue rollback."
            raise template_validation.refuse(msg)
        skip = frozenset(call.given.get("ResourcesToSkip") or [])
        self._go_back(stack, "CONTINUE_ROLLBACK", skip=skip, role=self._role(call))
        return {}

    def roll_back(self, call: Call) -> dict[str, Any]:
        """RollbackStack."""
        stack = self._views.need(call, "Stack [{}] does not exist")
        if stack.status not in FAILED:
            msg = f"Stack:{stack.id} is in {stack.status} state and can not be rolled back."
            raise template_validation.refuse(msg)
        if stack.status == "UPDATE_FAILED":
            self._go_back(stack, "ROLLBACK", skip=frozenset(), role=self._role(call))
        else:
            role = self._role(call)
            stack.begin("ROLLBACK", "ROLLBACK_IN_PROGRESS")
            self._in_background(stack, lambda: self._provisioner.roll_back(stack), role=role)
        return {"StackId": stack.id, "OperationId": stack.operation.id}

    def _role(self, call: Call) -> str | None:
        """The role that a request names, which CloudFormation has to be able to assume."""
        role: str | None = call.given.get("RoleARN")
        self._intake.check_role(role, call.region)
        return role

    def _go_back(self, stack: Stack, kind: str, *, skip: frozenset[str], role: str | None) -> None:
        updater = self._updaters[stack.id]
        stack.begin(kind, "UPDATE_ROLLBACK_IN_PROGRESS")
        self._in_background(stack, lambda: self._run(stack, lambda: updater.back("User Initiated", skip=skip)), role=role)

    def protect(self, call: Call) -> dict[str, Any]:
        """UpdateTerminationProtection."""
        stack = self._views.need(call, "Stack [{}] does not exist")
        stack.request.is_protected = bool(call.given["EnableTerminationProtection"])
        return {"StackId": stack.id}

    def begin_delete(
        self, stack: Stack, *, retain: frozenset[str] = frozenset(), role: str | None = None
    ) -> None:
        """Delete a stack in the background; what it has is read back first, because the ledger outlives it."""
        is_whole = stack.status in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}
        stack.begin("DELETE_STACK", "DELETE_IN_PROGRESS")

        def work() -> None:
            if is_whole:
                with acting.acting_as(None):
                    readback.one(self._provisioner, stack)
            self._provisioner.delete(stack, retain=retain)

        self._in_background(stack, work, role=role)

    def delete(self, call: Call) -> dict[str, Any]:
        """DeleteStack. An unknown stack is no error."""
        stack = self.stacks.alive(call.region, call.given["StackName"])
        if stack is None or stack.status in {"DELETE_COMPLETE", "DELETE_IN_PROGRESS"}:
            return {}
        if stack.request.is_protected:
            msg = f"Stack [{stack.name}] cannot be deleted while TerminationProtection is enabled"
            raise template_validation.refuse(msg)
        if stack.status.startswith("UPDATE_") and stack.status.endswith("_IN_PROGRESS"):
            raise template_validation.refuse(f"Stack [{stack.id}] cannot be deleted while in status {stack.status}")
        for output in stack.outputs.values():
            users = self.stacks.importers(stack.region, output["export"]) if output.get("export") else []
            if users:
                names = " and ".join(sorted({user.name for user in users}))
                reason = f"Export {output['export']} cannot be deleted as it is in use by {names}"
                stack.say(stack.status, reason)
                return {}
        retain = frozenset(call.given.get("RetainResources") or [])
        if retain and stack.status != "DELETE_FAILED":
            msg = (
                "Invalid operation on stack: RetainResources may be given for a stack in the DELETE_FAILED state only."
            )
            raise template_validation.refuse(msg)
        role = self._role(call)
        self._changesets.forget(stack)
        self.begin_delete(stack, retain=retain, role=role)
        return {}
