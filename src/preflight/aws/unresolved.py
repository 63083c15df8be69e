"""Values that are not known: intrinsic functions that nothing has resolved, and what a stand-in made up."""

from __future__ import annotations

from typing import Any

STANDIN = "rehearsal-standin"  # part of every value that a stand-in made up; its form proves nothing


def is_function(value: Any) -> bool:
    """Whether a value is an intrinsic function, a text with a dynamic reference, or of a stand-in: it is not known."""
    if isinstance(value, str):
        return "{{resolve:" in value or STANDIN in value
    if not isinstance(value, dict) or len(value) != 1:
        return False
    (key,) = value
    if key == "Condition":  # of a condition; the one of a policy's statement is an object
        return isinstance(value[key], str)
    return isinstance(key, str) and (key == "Ref" or key.startswith("Fn::"))


def contains_function(value: Any) -> bool:
    """Whether a value or a part of it is not known."""
    if is_function(value):
        return True
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return any(contains_function(part) for part in parts)
