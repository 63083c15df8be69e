"""The actions that only read: stacks, events, resources, exports and templates, in pages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from preflight.model import JsonObject
from preflight.rehearsal.cloudformation import describe, template_source, template_validation
from preflight.rehearsal.cloudformation.request import RequestReader
from preflight.rehearsal.cloudformation.stack import Stack, Stacks
from preflight.rehearsal.protocol import Call, Operation
from preflight.templates import dependency_graph, language_extensions, schemas
from preflight.templates.intrinsic_functions import ResolveError

PAGE = 100


class ReadActions:
    """Reads the stacks of one account."""

    def __init__(self, stacks: Stacks, reader: RequestReader) -> None:
        self._stacks = stacks
        self._reader = reader

    def operations(self) -> Mapping[str, Operation]:
        """Returns the reading actions, by name."""
        return {
            "DescribeStacks": self.describe,
            "DescribeStackEvents": self.events,
            "DescribeEvents": self.operation_events,
            "DescribeStackResource": self.resource,
            "DescribeStackResources": self.resources,
            "ListStackResources": self.list_resources,
            "ListStacks": self.list,
            "ListExports": self.exports,
            "ListImports": self.imports,
            "GetTemplate": self.template,
            "GetTemplateSummary": self.summary,
            "ValidateTemplate": self.validate,
        }

    def need(self, call: Call, message: str = "Stack with id {} does not exist") -> Stack:
        """Returns the stack that a call names.

        Raises:
            Refusal: there is none.
        """
        name = call.parameters.get("StackName") or ""
        stack = self._stacks.find(call.region, name)
        if stack is None:
            raise template_validation.refuse(message.format(name))
        return stack

    def describe(self, call: Call) -> JsonObject:
        """DescribeStacks."""
        if call.parameters.get("StackName"):
            return {"Stacks": [describe.stack_response(self.need(call))]}
        stacks = [s for s in self._stacks.in_region(call.region) if s.status != "DELETE_COMPLETE"]
        return page("Stacks", [describe.stack_response(stack) for stack in reversed(stacks)], call)

    def events(self, call: Call) -> JsonObject:
        """DescribeStackEvents, newest first."""
        stack = self.need(call, "Stack [{}] does not exist")
        events = [describe.stack_event(stack, event) for event in reversed(stack.events) if not event.is_validation]
        return page("StackEvents", events, call)

    def operation_events(self, call: Call) -> JsonObject:
        """DescribeEvents, newest first, for a stack, a change set or an operation."""
        stack_name = call.parameters.get("StackName") or ""
        operation = call.parameters.get("OperationId")
        change_set = call.parameters.get("ChangeSetName") or ""
        if not stack_name and not operation and not change_set:
            raise template_validation.refuse("Either StackName, ChangeSetName or OperationId must be specified.")
        stacks = [self.need(call, "Stack [{}] does not exist")] if stack_name else self._stacks.in_region(call.region)
        is_failed_only = bool((call.parameters.get("Filters") or {}).get("FailedEvents"))
        events = [
            describe.operation_event(stack, event)
            for stack in stacks
            for event in reversed(stack.events)
            if (not operation or event.operation.id == operation)
            and (not change_set or change_set in {event.operation.subject, event.operation.subject_name})
            and not (is_failed_only and not describe.is_failure(event))
        ]
        return page("OperationEvents", events, call)

    def resource(self, call: Call) -> JsonObject:
        """DescribeStackResource."""
        stack = self.need(call, "Stack '{}' does not exist")
        name = call.parameters["LogicalResourceId"]
        if name not in stack.resources:
            raise template_validation.refuse(f"Resource {name} does not exist for stack {stack.name}")
        return {"StackResourceDetail": describe.resource_response(stack, stack.resources[name], is_detail=True)}

    def resources(self, call: Call) -> JsonObject:
        """DescribeStackResources, by stack or by physical id."""
        physical_id = call.parameters.get("PhysicalResourceId")
        if physical_id and not call.parameters.get("StackName"):
            for stack in self._stacks.in_region(call.region):
                if any(r.physical_id == physical_id for r in stack.resources.values()):
                    return {"StackResources": [describe.resource_response(stack, r) for r in stack.resources.values()]}
            raise template_validation.refuse(f"Stack for {physical_id} does not exist")
        stack = self.need(call)
        logical_id = call.parameters.get("LogicalResourceId")
        resources = [r for r in stack.resources.values() if not logical_id or r.logical_id == logical_id]
        return {"StackResources": [describe.resource_response(stack, resource) for resource in resources[:PAGE]]}

    def list_resources(self, call: Call) -> JsonObject:
        """ListStackResources."""
        stack = self.need(call)
        summaries = [describe.resource_response(stack, r, is_detail=True) for r in stack.resources.values()]
        return page("StackResourceSummaries", summaries, call)

    def list(self, call: Call) -> JsonObject:
        """ListStacks, including deleted ones."""
        statuses = call.parameters.get("StackStatusFilter")
        stacks = [s for s in self._stacks.in_region(call.region) if not statuses or s.status in statuses]
        return page("StackSummaries", [describe.stack_summary(stack) for stack in reversed(stacks)], call)

    def exports(self, call: Call) -> JsonObject:
        """ListExports."""
        exports = [
            {"ExportingStackId": stack.id, "Name": name, "Value": value}
            for name, (stack, value) in self._stacks.exports(call.region).items()
        ]
        return page("Exports", exports, call)

    def imports(self, call: Call) -> JsonObject:
        """ListImports."""
        name = call.parameters["ExportName"]
        stacks = self._stacks.importers(call.region, name)
        if not stacks:
            raise template_validation.refuse(f"Export '{name}' is not imported by any stack.")
        return page("Imports", [stack.name for stack in stacks], call)

    def template(self, call: Call) -> JsonObject:
        """GetTemplate: the original, or `Processed` by its transforms."""
        stack = self.need(call)
        request = stack.request
        is_processed = call.parameters.get("TemplateStage") == "Processed" and language_extensions.is_used(request.template)
        body = describe.as_json(request.template) if is_processed else request.template_body
        return {"TemplateBody": body, "StagesAvailable": ["Original", "Processed"]}

    def validate(self, call: Call) -> JsonObject:
        """ValidateTemplate."""
        return describe.template_validation_response(self._outline(call))

    def summary(self, call: Call) -> JsonObject:
        """GetTemplateSummary."""
        if not call.parameters.get("StackName"):
            return describe.template_summary(self._outline(call))
        stack = self.need(call)
        if stack.status == "REVIEW_IN_PROGRESS":
            raise template_validation.refuse("GetTemplateSummary cannot be called on REVIEW_IN_PROGRESS stacks.")
        return describe.template_summary(stack.request.template)

    def _outline(self, call: Call) -> JsonObject:
        """Returns a well-formed template, its loops unrolled if defaults suffice."""
        template = template_source.parse(self._reader.body(call.parameters, call.region))
        template_validation.check_sections(template)
        if language_extensions.is_used(template):
            defaults = {n: d["Default"] for n, d in (template.get("Parameters") or {}).items() if "Default" in d}
            try:
                context = self._reader.context(template, defaults, call.region, "validate")
                template = language_extensions.expanded(template, context)
            except ResolveError:
                return {**template, "Resources": _without_loops(template.get("Resources"))}
        template_validation.check(template, is_type=lambda kind: schemas.exists(kind, call.region))
        cycle = dependency_graph.cycle(dependency_graph.edges(template["Resources"]))
        if cycle:
            raise template_validation.refuse(f"Circular dependency between resources: [{', '.join(cycle)}]")
        return template


def _without_loops(resources: Any) -> JsonObject:
    definitions = resources if isinstance(resources, dict) else {}
    return {n: r for n, r in definitions.items() if isinstance(r, dict) and isinstance(r.get("Type"), str)}


def page(member: str, items: Sequence[Any], call: Call) -> JsonObject:
    """Returns one page of `items` and the token of the next.

    Raises:
        Refusal: the token is not valid.
    """
    token = call.parameters.get("NextToken") or "0"
    start = int(token) if token.isascii() and token.isdigit() and len(token) < 10 else -1
    if start < 0 or (start and start >= len(items)):
        raise template_validation.refuse("NextToken is not valid")
    end = start + PAGE
    return {member: list(items[start:end]), "NextToken": str(end) if end < len(items) else None}
