"""Runs on an account that are killed or stopped at any moment: the account lives on, and nothing is left in it.

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
    """What is in the account before a test: what another one left fails that one alone."""
    return set(account.resources(*REGIONS))


@pytest.fixture(scope="module")
def seconds(account: Emulator) -> Mapping[int, float]:
    """How long a run takes here, by the number of its regions."""
    taken = {}
    for regions in (REGIONS[:1], REGIONS):
        emulator.run(account.endpoint, *check(*regions))  # the first one builds stand-ins
        began = time.monotonic()
        emulator.run(account.endpoint, *check(*regions))
        taken[len(regions)] = time.monotonic() - began
    return taken


@pytest.fixture
def own(account: Emulator, tmp_path: Path) -> dict[str, str]:
    """The environment of a client whose run folders lie in a place of this test's own."""
    return emulator.environment(account.endpoint, {"TMPDIR": str(tmp_path)})


def begun(own: Mapping[str, str]) -> set[str]:
    """Ids of the runs that were begun and not ended, one a region."""
    return {folder.name for folder in Path(own["TMPDIR"]).glob(f"{run_folders.NAME}-*/*")}


def stored(runs: set[str]) -> list[str]:
    """What the engine has of runs, containers and images, and of builds that were killed.

    What has a name and no tag, the account itself has pulled for its tasks.
    """
    engine, found = engines.find(), []
    for run in sorted(runs):
        ours = ("--filter", f"label={engines.RUN_LABEL}={run}")
        found += engine.must("ps", "--all", "--quiet", *ours).split()
        shown = engine.must("images", "--all", "--format", "{{.Repository}} {{.Tag}}", *ours).splitlines()
        found += [image for image in shown if image.split()[0] == NONE or image.split()[1] != NONE]
    seen = set(unfinished(engine))
    with contextlib.suppress(WaitExpiredError):  # somebody else's build may be at work, and then the next one
        waiting.until(lambda: not seen & set(unfinished(engine)), what="what was seen to end", timeout=20)
    return [*found, *sorted(seen & set(unfinished(engine)))]


def unfinished(engine: Engine) -> list[str]:
    """Containers of builds on stand-ins, which podman keeps where one is killed."""
    listed = engine.must("ps", "--all", "--external", "--format", "{{.ID}} {{.Image}} {{.Status}}").splitlines()
    return [line for line in listed if standins.PREFIX in line and line.endswith("Storage")]


def ended_by(number: signal.Signals, moment: float, own: Mapping[str, str], *args: str) -> CompletedProcess:
    """A command that gets a signal after so many seconds, with all of its process group, unless it ended before."""
    running = processes.start(*emulator.COMMAND, *args, env=own, cwd=emulator.ROOT)
    with contextlib.suppress(WaitExpiredError):
        waiting.until(lambda: run_folders.process_start_time(running.pid) == 0, what="the command to end", timeout=moment, interval=0.02)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(running.pid, number)
    return running.result(timeout=300)


def swept(own: Mapping[str, str]) -> list[int]:
    """Exit codes of the sweeps of the account, and of this machine."""
    commands = ((*emulator.SWEEP, *ALL), ("sweep",))
    return [processes.run(*emulator.COMMAND, *one, env=own, cwd=emulator.ROOT, timeout=300).code for one in commands]


@pytest.mark.parametrize("moment", [pytest.param(m, id=f"at {m:.1%} of it {n}") for n, m in enumerate(KILLS)])
def test_a_killed_run_leaves_nothing_after_the_sweep(
    account: Emulator, before: set[str], seconds: Mapping[int, float], own: dict[str, str], moment: float
) -> None:
    ended_by(signal.SIGKILL, moment * seconds[1], own, *check(*REGIONS[:1]))
    runs = begun(own)

    codes = swept(own)

    assert (codes, set(account.resources()) - before, stored(runs), begun(own)) == ([0, 0], set(), [], set())


@pytest.mark.parametrize("moment", [pytest.param(m, id=f"at {m:.1%} of it {n}") for n, m in enumerate(TEARDOWNS)])
def test_a_run_that_is_killed_while_it_cleans_up_leaves_nothing_after_the_sweep(
    account: Emulator, before: set[str], seconds: Mapping[int, float], own: dict[str, str], moment: float
) -> None:
    """It is asked to stop in the middle, and killed after some of the seconds that the teardown takes."""
    running = processes.start(*emulator.COMMAND, *check(*REGIONS[:1]), env=own, cwd=emulator.ROOT)
    waiting.pause(0.8 * seconds[1])
    with contextlib.suppress(ProcessLookupError):
        os.kill(running.pid, signal.SIGTERM)
    waiting.pause(0.3 * seconds[1] * moment)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(running.pid, signal.SIGKILL)
    running.result(timeout=60)
    runs = begun(own)

    codes = swept(own)

    assert (codes, set(account.resources()) - before, stored(runs), begun(own)) == ([0, 0], set(), [], set())


@pytest.mark.parametrize("moment", [pytest.param(m, id=f"after {m} s {n}") for n, m in enumerate(SWEEPS)])
def test_a_sweep_that_is_killed_is_finished_by_the_next(
    account: Emulator, before: set[str], seconds: Mapping[int, float], own: dict[str, str], moment: float
) -> None:
    ended_by(signal.SIGKILL, 0.7 * seconds[1], own, *check(*REGIONS[:1]))
    runs = begun(own)

    ended_by(signal.SIGKILL, moment, own, *emulator.SWEEP, *ALL)
    codes = swept(own)

    assert (codes, set(account.resources()) - before, stored(runs), begun(own)) == ([0, 0], set(), [], set())


@pytest.mark.parametrize(("number", "regions", "moment"), STOPS)
def test_a_run_that_is_asked_to_stop_leaves_nothing(
    account: Emulator,
    before: set[str],
    seconds: Mapping[int, float],
    own: dict[str, str],
    number: signal.Signals,
    regions: tuple[str, ...],
    moment: float,
) -> None:
    at = FIRST + moment * (seconds[len(regions)] - FIRST)

    done = ended_by(number, at, own, *check(*regions))

    runs = {run + tail for run in re.findall(r"as run ([0-9a-f]{8})", done.stderr) for tail in ("", "b")}
    is_over = "verdict: pass" in done.stdout  # whatever came then, came too late
    left = set(account.resources(*REGIONS)) - before
    facts = (is_over or done.code == 128 + number, "Traceback" in done.stderr, left, stored(runs), begun(own))
    assert facts == (True, False, set(), [], set()), f"{at:.2f} s: {done.code} {done.stderr}{done.stdout}"
