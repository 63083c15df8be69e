"""Text of JSON as readers of YAML take it: no character is written as two escapes, which they refuse.

JSON writes each character beyond U+FFFF so, as Python's `json.dumps` does with an emoji in a description:
https://www.rfc-editor.org/rfc/rfc8259#section-7.
"""

from __future__ import annotations

import json
import re

_PAIR = re.compile(r"(?<!\\)((?:\\\\)*)(\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})")


def is_json(text: str) -> bool:
    """Whether a template is JSON, by its first character."""
    return text.lstrip("\ufeff \t\r\n").startswith("{")


def joined_if_json(text: str) -> str:
    """Returns a text, joined if it is of JSON; single quotes and plain text of YAML have no escapes."""
    return joined(text) if is_json(text) else text


def joined(text: str) -> str:
    """Returns a text of JSON with the character itself in the place of each pair of escapes."""
    return _PAIR.sub(lambda match: match[1] + json.loads(f'"{match[2]}"'), text)
