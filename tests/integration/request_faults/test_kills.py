"""Runs that are killed or stopped at any moment leave nothing in the account, which lives on.

Run by `tox -e request-faults`; PREFLIGHT_KILLS says how many moments are tried (100), PREFLIGHT_SEED which.
"""

from __future__ import annotations

import contextlib
import os
import random
import re
import signal
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from preflight.container_engine import engine as engines
from preflight.container_engine import standins
from preflight.container_engine.engine import Engine
from preflight.errors import WaitExpiredError
from preflight.system import processes, run_folders, waiting
from preflight.system.processes import CompletedProcess
from tests.integration import emulator
from tests.integration.emulator import Emulator

CHANCE = random.Random(int(os.environ.get("PREFLIGHT_SEED", "18")))  # noqa: S311 - moments, not secrets
KILLS = [round(CHANCE.random(), 3) for _ in range(int(os.environ.get("PREFLIGHT_KILLS", "100")))]
TEARDOWNS = [round(CHANCE.random(), 3) for _ in range(10)]
SWEEPS = [round(CHANCE.uniform(0.2, 3.0), 2) for _ in range(10)]  # seconds: about as long as a sweep takes
REGIONS = ("ap-northeast-1", "us-east-1")
NONE = "<none>"  # as the engine shows what an image lacks
FIRST = 0.4  # seconds until a run is there to be stopped
ALL = ("--older-than", "0s", "--regions", ",".join(REGIONS))
STOPS = [
    pytest.param(number, regions, round(CHANCE.random(), 3), id=f"{number.name} {len(regions)} regions {n}")
    for number in (signal.SIGTERM, signal.SIGINT)
    for regions in (REGIONS[:1], REGIONS)
    for n in range(10)
]
pytestmark = [pytest.mark.request_faults, pytest.mark.containers]


def check(*regions: str) -> tuple[str, ...]:
    return (*emulator.CHECK, "--regions", ",".join(regions))


@pytest.fixture
def before(account: Emulator) -> set[str]:
    """The resources before a test, so that what another test left fails that one alone."""
    return set(account.resources(*REGIONS))


@pytest.fixture(scope="module")
def seconds(account: Emulator) -> Mapping[int, float]:
    """The seconds of a run here, by the number of its regions."""
    by_regions = {}
    for regions in (REGIONS[:1], REGIONS):
        emulator.run(account.endpoint, *check(*regions))  # the first one builds stand-ins
        started = time.monotonic()
        emulator.run(account.endpoint, *check(*regions))
        by_regions[len(regions)] = time.monotonic() - started
    return by_regions


@pytest.fixture
def env(account: Emulator, tmp_path: Path) -> dict[str, str]:
    """The environment of a client whose run folders are in a folder of this test."""
    return emulator.environment(account.endpoint, {"TMPDIR": str(tmp_path)})


def unfinished_runs(env: Mapping[str, str]) -> set[str]:
    """Returns the ids of runs that started and did not end, one a region."""
    return {folder.name for folder in Path(env["TMPDIR"]).glob(f"{run_folders.NAME}-*/*")}


def stored(runs: set[str]) -> list[str]:
    """Returns the containers and images of runs and killed builds that the engine still has.

    An image with a name and without a tag was pulled by the account for its tasks.
    """
    engine, lines = engines.find(), []
    for run in sorted(runs):
        ours = ("--filter", f"label={engines.RUN_LABEL}={run}")
        lines += engine.must("ps", "--all", "--quiet", *ours).split()
        images = engine.must("images", "--all", "--format", "{{.Repository}} {{.Tag}}", *ours).splitlines()
        lines += [image for image in images if image.split()[0] == NONE or image.split()[1] != NONE]
    seen = set(unfinished(engine))
    with contextlib.suppress(WaitExpiredError):  # builds of other runs may follow one another
        waiting.until(lambda: not seen & set(unfinished(engine)), what="what was seen to end", timeout=20)
    return [*lines, *sorted(seen & set(unfinished(engine)))]


def unfinished(engine: Engine) -> list[str]:
    """Returns the containers of builds on stand-ins, which podman keeps if a build is killed."""
    listed = engine.must("ps", "--all", "--external", "--format", "{{.ID}} {{.Image}} {{.Status}}").splitlines()
    return [line for line in listed if standins.PREFIX in line and line.endswith("Storage")]


def signalled(number: signal.Signals, moment: float, env: Mapping[str, str], *args: str) -> CompletedProcess:
    """Returns a command that got a signal after `moment` seconds, with its process group, unless it ended before."""
    running = processes.start(*emulator.COMMAND, *args, env=env, cwd=emulator.ROOT)
    with contextlib.suppress(WaitExpiredError):
        waiting.until(lambda: run_folders.process_start_time(running.pid) == 0, what="the command to end", timeout=moment, interval=0.02)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(running.pid, number)
    return running.result(timeout=300)


def sweep(env: Mapping[str, str]) -> list[str]:
    """Returns what went wrong in sweeps of the account and of this machine."""
    commands = ((*emulator.SWEEP, *ALL), ("sweep",))
    ended = [processes.run(*emulator.COMMAND, *command, env=env, cwd=emulator.ROOT, timeout=300) for command in commands]
    return [str(one) for one in ended if one.code != 0]


@pytest.mark.parametrize("moment", [pytest.param(m, id=f"at {m:.1%} of it {n}") for n, m in enumerate(KILLS)])
def test_a_killed_run_leaves_nothing_after_the_sweep(
    account: Emulator, before: set[str], seconds: Mapping[int, float], env: dict[str, str], moment: float
) -> None:
    signalled(signal.SIGKILL, moment * seconds[1], env, *check(*REGIONS[:1]))
    runs = unfinished_runs(env)

    errors = sweep(env)

    assert errors == []
    assert set(account.resources()) - before == set()
    assert stored(runs) == []
    assert unfinished_runs(env) == set()


@pytest.mark.parametrize("moment", [pytest.param(m, id=f"at {m:.1%} of it {n}") for n, m in enumerate(TEARDOWNS)])
def test_a_run_that_is_killed_while_it_cleans_up_leaves_nothing_after_the_sweep(
    account: Emulator, before: set[str], seconds: Mapping[int, float], env: dict[str, str], moment: float
) -> None:
    """The run is stopped in the middle, and killed during its teardown."""
    running = processes.start(*emulator.COMMAND, *check(*REGIONS[:1]), env=env, cwd=emulator.ROOT)
    waiting.pause(0.8 * seconds[1])
    with contextlib.suppress(ProcessLookupError):
        os.kill(running.pid, signal.SIGTERM)
    waiting.pause(0.3 * seconds[1] * moment)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(running.pid, signal.SIGKILL)
    running.result(timeout=60)
    runs = unfinished_runs(env)

    errors = sweep(env)

    assert errors == []
    assert set(account.resources()) - before == set()
    assert stored(runs) == []
    assert unfinished_runs(env) == set()


@pytest.mark.parametrize("moment", [pytest.param(m, id=f"after {m} s {n}") for n, m in enumerate(SWEEPS)])
def test_a_sweep_that_is_killed_is_finished_by_the_next(
    account: Emulator, before: set[str], seconds: Mapping[int, float], env: dict[str, str], moment: float
) -> None:
    signalled(signal.SIGKILL, 0.7 * seconds[1], env, *check(*REGIONS[:1]))
    runs = unfinished_runs(env)

    signalled(signal.SIGKILL, moment, env, *emulator.SWEEP, *ALL)
    errors = sweep(env)

    assert errors == []
    assert set(account.resources()) - before == set()
    assert stored(runs) == []
    assert unfinished_runs(env) == set()


@pytest.mark.parametrize(("number", "regions", "moment"), STOPS)
def test_a_run_that_is_stopped_leaves_nothing(
    account: Emulator,
    before: set[str],
    seconds: Mapping[int, float],
    env: dict[str, str],
    number: signal.Signals,
    regions: tuple[str, ...],
    moment: float,
) -> None:
    at = FIRST + moment * (seconds[len(regions)] - FIRST)

    done = signalled(number, at, env, *check(*regions))

    runs = {run + tail for run in re.findall(r"as run ([0-9a-f]{8})", done.stderr) for tail in ("", "b")}
    output = f"{at:.2f} s: {done.code} {done.stderr}{done.stdout}"
    assert done.code == 128 + number or "verdict: pass" in done.stdout, output  # a signal after the verdict is too late
    assert "Traceback" not in done.stderr
    assert set(account.resources(*REGIONS)) - before == set(), output
    assert stored(runs) == []
    assert unfinished_runs(env) == set()
