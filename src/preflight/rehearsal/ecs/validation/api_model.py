"""What the service model itself says of a request: required members, enumerations, lengths and ranges. Pure.

Source: the constraints of https://docs.aws.amazon.com/AmazonECS/latest/APIReference/, which botocore ships as data.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Shape = Any
# "Amazon ECS treats any other specified value as tcp": API_PortMapping.
TAKEN_AS_THEY_ARE = frozenset({"TransportProtocol"})


def refusals(value: Any, shape: Shape, path: str = "") -> Iterator[str]:
    """Each member of a request that the model of its shape does not allow, as AWS says it."""
    for failed, constraint in _failures(value, shape, path):
        yield f"1 validation error detected: {failed} failed to satisfy constraint: {constraint}"


def _failures(value: Any, shape: Shape, path: str) -> Iterator[tuple[str, str]]:
    if value is None:
        return
    if shape.type_name == "structure":
        yield from _structure(value, shape, path)
    elif shape.type_name == "list":
        yield from _length(value, shape, path)
        for number, item in enumerate(value, start=1):
            yield from _failures(item, shape.member, f"{path}.{number}.member")
    elif shape.type_name == "map":
        for key, item in value.items():
            yield from _failures(item, shape.value, f"{path}.{key}.member")
    elif shape.type_name == "string":
        yield from _string(value, shape, path)
    elif shape.type_name in {"integer", "long"}:
        yield from _range(value, shape, path)


def _structure(value: Mapping[str, Any], shape: Shape, path: str) -> Iterator[tuple[str, str]]:
    for name in shape.required_members:
        if path and value.get(name) is None:  # at the top, what reads the request has checked it
            yield f"Value null at '{path}.{name}'", "Member must not be null"
    for name, member in shape.members.items():
        yield from _failures(value.get(name), member, f"{path}.{name}" if path else name)


def _string(value: str, shape: Shape, path: str) -> Iterator[tuple[str, str]]:
    if shape.enum and value not in shape.enum and shape.name not in TAKEN_AS_THEY_ARE:
        yield f"Value '{value}' at '{path}'", f"Member must satisfy enum value set: [{', '.join(shape.enum)}]"
    yield from _length(value, shape, path)


def _length(value: Any, shape: Shape, path: str) -> Iterator[tuple[str, str]]:
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    if low is not None and len(value) < low:
        yield f"Value at '{path}'", f"Member must have length greater than or equal to {low}"
    if high is not None and len(value) > high:
        yield f"Value at '{path}'", f"Member must have length less than or equal to {high}"


def _range(value: int, shape: Shape, path: str) -> Iterator[tuple[str, str]]:
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    if low is not None and value < low:
        yield f"Value '{value}' at '{path}'", f"Member must have value greater than or equal to {low}"
    if high is not None and value > high:
        yield f"Value '{value}' at '{path}'", f"Member must have value less than or equal to {high}"
