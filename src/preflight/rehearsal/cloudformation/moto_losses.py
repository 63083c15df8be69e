"""Reads every property of every resource back, and records what the service did not keep.

A property of the ledger is *stored* only if the service describes the resource with the same value.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote

from preflight.rehearsal.cloudformation.resource_handlers import ResourceHandlers
from preflight.rehearsal.cloudformation.resources.failure import ResourceFailedError
from preflight.rehearsal.cloudformation.stack import Resource, Stack, Stacks
from preflight.templates import intrinsic_functions

STORED = "stored"


def read_stacks(handlers: ResourceHandlers, stacks: Stacks) -> None:
    """Reads back the resources of the stacks that no operation is changing."""
    for stack in stacks.all():
        if stack.is_finished and stack.status != "DELETE_COMPLETE":
            read_stack(handlers, stack)


def read_stack(handlers: ResourceHandlers, stack: Stack) -> None:
    """Reads back the resources of a stack."""
    for resource in list(stack.resources.values()):
        if resource.physical_id and resource.status in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}:
            _read_resource(handlers, stack, resource)


def _read_resource(handlers: ResourceHandlers, stack: Stack, resource: Resource) -> None:
    read = handlers.handler(resource).read
    if read is None:
        return
    context = handlers.context(stack, resource)
    try:
        properties = read(context, resource.physical_id, resource.properties)
    except ResourceFailedError as failure:
        context.record(None, "ignored", f"it cannot be read back: {failure.message}")
        return
    except Exception as error:  # noqa: BLE001 - an internal error must not prevent the deletion of the stack
        handlers.ledger.trouble(f"internal error while reading {context.ledger_name} back: {error!r}")
        return
    for name, value in resource.properties.items():
        missing = next(lost(value, member(properties, name)), None)
        is_stored = handlers.ledger.state(context.ledger_name, name) == STORED
        if missing is not None and is_stored:
            context.record(name, "ignored", f"read back otherwise: {name}{missing}")


def member(properties: Mapping[str, Any], name: str) -> Any:
    """Returns what a description has under a name, without regard to case; None if it has nothing."""
    return next((value for key, value in properties.items() if key.lower() == name.lower()), None)


def lost(declared: Any, actual: Any) -> Iterator[str]:
    """Yields the paths at which `actual` differs from what was declared.

    Names are compared without regard to case, scalars as text, lists without regard to order; an empty
    value may be absent.
    """
    if isinstance(declared, dict):
        yield from _lost_of_map(declared, _as_map(actual))
    elif isinstance(declared, list):
        items = actual if isinstance(actual, list) else _as_list(actual)
        for n, item in enumerate(declared):
            if not any(next(lost(item, other), None) is None for other in items):
                yield f"[{n}]"
    elif not _is_same(declared, actual):
        yield ""


def _lost_of_map(declared: Mapping[str, Any], actual: Any) -> Iterator[str]:
    if not isinstance(actual, dict):
        if declared:
            yield ""
        return
    if "Key" in actual and set(declared) != {"Key", "Value"} and "Key" not in declared:
        actual = {actual["Key"]: actual.get("Value")}
    for key, value in declared.items():
        for path in lost(value, member(actual, str(key))):
            yield f".{key}{path}"


def _as_map(actual: Any) -> Any:
    """Returns a policy stored as text, or tags stored as a list, as a map."""
    if isinstance(actual, str):
        return _parsed(actual)
    if isinstance(actual, list) and actual and all(isinstance(item, dict) and "Key" in item for item in actual):
        return {item["Key"]: item.get("Value") for item in actual}
    return actual


def _as_list(actual: Any) -> list[Any]:
    if isinstance(actual, dict):
        return [{"Key": key, "Value": value} for key, value in actual.items()]
    parsed = _parsed(actual) if isinstance(actual, str) else None
    return parsed if isinstance(parsed, list) else [] if actual is None else [actual]


def _parsed(text: str) -> Any:
    """Returns a text read as JSON, URL-decoded if need be, or None if it is no JSON."""
    for candidate in (text, unquote(text)):
        with contextlib.suppress(ValueError):
            return json.loads(candidate)
    return None


def _is_same(declared: Any, actual: Any) -> bool:
    if actual is None:
        return declared in {None, "", False}
    if isinstance(declared, str) and isinstance(actual, dict | list):
        return bool(_parsed(declared) == actual)
    if isinstance(actual, list) and len(actual) == 1:
        actual = actual[0]
    text, actual_text = intrinsic_functions.as_text(declared), intrinsic_functions.as_text(actual)
    return text == actual_text or _is_same_number(text, actual_text) or _is_same_document(text, actual_text)


def _is_same_number(text: str, other: str) -> bool:
    try:
        return float(text) == float(other)
    except ValueError:
        return False


def _is_same_document(text: str, other: str) -> bool:
    parsed = _parsed(text)
    return parsed is not None and bool(parsed == _parsed(other))
