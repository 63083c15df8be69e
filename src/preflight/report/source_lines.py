"""The lines of the files that findings are about."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from preflight import model
from preflight.model import Finding

MAX_BYTES = 4_194_304
Columns = Mapping[tuple[str, int], tuple[int, int]]  # where the text of a line begins and ends; by file and line
WIDEST = 400  # letters of a line that are kept


def of_findings(findings: Iterable[Finding], files: Mapping[str, Path]) -> dict[str, list[str]]:
    """Returns the lines of each file that a finding names, every character visible; a file that cannot be read has none."""
    return {
        name: [model.visible(line.expandtabs(4)[:WIDEST].rstrip()) for line in lines]
        for name in _names(findings)
        if (lines := _read(files, name))
    }


def columns(findings: Iterable[Finding], files: Mapping[str, Path]) -> Columns:
    """Returns where the text of each line with a finding begins and ends, in UTF-16 code units counted from 1; by file and line."""
    listed = list(findings)
    sources = {name: _read(files, name) for name in _names(listed)}
    places = {(f.file, f.line) for f in listed if f.file and f.line is not None and 0 < f.line <= len(sources.get(f.file, ()))}
    texts = {(file, line): sources[file][line - 1].rstrip() for file, line in places}
    return {
        place: (_units(text) - _units(text.lstrip()) + 1, _units(text) + 1) for place, text in texts.items() if text
    }


def _names(findings: Iterable[Finding]) -> dict[str, None]:
    return dict.fromkeys(finding.file for finding in findings if finding.file and finding.line is not None)


def _units(text: str) -> int:
    return len(text.encode("utf-16-le", errors="surrogatepass")) // 2


def _read(files: Mapping[str, Path], name: str) -> list[str]:
    """Returns the lines of a file that the run has looked at, or of one in a folder that it has; none if it cannot be read."""
    folder, _, file = name.rpartition("/")
    path = files.get(name) or (files[folder] / file if folder in files else None)
    try:
        descriptor = os.open(path or "", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as stream:
            return stream.read(MAX_BYTES).decode("utf-8-sig", errors="replace").split("\n")
    except (OSError, ValueError):
        return []
