"""What the repository calls the files of a report, wherever in it the program was started: CI systems show these names."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from preflight.model import Report
from preflight.system import confinement


def renamed(report: Report) -> Report:
    """Returns a report whose findings and waivers name files from the root of the git repository that holds them."""
    names: dict[str, str] = {}

    def name(file: str | None) -> str | None:
        if file is not None and file not in names:
            names[file] = _name(file, report.files)
        return file if file is None else names[file]

    stages = [
        replace(
            stage,
            findings=tuple(replace(finding, file=name(finding.file)) for finding in stage.findings),
            waived=tuple(replace(waiver, file=name(waiver.file)) for waiver in stage.waived),
        )
        for stage in report.stages
    ]
    files = {str(name(file)): path for file, path in report.files.items()}
    return replace(report, stages=tuple(stages), files=files, plan=name(report.plan))


def _name(file: str, files: Mapping[str, Path]) -> str:
    """Returns a file's path from its repository's root; outside of a repository, and for other names, the name itself."""
    folder, _, last = file.rpartition("/")
    path = files.get(file) or (files[folder] / last if folder in files else None)
    if path is None:
        return file
    place = Path(os.path.realpath(path.parent)) / path.name
    root = confinement.root_of(place.parent)
    return place.relative_to(root).as_posix() if (root / ".git").exists() else file
