"""Read every property of every resource back, and say what was lost on the way.

A property of the ledger is *stored* only if the service, asked for the resource, says the same.
"""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote

from preflight.rehearsal.cloudformation.provisioner import Provisioner
from preflight.rehearsal.cloudformation.resources.handler import ResourceFailedError
from preflight.rehearsal.cloudformation.stack import Resource, Stack, Stacks
from preflight.templates import functions

KEPT = "stored"


def every(provisioner: Provisioner, all_stacks: Stacks) -> None:
    """Read back what the stacks have that nothing is changing at the moment."""
    for stack in all_stacks.all():
        if stack.is_over and stack.status != "DELETE_COMPLETE":
            one(provisioner, stack)


def one(provisioner: Provisioner, stack: Stack) -> None:
    """Read back what a stack has."""
    for resource in list(stack.resources.values()):
        if resource.physical and resource.status in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}:
            _audit(provisioner, stack, resource)


def _audit(provisioner: Provisioner, stack: Stack, resource: Resource) -> None:
    read = provisioner.handler(resource).read
    if read is None:
        return
    place = provisioner.place(stack, resource, threading.Event())
    try:
        found = read(place, resource.physical, resource.properties)
    except ResourceFailedError as failure:
        place.note(None, "ignored", f"it cannot be read back: {failure.message}")
        return
    except Exception as error:  # noqa: BLE001 - a fault of ours must not keep the stack from being deleted
        provisioner.book.trouble(f"the rehearsal broke while it read {place.entry} back: {error!r}")
        return
    for name, value in resource.properties.items():
        missing = next(lost(value, _member(found, name)), None)
        is_known = provisioner.book.state(place.entry, name) == KEPT
        if missing is not None and is_known:
            place.note(name, "ignored", f"read back otherwise: {name}{missing}")


def _member(found: Mapping[str, Any], name: str) -> Any:
    return next((value for key, value in found.items() if key.lower() == name.lower()), None)


def lost(declared: Any, found: Any) -> Iterator[str]:
    """Paths below which `found` does not hold what was declared.

    Names are matched without regard to case, scalars as text, lists without regard to order; what is
    declared as nothing may be absent.
    """
    if isinstance(declared, dict):
        yield from _lost_of_map(declared, _as_map(found))
    elif isinstance(declared, list):
        kept = found if isinstance(found, list) else _as_list(found)
        for n, item in enumerate(declared):
            if not any(next(lost(item, other), None) is None for other in kept):
                yield f"[{n}]"
    elif not _is_same(declared, found):
        yield ""


def _lost_of_map(declared: Mapping[str, Any], found: Any) -> Iterator[str]:
    if not isinstance(found, dict):
        if declared:
            yield ""
        return
    if "Key" in found and set(declared) != {"Key", "Value"} and "Key" not in declared:
        found = {found["Key"]: found.get("Value")}
    for key, value in declared.items():
        for path in lost(value, _member(found, str(key))):
            yield f".{key}{path}"


def _as_map(found: Any) -> Any:
    """A policy kept as text, or tags kept as a list, as a map."""
    if isinstance(found, str):
        return _parsed(found)
    if isinstance(found, list) and found and all(isinstance(item, dict) and "Key" in item for item in found):
        return {item["Key"]: item.get("Value") for item in found}
    return found


def _as_list(found: Any) -> list[Any]:
    if isinstance(found, dict):
        return [{"Key": key, "Value": value} for key, value in found.items()]
    parsed = _parsed(found) if isinstance(found, str) else None
    return parsed if isinstance(parsed, list) else [] if found is None else [found]


def _parsed(text: str) -> Any:
    """A text read as JSON, as it is or decoded from a URL; None where it is none."""
    for candidate in (text, unquote(text)):
        with contextlib.suppress(ValueError):
            return json.loads(candidate)
    return None


def _is_same(declared: Any, found: Any) -> bool:
    if found is None:
        return declared in {None, "", False}
    if isinstance(declared, str) and isinstance(found, dict | list):
        return bool(_parsed(declared) == found)
    if isinstance(found, list) and len(found) == 1:
        found = found[0]
    one, other = functions.as_text(declared), functions.as_text(found)
    return one == other or _same_number(one, other) or _same_document(one, other)


def _same_number(one: str, other: str) -> bool:
    try:
        return float(one) == float(other)
    except ValueError:
        return False


def _same_document(one: str, other: str) -> bool:
    parsed = _parsed(one)
    return parsed is not None and bool(parsed == _parsed(other))
