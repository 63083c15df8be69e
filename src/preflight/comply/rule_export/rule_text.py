"""What a rule file says outside its texts, and what keeps it from judging a resource by itself. Pure.

The resource target of a Guard Hook sees one resource, with its type and its properties:
https://docs.aws.amazon.com/cloudformation-cli/latest/hooks-userguide/guard-hooks-write-rules.html
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from preflight.comply import rule_scope
from preflight.comply.rule_export.export import NotExportableError

_TEXT = re.compile(r"""\#[^\n]*|<<.*?>>|'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|/(?:\\.|[^/\\\n])+/""", re.DOTALL)
_SELECTION = re.compile(r"(?m)^let (?P<name>\w+) = Resources\.\*\[")
_WAIVER = re.compile(r"\bMetadata\.guard\.(?:SuppressedRules|Reasons)\b")
_SECTION = re.compile(r"(?<![.\w'])(Parameters|Mappings|Conditions|Outputs|Rules|Transform)\b")
_BESIDE_PROPERTIES = re.compile(r"(?<![.\w'])(DependsOn|DeletionPolicy|UpdateReplacePolicy|Metadata)\b")
WRITTEN = "asks how the template writes a value, and values are resolved there"
AS_WRITTEN = frozenset({"CFN_PARTITION_SAFE_ARNS"})


def masked(text: str) -> str:
    """Returns a rule file with blanks for its comments, messages, literals and patterns: the same length, the same lines."""
    return _TEXT.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), text)


@dataclass(frozen=True)
class Selection:
    """The resources that a rule file looks at: the variable that holds them, its place, and the clauses of its filter."""

    name: str
    start: int
    end: int
    filter: str


def only_selection(text: str) -> Selection:
    """Returns the one selection of a rule file that looks at nothing but the type and the properties of each resource.

    Raises:
        NotExportableError: it looks at more.
    """
    code = masked(text)
    section = _SECTION.search(code)
    if section:
        raise NotExportableError(f"reads {section[1]} of the template")
    if code.count("Resources") != 1:
        raise NotExportableError("looks at several resources together")
    beside = _BESIDE_PROPERTIES.search(_WAIVER.sub("", code))
    if beside:
        raise NotExportableError(f"reads {beside[1]}, which is no property")
    selection = _SELECTION.search(code)
    if selection is None or rule_scope.of(text).reads is None:
        raise NotExportableError("does not select resources by their type alone")
    end = closing(code, selection.end(), ("[", "]"))
    return Selection(selection["name"], selection.start(), end, text[selection.end() : end - 1].strip())


def closing(code: str, start: int, brackets: tuple[str, str]) -> int:
    """Returns the place after the bracket that closes the one before `start`.

    Raises:
        NotExportableError: none does.
    """
    depth = 1
    for place, character in enumerate(code[start:], start):
        depth += (character == brackets[0]) - (character == brackets[1])
        if not depth:
            return place + 1
    raise NotExportableError("has a bracket without its counterpart")
