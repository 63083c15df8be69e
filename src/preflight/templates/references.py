"""The references in a part of a template: Ref, Fn::GetAtt, and the names in the texts of Fn::Sub. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from preflight.aws import unresolved
from preflight.templates import intrinsic_functions
from preflight.templates.intrinsic_functions import Value


@dataclass(frozen=True)
class Reference:
    """A reference to `name` by a function; `attribute` is None if the reference is to the thing itself."""

    function: str
    name: str
    attribute: str | None


def reference_of(name: str) -> dict[str, Value]:
    """Returns the Ref or Fn::GetAtt that `${name}` stands for in Fn::Sub."""
    logical, _, attribute = name.strip().partition(".")
    return {"Fn::GetAtt": [logical, attribute]} if attribute else {"Ref": logical}


def referenced(value: Value) -> str | None:
    """Returns the name that a value refers to if it is a Ref and nothing else, else None."""
    return str(value["Ref"]) if isinstance(value, dict) and unresolved.function_of(value) == "Ref" else None


def names_in(text: str) -> list[str]:
    """Returns the names in a text of Fn::Sub, as they are written."""
    return [name.strip() for name in intrinsic_functions.names_in(text)]


def references_in(value: Value) -> Iterator[Reference]:
    """Returns every reference in `value`, by Ref, Fn::GetAtt and Fn::Sub."""
    if isinstance(value, list):
        for item in value:
            yield from references_in(item)
        return
    if not isinstance(value, dict):
        return
    name = unresolved.function_of(value)
    argument = value[name] if name else None
    if name == "Ref" and isinstance(argument, str):
        yield Reference(name, argument, None)
    elif name == "Fn::GetAtt":
        yield from _in_get_attribute(argument)
    elif name == "Fn::Sub":
        yield from _in_sub(argument)
    else:
        for item in value.values():
            yield from references_in(item)


def _in_get_attribute(argument: Value) -> Iterator[Reference]:
    parts = argument.split(".", 1) if isinstance(argument, str) else argument
    if isinstance(parts, list) and parts and isinstance(parts[0], str):
        yield Reference("Fn::GetAtt", parts[0], parts[1] if len(parts) > 1 and isinstance(parts[1], str) else "")
        yield from references_in(parts[1:])


def _in_sub(argument: Value) -> Iterator[Reference]:
    text, mapped, *_ = [*argument, {}, {}] if isinstance(argument, list) else [argument, {}]
    mapped = mapped if isinstance(mapped, dict) else {}
    for name in names_in(text) if isinstance(text, str) else ():
        if name not in mapped:
            target, dot, attribute = name.partition(".")
            yield Reference("Fn::Sub", target, attribute if dot else None)
    yield from references_in(list(mapped.values()))
