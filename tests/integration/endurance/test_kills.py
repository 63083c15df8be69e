"""A run that is killed at any moment leaves nothing after the next sweep.

Run by `tox -e endurance`; PREFLIGHT_KILLS says how many random moments are tried (50).
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from preflight.container_engine import engine as engines
from preflight.errors import ToolBrokeError, WaitExpiredError
from preflight.system import processes, run_folders, waiting

ROOT = Path(__file__).parents[3]
COMMAND = (sys.executable, "-m", "preflight")
CHECK = (*COMMAND, "check", str(ROOT), "--allow-standins", "--stage", "rehearse,smoke")
FIRST = 0.2  # seconds until a run is there to be killed
VICTIMS = ("the command", "the account", "both", "both and the monitors", "a container")
CHANCE = random.Random(int(os.environ.get("PREFLIGHT_SEED", "18")))  # noqa: S311 - moments, not secrets
MOMENTS = [(round(CHANCE.random(), 3), CHANCE.choice(VICTIMS)) for _ in range(int(os.environ.get("PREFLIGHT_KILLS", "50")))]
pytestmark = [pytest.mark.endurance, pytest.mark.containers]


def labelled(run: str) -> list[str]:
    """Returns the containers and images of a run that the engine still has."""
    engine, ours = engines.find(), ("--filter", f"label={engines.RUN_LABEL}={run}")
    containers = engine.must("ps", "--all", "--quiet", *ours).split()
    return containers + engine.must("images", "--all", "--quiet", *ours).split()


@pytest.fixture(scope="module")
def seconds() -> float:
    """The seconds of a run here."""
    processes.run(*CHECK, timeout=600)  # the first one builds the stand-in
    started = time.monotonic()
    processes.run(*CHECK, timeout=600)
    return time.monotonic() - started


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    """An environment whose run folders are in a folder of this test."""
    return {"TMPDIR": str(tmp_path)}


def unfinished_runs(env: dict[str, str]) -> list[Path]:
    """Returns the folders of the runs that began."""
    return list(Path(env["TMPDIR"]).glob(f"{run_folders.NAME}-*/*"))


def account_processes(run: str) -> Iterator[int]:
    """Yields the processes that are the emulated account of a run."""
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if f"--run\0{run}\0".encode() in (folder / "cmdline").read_bytes():
                yield int(folder.name)


def kill(victim: str, command: int, runs: list[str]) -> None:
    """Send SIGKILL to what the victim names."""
    engine = engines.find()
    pids = [command] if victim in {"the command", "both", "both and the monitors"} else []
    for run in runs:
        if victim in {"the account", "both", "both and the monitors"}:
            pids += account_processes(run)
        if victim in {"a container", "both and the monitors"}:
            field = "{{.State.ConmonPid}}" if "monitors" in victim else "{{.State.Pid}}"
            containers = engine.must("ps", "--quiet", "--filter", f"label={engines.RUN_LABEL}={run}").split()
            printed = [engine.run("inspect", "--format", field, container).stdout.strip() for container in containers]
            pids += [int(pid) for pid in printed if pid.isdigit() and int(pid)]
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize(("moment", "victim"), [pytest.param(*m, id=f"{m[1]} after {m[0]:.0%}") for m in MOMENTS])
def test_a_killed_run_leaves_nothing_after_the_sweep(env: dict[str, str], seconds: float, moment: float, victim: str) -> None:
    running = processes.start(*CHECK, env=env)
    with contextlib.suppress(WaitExpiredError):
        end = FIRST + moment * seconds
        waiting.until(lambda: not Path(f"/proc/{running.pid}").exists(), what="the run to end", timeout=end)
    runs = {folder.name for folder in unfinished_runs(env)}

    kill(victim, running.pid, sorted(runs))
    with contextlib.suppress(ToolBrokeError):
        running.result(timeout=120)
    runs |= {folder.name for folder in unfinished_runs(env)}
    waiting.until(lambda: not any(list(account_processes(run)) for run in runs), what="the account to end", timeout=120)
    sweep = processes.run(*COMMAND, "sweep", "--target", "rehearsal", env=env, timeout=300)

    left = [*unfinished_runs(env), *(thing for run in runs for thing in labelled(run))]
    assert sweep.code == 0
    assert "Traceback" not in sweep.stderr
    assert left == []


def test_the_next_run_is_not_disturbed() -> None:
    done = processes.run(*CHECK, timeout=300)

    assert done.code == 0, done.stderr
