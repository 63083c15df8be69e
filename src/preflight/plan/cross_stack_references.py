"""Which resource a value comes from, through parameters, outputs, exports and lists. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from preflight.aws import unresolved
from preflight.plan import resolved_stacks
from preflight.plan.resolved_stacks import ResolvedStacks, ResolvedTemplate
from preflight.templates import intrinsic_functions

MAX_STEPS = 50


class UnknownError(Exception):
    """The value comes from outside of the templates."""


@dataclass(frozen=True)
class ReferencedResource:
    """A resource of a document; `attribute` as in Fn::GetAtt, None for Ref."""

    document: ResolvedTemplate
    logical: str
    attribute: str | None = None

    @property
    def resource(self) -> Mapping[str, Any]:
        """The resource as its document has it."""
        return self.document.resources.get(self.logical, {})

    @property
    def kind(self) -> str:
        """Its type."""
        return str(self.resource.get("Type"))

    @property
    def properties(self) -> Mapping[str, Any]:
        """Its properties."""
        return resolved_stacks.properties(self.resource)

    def is_same(self, other: ReferencedResource) -> bool:
        """Whether both are one resource, whatever was asked of it."""
        return self.document is other.document and self.logical == other.logical


class ReferenceTracer:
    """Follows values through all documents of an estate."""

    def __init__(self, stacks: ResolvedStacks) -> None:
        self._stacks = stacks

    def find(self, document: ResolvedTemplate, value: Any, kind: str | None = None) -> ReferencedResource | None:
        """Returns the one resource that `value` comes from, or None if it is not known or of another kind."""
        try:
            resource = self.one(document, value)
        except UnknownError:
            return None
        return resource if kind in {None, resource.kind} else None

    def one(self, document: ResolvedTemplate, value: Any) -> ReferencedResource:
        """The one resource that `value` comes from.

        Raises:
            UnknownError: it comes from elsewhere, or from several.
        """
        resources = self.all(document, value)
        if len(resources) != 1:
            raise UnknownError
        return resources[0]

    def all(self, document: ResolvedTemplate, value: Any) -> list[ReferencedResource]:
        """The resources that a value, or each item of a list, comes from.

        Raises:
            UnknownError: at least one comes from elsewhere.
        """
        return list(self._follow(document, value, 0))

    def _follow(self, document: ResolvedTemplate, value: Any, steps: int) -> Iterator[ReferencedResource]:
        if steps > MAX_STEPS:
            raise UnknownError
        if isinstance(value, list):
            for item in value:
                yield from self._follow(document, item, steps + 1)
            return
        name = unresolved.function_of(value)
        if name is None:
            raise UnknownError
        yield from self._function(document, name, value[name], steps + 1)

    def _function(self, document: ResolvedTemplate, name: str, argument: Any, steps: int) -> Iterator[ReferencedResource]:
        if name == "Ref":
            yield from self._ref(document, argument, steps)
        elif name == "Fn::GetAtt" and isinstance(argument, list) and len(argument) == 2:
            yield from self._attribute(document, str(argument[0]), str(argument[1]), steps)
        elif name == "Fn::ImportValue":
            yield from self._imported(argument, steps)
        elif (name == "Fn::Join" and _is_joined(argument)) or (name == "Fn::Split" and _is_split(argument)):
            yield from self._follow(document, argument[1], steps)
        elif name == "Fn::Select" and isinstance(argument, list) and len(argument) == 2:
            yield self._selected(document, argument, steps)
        else:
            raise UnknownError

    def _ref(self, document: ResolvedTemplate, name: Any, steps: int) -> Iterator[ReferencedResource]:
        if not isinstance(name, str):
            raise UnknownError
        if name in document.resources:
            yield ReferencedResource(document, name)
        elif document.parent is not None and name in document.parameters:
            yield from self._follow(document.parent, document.parameters[name], steps)
        else:
            raise UnknownError

    def _attribute(self, document: ResolvedTemplate, name: str, attribute: str, steps: int) -> Iterator[ReferencedResource]:
        if name not in document.resources:
            raise UnknownError
        if not attribute.startswith("Outputs."):
            yield ReferencedResource(document, name, attribute)
            return
        child = document.children.get(name)
        output = child.data["Outputs"].get(attribute.removeprefix("Outputs.")) if child is not None else None
        if child is None or output is None:
            raise UnknownError
        yield from self._follow(child, output.get("Value"), steps)

    def _imported(self, name: Any, steps: int) -> Iterator[ReferencedResource]:
        if not isinstance(name, str) or name not in self._stacks.exports:
            raise UnknownError
        document, value = self._stacks.exports[name]
        yield from self._follow(document, value, steps)

    def _selected(self, document: ResolvedTemplate, argument: list[Any], steps: int) -> ReferencedResource:
        resources = list(self._follow(document, argument[1], steps))
        index = intrinsic_functions.as_text(argument[0])
        if not re.fullmatch("[0-9]{1,9}", index) or int(index) >= len(resources):
            raise UnknownError
        return resources[int(index)]


def _is_joined(argument: Any) -> bool:
    """Whether it joins a list as parameters take it, or is no more than its one item."""
    if not isinstance(argument, list) or len(argument) != 2 or not isinstance(argument[1], list):
        return False
    return argument[0] == "," or len(argument[1]) == 1


def _is_split(argument: Any) -> bool:
    """Whether it takes a list apart as parameters have it."""
    return isinstance(argument, list) and len(argument) == 2 and argument[0] == ","
