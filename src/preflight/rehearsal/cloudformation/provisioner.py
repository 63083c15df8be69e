"""Makes and removes the resources of a stack, in order and side by side, and rolls back.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/stack-failure-options.html.
"""

from __future__ import annotations

import contextvars
import threading
import traceback
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import replace
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from preflight.rehearsal import acting
from preflight.rehearsal.account import Account
from preflight.rehearsal.cloudformation import (
    creation_order,
    dependencies,
    dynamic_references,
    early_validation,
    template_validation,
)
from preflight.rehearsal.cloudformation import stack as stacks
from preflight.rehearsal.cloudformation.resources import handler as handlers
from preflight.rehearsal.cloudformation.resources import read_permissions
from preflight.rehearsal.cloudformation.resources.handler import Handler, HandlerContext, ResourceFailedError
from preflight.rehearsal.cloudformation.stack import Resource, Stack, StackInput, Stacks, ValidationError
from preflight.rehearsal.ledger import Ledger
from preflight.templates import functions, parameters, schemas
from preflight.templates.functions import FunctionResolver, Path, ResolutionContext, ResolveError

AT_ONCE = 10
CANCELLED = "Resource creation cancelled"
HIDDEN = "****"
GONE = ("DELETE_COMPLETE", "DELETE_SKIPPED")
ZONES_NEED = ("DescribeAvailabilityZones", "DescribeAccountAttributes", "DescribeSubnets")


class Provisioner:
    """Carries out the operations that the API accepted."""

    def __init__(
        self,
        every: Stacks,
        account: Account,
        types: Mapping[str, Handler],
        book: Ledger,
    ) -> None:
        self._stacks = every
        self.account = account
        self._types = types
        self.book = book

    def scope(self, stack: Stack) -> ResolutionContext:
        """What the template of a stack is evaluated with, its resources included."""
        pseudo = parameters.pseudo_parameters(
            region=stack.region, account=self.account.id, stack_name=stack.name, stack_id=stack.id
        )
        pseudo["AWS::NotificationARNs"] = stack.request.notifications

        def imported(name: str) -> Any:
            exports = self._stacks.exports(stack.region)
            if name not in exports:
                msg = f"No export named {name} found"
                raise ResolveError(msg)
            stack.imports.add(name)
            return exports[name][1]

        return ResolutionContext(
            data=stack.request.data,
            parameters=stack.request.parameters,
            pseudo=pseudo,
            zones=self.zones,
            imported=imported,
            refer=lambda name, attribute: self._refer(stack, name, attribute),
        )

    def zones(self, region: str) -> list[str]:
        """Availability Zones of a region, if the caller may see them.

        Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference-getavailabilityzones.html.

        Raises:
            ResolveError: they may not, or there is no such region.
        """
        said = next(filter(None, (self.account.denial("ec2", region, name, {}) for name in ZONES_NEED)), None)
        if said is not None:
            raise ResolveError(f"Template error: Fn::GetAZs: {said}")
        try:
            with acting.acting_as(None):
                found = self.account.client("ec2", region).describe_availability_zones()
        except (BotoCoreError, ClientError):
            msg = f"Template error: Fn::GetAZs: there is no region {region}"
            raise ResolveError(msg) from None
        return [zone["ZoneName"] for zone in found["AvailabilityZones"]]

    def _refer(self, stack: Stack, name: str, attribute: str | None) -> Any:
        resource = stack.resources.get(name)
        if resource is None:
            msg = f"Unresolved resource dependencies [{name}] in the Resources block of the template"
            raise ResolveError(msg)
        if attribute is None:
            return resource.physical
        fresh = self.handler(resource).attributes
        if fresh is not None:
            resource.attributes = fresh(self.place(stack, resource, threading.Event()), resource.physical)
        if attribute in resource.attributes:
            return resource.attributes[attribute]
        msg = f"Requested attribute {attribute} does not exist in schema for {resource.kind}"
        raise ResolveError(msg)

    def create(self, stack: Stack) -> None:
        """Create every resource of a new stack; roll back where one fails."""
        try:
            with stack.work:
                self._create(stack)
        except Exception as error:  # noqa: BLE001 - a fault of ours must not look like a finding
            traceback.print_exc()
            self.book.trouble(f"the rehearsal broke while it created {stack.name}: {error!r}")
            stack.say("CREATE_FAILED", "Internal Failure")

    def _create(self, stack: Stack) -> None:
        resolver = FunctionResolver(self.scope(stack))
        alive = template_validation.resources_that_exist(stack.request.data, resolver)
        needs = self.needed(stack, alive, resolver)
        for name, declared in alive.items():
            stack.resources[name] = Resource(name, str(declared["Type"]), declared)
        said = self.imports_missing(stack, alive) or self._invalid(stack) or self._provision(stack, needs, resolver)
        if stack.cancel.is_set():
            return
        said = said or self.set_outputs(stack, resolver)
        if said is None:
            stack.say("CREATE_COMPLETE")
        else:
            self._fail(stack, said)

    def _invalid(self, stack: Stack) -> str | None:
        """Validate before anything is made; None, or what is wrong."""
        found = self.violations(stack, stack.request, self.static(stack)) if stack.request.is_validated else []
        if not found:
            return None
        return self.tell_violations(stack, found, "CREATE_FAILED")

    def _provision(self, stack: Stack, needs: Mapping[str, set[str]], resolver: FunctionResolver) -> str | None:
        """Make every resource; None, or which failed."""
        stop, late = threading.Event(), threading.Event()
        minutes = stack.request.timeout

        def end() -> None:
            late.set()
            stop.set()

        clock = threading.Timer((minutes or 0) * 60, end)
        clock.daemon = True
        if minutes:
            clock.start()
        failed = self.each(needs, lambda name: self.create_one(stack, name, resolver, stop), stop, stack.cancel)
        clock.cancel()
        if late.is_set():
            return "Stack creation time exceeded the specified timeout."
        return f"The following resource(s) failed to create: [{', '.join(sorted(failed))}]." if failed else None

    def violations(self, stack: Stack, request: StackInput, scope: ResolutionContext) -> list[ValidationError]:
        """What pre-deployment validation finds in a request: wrong properties, and names that are taken."""
        there = {resource.physical for resource in stack.resources.values()}

        def exists(kind: str, name: str, known: Mapping[str, Any]) -> bool:
            return name not in there and self._exists(stack, kind, name, known)

        try:
            return early_validation.violations(request.data, scope) or early_validation.taken(request.data, scope, exists)
        except ResolveError:
            return []  # an import or an attribute that fails later, where AWS reports it

    def _exists(self, stack: Stack, kind: str, name: str, known: Mapping[str, Any]) -> bool:
        """Whether the service has a resource of that name."""
        resource = Resource(name, kind, {})
        read = self.handler(resource).read
        if read is None:
            return False
        try:
            return bool(read(self.place(stack, resource, threading.Event()), name, known))
        except (ResourceFailedError, LookupError):
            return False

    @staticmethod
    def tell_violations(stack: Stack, found: list[ValidationError], status: str) -> str:
        """Enter what validation found into the events; what the stack says of it."""
        for violation in found:
            stack.report(violation)
        names = list(dict.fromkeys(violation.logical for violation in found))
        for name in names:
            said = early_validation.reason(name, [violation for violation in found if violation.logical == name])
            stack.tell(stack.resources[name], status, said, detail="VALIDATION_FAILED")
        return f"Validation failed for following resources: [{', '.join(names)}]."

    def static(self, stack: Stack) -> ResolutionContext:
        """What a template is evaluated with before its resources exist."""
        scope = self.scope(stack)
        return ResolutionContext(scope.data, scope.parameters, scope.pseudo, scope.zones, scope.imported)

    @staticmethod
    def needed(
        stack: Stack, alive: Mapping[str, Mapping[str, Any]], resolver: FunctionResolver
    ) -> dict[str, set[str]]:
        """For each resource those that have to be complete before it; noted in the stack as well."""
        live = template_validation.with_live_references(alive, resolver)
        edges = dependencies.edges(live)
        stack.needs = {**stack.needs, **edges}
        return creation_order.with_undeclared_dependencies(live, edges)

    def imports_missing(self, stack: Stack, alive: Mapping[str, Mapping[str, Any]]) -> str | None:
        """None, or which import of a stack names no export."""
        keeping = FunctionResolver(self.static(stack))
        try:
            for name, declared in alive.items():
                keeping.value(declared.get("Properties"), ("Resources", name, "Properties"))
        except ResolveError as error:
            return error.message
        return None

    @staticmethod
    def each(
        needs: Mapping[str, set[str]],
        act: Callable[[str], bool],
        stop: threading.Event,
        cancel: threading.Event | None = None,
        *,
        goes_on: bool = False,
    ) -> set[str]:
        """Run `act` on each name once what it needs is done; return the names that failed.

        After the first failure nothing new starts, and `stop` tells what runs to stop; `cancel`, set
        by others, has the same effect. With `goes_on` a failure only keeps those from running that need
        what failed.
        """
        left = {name: set(targets) for name, targets in needs.items()}
        failed: set[str] = set()
        with ThreadPoolExecutor(AT_ONCE) as pool:
            running: dict[Future[bool], str] = {}
            while running or (left and not stop.is_set()):
                if not stop.is_set():
                    _begin(left, running, lambda name: pool.submit(contextvars.copy_context().run, act, name))
                if not running and failed:
                    break
                if not running and not stop.is_set():
                    msg = f"no order satisfies {sorted(left)}"
                    raise RuntimeError(msg)
                done, _ = wait(running, timeout=0.1 if cancel else None, return_when=FIRST_COMPLETED)
                if cancel is not None and cancel.is_set():
                    stop.set()
                for future in done:
                    name = running.pop(future)
                    is_done = future.result()
                    if not is_done:
                        failed.add(name)
                    if not is_done and not goes_on:
                        stop.set()
                    if is_done or not goes_on:
                        _met(name, left)
        return failed

    def create_one(self, stack: Stack, name: str, resolver: FunctionResolver, stop: threading.Event) -> bool:
        """Create a resource; whether that succeeded."""
        resource = stack.resources[name]
        if stop.is_set():
            return True
        try:
            stack.tell(resource, "CREATE_IN_PROGRESS")
            resource.properties = self.properties(stack, resource, resolver)
            place = self.place(stack, resource, stop)
            made = self.handler(resource).create(place, resource.properties)
            self._identified(stack, resource, made.id)
            read_permissions.check(place, "create", made.id, resource.properties)
        except (ResourceFailedError, ResolveError) as failure:
            reason = failure.reason if isinstance(failure, ResourceFailedError) else failure.message
            stack.tell(resource, "CREATE_FAILED", CANCELLED if stop.is_set() else reason)
            return False
        except Exception as error:  # noqa: BLE001 - the stack still has to end
            traceback.print_exc()
            self.book.trouble(f"the rehearsal broke while it created {stack.name}.{name}: {error!r}")
            stack.tell(resource, "CREATE_FAILED", "Internal Failure")
            return False
        resource.physical, resource.attributes = made.id, made.attributes
        stack.tell(resource, "CREATE_COMPLETE")
        return True

    @staticmethod
    def _identified(stack: Stack, resource: Resource, physical: str) -> None:
        """Note the physical id of a resource that is being made, once."""
        if not resource.physical:
            resource.physical = physical
            stack.tell(resource, "CREATE_IN_PROGRESS", "Resource creation Initiated")

    def properties(self, stack: Stack, resource: Resource, resolver: FunctionResolver) -> dict[str, Any]:
        """The properties of a resource, resolved and held against the schema of its type.

        Raises:
            FailedError: they do not fit.
            ResolveError: they cannot be resolved.
        """
        path = ("Resources", resource.logical, "Properties")
        given = resolver.value(resource.declared.get("Properties") or {}, path)
        resource.shown = self._shown(stack, resource, path) if self._secrets(stack) else given
        resolved = dynamic_references.resolved(given, self.account, stack.region)
        made = schemas.coerce(resource.kind, resolved if isinstance(resolved, dict) else {})
        wrong = schemas.violations(resource.kind, made)
        if wrong:
            listed = "\n".join(wrong)
            msg = f"Properties validation failed for resource {resource.logical} with message:\n{listed}"
            raise ResourceFailedError(msg, is_whole=True)
        return made

    @staticmethod
    def _secrets(stack: Stack) -> list[str]:
        """Parameters that are not to be shown."""
        declared = stack.request.data.get("Parameters") or {}
        return [name for name, given in declared.items() if str(given.get("NoEcho", "")).lower() == "true"]

    def _shown(self, stack: Stack, resource: Resource, path: Path) -> Any:
        """Properties as events show them: parameters of NoEcho are hidden, dynamic references stay references."""
        scope = self.scope(stack)
        hidden = {**scope.parameters, **dict.fromkeys(self._secrets(stack), HIDDEN)}
        return FunctionResolver(replace(scope, parameters=hidden)).value(
            resource.declared.get("Properties") or {}, path
        )

    def handler(self, resource: Resource) -> Handler:
        """The handler of a resource's type; that of a stand-in where it is not modelled."""
        return self._types.get(resource.kind) or handlers.STANDIN

    def place(self, stack: Stack, resource: Resource, stop: threading.Event) -> HandlerContext:
        """What a handler of that resource is given."""
        return HandlerContext(
            self.account,
            stack.region,
            stack.name,
            stack.id,
            resource.logical,
            resource.kind,
            self.book,
            tags={
                **stack.request.tags,
                "aws:cloudformation:stack-name": stack.name,
                "aws:cloudformation:stack-id": stack.id,
                "aws:cloudformation:logical-id": resource.logical,
            },
            capabilities=tuple(stack.request.capabilities),
            stop=stop,
            identify=lambda physical: self._identified(stack, resource, physical),
        )

    def set_outputs(self, stack: Stack, resolver: FunctionResolver) -> str | None:
        """Evaluate the outputs; None, or what is wrong with them."""
        outputs: dict[str, dict[str, Any]] = {}
        for name, declared in (stack.request.data.get("Outputs") or {}).items():
            path = ("Outputs", name)
            try:
                if not resolver.holds(declared):
                    continue
                value = resolver.value(declared["Value"], (*path, "Value"))
                export = resolver.value((declared.get("Export") or {}).get("Name"))
            except ResolveError as error:
                return f"[Error] /Outputs/{name}/Value: {error.message}."
            if isinstance(value, list | dict) or value is functions.NO_VALUE:
                return f"Template format error: The Value field of every Outputs member must evaluate to a String. ({name})"
            if export is not None and not isinstance(export, str):
                return f"Template format error: The Name of the Export of {name} must evaluate to a String."
            taken = self._stacks.exports(stack.region).get(export) if export else None
            if taken is not None and taken[0] is not stack:
                return f"Export with name {export} is already exported by stack {taken[0].name}."
            outputs[name] = {
                "value": functions.as_text(value),
                "description": declared.get("Description"),
                "export": export,
            }
        said = self._in_use(stack, outputs)
        if said is None:
            stack.outputs = outputs
        return said

    def _in_use(self, stack: Stack, outputs: Mapping[str, Mapping[str, Any]]) -> str | None:
        """None, or which export that others import would go or change."""
        after = {output["export"]: output["value"] for output in outputs.values() if output["export"]}
        for output in stack.outputs.values():
            export = output["export"]
            users = self._stacks.importers(stack.region, export) if export else []
            names = " and ".join(sorted({user.name for user in users}))
            if users and export not in after:
                return f"Export {export} cannot be deleted as it is in use by {names}"
            if users and after[export] != output["value"]:
                return f"Export {export} cannot be updated as it is in use by {names}"
        return None

    def _fail(self, stack: Stack, said: str) -> None:
        if stack.request.on_failure == "DO_NOTHING":
            stack.say("CREATE_FAILED", said)
        else:
            self._roll_back(stack, f"{said.rstrip('.')}. Rollback requested by user.")

    def roll_back(self, stack: Stack) -> None:
        """Roll back a stack whose creation failed and kept what it had made."""
        with stack.work:
            self._roll_back(stack, "User Initiated")

    def _roll_back(self, stack: Stack, said: str) -> None:
        stack.say("ROLLBACK_IN_PROGRESS", said)
        kept = self._remove(stack, is_rollback=True)
        if kept:
            stack.say("ROLLBACK_FAILED", f"The following resource(s) failed to delete: [{', '.join(kept)}]. ")
            return
        stack.outputs, stack.imports = {}, set()
        stack.say("ROLLBACK_COMPLETE")
        if stack.request.on_failure == "DELETE":
            self._delete(stack, frozenset())

    def delete(self, stack: Stack, *, retain: frozenset[str] = frozenset()) -> None:
        """Delete every resource of a stack, then the stack."""
        stack.cancel.set()
        with stack.work:
            self._delete(stack, retain)

    def _delete(self, stack: Stack, retain: frozenset[str]) -> None:
        stack.say("DELETE_IN_PROGRESS", "User Initiated")
        try:
            kept = self._remove(stack, retain=retain)
        except Exception as error:  # noqa: BLE001 - a fault of ours must not look like a finding
            traceback.print_exc()
            self.book.trouble(f"the rehearsal broke while it deleted {stack.name}: {error!r}")
            kept = ["?"]
        if kept:
            stack.say("DELETE_FAILED", f"The following resource(s) failed to delete: [{', '.join(kept)}]. ")
            return
        stack.outputs, stack.imports, stack.deleted = {}, set(), stacks.now()
        stack.say("DELETE_COMPLETE")

    def _remove(
        self,
        stack: Stack,
        *,
        is_rollback: bool = False,
        retain: frozenset[str] = frozenset(),
    ) -> list[str]:
        """Delete what was made, users before what they use; return what could not be deleted."""
        made = {n for n, r in stack.resources.items() if r.physical and r.status not in GONE}
        users = {name: {n for n in made if name in stack.needs.get(n, ())} for name in made}
        failed = self.each(
            users,
            lambda name: self.delete_one(stack, name, is_rollback=is_rollback, retain=retain),
            threading.Event(),
            goes_on=True,
        )
        return sorted(failed)

    def users_first(self, stack: Stack, names: Sequence[str]) -> list[str]:
        """`names` in an order in which each comes before what it needs."""
        needs, left, ordered = stack.needs, set(names), []
        while left:
            free = sorted(n for n in left if not any(n in needs.get(other, ()) for other in left - {n})) or sorted(left)
            ordered += free
            left -= set(free)
        return ordered

    def delete_one(
        self, stack: Stack, name: str, *, is_rollback: bool, retain: frozenset[str] = frozenset()
    ) -> bool:
        """Delete a resource as its DeletionPolicy has it; whether that succeeded."""
        resource = stack.resources[name]
        policy = resource.policy("DeletionPolicy")
        is_new = is_rollback and (policy == "RetainExceptOnCreate" or stack.request.is_new_removed)
        is_kept = name in retain or (policy in {"Retain", "RetainExceptOnCreate"} and not is_new)
        return self.delete_resource(stack, resource, is_kept=is_kept)

    def delete_resource(self, stack: Stack, resource: Resource, *, is_kept: bool) -> bool:
        """Delete a resource unless it is to be kept; whether that succeeded."""
        if is_kept:
            stack.tell(resource, "DELETE_SKIPPED")
            return True
        stack.tell(resource, "DELETE_IN_PROGRESS")
        place = self.place(stack, resource, threading.Event())
        try:
            read_permissions.check(place, "delete", resource.physical, resource.properties)
            self.handler(resource).delete(place, resource.physical, resource.properties)
        except ResourceFailedError as failure:
            if not handlers.is_gone(failure):
                stack.tell(resource, "DELETE_FAILED", failure.reason)
                return False
        stack.tell(resource, "DELETE_COMPLETE")
        return True


def _met(name: str, left: Mapping[str, set[str]]) -> None:
    """Nobody waits for `name` any longer."""
    for targets in left.values():
        targets.discard(name)


def _begin(left: dict[str, set[str]], running: dict[Future[bool], str], start: Callable[[str], Future[bool]]) -> None:
    """Start what needs nothing more."""
    for name in [n for n, targets in left.items() if not targets]:
        del left[name]
        running[start(name)] = name
