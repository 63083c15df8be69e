"""The files that cfn-guard reads: templates as written, as resolved, and without their suppressions."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from pathlib import Path
from types import MappingProxyType
from typing import Any

from preflight.comply import waivers
from preflight.plan.resolved_stacks import ResolvedStacks, ResolvedTemplate
from preflight.templates.template import Template

_ODD_KEY = re.compile(r"[^A-Za-z_]|$|(true|false|null|yes|no|on|off|y|n)$", re.IGNORECASE)


def write_resolved(stacks: ResolvedStacks, folder: Path) -> dict[Path, ResolvedTemplate]:
    """Writes each document that differs from the others to a file; returns the documents by file."""
    seen: set[tuple[Path, str]] = set()
    files: dict[Path, ResolvedTemplate] = {}
    for document in stacks.documents:
        text = _as_json(waivers.stripped(document.data, document.resources))
        if (document.path, text) not in seen:
            seen.add((document.path, text))
            files[_write(folder / f"{len(files)}.json", text)] = document
    return files


def write_unreadable(
    templates: Mapping[Path, Template], folder: Path, left_out: Mapping[str, AbstractSet[str]] = MappingProxyType({})
) -> dict[Path, Template]:
    """Writes copies of the templates that cfn-guard cannot read, or of which resources are left out; returns all by file."""
    files: dict[Path, Template] = {}
    for number, (path, template) in enumerate(templates.items()):
        names = left_out.get(template.name, set())
        data = {**template.data, "Resources": {n: r for n, r in template.resources.items() if n not in names}} if names else template.data
        is_odd = bool(names) or _is_odd(data)
        file = _write(folder / f"written-{number}.json", _as_json(data)) if is_odd else path.absolute()
        files[file] = template
    return files


def write_without_suppressions(templates: Mapping[Path, Template], folder: Path) -> dict[Path, Template]:
    """Writes the templates as written, but without their suppressions; returns them by file."""
    return {
        _write(folder / f"bare-{number}.json", _as_json(waivers.stripped(template.data, template.resources))): template
        for number, template in enumerate(templates.values())
    }


def _is_odd(value: Any) -> bool:
    """Whether YAML reads a key as something other than text (such as an account id), or JSON has no such number."""
    if isinstance(value, dict):
        return any(_ODD_KEY.match(key) or _is_odd(item) for key, item in value.items())
    if isinstance(value, list):
        return any(map(_is_odd, value))
    return isinstance(value, float) and not math.isfinite(value)


def _write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path.absolute()


def _as_json(data: Mapping[str, Any]) -> str:
    """Returns a document as JSON; numbers that JSON does not have become text."""
    try:
        return json.dumps(data, allow_nan=False)
    except ValueError:
        return json.dumps(_without_floats(data))


def _without_floats(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_floats(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_floats(item) for item in value]
    return str(value) if isinstance(value, float) else value
