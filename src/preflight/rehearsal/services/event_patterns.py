"""Wildcards in event patterns of EventBridge, matched in a time that grows with the text and not beyond.

Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html.
"""

from __future__ import annotations

import fnmatch
import glob
import re

from moto.events.models import EventPattern

_ESCAPED = re.compile(r"\\([*\\])|(\*)")


def match_in_one_pass() -> None:
    """Makes moto compare wildcards with `matches`: its regular expression takes minutes for a pattern with many of them."""
    EventPattern._wildcard_match = staticmethod(matches)  # noqa: SLF001 - moto has no other place


def matches(text: object, pattern: str) -> bool:
    r"""Whether a pattern covers all of a text: `*` stands for any characters, `\*` for an asterisk."""
    if not isinstance(text, str):
        return False
    return re.fullmatch(fnmatch.translate("*".join(map(glob.escape, _parts(pattern)))), text) is not None


def _parts(pattern: str) -> list[str]:
    """Returns the texts between the wildcards of a pattern."""
    parts, at = [""], 0
    for match in _ESCAPED.finditer(pattern):
        parts[-1] += pattern[at : match.start()] + (match[1] or "")
        at = match.end()
        if match[2]:
            parts.append("")
    parts[-1] += pattern[at:]
    return parts
