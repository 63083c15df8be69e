"""A violation of a rule: the document, the part of it, what is wrong, and how to fix it."""

from __future__ import annotations

from dataclasses import dataclass

from preflight.plan.resolved_stacks import ResolvedTemplate
from preflight.templates import error_location
from preflight.templates.intrinsic_functions import Path


@dataclass(frozen=True)
class Violation:
    """One violation; `path` leads from the document's top to the part that is wrong, `source` is a page nearer than the rule's."""

    document: ResolvedTemplate
    path: Path
    message: str
    fix: str
    source: str | None = None

    @property
    def resource(self) -> str | None:
        """Logical id of the resource that is wrong."""
        return error_location.resource_of(self.path)

    @property
    def property(self) -> str | None:
        """Dotted path of the property that is wrong."""
        return ".".join(map(str, self.path[3:])) or None


def at(logical: str, *rest: str | int) -> Path:
    """The path of a property of a resource."""
    return ("Resources", logical, "Properties", *rest)
