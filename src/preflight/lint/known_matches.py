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
from preflight.lint.worker import UNREADABLE, Match
from preflight.lint.workers import LintWorkers
from preflight.system import confinement, files_read, result_cache
from preflight.system.result_cache import ResultCache
from preflight.templates.template import MAX_BYTES, Template


class MatchesRun:
    """The search for matches in files: what the cache does not have, processes of cfn-lint look for."""

    def __init__(self, files: Mapping[Path, Template], *, region: str | None, cache: ResultCache | None) -> None:
        self._files = files
        self._cache = cache if cache is not None and cache.is_kept else None
        self._tools = result_cache.key("lint", *_tools(), region or "") if self._cache is not None else ""
        self._keys = {path: _key(self._tools, path, files) for path in files} if self._cache is not None else {}
        kept = {path: _kept(self._cache, key, path) for path, key in self._keys.items()} if self._cache is not None else {}
        self._known = {path: matches for path, matches in kept.items() if matches is not None}
        missing = {path: template.name for path, template in files.items() if path not in self._known}
        self._workers = LintWorkers(missing, region=region, listed=list(files)) if missing else None

    def start(self) -> None:
        """Start cfn-lint, if there is something to look for."""
        if self._workers is not None:
            self._workers.start()

    def result(self) -> dict[Path, list[Match] | ToolBrokeError]:
        """Returns the matches of each file, or why there is no verdict."""
        fresh = self._workers.result() if self._workers is not None else {}
        for path, matches in fresh.items():
            self._keep(path, matches)
        return {path: fresh[path] if path in fresh else self._known[path] for path in self._files}

    def _keep(self, path: Path, matches: list[Match] | ToolBrokeError) -> None:
        if self._cache is None or isinstance(matches, ToolBrokeError):
            return
        is_unchanged = self._keys[path] == _key(self._tools, path, self._files)  # or it was changed meanwhile
        if is_unchanged and all(_can_keep(match, path) for match in matches):
            self._cache.put(self._keys[path], [asdict(match) for match in matches])

    def end(self) -> None:
        """End cfn-lint."""
        if self._workers is not None:
            self._workers.end()


def run(files: Mapping[Path, Template], *, region: str | None, cache: ResultCache | None) -> dict[Path, list[Match] | ToolBrokeError]:
    """Returns the matches of each file, or why there is no verdict."""
    return MatchesRun(files, region=region, cache=cache).result()


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
