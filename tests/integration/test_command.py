"""The command as a user runs it: exit codes, messages, and nothing left behind."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from preflight.container_engine import engine as engines
from preflight.pipeline.request import STAGES
from preflight.system import processes, run_folders, waiting
from preflight.system.processes import ServerProcess

ROOT = Path(__file__).parents[2]
COMMAND = (sys.executable, "-m", "preflight")
pytestmark = pytest.mark.containers


@pytest.fixture
def copy(tmp_path: Path) -> Callable[..., Path]:
    """A copy of the repository's deployment with one change."""

    def make(file: str | None = None, old: str = "", new: str = "") -> Path:
        for name in ("cfn", "rules", "docker"):
            shutil.copytree(ROOT / name, tmp_path / name)
        shutil.copy(ROOT / "preflight.yaml", tmp_path)
        if file is not None:
            text = (tmp_path / file).read_text()
            assert old in text
            (tmp_path / file).write_text(text.replace(old, new))
        return tmp_path

    return make


def check(folder: Path, *args: str) -> tuple[int, dict[str, Any]]:
    done = processes.run(*COMMAND, "check", str(folder), "--allow-standins", "--format", "json", *args, timeout=300)
    assert "Traceback" not in done.stderr
    return done.code, json.loads(done.stdout)


def left_over() -> tuple[list[str], list[str]]:
    """Containers with our label, and run folders."""
    engine = engines.find()
    return engine.must("ps", "--all", "--quiet", "--filter", f"label={engines.RUN_LABEL}").split(), [
        folder.name for folder in run_folders.runs().iterdir()
    ]


def test_the_plan_passes_and_nothing_is_left() -> None:
    before = left_over()

    code, report = check(ROOT)

    assert code == 0
    assert report["verdict"] == "pass"
    assert [(stage["name"], stage["outcome"]) for stage in report["stages"]] == [(name, "pass") for name in STAGES]
    assert report["findings"] == []
    assert left_over() == before


@pytest.mark.parametrize(
    ("file", "old", "new", "stage", "line_of"),
    [
        pytest.param(
            "cfn/fa-018-fargate.yaml",
            "          FromPort: !Ref HTTPPort\n          ToPort: !Ref HTTPPort",
            "          FromPort: 8080\n          ToPort: 8080",
            "smoke",
            "SecurityGroupIngress",
            id="another port is open",
        ),
        pytest.param("docker/index.html", "fa-018 index.html", "another page", "smoke", "Service2:", id="another page"),
        pytest.param(
            "cfn/fa-018-fargate.yaml",
            "AssignPublicIp: ENABLED",
            "AssignPublicIp: DISABLED",
            "rehearse",
            "AssignPublicIp",
            id="no route to the registry",
            marks=pytest.mark.faults,
        ),
        pytest.param(
            "cfn/fa-018-vpc.yaml",
            "    DependsOn: IGWAttachment\n",
            "",
            "rehearse",
            "RouteTableId: !Ref PublicRouteTable",
            id="the route is created too early",
            marks=pytest.mark.faults,
        ),
        pytest.param(
            "cfn/fa-018-fargate.yaml",
            "          Image: nginx:1.28.0\n",
            "          Image: nginx:1.28.0\n          Command: [sh, -c, 'echo bye; exit 3']\n",
            "rehearse",
            '- Name: !Sub "${Prefix}-task1-container"',
            id="a container that ends",
        ),
    ],
)
def test_a_mistake_is_a_finding_with_file_line_resource_and_fix(
    copy: Callable[..., Path], file: str, old: str, new: str, stage: str, line_of: str
) -> None:
    folder = copy(file, old, new)

    code, report = check(folder)

    finding = next(f for f in report["findings"] if f["stage"] == stage)
    lines = (folder / finding["file"]).read_text().splitlines()
    assert code == 1
    assert report["verdict"] == "fail"
    assert finding["resource"]
    assert finding["fix"]
    assert line_of in lines[finding["line"] - 1]


def test_the_readme_shows_real_findings(copy: Callable[..., Path]) -> None:
    folder = copy("cfn/fa-018-fargate.yaml", "AssignPublicIp: ENABLED", "AssignPublicIp: DISABLED")

    _, report = check(folder)

    readme = (ROOT / "README.md").read_text()
    firsts = [next(f for f in report["findings"] if f["stage"] == stage) for stage in ("comply", "rehearse")]
    texts = [text for f in firsts for text in (f"{f['file']}:", f["check"], f["fix"], f["source"])]
    assert [text for text in (*texts, firsts[0]["message"]) if text not in readme] == []


@pytest.mark.parametrize(
    "number",
    [pytest.param(signal.SIGINT, id="Ctrl-C"), pytest.param(signal.SIGTERM, id="SIGTERM")],
)
def test_a_signal_in_the_middle_leaves_nothing(number: signal.Signals) -> None:
    before = left_over()
    running = processes.start(*COMMAND, "check", str(ROOT), "--allow-standins", "--stage", "rehearse,smoke")
    waiting.until(lambda: len(left_over()[0]) > len(before[0]), what="a container", timeout=60)

    os.kill(running._started.pid, number)
    done = running.result(timeout=120)

    assert done.code == 128 + number
    assert left_over() == before


def test_after_sigkill_nothing_is_left_either() -> None:
    before = left_over()
    running = processes.start(*COMMAND, "check", str(ROOT), "--allow-standins", "--stage", "rehearse,smoke")
    waiting.until(lambda: len(left_over()[0]) > len(before[0]), what="a container", timeout=60)

    os.kill(running._started.pid, signal.SIGKILL)
    running.result(timeout=10)
    waiting.until(lambda: left_over() == before, what="the account to clean up after itself", timeout=60)

    assert left_over() == before


def test_sweep_removes_what_a_killed_account_left() -> None:
    service = ServerProcess.start(*COMMAND, "serve", "--run", "sweepme1", "--until-eof")
    service.first_line(timeout=60)
    engine = engines.find()
    engine.must(
        "run",
        "--detach",
        "--label",
        f"{engines.RUN_LABEL}=sweepme1",
        "--network",
        "none",
        "localhost/preflight-pause:1",
    )
    service._process.kill()

    done = processes.run(*COMMAND, "sweep", timeout=60)

    assert done.code == 0, str(done)
    assert engine.must("ps", "--all", "--quiet", "--filter", f"label={engines.RUN_LABEL}=sweepme1").split() == []
    assert "sweepme1" not in left_over()[1]


def test_two_runs_at_once_do_not_disturb_each_other() -> None:
    runs = [processes.start(*COMMAND, "check", str(ROOT), "--allow-standins", "--stage", "rehearse,smoke") for _ in range(2)]

    assert [run.result(timeout=300).code for run in runs] == [0, 0]
