"""Each update, one change away from a deployment that works, gets the right verdict.

All of them are run by `tox -e faults`, with tasks that are assumed to run; a few are in the suite of every day.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest

from preflight.model import JsonObject
from preflight.system import processes
from tests.integration.updates import cases
from tests.integration.updates.cases import Case

ROOT = Path(__file__).parents[3]
EVERY_DAY = {"nothing at all", "a file system without encryption", "an export that is removed, in use"}


def params(every: tuple[Case, ...]) -> list[object]:
    return [pytest.param(case, id=case.id, marks=() if case.id in EVERY_DAY else pytest.mark.faults) for case in every]


def checked(folder: Path, case: Case) -> tuple[int, JsonObject]:
    """Returns the exit code and the report of an update from the deployment as it is to the changed one."""
    for side in ("old", "new"):
        if case.base == "own":
            for name in ("cfn", "docker", "rules"):
                shutil.copytree(ROOT / name, folder / side / name)
            shutil.copy(ROOT / "preflight.yaml", folder / side)
        else:
            shutil.copytree(Path(__file__).with_name(case.base), folder / side)
    changed = folder / "new" / case.file
    text = changed.read_text()
    assert case.old in text
    changed.write_text(text.replace(case.old, case.new))
    if case.renamed is not None:
        plan = folder / "new" / cases.PLAN
        assert case.renamed[0] in plan.read_text()
        plan.write_text(plan.read_text().replace(*case.renamed))
    options = ("--from", str(folder / "old"), "--stage", "rehearse,update", "--containers", "off", "--format", "json")
    done = processes.run(sys.executable, "-m", "preflight", "check", str(folder / "new"), *options, timeout=300)
    assert "Traceback" not in done.stderr
    return done.code, json.loads(done.stdout)


@pytest.mark.parametrize("case", params(cases.CORRECT))
def test_a_correct_update_passes_without_a_finding(tmp_path: Path, case: Case) -> None:
    code, report = checked(tmp_path, case)

    assert code == 0, report["stages"]
    assert report["findings"] == []


@pytest.mark.parametrize("case", params(cases.WARNED))
def test_an_update_that_may_be_meant_is_a_warning(tmp_path: Path, case: Case) -> None:
    code, report = checked(tmp_path, case)

    assert code == 0, report["findings"]
    assert [finding for finding in report["findings"] if finding["check"] == case.check and case.said in finding["message"]]


@pytest.mark.parametrize("case", params(cases.WRONG))
def test_a_wrong_update_is_an_error_with_its_place(tmp_path: Path, case: Case) -> None:
    code, report = checked(tmp_path, case)

    errors = [finding for finding in report["findings"] if finding["severity"] == "error" and case.said in finding["message"]]
    assert code == 1, report["stages"]
    assert [finding for finding in errors if case.check in {None, finding["check"]}], report["findings"]
    assert all(finding["file"] and finding["line"] for finding in errors)


@pytest.mark.parametrize("case", params(cases.UNDECIDED))
def test_an_update_that_cannot_be_judged_is_no_verdict(tmp_path: Path, case: Case) -> None:
    code, report = checked(tmp_path, case)

    assert code == 2, report["findings"]
    assert any(case.said in str(stage["reason"]) for stage in report["stages"])
