"""A run that is killed at any moment leaves a cache that the next run uses or ignores: its report is the same.

Run by `tox -e endurance`; PREFLIGHT_KILLS says how many random moments are tried (50).
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from preflight.errors import WaitExpiredError
from preflight.system import processes, run_folders, waiting

ROOT = Path(__file__).parents[3]
CHECK = (sys.executable, "-m", "preflight", "check", "--stage", "lint,comply", "--format", "json")
CHANCE = random.Random(int(os.environ.get("PREFLIGHT_SEED", "17")))  # noqa: S311 - moments, not secrets
MOMENTS = [round(CHANCE.random(), 3) for _ in range(int(os.environ.get("PREFLIGHT_KILLS", "50")))]
pytestmark = [pytest.mark.endurance, pytest.mark.guard]


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with a plan whose templates have findings of both stages, and waivers."""
    folder = tmp_path_factory.mktemp("checkout")
    (folder / ".git").mkdir()
    shutil.copytree(ROOT / "cfn", folder / "cfn")
    (folder / "preflight.yaml").write_text(
        "version: 1\nname: fa-018\nregion: eu-west-1\nsteps:\n  - {stack: ecr, template: cfn/fa-018-ecr.yaml}\n  - {stack: odd, template: cfn/odd.yaml}\n"
    )
    (folder / "cfn" / "odd.yaml").write_text(
        "Resources:\n  A: {Type: AWS::SNS::Topic, Properties: {Wrong: 1}}\n  B: {Type: AWS::ECR::Repository}\n"
    )
    return folder


def environment(cache: Path) -> dict[str, str]:
    """Returns variables with which a run keeps its results in a folder; cfn-guard stays where it is."""
    program = cache / run_folders.NAME
    program.mkdir(mode=0o700, parents=True, exist_ok=True)
    for binary in (Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / run_folders.NAME).glob("cfn-guard-*"):
        if not (program / binary.name).exists():
            shutil.copy(binary, program / binary.name)
    return {"XDG_CACHE_HOME": str(cache)}


def report(checkout: Path, cache: Path, *options: str) -> dict[str, Any]:
    """Returns the report of a run, without its times and its name."""
    done = processes.run(*CHECK, *options, cwd=checkout, env=environment(cache), timeout=300)
    assert "Traceback" not in done.stderr
    assert done.code == 1, done.stderr
    read: dict[str, Any] = json.loads(done.stdout)
    stages = [{**stage, "seconds": 0} for stage in read["stages"]]
    return {**read, "stages": stages, "started": "", "run": ""}


@pytest.fixture(scope="module")
def without_cache(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return report(checkout, tmp_path_factory.mktemp("unused"), "--no-cache")


@pytest.fixture(scope="module")
def seconds(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> float:
    """The seconds of a run that finds nothing in its cache."""
    started = time.monotonic()
    report(checkout, tmp_path_factory.mktemp("first"))
    return time.monotonic() - started


def results(cache: Path) -> list[Path]:
    return list((cache / run_folders.NAME / "results").glob("*"))


@pytest.mark.parametrize("moment", [pytest.param(moment, id=f"after {moment:.1%} ({number})") for number, moment in enumerate(MOMENTS)])
def test_the_run_after_a_killed_one_reports_the_same(
    checkout: Path, without_cache: dict[str, Any], seconds: float, moment: float, tmp_path: Path
) -> None:
    running = processes.start(*CHECK, cwd=checkout, env=environment(tmp_path))
    with contextlib.suppress(WaitExpiredError):
        waiting.until(lambda: not Path(f"/proc/{running.pid}").exists(), what="the run to end", timeout=moment * seconds, interval=0.01)
    running.kill()

    after = report(checkout, tmp_path)

    assert after == without_cache
    assert [path.name for path in results(tmp_path) if not path.name.endswith(".new")] != []
    assert report(checkout, tmp_path) == without_cache
