"""Values of a template that nothing has resolved: objects whose one key is an intrinsic function."""

from __future__ import annotations

from typing import Any


def is_function(value: Any) -> bool:
    """Whether a value is an intrinsic function, or a text with a dynamic reference, whose value is not known."""
    if isinstance(value, str):
        return "{{resolve:" in value
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
