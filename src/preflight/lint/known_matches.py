"""What cfn-lint finds in templates, from the cache if nothing changed that it depends on."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from importlib import metadata
from pathlib import Path
from typing import Any

from preflight import __version__
from preflight.errors import ToolBrokeError
from preflight.lint import workers
from preflight.lint.worker import UNREADABLE, Match
from preflight.system import confinement, files_read, result_cache
from preflight.system.result_cache import ResultCache
from preflight.templates.template import MAX_BYTES, Template


def run(files: Mapping[Path, Template], *, region: str | None, cache: ResultCache | None) -> dict[Path, list[Match] | ToolBrokeError]:
    """Returns the matches of each file, or why there is no verdict."""
    names = {path: template.name for path, template in files.items()}
    if cache is None or not cache.is_kept:
        return workers.run(names, region=region, listed=list(files)) if files else {}
    tools = result_cache.key("lint", *_tools(), region or "")
    keys = {path: _key(tools, path, files) for path in files}
    verdicts: dict[Path, list[Match] | ToolBrokeError] = {}
    for path in files:
        kept = _kept(cache, keys[path], path)
        if kept is not None:
            verdicts[path] = kept
    missing = {path: name for path, name in names.items() if path not in verdicts}
    fresh = workers.run(missing, region=region, listed=list(files)) if missing else {}
    for path, matches in fresh.items():
        if isinstance(matches, ToolBrokeError) or keys[path] != _key(tools, path, files):  # or it was changed meanwhile
            continue
        if all(_can_keep(match, path) for match in matches):
            cache.put(keys[path], [asdict(match) for match in matches])
    return {path: fresh[path] if path in fresh else verdicts[path] for path in files}


def _kept(cache: ResultCache, key: str, path: Path) -> list[Match] | None:
    try:
        return [Match(**{**match, "filename": str(path)}) for match in cache.get(key)]
    except TypeError:  # absent, or no matches
        return None


def _can_keep(match: Match, path: Path) -> bool:
    """Whether a match is a finding about this template's content, whatever its name."""
    return not match.check.startswith(UNREADABLE) and match.filename == str(path) and path.name not in match.message


def _tools() -> Iterator[str | bytes]:
    """What cfn-lint's verdicts depend on besides templates: programs, and the schemas that it may have downloaded."""
    yield from (__version__, result_cache.source_digest(Path(__file__).parent), sys.version)
    yield from (metadata.version(name) for name in ("cfn-lint", "aws-sam-translator", "jsonschema", "regex"))
    caches = Path.home() / "Library" / "Caches" if sys.platform == "darwin" else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    schemas = caches / "aws" / "cfn-lint" / "schemas" / "version.json"
    yield schemas.read_bytes() if files_read.look_for(schemas).is_file() else b""


def _key(tools: str, path: Path, files: Mapping[Path, Template]) -> str:
    """Returns the key of a template and of the nested ones beside it that cfn-lint reads too, as far as it may."""
    parts: list[str | bytes] = [path.suffix, path.read_bytes()]
    for name in sorted(set(_nested(files[path].data))):
        nested = path.parent / name
        roots = {confinement.root_of(file.parent) for file in files}
        is_readable = nested in files or any(confinement.problem(nested, root, limit=MAX_BYTES) is None for root in roots)
        parts += [name, nested.read_bytes() if is_readable else b"absent"]
    return result_cache.key(tools, *parts)


def _nested(value: Any) -> Iterator[str]:
    """Returns the texts that are a TemplateURL somewhere."""
    for key, item in value.items() if isinstance(value, dict) else enumerate(value):
        if key == "TemplateURL" and isinstance(item, str):
            yield item
        elif isinstance(item, dict | list):
            yield from _nested(item)
