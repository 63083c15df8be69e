"""The resources of a plan's stacks, and the lines of the templates that declare them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Container, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from preflight.deploy.stacks import STACK, ResourceSummary, Stacks
from preflight.templates import error_location, template
from preflight.templates.template import Template, UnreadableError


@dataclass(frozen=True)
class DeclaredResource:
    """A resource as a template declares it."""

    template: Template
    logical: str
    physical: str
    kind: str
    stack: str = ""  # the name or id of the stack that it is in

    def line(self, dotted: str | None = None) -> int:
        """Line of the resource, or of a property of it (`NetworkConfiguration.AwsvpcConfiguration`)."""
        if dotted is None:
            return error_location.line(self.template, "Resources", self.logical)
        keys = [int(key) if key.isdigit() else key for key in dotted.split(".")]
        return error_location.line(self.template, "Resources", self.logical, "Properties", *keys)


class DeclaredResources:
    """Resources by stack, nested stacks included; `staged` has the templates' files by object key."""

    def __init__(self, stacks: Stacks, *, staged: Mapping[str, Path], names: Mapping[Path, str]) -> None:
        self._stacks = stacks
        self._staged = staged
        self._names = names
        self._templates: dict[str, Template] = {}
        self._resources: dict[str, DeclaredResource] = {}
        self._summaries: dict[tuple[str, str], ResourceSummary] = {}  # by stack and logical id

    def add(self, stack: str, path: Path) -> None:
        """Note that a stack was created from the template in a file."""
        self._templates[stack] = self._load(path)

    def template_of(self, stack: str) -> Template | None:
        """Returns the template of a stack, or None if it is not one of the plan's."""
        return self._templates.get(stack)

    def refresh(self) -> None:
        """Read which resources the stacks have by now."""
        remaining = list(self._templates)
        while remaining:
            stack = remaining.pop()
            for resource in self._stacks.resources(stack):
                physical = resource.get("PhysicalResourceId") or ""
                self._summaries[stack, resource["LogicalResourceId"]] = resource
                if physical:
                    self._note(stack, physical, resource)
                is_new = resource["ResourceType"] == STACK and physical and physical not in self._templates
                path = self._staged_path(stack, resource["LogicalResourceId"]) if is_new else None
                if path is not None:
                    self.add(physical, path)
                    remaining.append(physical)

    def states(self) -> list[tuple[str, str, str]]:
        """Returns the logical id, the type and stack, and the status of each resource that has one, as it was read last."""
        return [
            (logical, f"{summary['ResourceType']} in {stack.split('/')[1] if '/' in stack else stack}", summary["ResourceStatus"])
            for (stack, logical), summary in self._summaries.items()
            if summary["ResourceStatus"]
        ]

    def at_rest_since(self, failing: Container[str]) -> dt.datetime | None:
        """Returns since when nothing is created or updated but `failing` services (physical ids).

        Returns None while another resource is in progress: a task of the services could depend on it.
        """
        others = [s for s in self._summaries.values() if s["ResourceType"] != STACK and s.get("PhysicalResourceId") not in failing]
        if any(resource["ResourceStatus"].endswith("_IN_PROGRESS") for resource in others):
            return None
        return max((resource["LastUpdatedTimestamp"] for resource in others), default=dt.datetime.fromtimestamp(0, dt.timezone.utc))

    def _note(self, stack: str, physical: str, resource: ResourceSummary) -> None:
        logical, kind = resource["LogicalResourceId"], resource["ResourceType"]
        self._resources[physical] = DeclaredResource(self._templates[stack], logical, physical, kind, stack)

    def _load(self, path: Path) -> Template:
        return template.load(path, name=self._names.get(path, str(path)))

    def _staged_path(self, stack: str, logical: str) -> Path | None:
        url = self._stacks.template_url(stack, logical)
        key = unquote(urlsplit(url).path).lstrip("/") if url else ""
        return next((path for staged, path in self._staged.items() if key == staged or key.endswith(f"/{staged}")), None)

    def nested(self, stack: str, logical: str) -> Template | None:
        """Returns the template of a nested stack, created or not, or None if it is not one of the plan's."""
        path = self._staged_path(stack, logical)
        try:
            return self._load(path) if path is not None else None
        except UnreadableError:
            return None

    def find(self, physical: str) -> DeclaredResource | None:
        """Returns the resource of that physical id."""
        return self._resources.get(physical)

    def named_in(self, reason: str) -> DeclaredResource | None:
        """Returns the resource whose physical id a message quotes, None without one."""
        quoted = (r for physical, r in self._resources.items() if f'"{physical}"' in reason or f"'{physical}'" in reason)
        return next(quoted, None)

    def all(self) -> list[DeclaredResource]:
        """Returns the resources that exist, as they were read last."""
        return [resource for physical, resource in self._resources.items() if self.exists(physical)]

    def of_kind(self, kind: str) -> list[DeclaredResource]:
        """Returns the resources of a type."""
        return [resource for resource in self._resources.values() if resource.kind == kind]

    def physical_id(self, stack: str, logical: str) -> str | None:
        """Returns the physical id of a resource of a stack as it was read last, None if there is none."""
        return self._summaries.get((stack, logical), {}).get("PhysicalResourceId")

    def deletion_policy(self, stack: str, logical: str) -> str | None:
        """Returns what becomes of a resource that is removed from its stack, None if its template is not one of the plan's."""
        resource = self.by_logical_id(stack, logical)
        if resource is None:
            return None
        policy = str(resource.template.resources[logical].get("DeletionPolicy") or "Delete")
        return "Snapshot" if _keeps_snapshot(resource) else policy.removesuffix("ExceptOnCreate")

    def exists(self, physical: str) -> bool:
        """Whether a stack still has the resource of that physical id, as far as was read last."""
        return any(s.get("PhysicalResourceId") == physical for s in self._summaries.values())

    def with_final_snapshot(self) -> list[DeclaredResource]:
        """Returns the resources of which AWS keeps a snapshot when their stack is deleted."""
        return [resource for resource in self._resources.values() if _keeps_snapshot(resource)]

    def by_logical_id(self, stack: str, logical: str) -> DeclaredResource | None:
        """Returns the resource of that logical id in a stack, created or not."""
        template_of_stack = self._templates.get(stack)
        if template_of_stack is None or logical not in template_of_stack.resources:
            return None
        kind = str(template_of_stack.resources[logical].get("Type"))
        return DeclaredResource(template_of_stack, logical, "", kind)


def _keeps_snapshot(resource: DeclaredResource) -> bool:
    """Whether its DeletionPolicy is Snapshot, which is the default of databases.

    Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-deletionpolicy.html
    """
    definition = resource.template.resources.get(resource.logical) or {}
    properties = definition.get("Properties")
    is_in_cluster = isinstance(properties, dict) and "DBClusterIdentifier" in properties
    is_database = resource.kind == "AWS::RDS::DBCluster" or (resource.kind == "AWS::RDS::DBInstance" and not is_in_cluster)
    return bool(definition.get("DeletionPolicy", "Snapshot" if is_database else "Delete") == "Snapshot")
