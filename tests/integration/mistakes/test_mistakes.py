"""Every mistake is caught by the check that names it, and every correct variant passes.

Run by `tox -e faults`; the counts are printed, with what cfn-lint alone finds of the same mistakes.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from preflight.system import processes
from tests.integration.mistakes import runtime, templates
from tests.integration.mistakes.templates import Change

ROOT = Path(__file__).parents[3]
pytestmark = [pytest.mark.faults, pytest.mark.containers]


MISTAKES = (*templates.MISTAKES, *runtime.MISTAKES)
VARIANTS = (*templates.VARIANTS, *runtime.VARIANTS)


@pytest.fixture(scope="module")
def counts() -> Iterator[dict[str, int]]:
    counts = {"caught": 0, "mistakes": 0, "passed": 0, "variants": 0, "cfn-lint": 0}
    yield counts
    sys.stderr.write(
        f"\ncaught {counts['caught']} of {counts['mistakes']} mistakes (cfn-lint alone {counts['cfn-lint']}); "
        f"refused wrongly {counts['variants'] - counts['passed']} of {counts['variants']} correct variants\n"
    )


def changed(folder: Path, change: Change) -> Path:
    for name in ("cfn", "rules", "docker"):
        shutil.copytree(ROOT / name, folder / name)
    shutil.copy(ROOT / "preflight.yaml", folder)
    for file, edits in change.base.items():
        for old, new in edits:
            edit(folder / file, old, new)
    edit(folder / change.file, change.old, change.new)
    return folder


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def check(folder: Path) -> tuple[int, dict[str, Any]]:
    done = processes.run(sys.executable, "-m", "preflight", "check", str(folder), "--allow-standins", "--format", "json", timeout=300)
    assert "Traceback" not in done.stderr
    return done.code, json.loads(done.stdout)


@pytest.mark.parametrize("change", [pytest.param(c, id=c.id) for c in MISTAKES])
def test_a_mistake_is_caught(tmp_path: Path, counts: dict[str, int], change: Change) -> None:
    folder = changed(tmp_path, change)
    lint = processes.run(
        str(Path(sys.executable).with_name("cfn-lint")), *map(str, sorted((folder / "cfn").glob("*.yaml"))), timeout=120
    )
    counts["mistakes"] += 1
    counts["cfn-lint"] += lint.code != 0

    code, report = check(folder)

    counts["caught"] += code == 1
    findings = [finding for finding in report["findings"] if finding["check"] == change.check]
    assert code == 1, report["stages"]
    assert findings, report["findings"]
    assert all(finding["file"] and finding["line"] for finding in findings), findings


@pytest.mark.parametrize("change", [pytest.param(c, id=c.id) for c in VARIANTS])
def test_a_correct_variant_passes(tmp_path: Path, counts: dict[str, int], change: Change) -> None:
    counts["variants"] += 1

    code, report = check(changed(tmp_path, change))

    counts["passed"] += code == 0
    assert code == 0, report["findings"]
