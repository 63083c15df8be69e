"""Updates a stack: creates, modifies, replaces and removes resources, and rolls back if one of these fails.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-updating-stacks-update-behaviors.html.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace

from preflight.model import JsonObject
from preflight.rehearsal.cloudformation import early_validation, live_references, outputs, stack_references
from preflight.rehearsal.cloudformation.provisioner import Provisioner
from preflight.rehearsal.cloudformation.resources import defaults, tagging
from preflight.rehearsal.cloudformation.resources.failure import ResourceFailedError
from preflight.rehearsal.cloudformation.resources.handler import CreatedResource
from preflight.rehearsal.cloudformation.rollback import StableState, Step, UpdateRollback
from preflight.rehearsal.cloudformation.stack import STACK, Resource, Stack, StackInput
from preflight.rehearsal.protocol import utc_now
from preflight.templates import schemas
from preflight.templates.dependency_graph import ResourceDefinition, ResourceDefinitions
from preflight.templates.intrinsic_functions import FunctionResolver, ResolveError

REPLACES = "Requested update requires the creation of a new physical resource; hence creating one."
CANCELLED = "Resource update cancelled"
NAME_PROPERTIES = {
    "AWS::EC2::SecurityGroup": ("GroupName",),
    "AWS::ElasticLoadBalancingV2::LoadBalancer": ("Name",),
    "AWS::ElasticLoadBalancingV2::TargetGroup": ("Name",),
}
# Replaced by a call that takes the former association away, so that nothing is left to be deleted:
# https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ReplaceRouteTableAssociation.html,
# https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ReplaceNetworkAclAssociation.html.
MOVED = {
    "AWS::EC2::SubnetRouteTableAssociation": frozenset({"RouteTableId"}),
    "AWS::EC2::SubnetNetworkAclAssociation": frozenset({"NetworkAclId"}),
}


class Updater:
    """One update of one stack, and its rollback.

    An update after a failed one goes on from it, and is rolled back to what was before both:
    https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_RollbackStack.html.
    """

    def __init__(
        self, provisioner: Provisioner, stack: Stack, request: StackInput, *, failed: Updater | None = None
    ) -> None:
        self._provisioner = provisioner
        self._evaluator = provisioner.evaluator
        self._deleter = provisioner.deleter
        self._handlers = provisioner.handlers
        self._stack = stack
        self._former = stack.request
        self._request = request
        self.stable: StableState = failed.stable if failed else StableState.of(stack)
        self._rollback = UpdateRollback(provisioner, stack, request, self.stable, self._undo_nested)

    def run(self) -> None:
        """Carries the update out, or rolls it back."""
        stack = self._stack
        stack.updated = utc_now()
        stack.update_cancel.clear()
        stack.request = self._request
        stack.imports = set()
        stack.set_status("UPDATE_IN_PROGRESS", "User Initiated")
        resolver = FunctionResolver(self._evaluator.context(stack))
        definitions = live_references.resources_that_exist(self._request.template, resolver)
        removed = [name for name in stack.resources if name not in definitions]
        message = (
            self._evaluator.missing_import(stack, definitions)
            or self._validate()
            or self._apply(definitions, resolver)
            or outputs.evaluate(stack, self._provisioner.stacks, resolver)
        )
        if message is None:
            self._clean_up(removed)
        elif self._request.on_failure == "DO_NOTHING" and not stack.update_cancel.is_set():
            stack.set_status("UPDATE_FAILED", message)
        else:
            self._rollback.run(message)

    def _validate(self) -> str | None:
        stack = self._stack
        if not self._request.is_validated:
            return None
        violations = self._evaluator.violations(stack, self._request, self._evaluator.static_context(stack))
        for violation in violations:
            stack.resources.setdefault(
                violation.logical_id, Resource(violation.logical_id, violation.resource_type, {})
            )
        message = early_validation.report(stack, violations, "UPDATE_FAILED") if violations else None
        for name in {violation.logical_id for violation in violations}:
            if not stack.resources[name].physical_id:
                del stack.resources[name]
        return message

    def _apply(self, definitions: ResourceDefinitions, resolver: FunctionResolver) -> str | None:
        stack, stop = self._stack, threading.Event()
        needs = stack_references.creation_needs(stack, definitions, resolver)
        failed = stack.run_in_order(
            needs,
            lambda name: self._update_one(name, definitions[name], resolver, stop),
            stop=stop,
            cancel=stack.update_cancel,
        )
        if stack.update_cancel.is_set():
            return "Update cancelled by user."
        if not failed:
            return None
        verb = "create" if all(stack.resources[n].status == "CREATE_FAILED" for n in failed) else "update"
        return f"The following resource(s) failed to {verb}: [{', '.join(sorted(failed))}]."

    def _update_one(
        self, name: str, definition: ResourceDefinition, resolver: FunctionResolver, stop: threading.Event
    ) -> bool:
        former = self._stack.resources.get(name)
        if former is None or not former.physical_id or former.status == "CREATE_FAILED":
            return self._create(name, definition, resolver, stop)
        changed = replace(former, definition=definition, resource_type=str(definition["Type"]))
        try:
            changed.properties = self._evaluator.properties(self._stack, changed, resolver)
            is_same = changed.properties == former.properties and changed.resource_type == former.resource_type
            has_stack_tags = self._request.tags != self._former.tags and tagging.has_stack_tags(changed.resource_type)
            may_differ = changed.resource_type == STACK  # the template at its URL may be another one
            if is_same and not may_differ and not has_stack_tags and not former.status.endswith("_FAILED"):
                former.definition = definition
                return True
            return self._change(name, former, changed, stop)
        except (ResourceFailedError, ResolveError) as failure:
            reason = failure.reason if isinstance(failure, ResourceFailedError) else failure.message
            current, reason = self._stack.resources[name], CANCELLED if stop.is_set() else reason
            self._stack.set_resource_status(current, "UPDATE_FAILED", reason)
            if current.physical_id != former.physical_id:  # what was created in its stead is deleted in the cleanup
                self._stack.resources[name] = replace(former, status="UPDATE_FAILED", reason=reason)
            return False

    def _create(
        self, name: str, definition: ResourceDefinition, resolver: FunctionResolver, stop: threading.Event
    ) -> bool:
        """Creates a resource; what is left of one whose creation failed in an earlier operation is deleted first.

        https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/stack-failure-options.html.
        """
        stack, step = self._stack, self.stable.steps.setdefault(name, Step(None))
        failed = stack.resources.get(name)
        if failed is not None and failed.physical_id:
            self._deleter.delete_resource(stack, failed, is_retained=False)
        stack.resources[name] = Resource(name, str(definition["Type"]), definition)
        step.made = [stack.resources[name]]
        return self._provisioner.create_one(stack, name, resolver, stop)

    def _change(self, name: str, former: Resource, changed: Resource, stop: threading.Event) -> bool:
        stack, handler = self._stack, self._handlers.handler(changed)
        context = self._handlers.context(stack, changed, stop=stop)
        tags = tagging.property_of(changed.resource_type, former.properties, changed.properties)
        is_failed = former.status.endswith("_FAILED")
        has_only_tags = tags is not None and not is_failed and _without(former, tags) == _without(changed, tags)
        replacing = _replacing_properties(changed, former)
        is_moved = bool(replacing) and replacing == MOVED.get(changed.resource_type)
        is_replaced = not has_only_tags and (
            handler.update is None
            or changed.resource_type != former.resource_type
            or (bool(replacing) and not is_moved)
        )
        child = self._provisioner.stacks.find(stack.region, former.physical_id) if former.resource_type == STACK else None
        nested = child.request if child is not None and not is_replaced else None
        step = self.stable.steps.setdefault(name, Step(replace(former), nested))
        if not is_replaced and not step.made:
            step.modified = changed
        stack.resources[name] = changed
        stack.set_resource_status(changed, "UPDATE_IN_PROGRESS", REPLACES if is_replaced or is_moved else "")
        self._handlers.check(changed)
        if has_only_tags:
            updated = CreatedResource(former.physical_id, former.attributes)
        elif is_replaced or handler.update is None:
            if replacing:
                _check_name(changed, former)
            identify = self._identifier(step, former, changed)
            updated = handler.create(replace(context, identify=identify), changed.properties)
            identify(updated.id)
        else:
            new_properties = defaults.with_defaults(changed.resource_type, former.properties, changed.properties)
            updated = handler.update(context, former.physical_id, former.properties, new_properties)
        if not is_replaced:
            new = changed.properties, self._request.tags
            tagging.update_with_stack(context, updated, (former.properties, self._former.tags), new)
        changed.physical_id, changed.attributes = updated.id, updated.attributes
        stack.set_resource_status(changed, "UPDATE_COMPLETE")
        return True

    def _identifier(self, step: Step, former: Resource, changed: Resource) -> Callable[[str], None]:
        """Returns what notes the physical id of a replacement, once; a rollback deletes it even if it is half made."""

        def identify(physical_id: str) -> None:
            if changed in step.made:
                return
            changed.physical_id = physical_id
            self._stack.set_resource_status(changed, "UPDATE_IN_PROGRESS", "Resource creation Initiated")
            if physical_id != former.physical_id:
                step.made.append(changed)

        return identify

    def roll_back(self, *, skip: frozenset[str]) -> None:
        """Rolls a failed update back, except the resources in `skip`."""
        self._rollback.run("User Initiated", skip=skip)

    def _undo_nested(self, physical_id: str, request: StackInput) -> None:
        """Update a nested stack to what it was, unless it has rolled itself back; the template at its URL is a new one by now.

        Raises:
            ResourceFailedError: it cannot be updated.
        """
        child = self._provisioner.stacks.find(self._stack.region, physical_id)
        if child is None or child.request is request:
            return
        with child.work:
            Updater(self._provisioner, child, request).run()
        if child.status != "UPDATE_COMPLETE":
            raise ResourceFailedError(f"Embedded stack {child.id} was not successfully updated. Currently in {child.status}", is_whole=True)

    def _clean_up(self, removed: list[str]) -> None:
        """Deletes what was replaced or removed from the template; a failure here does not undo the update."""
        stack = self._stack
        stack.set_status("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
        for name in self.stable.deletion_order(stack, {*removed, *self.stable.steps}):
            step, current = self.stable.steps.get(name, Step(None)), stack.resources.get(name)
            if current is None:
                continue
            for resource in [*step.made_except(current), *step.replaced_by(current)]:
                is_retained = resource is step.before and current.policy("UpdateReplacePolicy") == "Retain"  # of the new template
                self._deleter.delete_resource(stack, resource, is_retained=is_retained)
            if name in removed:
                if current.physical_id:
                    self._deleter.delete_by_policy(stack, name, is_rollback=False)
                del stack.resources[name]
        self.stable.steps.clear()
        stack.set_status("UPDATE_COMPLETE")


def _without(resource: Resource, tags: str) -> tuple[str, JsonObject]:
    """Returns what decides whether a resource changes, apart from its tags."""
    return resource.resource_type, {name: value for name, value in resource.properties.items() if name != tags}


def _replacing_properties(changed: Resource, former: Resource) -> frozenset[str]:
    """Returns the properties that differ and that AWS sets only when a resource is created."""
    names = {*changed.properties, *former.properties}
    different = {name for name in names if changed.properties.get(name) != former.properties.get(name)}
    return frozenset(different) & schemas.create_only(changed.resource_type)


def _check_name(changed: Resource, former: Resource) -> None:
    """A replacement is created before the former resource is deleted, so it cannot have the same name.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-properties-name.html.

    Raises:
        ResourceFailedError: the template gives both the same name.
    """
    for key in _name_properties(changed.resource_type):
        name = changed.properties.get(key)
        if (
            isinstance(name, str)
            and name == former.properties.get(key)
            and changed.resource_type == former.resource_type
        ):
            msg = (
                "CloudFormation cannot update a stack when a custom-named resource requires replacing. "
                f"Rename {name} and update the stack again."
            )
            raise ResourceFailedError(msg, is_whole=True)


def _name_properties(kind: str) -> list[str]:
    """Returns the properties that give a resource of the type a unique name."""
    short = kind.rpartition("::")[2]
    identifiers = schemas.identifiers(kind)
    return [f"{short}Name", *(identifiers if len(identifiers) == 1 else []), *NAME_PROPERTIES.get(kind, ())]
