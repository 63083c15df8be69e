"""Evaluates the template of a stack: references, imports, Availability Zones and properties."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import moto.backends

from preflight.model import JsonObject
from preflight.rehearsal import acting
from preflight.rehearsal.cloudformation import added_dependencies, dynamic_references, early_validation, live_references
from preflight.rehearsal.cloudformation.resource_handlers import ResourceHandlers
from preflight.rehearsal.cloudformation.resources.failure import ResourceFailedError
from preflight.rehearsal.cloudformation.resources.stand_in import StandInAttributes
from preflight.rehearsal.cloudformation.stack import HIDDEN, Resource, Stack, StackInput, Stacks, ValidationError
from preflight.templates import dependency_graph, parameters, schemas
from preflight.templates.dependency_graph import ResourceDefinitions
from preflight.templates.intrinsic_functions import FunctionResolver, Path, ResolutionContext, ResolveError

ZONE_ACTIONS = ("DescribeAvailabilityZones", "DescribeAccountAttributes", "DescribeSubnets")


class Evaluator:
    """Evaluates templates against the stacks and resources of one account."""

    def __init__(self, stacks: Stacks, handlers: ResourceHandlers) -> None:
        self._stacks = stacks
        self._handlers = handlers
        self.account = handlers.account
        self.ledger = handlers.ledger
        self._zone_names = functools.cache(self._describe_zones)

    def context(self, stack: Stack) -> ResolutionContext:
        """Returns what the template of a stack is evaluated with, its resources included."""
        pseudo = parameters.pseudo_parameters(
            region=stack.region,
            account=self.account.id,
            stack_name=stack.name,
            stack_id=stack.id,
            notifications=stack.request.notifications,
        )
        return ResolutionContext(
            data=stack.request.template,
            parameters=stack.request.parameters,
            pseudo=pseudo,
            zones=self.zones,
            imported=lambda name: self._import(stack, name),
            refer=lambda name, attribute: self._refer(stack, name, attribute),
        )

    def static_context(self, stack: Stack) -> ResolutionContext:
        """Returns what a template is evaluated with before its resources exist."""
        context = self.context(stack)
        return ResolutionContext(context.data, context.parameters, context.pseudo, context.zones, context.imported)

    def zones(self, region: str) -> list[str]:
        """Returns the Availability Zones of a region, if the caller may see them.

        Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference-getavailabilityzones.html.

        Raises:
            ResolveError: the caller may not see them, or there is no such region.
        """
        denials = (self.account.denial("ec2", region, action, {}) for action in ZONE_ACTIONS)
        denial = next(filter(None, denials), None)
        if denial is not None:
            raise ResolveError(f"Template error: Fn::GetAZs: {denial}")
        if region not in moto.backends.get_backend("ec2")[self.account.id].regions:
            msg = f"Template error: Fn::GetAZs: there is no region {region}"
            raise ResolveError(msg)
        return list(self._zone_names(region))

    def _describe_zones(self, region: str) -> tuple[str, ...]:
        with acting.acting_as(None):
            response = self.account.client("ec2", region).describe_availability_zones()
        return tuple(zone["ZoneName"] for zone in response["AvailabilityZones"])

    def _import(self, stack: Stack, name: str) -> Any:
        exports = self._stacks.exports(stack.region)
        if name not in exports:
            msg = f"No export named {name} found"
            raise ResolveError(msg)
        stack.imports.add(name)
        return exports[name][1]

    def _refer(self, stack: Stack, name: str, attribute: str | None) -> Any:
        resource = stack.resources.get(name)
        if resource is None:
            msg = f"Unresolved resource dependencies [{name}] in the Resources block of the template"
            raise ResolveError(msg)
        if attribute is None:
            return resource.physical_id
        read_attributes = self._handlers.handler(resource).attributes
        if read_attributes is not None:
            resource.attributes = read_attributes(self._handlers.context(stack, resource), resource.physical_id)
        if attribute in resource.attributes:
            return resource.attributes[attribute]
        if attribute in schemas.attributes(resource.resource_type):
            return self._property(stack, resource, attribute)
        msg = f"Requested attribute {attribute} does not exist in schema for {resource.resource_type}"
        raise ResolveError(msg)

    def _property(self, stack: Stack, resource: Resource, attribute: str) -> Any:
        """Returns a property of a resource as its attribute; one that is not set reads as its service describes it."""
        if attribute == schemas.identifier(resource.resource_type):
            return resource.physical_id
        handler, context = self._handlers.handler(resource), self._handlers.context(stack, resource)
        read = handler.read(context, resource.physical_id, resource.properties) if handler.read else {}
        for properties in (resource.properties, read or {}):
            value: Any = properties
            for key in attribute.split("."):
                value = value.get(key) if isinstance(value, dict) else None
            if value is not None:
                return value
        return StandInAttributes(context).value(attribute)

    def properties(self, stack: Stack, resource: Resource, resolver: FunctionResolver) -> JsonObject:
        """Returns the resolved properties of a resource, checked against the schema of its type.

        Raises:
            ResourceFailedError: they do not fit the schema.
            ResolveError: they cannot be resolved.
        """
        path = ("Resources", resource.logical_id, "Properties")
        value = resolver.value(resource.definition.get("Properties") or {}, path)
        resource.shown_properties = self._without_secrets(stack, resource, path) if stack.request.secrets else value
        resolved = dynamic_references.resolve(value, self.account, stack.region, self.ledger)
        properties = schemas.coerce(resource.resource_type, resolved if isinstance(resolved, dict) else {})
        violations = schemas.violations(resource.resource_type, properties)
        if violations:
            lines = "\n".join(violations)
            msg = f"Properties validation failed for resource {resource.logical_id} with message:\n{lines}"
            raise ResourceFailedError(msg, is_whole=True)
        return properties

    def _without_secrets(self, stack: Stack, resource: Resource, path: Path) -> Any:
        """Returns properties as events show them: NoEcho parameters hidden, dynamic references unresolved."""
        context = self.context(stack)
        hidden = {**context.parameters, **dict.fromkeys(stack.request.secrets, HIDDEN)}
        resolver = FunctionResolver(replace(context, parameters=hidden))
        return resolver.value(resource.definition.get("Properties") or {}, path)

    def missing_import(self, stack: Stack, resources: ResourceDefinitions) -> str | None:
        """Returns the message about the first import that names no export, or None."""
        resolver = FunctionResolver(self.static_context(stack))
        try:
            for name, definition in resources.items():
                resolver.value(definition.get("Properties"), ("Resources", name, "Properties"))
        except ResolveError as error:
            return error.message
        return None

    def violations(self, stack: Stack, request: StackInput, context: ResolutionContext) -> list[ValidationError]:
        """Returns what pre-deployment validation finds in a request: wrong properties, and names that are taken."""
        physical_ids = {resource.physical_id for resource in stack.resources.values()}

        def exists(resource_type: str, name: str, properties: Mapping[str, Any]) -> bool:
            return name not in physical_ids and self._handlers.exists(stack, resource_type, name, properties)

        try:
            return early_validation.property_violations(request.template, context) or early_validation.name_conflicts(
                request.template, context, exists
            )
        except ResolveError:
            return []  # an import or an attribute that fails later, where AWS reports it


def creation_needs(stack: Stack, resources: ResourceDefinitions, resolver: FunctionResolver) -> dict[str, set[str]]:
    """Returns for each resource those that must be complete before it; declared ones are added to the stack."""
    referring = live_references.with_live_references(resources, resolver)
    edges = dependency_graph.edges(referring)
    stack.needs = {**stack.needs, **edges}
    return added_dependencies.with_undeclared_dependencies(referring, edges)
