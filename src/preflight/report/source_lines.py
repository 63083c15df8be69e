"""The lines of the files that findings are about."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from preflight import model
from preflight.model import Finding

MAX_BYTES = 4_194_304
WIDEST = 400  # letters of a line that are kept


def of_findings(findings: Iterable[Finding], files: Mapping[str, Path]) -> dict[str, list[str]]:
    """Returns the lines of each file that a finding names, every character visible; a file that cannot be read has none."""
    names = dict.fromkeys(finding.file for finding in findings if finding.file and finding.line is not None)
    return {name: lines for name in names if (lines := _read(files, name))}


def _read(files: Mapping[str, Path], name: str) -> list[str]:
    """Returns the lines of a file that the run has looked at, or of one in a folder that it has."""
    folder, _, file = name.rpartition("/")
    path = files.get(name) or (files[folder] / file if folder in files else None)
    try:
        descriptor = os.open(path or "", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as stream:
            text = stream.read(MAX_BYTES).decode("utf-8-sig", errors="replace")
    except (OSError, ValueError):
        return []
    return [model.visible(line.expandtabs(4)[:WIDEST].rstrip()) for line in text.split("\n")]
