"""A hundred plans in four processes, merged into one report: each plan once, in the same words as alone.

Run by `tox -e endurance`; PREFLIGHT_PLANS says how many plans there are (100).
"""

from __future__ import annotations

import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from preflight.system import processes
from preflight.system.processes import CompletedProcess

PLANS, SHARDS = int(os.environ.get("PREFLIGHT_PLANS", "100")), 4
PLAN = "version: 1\nname: demo\nregion: eu-west-1\nsteps:\n  - {stack: demo, template: t.yaml}\n"
pytestmark = pytest.mark.endurance


def preflight(folder: Path, *args: str) -> CompletedProcess:
    return processes.run(sys.executable, "-m", "preflight", *args, timeout=3600, cwd=folder, env={"XDG_CACHE_HOME": str(folder / ".cache")})


def test_four_processes_check_a_hundred_plans(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    for number in range(PLANS):
        folder = tmp_path / f"p{number:03d}"
        folder.mkdir()
        (folder / "preflight.yaml").write_text(PLAN)
        (folder / "t.yaml").write_text(f'Resources: {{Topic: {{Type: "AWS::SNS::Topic", Properties: {{Wrong{number}: 1}}}}}}\n')
    options = ("--stage", "lint", "--format", "json", "--output-dir", "reports", ".")
    with ThreadPoolExecutor(SHARDS) as pool:
        runs = [pool.submit(preflight, tmp_path, "check", "--shard", f"{number + 1}/{SHARDS}", *options) for number in range(SHARDS)]
        codes = [run.result().code for run in runs]

    report = json.loads(preflight(tmp_path, "report", "--merge", "reports", "--format", "json").stdout)

    assert codes == [1] * SHARDS
    assert sorted(finding["file"] for finding in report["findings"]) == [f"p{number:03d}/t.yaml" for number in range(PLANS)]
