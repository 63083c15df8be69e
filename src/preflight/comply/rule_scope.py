"""What a rule file reads of a template, by its text. Pure.

A rule whose condition begins with `%name !empty` is skipped if no resource has a type that `name` selects, so
it need not run on such a template. A file whose every look at `Resources` selects by type finds the same in a
template that has only resources of these types.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass

_COMMENT = re.compile(r"(?m)^\s*#.*$")
_MESSAGE = re.compile(r"<<.*?>>", re.DOTALL)
_SELECTOR = re.compile(
    r"Resources\.\*\[\s*Type\s*(?:==\s*'(?P<one>[^']+)'|IN\s*\[(?P<many>[^\]]*)\])(?!\s*\|?(?:or|OR)\b)"
)
_RESOURCES = re.compile(r"\bResources\b")
_LET = re.compile(r"(?m)^let\s+(\w+)\s*=\s*(?:some\s+)?(?:%(\w+)\b|(?=Resources))")
_RULE = re.compile(r"(?m)^rule\s+\w+(?:\s+when\s+%(?P<gate>\w+)\s+!empty\s*?(?:\{|\n(?!\s*\|?(?:or|OR)\b)))?")
_HELPER = re.compile(r"(?m)^rule\s+\w+\(")
_SECTIONS = ("Parameters", "Mappings", "Conditions", "Outputs", "Rules", "Transform")


@dataclass(frozen=True)
class RuleScope:
    """The types without which no rule of a file applies, those it looks at (None: all), and the other sections it reads."""

    needs: frozenset[str] | None
    reads: frozenset[str] | None
    sections: tuple[str, ...]


@functools.cache
def of(text: str) -> RuleScope:
    """Returns the scope of a rule file."""
    code = _MESSAGE.sub("", _COMMENT.sub("", text))
    selectors = list(_SELECTOR.finditer(code))
    is_by_type = len(selectors) == len(_RESOURCES.findall(code))
    reads = frozenset[str]().union(*map(_types, selectors)) if is_by_type else None
    return RuleScope(_needs(code), reads, tuple(name for name in _SECTIONS if re.search(rf"\b{name}\b", code)))


def _types(selector: re.Match[str]) -> frozenset[str]:
    return frozenset([selector["one"]] if selector["one"] else re.findall(r"'([^']+)'", selector["many"]))


def _needs(code: str) -> frozenset[str] | None:
    """Returns the types that the conditions of all rules need, or None if one of them has no such condition."""
    selected: dict[str, frozenset[str]] = {}
    for let in _LET.finditer(code):
        selector = _SELECTOR.match(code, let.end()) if let[2] is None else None
        types = selected.get(let[2]) if selector is None else _types(selector)
        if types is not None:
            selected[let[1]] = types
    gates = [selected.get(rule["gate"] or "") for rule in _RULE.finditer(_HELPER.sub("helper ", code))]
    needs = [types for types in gates if types is not None]
    return frozenset[str]().union(*needs) if needs and len(needs) == len(gates) else None
