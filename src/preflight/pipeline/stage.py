"""Runs one stage: progress, seconds, and errors as results."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from preflight.errors import PreflightError
from preflight.model import Outcome, Progress, Say, StageResult


def timed_stage(
    name: str, say: Say, check: Callable[[], StageResult], *, started: float | None = None
) -> StageResult:
    """Returns the result of `check` with its seconds, since `started` if that is given; what kept it from checking is an error."""
    start = time.monotonic() if started is None else started
    say(Progress(name, kind="stage", name=name, state="running"))
    try:
        result = check()
    except PreflightError as error:
        result = StageResult(name, Outcome.ERROR, reason=str(error))
    result = replace(result, seconds=time.monotonic() - start)
    say(Progress(kind="stage", name=name, detail=f"{result.seconds:6.1f} s", state=result.outcome.value))
    return result
