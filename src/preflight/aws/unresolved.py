"""Values that are not known: intrinsic functions that nothing has resolved, and what a stand-in made up."""

from __future__ import annotations

from typing import Any

STANDIN = "rehearsal-standin"  # part of every value that a stand-in made up; its form proves nothing


def function_of(value: Any) -> str | None:
    """Returns the name of the function that a value is (`Ref`, `Fn::Sub`, `Condition` ...), or None."""
    if not isinstance(value, dict) or len(value) != 1:
        return None
    (name,) = value
    if name == "Ref" or (name == "Condition" and isinstance(value[name], str)):  # that of a policy's statement is an object
        return str(name)
    return name if isinstance(name, str) and name.startswith("Fn::") else None


def is_function(value: Any) -> bool:
    """Whether a value is an intrinsic function, a text with a dynamic reference, or of a stand-in: it is not known."""
    if isinstance(value, str):
        return "{{resolve:" in value or STANDIN in value
    return function_of(value) is not None


def contains_function(value: Any) -> bool:
    """Whether a value or a part of it is not known."""
    if is_function(value):
        return True
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return any(contains_function(part) for part in parts)
