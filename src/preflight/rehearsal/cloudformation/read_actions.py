"""The actions that only read: stacks, events, resources, exports and templates, page by page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from preflight.rehearsal.cloudformation import dependencies, template_source, template_validation
from preflight.rehearsal.cloudformation import describe as shown
from preflight.rehearsal.cloudformation.request import RequestReader
from preflight.rehearsal.cloudformation.stack import Stack, Stacks
from preflight.rehearsal.protocol import Call, Operation
from preflight.templates import language_extensions, schemas
from preflight.templates.functions import ResolveError

PAGE = 100


class ReadActions:
    """Reads the stacks of one account."""

    def __init__(self, every: Stacks, taken: RequestReader) -> None:
        self._stacks = every
        self._intake = taken

    def operations(self) -> Mapping[str, Operation]:
        """The reading actions, by name."""
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
        """The stack that a call names.

        Raises:
            Refusal: there is none.
        """
        name = call.given.get("StackName") or ""
        stack = self._stacks.alive(call.region, name)
        if stack is None:
            raise template_validation.refuse(message.format(name))
        return stack

    def describe(self, call: Call) -> dict[str, Any]:
        """DescribeStacks."""
        if call.given.get("StackName"):
            return {"Stacks": [shown.stack(self.need(call))]}
        alive = [s for s in self._stacks.of(call.region) if s.status != "DELETE_COMPLETE"]
        return page("Stacks", [shown.stack(stack) for stack in reversed(alive)], call)

    def events(self, call: Call) -> dict[str, Any]:
        """DescribeStackEvents, newest first."""
        stack = self.need(call, "Stack [{}] does not exist")
        seen = [shown.event(stack, event) for event in reversed(stack.events) if not event.is_validation]
        return page("StackEvents", seen, call)

    def operation_events(self, call: Call) -> dict[str, Any]:
        """DescribeEvents, newest first: of a stack, of a change set, or of one operation."""
        named = call.given.get("StackName") or ""
        operation = call.given.get("OperationId")
        change_set = call.given.get("ChangeSetName") or ""
        if not named and not operation and not change_set:
            raise template_validation.refuse("Either StackName, ChangeSetName or OperationId must be specified.")
        found = [self.need(call, "Stack [{}] does not exist")] if named else self._stacks.of(call.region)
        is_failed_only = bool((call.given.get("Filters") or {}).get("FailedEvents"))
        seen = [
            shown.operation_event(stack, event)
            for stack in found
            for event in reversed(stack.events)
            if (not operation or event.operation.id == operation)
            and (not change_set or change_set in {event.operation.subject, event.operation.subject_name})
            and not (is_failed_only and not shown.is_failed(event))
        ]
        return page("OperationEvents", seen, call)

    def resource(self, call: Call) -> dict[str, Any]:
        """DescribeStackResource."""
        stack = self.need(call, "Stack '{}' does not exist")
        name = call.given["LogicalResourceId"]
        if name not in stack.resources:
            raise template_validation.refuse(f"Resource {name} does not exist for stack {stack.name}")
        return {"StackResourceDetail": shown.resource(stack, stack.resources[name], is_detail=True)}

    def resources(self, call: Call) -> dict[str, Any]:
        """DescribeStackResources; by physical id as well."""
        physical = call.given.get("PhysicalResourceId")
        if physical and not call.given.get("StackName"):
            for stack in self._stacks.of(call.region):
                if any(r.physical == physical for r in stack.resources.values()):
                    return {"StackResources": [shown.resource(stack, r) for r in stack.resources.values()]}
            raise template_validation.refuse(f"Stack for {physical} does not exist")
        stack = self.need(call)
        wanted = call.given.get("LogicalResourceId")
        found = [r for r in stack.resources.values() if not wanted or r.logical == wanted]
        return {"StackResources": [shown.resource(stack, resource) for resource in found[:PAGE]]}

    def list_resources(self, call: Call) -> dict[str, Any]:
        """ListStackResources."""
        stack = self.need(call)
        seen = [shown.resource(stack, r, is_detail=True) for r in stack.resources.values()]
        return page("StackResourceSummaries", seen, call)

    def list(self, call: Call) -> dict[str, Any]:
        """ListStacks, deleted ones as well."""
        wanted = call.given.get("StackStatusFilter")
        found = [s for s in self._stacks.of(call.region) if not wanted or s.status in wanted]
        return page("StackSummaries", [shown.summary(stack) for stack in reversed(found)], call)

    def exports(self, call: Call) -> dict[str, Any]:
        """ListExports."""
        found = self._stacks.exports(call.region).items()
        return page("Exports", [{"ExportingStackId": s.id, "Name": name, "Value": v} for name, (s, v) in found], call)

    def imports(self, call: Call) -> dict[str, Any]:
        """ListImports."""
        name = call.given["ExportName"]
        users = self._stacks.importers(call.region, name)
        if not users:
            raise template_validation.refuse(f"Export '{name}' is not imported by any stack.")
        return page("Imports", [user.name for user in users], call)

    def template(self, call: Call) -> dict[str, Any]:
        """GetTemplate: as it was given, or `Processed` after its transforms."""
        stack = self.need(call)
        is_processed = call.given.get("TemplateStage") == "Processed" and language_extensions.is_used(stack.request.data)
        body = shown.as_json(stack.request.data) if is_processed else stack.request.body
        return {"TemplateBody": body, "StagesAvailable": ["Original", "Processed"]}

    def validate(self, call: Call) -> dict[str, Any]:
        """ValidateTemplate."""
        return shown.validated(self._outline(call))

    def summary(self, call: Call) -> dict[str, Any]:
        """GetTemplateSummary."""
        if not call.given.get("StackName"):
            return shown.template_summary(self._outline(call))
        stack = self.need(call)
        if stack.status == "REVIEW_IN_PROGRESS":
            raise template_validation.refuse("GetTemplateSummary cannot be called on REVIEW_IN_PROGRESS stacks.")
        return shown.template_summary(stack.request.data)

    def _outline(self, call: Call) -> dict[str, Any]:
        """A template whose form holds; its loops are unrolled as far as defaults allow."""
        data = template_source.read(self._intake.body(call.given, call.region))
        template_validation.check_sections(data)
        if language_extensions.is_used(data):
            defaults = {n: d["Default"] for n, d in (data.get("Parameters") or {}).items() if "Default" in d}
            try:
                data = language_extensions.expanded(data, self._intake.scope(data, defaults, call.region, "validate"))
            except ResolveError:
                return {**data, "Resources": _without_loops(data.get("Resources"))}
        template_validation.check(data, is_type=lambda kind: schemas.exists(kind, call.region))
        circle = dependencies.cycle(dependencies.edges(data["Resources"]))
        if circle:
            raise template_validation.refuse(f"Circular dependency between resources: [{', '.join(circle)}]")
        return data


def _without_loops(resources: Any) -> dict[str, Any]:
    found = resources if isinstance(resources, dict) else {}
    return {n: r for n, r in found.items() if isinstance(r, dict) and isinstance(r.get("Type"), str)}


def page(member: str, items: Sequence[Any], call: Call) -> dict[str, Any]:
    """One page of `items` and the token of the next.

    Raises:
        Refusal: the token is none that was given out.
    """
    given = call.given.get("NextToken") or "0"
    start = int(given) if given.isascii() and given.isdigit() and len(given) < 10 else -1
    if start < 0 or (start and start >= len(items)):
        raise template_validation.refuse("NextToken is not valid")
    end = start + PAGE
    return {member: list(items[start:end]), "NextToken": str(end) if end < len(items) else None}
