"""The documents that cfn-guard reads: templates as written, as resolved, and without their suppressions. Pure, but for reading files."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol

from preflight.comply import waivers
from preflight.plan.resolved_stacks import ResolvedStacks, ResolvedTemplate
from preflight.templates import json_text
from preflight.templates.template import Key, Template

_ODD_KEY = re.compile(r"[^A-Za-z_]|$|(true|false|null|yes|no|on|off|y|n)$", re.IGNORECASE)


class Located(Protocol):
    """Where findings point to: the name of a file in reports, and the lines of its parts."""

    @property
    def name(self) -> str:
        """What reports call the file."""

    def line(self, *path: Key) -> int:
        """Line of the part at `path`, or of the nearest part above it."""


@dataclass(frozen=True, eq=False)
class GuardDocument:
    """A document as cfn-guard reads it: its text, or that of `file`, and the same as data."""

    source: Located
    data: Mapping[str, Any]
    file: Path | None = None

    @cached_property
    def text(self) -> str:
        """The whole document."""
        return self.as_data if self.file is None else json_text.joined_if_json(self.file.read_text(encoding="utf-8-sig"))

    @cached_property
    def as_data(self) -> str:
        """The whole document as JSON."""
        return _as_json(self.data)

    @cached_property
    def types(self) -> frozenset[str]:
        """The types of its resources."""
        return frozenset(kind for kind, _ in self._resources)

    def part(self, types: AbstractSet[str] | None, sections: Iterable[str]) -> str:
        """The text of the document with the resources of some types only (None: all), and of its other sections some."""
        resources = ", ".join(text for kind, text in self._resources if types is None or not kind or kind in types)
        others = "".join(f", {_as_json(name)}: {_as_json(self.data[name])}" for name in ("Metadata", *sections) if name in self.data)
        return f'{{"Resources": {{{resources}}}{others}}}'

    @cached_property
    def _resources(self) -> list[tuple[str, str]]:
        """The type of each resource, and its text with its logical id."""
        resources = self.data.get("Resources")
        items = resources.items() if isinstance(resources, dict) else ()
        return [(str(r.get("Type")) if isinstance(r, dict) else "", f"{_as_json(name)}: {_as_json(r)}") for name, r in items]


def resolved(stacks: ResolvedStacks) -> dict[Path, tuple[ResolvedTemplate, GuardDocument]]:
    """Returns each document that differs from the others, without its suppressions, by a name."""
    seen: set[tuple[Path, str]] = set()
    documents: dict[Path, tuple[ResolvedTemplate, GuardDocument]] = {}
    for template in stacks.documents:
        document = GuardDocument(template, waivers.stripped(template.data, template.resources))
        if (template.path, document.text) not in seen:
            seen.add((template.path, document.text))
            documents[Path(f"{len(documents)}.json")] = (template, document)
    return documents


def as_written(
    templates: Mapping[Path, Template], left_out: Mapping[str, AbstractSet[str]] = MappingProxyType({})
) -> dict[Path, GuardDocument]:
    """Returns the templates by file; what cfn-guard cannot read, or of which resources are left out, as data."""
    documents: dict[Path, GuardDocument] = {}
    for path, template in templates.items():
        names = left_out.get(template.name, set())
        data = {**template.data, "Resources": {n: r for n, r in template.resources.items() if n not in names}} if names else template.data
        is_odd = bool(names) or _is_odd(data)
        documents[path.absolute()] = GuardDocument(template, data, None if is_odd else path)
    return documents


def without_suppressions(templates: Mapping[Path, Template]) -> dict[Path, GuardDocument]:
    """Returns the templates as written, but without their suppressions, by file."""
    return {
        path.absolute(): GuardDocument(template, waivers.stripped(template.data, template.resources))
        for path, template in templates.items()
    }


def _is_odd(value: Any) -> bool:
    """Whether YAML reads a key as something other than text (such as an account id), or JSON has no such number."""
    if isinstance(value, dict):
        return any(_ODD_KEY.match(key) or _is_odd(item) for key, item in value.items())
    if isinstance(value, list):
        return any(map(_is_odd, value))
    return isinstance(value, float) and not math.isfinite(value)


def _as_json(data: Any) -> str:
    """Returns a document as JSON that cfn-guard reads: numbers that JSON does not have become text, and no character is two escapes."""
    try:
        text = json.dumps(data, allow_nan=False)
    except ValueError:
        text = json.dumps(_without_floats(data))
    return json_text.joined(text)


def _without_floats(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_floats(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_floats(item) for item in value]
    return str(value) if isinstance(value, float) else value
