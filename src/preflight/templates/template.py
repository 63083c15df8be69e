"""Read a CloudFormation template safely: plain data in long form, and the line of every part.

Nothing in a template is ever run: nodes are composed, never constructed, and only the tags of the
intrinsic functions are known. Aliases and merge keys are refused, as AWS does
(https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-formats.html).
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import yaml

from preflight.errors import UsageError
from preflight.templates import json_text

Key = str | int
Data = Any  # what JSON can say

SHORT_FORMS = {
    name: f"Fn::{name}"
    for name in (
        "And", "Base64", "Cidr", "Equals", "FindInMap", "GetAtt", "GetAZs", "If", "ImportValue", "Join", "Length",
        "Not", "Or", "Select", "Split", "Sub", "ToJsonString", "Transform", "ForEach", "ValueOf", "ValueOfAll",
        "RefAll", "EachMemberIn", "EachMemberEquals", "Contains",
    )
} | {"Ref": "Ref", "Condition": "Condition"}

MAX_BYTES = 1_048_576
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_PLAIN_TAGS = frozenset(
    f"tag:yaml.org,2002:{kind}"
    for kind in ("map", "seq", "str", "int", "float", "bool", "null", "timestamp", "merge", "value")
)
_SCALARS = yaml.SafeLoader("")


class UnreadableError(ValueError):
    """A text that is no template; `reason` says why, `line` and `column` count from 1."""

    def __init__(self, reason: str, *, line: int | None = None, column: int | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.line = line
        self.column = column


@dataclass(frozen=True)
class Template:
    """A template as plain data, and where each part of it stands.

    `replaced_keys` are the paths and lines of keys that a later one of the same name replaces, as AWS takes them.
    """

    name: str
    data: dict[str, Data]
    lines: dict[tuple[Key, ...], int] = field(repr=False, default_factory=dict)
    replaced_keys: list[tuple[tuple[Key, ...], int]] = field(repr=False, default_factory=list)

    def line(self, *path: Key) -> int:
        """Line of the part at `path`, or of the nearest part above it that exists."""
        while path:
            if path in self.lines:
                return self.lines[path]
            path = path[:-1]
        return 1

    @property
    def resources(self) -> dict[str, dict[str, Data]]:
        """The resources that are maps, by logical id."""
        resources = self.data.get("Resources")
        return {k: v for k, v in resources.items() if isinstance(v, dict)} if isinstance(resources, dict) else {}

    @property
    def is_cloudformation(self) -> bool:
        """Whether it has what only a template of CloudFormation has: a resource with a type, or a loop that makes some."""
        resources = self.data.get("Resources")
        has_loop = isinstance(resources, dict) and any(name.startswith("Fn::ForEach::") for name in resources)
        return has_loop or any("Type" in resource for resource in self.resources.values())


def load(path: Path, *, name: str | None = None) -> Template:
    """Read the template in a file; `name` is what reports call it.

    Raises:
        UnreadableError: the text is no template.
        UsageError: there is no such file, or it cannot be read.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except OSError as error:
        msg = f"{path}: cannot be read: {error.strerror}"
        raise UsageError(msg) from None
    return parse(raw, name=name or str(path))


def parse(raw: bytes | str, *, name: str = "template") -> Template:
    """Read a template from YAML or JSON.

    Raises:
        UnreadableError: it is not well-formed, or not a map.
    """
    text = _decode(raw)
    if json_text.is_json(text):
        _check_json(text)
    node = compose(text)
    reader = _TemplateReader()
    data = reader.read(node, ()) if node is not None else None
    if not isinstance(data, dict):
        raise UnreadableError("Template format error: unsupported structure.", line=1)
    return Template(name, data, reader.lines, reader.replaced_keys)


def _decode(raw: bytes | str) -> str:
    if len(raw) > MAX_BYTES:
        reason = f"the template has more than {MAX_BYTES} bytes"
        raise UnreadableError(reason, line=1)
    try:
        return raw.decode("utf-8-sig") if isinstance(raw, bytes) else raw
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1 if isinstance(raw, bytes) else 1
        raise UnreadableError("Template format error: it is not UTF-8 text.", line=line) from None


def _check_json(text: str) -> None:
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        where = f"(line {error.lineno}, column {error.colno})"
        reason = f"Template format error: JSON not well-formed. {where}"
        raise UnreadableError(reason, line=error.lineno, column=error.colno) from None
    except RecursionError:
        raise UnreadableError("Template format error: nested too deeply.", line=1) from None
    except ValueError:
        raise UnreadableError("Template format error: JSON not well-formed. A number is too long.", line=1) from None


def compose(text: str) -> yaml.Node | None:
    """Returns the nodes of a text of YAML or JSON, None of an empty one; nothing is constructed.

    Raises:
        UnreadableError: it is not well-formed.
    """
    try:
        loader = _LOADER(json_text.joined(text.replace("\t", " ")) if json_text.is_json(text) else text)
        try:
            return cast("yaml.Node | None", loader.get_single_node())
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise _not_well_formed(mark, error.problem or "") from None
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        why = str(error).splitlines()[0] if str(error) else "nested too deeply"
        raise _not_well_formed(None, why) from None


def _not_well_formed(mark: yaml.Mark | None, why: str) -> UnreadableError:
    if mark is None:
        return UnreadableError(f"Template format error: YAML not well-formed. {why}".strip(), line=1)
    where = f"(line {mark.line + 1}, column {mark.column + 1})"
    reason = f"Template format error: YAML not well-formed. {where} {why}".strip()
    return UnreadableError(reason, line=mark.line + 1, column=mark.column + 1)


class _TemplateReader:
    """Turns composed nodes into plain data and notes the line of each."""

    def __init__(self) -> None:
        self.lines: dict[tuple[Key, ...], int] = {}
        self.replaced_keys: list[tuple[tuple[Key, ...], int]] = []
        self._seen: set[int] = set()

    def read(self, node: yaml.Node, path: tuple[Key, ...]) -> Data:
        if id(node) in self._seen:
            reason = "YAML aliases are not allowed in CloudFormation templates"
            raise _not_well_formed(node.start_mark, reason)
        self._seen.add(id(node))
        self.lines.setdefault(path, node.start_mark.line + 1)
        try:
            return self._tagged(node, path) if _short_form(node) else self._plain(node, path)
        except RecursionError:
            raise _not_well_formed(node.start_mark, "nested too deeply") from None

    def _tagged(self, node: yaml.Node, path: tuple[Key, ...]) -> Data:
        tag = node.tag[1:]
        if tag not in SHORT_FORMS:
            raise _not_well_formed(node.start_mark, f"the tag {node.tag[:80]} is not CloudFormation's")
        name = SHORT_FORMS[tag]
        value = self._plain(node, (*path, name))
        if name == "Fn::GetAtt" and isinstance(value, str):
            value = value.split(".", 1)
        return {name: value}

    def _plain(self, node: yaml.Node, path: tuple[Key, ...]) -> Data:
        if isinstance(node, yaml.MappingNode):
            return self._map(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.read(item, (*path, n)) for n, item in enumerate(node.value)]
        return _scalar(cast("yaml.ScalarNode", node))

    def _map(self, node: yaml.MappingNode, path: tuple[Key, ...]) -> dict[str, Data]:
        read: dict[str, Data] = {}
        for key_node, value_node in node.value:
            key = key_node.value
            if not isinstance(key_node, yaml.ScalarNode) or key_node.tag == "tag:yaml.org,2002:merge":
                raise _not_well_formed(key_node.start_mark, "a key must be plain text")
            place = (*path, key)
            if key in read:
                self.replaced_keys.append((place, self.lines[place]))
            self.lines[place] = key_node.start_mark.line + 1
            read[key] = self.read(value_node, place)
        return read


def _short_form(node: yaml.Node) -> bool:
    return node.tag not in _PLAIN_TAGS


def _scalar(node: yaml.ScalarNode) -> Data:
    if node.tag == "tag:yaml.org,2002:str":
        return node.value
    kind = node.tag.removeprefix("tag:yaml.org,2002:")
    if kind in {"int", "float", "bool"} and not (kind == "int" and ":" in node.value):
        try:
            value = _SCALARS.construct_object(node)
            str(value)
        except ValueError:  # not a number, or one that is too long for Python to print
            return node.value
        return value
    return None if kind == "null" and node.tag.startswith("tag:") else node.value
