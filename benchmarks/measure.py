"""Commands in turn, several rounds: the processor's time and the wall time of each, and their ratios."""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
VERDICTS = {0, 1, 19}  # of preflight, and of cfn-guard


@dataclass(frozen=True)
class Cost:
    """What one command took, with the processes it started, in seconds."""

    cpu: float
    wall: float


@dataclass(frozen=True)
class Pair:
    """A command beside another: the medians of the ratios, and those of the first one's seconds."""

    cpu: float
    wall: float
    seconds: Cost

    def __str__(self) -> str:
        return f"{self.wall:.2f} x wall, {self.cpu:.2f} x CPU ({self.seconds.wall:.2f} s, {self.seconds.cpu:.2f} s CPU)"


def cost(command: Sequence[str], env: Mapping[str, str] | None = None) -> Cost:
    """Returns what a command takes that ends with a verdict."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(command, check=False, capture_output=True, cwd=ROOT, env={**os.environ, **(env or {})})
    wall, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode not in VERDICTS:
        msg = f"{command[:4]} ended with {done.returncode}: {done.stderr.decode()[-500:]}"
        raise SystemExit(msg)
    return Cost(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, wall)


def pair(ours: Callable[[], Cost], theirs: Callable[[], Cost], rounds: int) -> Pair:
    """Returns the medians of `rounds` pairs, one after the other."""
    costs = [(ours(), theirs()) for _ in range(rounds)]
    return Pair(
        statistics.median(a.cpu / b.cpu for a, b in costs),
        statistics.median(a.wall / b.wall for a, b in costs),
        Cost(statistics.median(a.cpu for a, _ in costs), statistics.median(a.wall for a, _ in costs)),
    )
