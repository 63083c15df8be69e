"""A release has the version of its tag, and a section of the changelog."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from preflight.system import processes
from preflight.system.processes import CompletedProcess
from tests.unit.artifact import workflow

SCRIPT = Path(".ci") / "release_notes.py"
CHANGELOG = "# Changelog\n\n## 1.2.0 - 2026-12-01\n\n- new\n\n## 1.1.0\n\n- old\n"


def notes_of(tag: str, folder: Path, changelog: str = CHANGELOG) -> CompletedProcess:
    for parent in (".ci", "src/preflight"):
        (folder / parent).mkdir(parents=True)
    shutil.copy(workflow.ROOT / SCRIPT, folder / SCRIPT)
    (folder / "src" / "preflight" / "__init__.py").write_text('__version__ = "1.2.0"\n')
    (folder / "CHANGELOG.md").write_text(changelog)
    return processes.run(sys.executable, str(folder / SCRIPT), tag, timeout=20)


def test_the_notes_are_the_section_of_the_version(tmp_path: Path) -> None:
    assert notes_of("v1.2.0", tmp_path).stdout == "- new\n"


@pytest.mark.parametrize(
    ("tag", "changelog", "reason"),
    [
        pytest.param("v1.2.1", CHANGELOG, "the tag is v1.2.1, and src/preflight/__init__.py says 1.2.0\n", id="another tag"),
        pytest.param("v1.2.0", "## Unreleased\n\n- new\n", "CHANGELOG.md has no section 1.2.0\n", id="no section"),
        pytest.param("v1.2.0", "## 1.2.0\n\n## 1.1.0\n\n- old\n", "CHANGELOG.md has no section 1.2.0\n", id="an empty section"),
    ],
)
def test_a_release_without_its_version_is_refused(tmp_path: Path, tag: str, changelog: str, reason: str) -> None:
    done = notes_of(tag, tmp_path, changelog)

    assert done.code == 1
    assert done.stderr == reason
