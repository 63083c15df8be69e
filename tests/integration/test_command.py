"""The command as a user runs it: exit codes, messages, and nothing left behind."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from preflight.container_engine import engine as engines
from preflight.pipeline.stages import STAGES
from preflight.system import processes, run_folders, waiting
from preflight.system.processes import ServerProcess, StartedProcess

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


class OwnRuns:
    """The runs of one test, in a folder for temporary files of their own; others may run on the machine meanwhile."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._ids: set[str] = set()

    def start(self) -> StartedProcess:
        args = (*COMMAND, "check", str(ROOT), "--allow-standins", "--stage", "rehearse,smoke")
        return processes.start(*args, env={"TMPDIR": str(self._folder)})

    def folders(self) -> list[str]:
        """Returns the run folders that exist now."""
        ids = [folder.name for folder in self._folder.glob("fargate-preflight-*/*") if folder.is_dir()]
        self._ids.update(ids)
        return ids

    def containers(self) -> list[str]:
        """Returns the containers of every run that was seen."""
        self.folders()
        engine = engines.find()
        labels = [f"label={engines.RUN_LABEL}={run}" for run in self._ids]
        return [name for label in labels for name in engine.must("ps", "--all", "--quiet", "--filter", label).split()]


@pytest.fixture
def own_runs() -> Iterator[OwnRuns]:
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:  # paths of sockets are short
        yield OwnRuns(Path(folder))


def test_the_plan_passes_and_nothing_is_left(own_runs: OwnRuns, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(own_runs._folder))

    code, report = check(ROOT)

    assert code == 0
    assert report["verdict"] == "pass"
    assert [(stage["name"], stage["outcome"]) for stage in report["stages"]] == [(name, "pass") for name in STAGES if name != "update"]
    assert report["findings"] == []
    assert engines.find().must("ps", "--all", "--quiet", "--filter", f"label={engines.RUN_LABEL}={report['run']}") == ""
    assert own_runs.folders() == []


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
def test_a_signal_in_the_middle_leaves_nothing(own_runs: OwnRuns, number: signal.Signals) -> None:
    running = own_runs.start()
    waiting.until(own_runs.containers, what="a container", timeout=60)

    os.kill(running._started.pid, number)
    done = running.result(timeout=120)

    assert done.code == 128 + number
    assert own_runs.containers() == []
    assert own_runs.folders() == []


def test_after_sigkill_nothing_is_left_either(own_runs: OwnRuns) -> None:
    running = own_runs.start()
    waiting.until(own_runs.containers, what="a container", timeout=60)

    os.kill(running._started.pid, signal.SIGKILL)
    running.result(timeout=10)

    waiting.until(lambda: not own_runs.containers(), what="the account to remove its containers", timeout=60)
    waiting.until(lambda: not own_runs.folders(), what="the account to remove its folder", timeout=60)


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
    assert not (run_folders.runs() / "sweepme1").exists()


def test_two_runs_at_once_do_not_disturb_each_other() -> None:
    runs = [processes.start(*COMMAND, "check", str(ROOT), "--allow-standins", "--stage", "rehearse,smoke") for _ in range(2)]

    assert [run.result(timeout=300).code for run in runs] == [0, 0]
