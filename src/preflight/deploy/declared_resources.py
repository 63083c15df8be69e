"""Which line of which template a resource of the account was declared in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from preflight.deploy import stacks
from preflight.deploy.stacks import Stacks
from preflight.templates import location, template
from preflight.templates.template import Template, UnreadableError


@dataclass(frozen=True)
class DeclaredResource:
    """A resource as a template declares it."""

    template: Template
    logical: str
    physical: str
    kind: str

    def line(self, dotted: str | None = None) -> int:
        """Line of the resource, or of a property of it (`NetworkConfiguration.AwsvpcConfiguration`)."""
        if dotted is None:
            return location.line(self.template, "Resources", self.logical)
        keys = [int(key) if key.isdigit() else key for key in dotted.split(".")]
        return location.line(self.template, "Resources", self.logical, "Properties", *keys)


class DeclaredResources:
    """Templates by stack, followed down through nested stacks."""

    def __init__(self, every: Stacks, *, staged: Mapping[str, Path], names: Mapping[Path, str]) -> None:
        self._stacks = every
        self._staged = staged
        self._names = names
        self._templates: dict[str, Template] = {}
        self._found: dict[str, DeclaredResource] = {}

    def add(self, stack: str, path: Path) -> None:
        """Note that a stack was made from the template in a file."""
        self._templates[stack] = template.load(path, name=self._names.get(path, str(path)))

    def template_of(self, stack: str) -> Template | None:
        """The template of a stack, None where it is not one of the plan's."""
        return self._templates.get(stack)

    def learn(self) -> None:
        """Read which resources the stacks have by now."""
        ahead = list(self._templates)
        while ahead:
            stack = ahead.pop()
            for resource in self._stacks.resources(stack):
                self._note(stack, resource)
                nested = resource.get("PhysicalResourceId") or ""
                is_new = resource["ResourceType"] == stacks.STACK and nested and nested not in self._templates
                if is_new and self._follow(stack, resource["LogicalResourceId"], nested):
                    ahead.append(nested)

    def _note(self, stack: str, resource: Mapping[str, Any]) -> None:
        physical = resource.get("PhysicalResourceId")
        if physical:
            logical, kind = resource["LogicalResourceId"], resource["ResourceType"]
            self._found[physical] = DeclaredResource(self._templates[stack], logical, physical, kind)

    def _follow(self, stack: str, logical: str, nested: str) -> bool:
        path = self._staged_path(stack, logical)
        if path is not None:
            self.add(nested, path)
        return path is not None

    def _staged_path(self, stack: str, logical: str) -> Path | None:
        url = self._stacks.template_url(stack, logical)
        key = unquote(urlsplit(url).path).lstrip("/") if url else ""
        return next((p for staged, p in self._staged.items() if key == staged or key.endswith(f"/{staged}")), None)

    def nested(self, stack: str, logical: str) -> Template | None:
        """The template that a nested stack was to be made from, None where it is not one of the plan's."""
        path = self._staged_path(stack, logical)
        try:
            return template.load(path, name=self._names.get(path, str(path))) if path is not None else None
        except UnreadableError:
            return None

    def find(self, physical: str) -> DeclaredResource | None:
        """The resource of that physical id."""
        return self._found.get(physical)

    def of_kind(self, kind: str) -> list[DeclaredResource]:
        """Every resource of a type."""
        return [declared for declared in self._found.values() if declared.kind == kind]

    def at(self, stack: str, logical: str) -> DeclaredResource | None:
        """The resource of that logical id in a stack, also one that was never made."""
        known = self._templates.get(stack)
        if known is None or logical not in known.resources:
            return None
        kind = str(known.resources[logical].get("Type"))
        return DeclaredResource(known, logical, "", kind)
