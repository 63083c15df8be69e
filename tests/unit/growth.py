"""How the time of some work grows with its size, as a ratio, so that a limit holds on slow machines too."""

from __future__ import annotations

import time
from collections.abc import Callable

RUNS = 5


def ratio(small: Callable[[], object], large: Callable[[], object]) -> float:
    """Returns how many times as long the large work takes as the small work, each by its fastest run."""
    return _fastest(large) / _fastest(small)


def _fastest(work: Callable[[], object]) -> float:
    return min(_seconds(work) for _ in range(RUNS))


def _seconds(work: Callable[[], object]) -> float:
    began = time.thread_time()
    work()
    return time.thread_time() - began
