"""What an update changes in the stacks of a plan, resource by resource, and what that loses or interrupts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from preflight.deploy import update_findings
from preflight.deploy.change_sets import PlannedChange
from preflight.deploy.declared_resources import DeclaredResources
from preflight.deploy.stacks import STACK, ResourceSummary
from preflight.model import Finding, StackChange

ACTIONS = {"Add": "add", "Remove": "remove", "Import": "import"}
MODIFIED = ("Modify", "Dynamic")


class UpdateChanges:
    """The changes of one update; `former` has the resources as they were declared before it."""

    def __init__(self, former: DeclaredResources, current: DeclaredResources, plan_name: str) -> None:
        self._former = former
        self._current = current
        self._plan_name = plan_name
        self._changes: list[tuple[PlannedChange, StackChange]] = []

    @property
    def changes(self) -> tuple[StackChange, ...]:
        """The changes so far."""
        return tuple(change for _, change in self._changes)

    def findings(self) -> Iterator[Finding]:
        """Yields what the changes lose or interrupt."""
        for planned, change in self._changes:
            yield from update_findings.of_change(change, planned.after)

    def plan(self, changes: Iterable[PlannedChange]) -> None:
        """Add the changes of a change set; whether what it calls conditional is replaced is known once it was executed."""
        for change in changes:
            if change.kind != STACK or change.properties or change.action not in MODIFIED:
                self._changes.append((change, self._as_reported(change)))

    def remove(self, stack: str, name: str, summaries: Iterable[ResourceSummary]) -> None:
        """Add the removal of all resources of a stack."""
        for summary in summaries:
            change = PlannedChange("Remove", summary["LogicalResourceId"], summary["ResourceType"], stack, name)
            self._changes.append((change, self._as_reported(change)))

    def settle(self) -> None:
        """Note what was replaced, now that the change sets were executed: its physical id is another one."""
        self._changes = [(planned, self._settled(planned, change)) for planned, change in self._changes]

    def _settled(self, planned: PlannedChange, change: StackChange) -> StackChange:
        physical = self._current.physical_id(planned.stack, planned.logical)
        if change.action not in {"modify", "replace"} or physical is None or not planned.physical:
            return change
        return replace(change, action="modify" if physical == planned.physical else "replace")

    def _as_reported(self, change: PlannedChange) -> StackChange:
        action = ACTIONS.get(change.action, "replace" if change.replacement == "True" else "modify")
        fixed = [item.name for item in change.properties if item.recreation != "Never"]
        file, line = self._place(change, fixed[0] if fixed else None)
        former = self._former.by_logical_id(change.stack, change.logical)
        return StackChange(
            stack=change.name,
            resource=change.logical,
            type=change.kind,
            action=action,
            file=file,
            line=line,
            policy=self._former.deletion_policy(change.stack, change.logical) if action == "remove" else change.policy,
            properties=change.properties,
            was=f"{former.template.name}:{former.line()}" if former is not None else None,
        )

    def _place(self, change: PlannedChange, name: str | None) -> tuple[str, int]:
        """Returns file and line of a resource; of one that is gone, of the template's resources, or of the plan."""
        current = self._current.by_logical_id(change.stack, change.logical)
        if current is not None:
            return current.template.name, current.line(name)
        template = self._current.template_of(change.stack)
        return (template.name, template.line("Resources")) if template is not None else (self._plan_name, 1)
