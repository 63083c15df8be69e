"""What a run leaves on this machine however it ends: nothing."""

from __future__ import annotations

import os
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from preflight.container_engine import engine as engines
from preflight.pipeline.stages import STAGES
from preflight.system import processes, run_folders, waiting
from preflight.system.processes import ServerProcess, StartedProcess
from tests.integration.command import COMMAND, ROOT, check

pytestmark = pytest.mark.containers


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
