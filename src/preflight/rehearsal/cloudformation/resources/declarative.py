"""Resource types as data: the operations that create, read, change and delete a resource.

A `ResourceSpec` has what is special about a type; property names are matched with the members of
the operations, generated names and tags are added, and Fn::GetAtt is answered from what the service
describes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import jmespath

from preflight.rehearsal import protocol
from preflight.rehearsal.cloudformation.resources.context import (
    HandlerContext,
    Properties,
    Request,
    Response,
    without,
)
from preflight.rehearsal.cloudformation.resources.handler import CreatedResource, Handler, Reader

RequestBuilder = Callable[[str, Properties], Request]  # of physical id and properties
Value = str | Callable[[str], str]  # a path in a description, or a function of the physical id


@dataclass(frozen=True)
class Change:
    """What a handler has to do: a new resource has no `old` properties, one to delete no `new` ones."""

    context: HandlerContext
    physical_id: str
    old: Properties
    new: Properties


@dataclass(frozen=True)
class CallSpec:
    """An operation, called once for each of its requests, and the properties that it stores; None is all of them."""

    operation: str
    requests: Callable[[Change], Iterable[Request]]
    stores: Collection[str] | None = ()
    note: str | None = None


@dataclass(frozen=True)
class ReadSpec:
    """An operation that describes a resource, and the JMESPath of the description in its response.

    The request is built of the properties and of what the reads before it described. `properties` are
    paths in the description, or functions of the physical id, for properties that it names otherwise.
    """

    operation: str
    request: RequestBuilder
    path: str = "@"
    properties: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True)
class ResourceSpec:
    """One resource type by the operations of its service.

    `physical_id` is the member of the request or the path in the response that has the physical id, or
    makes it of response and properties. `name` is the property that gets a generated name of at most
    `max_length` characters if the template has none. `update` are calls, or operations that take all
    properties as `create` does. `renames` are properties that the service spells otherwise, `texts`
    those that it takes as texts in its map `Attributes`, `attributes` what answers Fn::GetAtt, and
    `dropped` the properties that are not sent, with the reason. If some are `stored`, only these are
    sent, and all others are entered as *ignored*.
    """

    service: str
    create: str
    physical_id: str | Callable[[Response, Properties], str]
    delete: tuple[CallSpec, ...]
    reads: tuple[ReadSpec, ...] = ()
    update: tuple[CallSpec | str, ...] = ()
    after_create: tuple[CallSpec, ...] = ()
    name: str | None = None
    max_length: int = 64
    name_suffix: Callable[[Properties], str] = lambda _properties: ""
    prepare: Callable[[Properties], Properties] = lambda properties: properties
    renames: Mapping[str, str] = field(default_factory=dict)
    texts: Collection[str] = ()
    attributes: Mapping[str, Value] = field(default_factory=dict)
    dropped: Mapping[str, str] = field(default_factory=dict)
    stored: Collection[str] = ()


def call(operation: str, request: RequestBuilder) -> CallSpec:
    """Returns an operation that is called once, with the properties that the resource has."""
    return CallSpec(operation, lambda change: (request(change.physical_id, change.new or change.old),))


def by_id(member: str, *, is_list: bool = False) -> RequestBuilder:
    """Returns a builder of requests whose one member is the physical id."""
    return lambda physical_id, _properties: {member: [physical_id] if is_list else physical_id}


def from_properties(**members: str) -> RequestBuilder:
    """Returns a builder of requests whose members have the values of these properties."""
    return lambda _id, properties: {member: properties[name] for member, name in members.items() if name in properties}


def after_last(separator: str) -> Callable[[str], str]:
    """Returns a function that cuts a physical id down to what follows the last separator."""
    return lambda physical_id: physical_id.rpartition(separator)[2]


def as_text(value: Any) -> str:
    """Returns a value as SNS and SQS take their attributes."""
    return json.dumps(value, default=str) if isinstance(value, dict | list | bool) else str(value)


def deleter(
    service: str, operation: str, member: str, *, is_list: bool = False
) -> Callable[[HandlerContext, str, Properties], None]:
    """Returns what deletes a resource by an operation whose one member is the physical id."""

    def delete(context: HandlerContext, physical_id: str, _properties: Properties) -> None:
        context.call(service, operation, **{member: [physical_id] if is_list else physical_id})

    return delete


def handler(spec: ResourceSpec) -> Handler:
    """Returns the handler of a type."""
    lifecycle = _Lifecycle(spec)
    return Handler(
        lifecycle.create, lifecycle.delete, lifecycle.update if spec.update else None, reader(spec.service, *spec.reads)
    )


def reader(service: str, *reads: ReadSpec) -> Reader | None:
    """Returns what reads a resource back, None if there is nothing to read."""
    if not reads:
        return None

    def read(context: HandlerContext, physical_id: str, properties: Properties) -> Response:
        return [{}, *_descriptions(service, reads, context, physical_id, properties)][-1]

    return read


def _descriptions(
    service: str, reads: Iterable[ReadSpec], context: HandlerContext, physical_id: str, properties: Properties
) -> Iterator[Response]:
    """Yields what is known of a resource after each read."""
    description: Response = {}
    for spec in reads:
        request = spec.request(physical_id, {**properties, **description})
        part = jmespath.search(spec.path, context.call(service, spec.operation, **request))
        if part:
            description |= {**part, **_values(spec.properties, part, physical_id)}
            yield description


def _values(values: Mapping[str, Value], description: Response, physical_id: str) -> Response:
    return {
        name: value(physical_id) if callable(value) else jmespath.search(value, description)
        for name, value in values.items()
    }


class _Lifecycle:
    def __init__(self, spec: ResourceSpec) -> None:
        self._spec = spec

    def create(self, context: HandlerContext, properties: Properties) -> CreatedResource:
        spec, named = self._spec, dict(properties)
        if spec.name is not None and not named.get(spec.name):
            named[spec.name] = context.generate_name(max_length=spec.max_length) + spec.name_suffix(properties)
        sent = {name: value for name, value in named.items() if not spec.stored or name in spec.stored}
        request = self._request(context, spec.prepare(sent), spec.create)
        response = context.submit(spec.service, spec.create, request, recorded=properties if spec.stored else None)
        if callable(spec.physical_id):
            physical_id = spec.physical_id(response, named)
        else:
            physical_id = str(named.get(spec.physical_id) or jmespath.search(spec.physical_id, response))
        if spec.after_create:
            context.identify(physical_id)
        self._call(spec.after_create, Change(context, physical_id, {}, properties))
        for name in properties if spec.stored else ():
            context.record(name, "stored" if name in spec.stored else "ignored")
        return self._created(context, physical_id, named, response)

    def _request(self, context: HandlerContext, properties: Properties, operation: str) -> Request:
        """Returns the input of an operation that takes all properties."""
        spec = self._spec
        for name in spec.dropped.keys() & properties.keys():
            context.record(name, "ignored", spec.dropped[name])
        if not spec.stored:
            context.record_stored([name for name in spec.renames if name in properties])
        members = {
            spec.renames.get(name, name): value
            for name, value in properties.items()
            if name not in {*spec.dropped, *spec.texts}
        }
        if spec.texts:
            members["Attributes"] = texts(properties, spec.texts)
        return tagged(context, spec.service, operation, members)

    def _call(self, calls: Iterable[CallSpec], change: Change) -> None:
        for spec in calls:
            for request in spec.requests(change):
                change.context.submit(self._spec.service, spec.operation, request, recorded=spec.stores)
                for name in spec.stores or ():
                    if name in change.new:
                        change.context.record(name, "stored", spec.note)

    def _created(
        self, context: HandlerContext, physical_id: str, properties: Properties, response: Response
    ) -> CreatedResource:
        spec = self._spec
        is_described = any(isinstance(value, str) for value in spec.attributes.values())
        reads = _descriptions(spec.service, spec.reads, context, physical_id, properties) if is_described else ()
        attributes = _values(spec.attributes, response, physical_id)
        for description in reads:
            attributes = _values(spec.attributes, {**response, **description}, physical_id)
            if None not in attributes.values():
                break
        return CreatedResource(physical_id, {k: "" if value is None else value for k, value in attributes.items()})

    def update(self, context: HandlerContext, physical_id: str, old: Properties, new: Properties) -> CreatedResource:
        spec, response = self._spec, {}
        named = {spec.name: physical_id, **new} if spec.name else new
        for update in spec.update:
            if isinstance(update, str):
                request = self._request(context, named, update)
                request = request if update == spec.create else without(request, "Tags")
                response = context.submit(spec.service, update, request)
            else:
                self._call((update,), Change(context, physical_id, old, new))
        return self._created(context, physical_id, named, response)

    def delete(self, context: HandlerContext, physical_id: str, properties: Properties) -> None:
        change = Change(context, physical_id, properties, {})
        for spec in self._spec.delete:
            for request in spec.requests(change):
                context.call(self._spec.service, spec.operation, **request)


def texts(properties: Properties, names: Collection[str]) -> Request:
    """Returns the properties with these names as texts."""
    return {name: as_text(properties[name]) for name in sorted(set(names) & set(properties))}


def tagged(context: HandlerContext, service: str, operation: str, properties: Properties) -> Request:
    """Returns properties with the tags of stack and resource, in the form that the operation takes."""
    members = protocol.model_of(service).operation_model(operation).input_shape.members
    name = next((member for member in members if member.lower() == "tags"), None)
    if name is None:
        return dict(properties)
    tags = {tag["Key"]: tag["Value"] for tag in context.all_tags(properties.get("Tags"))}
    shape = members[name]
    if shape.type_name == "map":
        return {**without(properties, "Tags"), "Tags": tags}
    key, value = sorted(shape.member.members)  # Key and Value, or TagKey and TagValue
    return {**without(properties, "Tags"), "Tags": [{key: k, value: v} for k, v in tags.items()]}
