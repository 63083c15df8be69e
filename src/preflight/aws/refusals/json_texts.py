"""Properties that are JSON in a text, which a template may also write as an object."""

from __future__ import annotations

import json
from typing import Any

from preflight.aws.constraints import Predicate, Test, value


def _is_json(value: Any) -> bool:
    if not isinstance(value, str):
        return True
    try:
        json.loads(value)
    except ValueError:
        return False
    return True


def is_object(name: str) -> Test:
    """The value of a name, if it is there, is a JSON object or a text of one."""

    def fits(value: Any) -> bool:
        return _is_json(value) and isinstance(json.loads(value) if isinstance(value, str) else value, dict)

    return value(name, Predicate(fits, ("{}", ' {"a": 1}', {"a": 1}), ("", "{", "{'a': 1}", "[]", '"a"')))


def is_json(name: str) -> Test:
    """The value of a name, if it is there, is JSON."""
    return value(name, Predicate(_is_json, ("{}", "[1]", '"a"', "1"), ("", "a", "{'a': 1}", "{a: 1}")))
