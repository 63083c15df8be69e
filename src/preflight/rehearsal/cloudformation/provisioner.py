"""Creates the resources of a stack, in order and side by side, and rolls back.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/stack-failure-options.html.
"""

from __future__ import annotations

import threading
import traceback
from collections.abc import Mapping

from preflight.rehearsal.cloudformation import early_validation, live_references, outputs, rollback, stack_references
from preflight.rehearsal.cloudformation.deletion import Deleter
from preflight.rehearsal.cloudformation.resource_handlers import ResourceHandlers
from preflight.rehearsal.cloudformation.resources import read_permissions
from preflight.rehearsal.cloudformation.resources.failure import ResourceFailedError
from preflight.rehearsal.cloudformation.stack import Resource, Stack, Stacks
from preflight.rehearsal.cloudformation.stack_references import Evaluator
from preflight.templates.intrinsic_functions import FunctionResolver, ResolveError

CANCELLED = "Resource creation cancelled"
TIMED_OUT = "Stack creation time exceeded the specified timeout."


class Provisioner:
    """Creates the stacks of one account, and rolls them back."""

    def __init__(self, stacks: Stacks, handlers: ResourceHandlers) -> None:
        self.stacks = stacks
        self.handlers = handlers
        self.evaluator = Evaluator(stacks, handlers)
        self.deleter = Deleter(handlers)

    def create(self, stack: Stack) -> None:
        """Creates every resource of a new stack, and rolls back if one fails."""
        try:
            with stack.work:
                self._create(stack)
        except Exception as error:  # noqa: BLE001 - an internal error must not look like a finding
            traceback.print_exc()
            self.handlers.ledger.trouble(f"internal error while creating {stack.name}: {error!r}")
            stack.set_status("CREATE_FAILED", "Internal Failure")

    def _create(self, stack: Stack) -> None:
        resolver = FunctionResolver(self.evaluator.context(stack))
        definitions = live_references.resources_that_exist(stack.request.template, resolver)
        needs = stack_references.creation_needs(stack, definitions, resolver)
        for name, definition in definitions.items():
            stack.resources[name] = Resource(name, str(definition["Type"]), definition)
        message = (
            self.evaluator.missing_import(stack, definitions)
            or self._validate(stack)
            or self._create_all(stack, needs, resolver)
        )
        if stack.cancel.is_set():
            return
        message = message or outputs.evaluate(stack, self.stacks, resolver)
        if message is None:
            stack.set_status("CREATE_COMPLETE")
        elif stack.request.on_failure == "DO_NOTHING":
            stack.set_status("CREATE_FAILED", message)
        else:
            rollback.roll_back_creation(stack, self.deleter, f"{message.rstrip('.')}. Rollback requested by user.")

    def _validate(self, stack: Stack) -> str | None:
        """Validates before anything is created. Returns None, or the message about what is wrong."""
        if not stack.request.is_validated:
            return None
        violations = self.evaluator.violations(stack, stack.request, self.evaluator.static_context(stack))
        return early_validation.report(stack, violations, "CREATE_FAILED") if violations else None

    def _create_all(self, stack: Stack, needs: Mapping[str, set[str]], resolver: FunctionResolver) -> str | None:
        """Creates every resource. Returns None, or the message about those that failed."""
        stop, has_timed_out = threading.Event(), threading.Event()

        def time_out() -> None:
            has_timed_out.set()
            stop.set()

        minutes = stack.request.timeout_minutes
        timer = threading.Timer((minutes or 0) * 60, time_out)
        timer.daemon = True
        if minutes:
            timer.start()
        failed = stack.run_in_order(
            needs, lambda name: self.create_one(stack, name, resolver, stop), stop=stop, cancel=stack.cancel
        )
        timer.cancel()
        if has_timed_out.is_set():
            return TIMED_OUT
        return f"The following resource(s) failed to create: [{', '.join(sorted(failed))}]." if failed else None

    def create_one(self, stack: Stack, name: str, resolver: FunctionResolver, stop: threading.Event) -> bool:
        """Creates a resource. Returns True on success."""
        resource = stack.resources[name]
        if stop.is_set():
            return True
        try:
            stack.set_resource_status(resource, "CREATE_IN_PROGRESS")
            resource.properties = self.evaluator.properties(stack, resource, resolver)
            self.handlers.check(resource)
            context = self.handlers.context(stack, resource, stop=stop)
            created = self.handlers.handler(resource).create(context, resource.properties)
            stack.identify(resource, created.id)
            read_permissions.check(context, "create", created.id, resource.properties)
        except (ResourceFailedError, ResolveError) as failure:
            reason = failure.reason if isinstance(failure, ResourceFailedError) else failure.message
            stack.set_resource_status(resource, "CREATE_FAILED", CANCELLED if stop.is_set() else reason)
            return False
        except Exception as error:  # noqa: BLE001 - the stack still has to end
            traceback.print_exc()
            self.handlers.ledger.trouble(f"internal error while creating {stack.name}.{name}: {error!r}")
            stack.set_resource_status(resource, "CREATE_FAILED", "Internal Failure")
            return False
        resource.physical_id, resource.attributes = created.id, created.attributes
        stack.set_resource_status(resource, "CREATE_COMPLETE")
        return True

    def roll_back(self, stack: Stack) -> None:
        """Rolls back a stack whose creation failed and left its resources in place."""
        with stack.work:
            rollback.roll_back_creation(stack, self.deleter, "User Initiated")
