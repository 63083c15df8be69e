"""Where in a template lies what CloudFormation speaks of. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from preflight.templates import language_extensions, references
from preflight.templates.template import Template

Path = tuple[str | int, ...]
SECTIONS = ("Resources", "Parameters", "Conditions", "Mappings", "Rules", "Outputs")
_PATH = re.compile(rf"/({'|'.join(SECTIONS)})((?:/[^\]\s:'\"/]+)+)")
_EXPORT = re.compile(r"^Export (\S+) cannot be (?:updated|deleted)")
_PROPERTY = re.compile(r"#(?P<path>/[^:\s]+)?: (?P<said>[^\n]*)")
_KEY = re.compile(r"extraneous key \[(?P<key>[^\]]+)\]")
_NAMES = re.compile(
    r"\[([^\[\]]+)\]|'([^']+)'|(?:condition dependency|dependency|condition|parameter|Parameter|Rule|name|named|key|property) ([\w:./-]+)"
    r"|mapping for ([\w-]+)::|(\bFn::[\w:]+)"
)


def of_message(source: Template, message: str) -> Path:
    """Returns the path of the part of a template that a refusal is about; empty if that is not known."""
    export = _EXPORT.search(message)
    if export:
        return _export(source, export[1])
    match = _PATH.search(message)
    if match:
        return (match[1], *match[2].strip("/").split("/"))
    for name in _names(message):
        path = _declared(source, name) or next(_used(source.data, name, ()), ())
        if path:
            return path
    return ()


def _export(template: Template, name: str) -> Path:
    """Returns the path of the output that is exported under a name, as far as the template alone says it; else of all outputs."""
    outputs = template.data.get("Outputs")
    for logical, output in outputs.items() if isinstance(outputs, dict) else ():
        export = output.get("Export") if isinstance(output, dict) else None
        text = export.get("Name") if isinstance(export, dict) else None
        text = text.get("Fn::Sub") if isinstance(text, dict) else text
        if isinstance(text, str) and re.fullmatch(".+".join(map(re.escape, re.split(r"\$\{[^}]*\}", text))), name):
            return "Outputs", str(logical), "Export"
    return ("Outputs",) if outputs else ()


def _names(message: str) -> Iterator[str]:
    for groups in _NAMES.findall(message):
        for group in groups:
            yield from (name.strip().rstrip(".") for name in group.split(",") if name.strip())


def _declared(source: Template, name: str) -> Path:
    for section in SECTIONS:
        content = source.data.get(section)
        if isinstance(content, dict) and name in content:
            return (section, name)
    kinds = {logical: resource.get("Type") for logical, resource in source.resources.items()}
    return next((("Resources", logical, "Type") for logical, kind in kinds.items() if kind == name), ())


def _used(value: Any, name: str, path: Path) -> Iterator[Path]:
    """Paths of what refers to `name`, or is called so."""
    if isinstance(value, dict):
        for key, item in value.items():
            if key == name:
                yield (*path, key)
            yield from _used(item, name, (*path, key))
    elif isinstance(value, list):
        for n, item in enumerate(value):
            yield from _used(item, name, (*path, n))
    elif isinstance(value, str) and (value == name or any(_refers(n, name) for n in references.names_in(value))):
        yield path


def _refers(reference: str, name: str) -> bool:
    return reference == name or reference.startswith(f"{name}.")


def resource_of(path: Path) -> str | None:
    """Logical id of the resource that a path lies in."""
    return str(path[1]) if len(path) > 1 and path[0] == "Resources" else None


def property_of(reason: str) -> str | None:
    """Dotted path of the property that the schema validator speaks of first."""
    match = _PROPERTY.search(reason)
    if match is None:
        return None
    key = _KEY.search(match["said"])
    parts = [*(match["path"] or "").strip("/").split("/"), key["key"] if key else ""]
    return ".".join(part for part in parts if part) or None


def line(source: Template, *path: str | int) -> int:
    """Line of a part of a template, or of the loop that makes it."""
    if len(path) > 1 and path[0] in {"Resources", "Outputs"}:
        section, name, *rest = path
        content = source.data.get(str(section)) or {}
        if name not in content:
            loop = language_extensions.loop_of(content, str(name))
            if loop is not None:
                return source.line(section, *loop, 2, *rest)
    return source.line(*path)
