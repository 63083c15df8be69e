"""Resource types whose whole life is one call each: create, read, change, delete.

What such a type needs to be told stands in a `Plain`; property names are matched with the members of
the operations, generated names and tags are added, and Fn::GetAtt is answered from what the service
describes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import jmespath

from preflight.rehearsal import protocol
from preflight.rehearsal.cloudformation.resources.handler import (
    CreatedResource,
    Handler,
    HandlerContext,
    Properties,
    Reader,
)

Ask = Callable[[str, Properties], dict[str, Any]]  # physical id and properties to the input of an operation


@dataclass(frozen=True)
class ReadSpec:
    """An operation that describes one resource: its input, and where in the answer the description is."""

    operation: str
    ask: Ask
    found: str
    renames: Mapping[str, str] = field(default_factory=dict)  # member of the answer: property


@dataclass(frozen=True)
class ResourceSpec:
    """One resource type by the operations of its service.

    `identify` is where in the answer to `create` the physical id stands, or makes it of the answer
    and the properties. `named` is the property that gets a generated name of at most `most`
    characters where the template gives none. `renames` are properties that the service spells
    otherwise, `attributes` where in the description Fn::GetAtt finds its values.
    """

    service: str
    create: str
    identify: str | Callable[[Mapping[str, Any], Properties], str]
    delete: str
    gone: Ask
    read: ReadSpec | None = None
    update: str | None = None
    changed: Ask | None = None
    named: str | None = None
    most: int = 64
    renames: Mapping[str, str] = field(default_factory=dict)
    attributes: Mapping[str, str] = field(default_factory=dict)
    defaults: Mapping[str, Any] = field(default_factory=dict)
    dropped: frozenset[str] = frozenset()


def by(key: str, *, is_list: bool = False) -> Ask:
    """The physical id as the one member `key` of the input."""
    return lambda physical, _given: {key: [physical] if is_list else physical}


def own(*names: str) -> Ask:
    """Properties under their own names as the input."""
    return lambda _physical, given: {name: given[name] for name in names if name in given}


def handler(plain: ResourceSpec) -> Handler:
    """The handler of such a type."""
    life = _Life(plain)
    can_change = plain.update is not None
    return Handler(life.create, life.delete, life.update if can_change else None, reader(plain.service, plain.read))


def reader(service: str, read: ReadSpec | None) -> Reader | None:
    """What reads a resource back; None where nothing does."""
    if read is None:
        return None

    def find(place: HandlerContext, physical: str, given: Properties) -> dict[str, Any]:
        answer = place.ask(service, read.operation, **read.ask(physical, given))
        found = jmespath.search(read.found, answer)
        return {read.renames.get(key, key): value for key, value in (found or {}).items()}

    return find


class _Life:
    def __init__(self, plain: ResourceSpec) -> None:
        self._plain = plain

    def create(self, place: HandlerContext, given: Properties) -> CreatedResource:
        plain, asked = self._plain, dict(given)
        if plain.named is not None and plain.named not in asked:
            asked[plain.named] = place.name(most=plain.most)
        answer = place.call(plain.service, plain.create, self._input(place, asked, plain.create))
        if isinstance(plain.identify, str):
            physical = str(asked.get(plain.identify) or jmespath.search(plain.identify, answer))
        else:
            physical = plain.identify(answer, asked)
        return self._made(place, physical, asked, answer)

    def _input(self, place: HandlerContext, asked: Mapping[str, Any], operation: str) -> dict[str, Any]:
        plain = self._plain
        for name in plain.dropped & set(asked):
            place.note(name, "ignored", "the rehearsal's service has no place for it")
        made = {plain.renames.get(k, k): v for k, v in {**plain.defaults, **asked}.items() if k not in plain.dropped}
        for name in plain.renames.keys() & asked.keys():
            place.note(name, "stored")
        return tagged(place, plain.service, operation, made)

    def _made(
        self, place: HandlerContext, physical: str, given: Properties, answer: Mapping[str, Any]
    ) -> CreatedResource:
        find = reader(self._plain.service, self._plain.read)
        described = {**answer, **(find(place, physical, given) if find and self._plain.attributes else {})}
        found = {name: jmespath.search(path, described) for name, path in self._plain.attributes.items()}
        return CreatedResource(physical, {name: "" if value is None else value for name, value in found.items()})

    def update(self, place: HandlerContext, physical: str, _old: Properties, new: Properties) -> CreatedResource:
        plain, operation = self._plain, str(self._plain.update)
        asked = self._input(place, new, operation) | (plain.changed(physical, new) if plain.changed else {})
        if plain.named is not None:
            asked.setdefault(plain.named, physical)
        if operation != plain.create:
            asked.pop("Tags", None)
        answer = place.call(plain.service, operation, asked)
        return self._made(place, physical, {**new, **({plain.named: physical} if plain.named else {})}, answer)

    def delete(self, place: HandlerContext, physical: str, given: Properties) -> None:
        place.ask(self._plain.service, self._plain.delete, **self._plain.gone(physical, given))


def tagged(place: HandlerContext, service: str, operation: str, asked: Mapping[str, Any]) -> dict[str, Any]:
    """`asked` with the tags of stack and resource, in the form that the operation takes."""
    members = protocol.model_of(service).operation_model(operation).input_shape.members
    name = next((member for member in members if member.lower() == "tags"), None)
    plain = {key: value for key, value in asked.items() if key != "Tags"}
    if name is None:
        return dict(asked)
    pairs = {tag["Key"]: tag["Value"] for tag in place.all_tags(asked.get("Tags"))}
    shape = members[name]
    if shape.type_name == "map":
        return {**plain, "Tags": pairs}
    key, value = sorted(shape.member.members)  # Key and Value, or TagKey and TagValue
    return {**plain, "Tags": [{key: k, value: v} for k, v in pairs.items()]}
