from __future__ import annotations

import time

from preflight.errors import ToolBrokeError
from preflight.model import Outcome, StageResult
from preflight.pipeline.stage import timed_stage


def test_a_stage_reports_its_name_and_its_seconds() -> None:
    messages: list[str] = []

    result = timed_stage("lint", messages.append, lambda: StageResult("lint", Outcome.PASS), started=time.monotonic() - 7)

    assert list(filter(None, messages)) == ["lint"]
    assert result.outcome is Outcome.PASS
    assert 7 <= result.seconds < 60


def test_the_seconds_begin_with_the_stage_by_default() -> None:
    result = timed_stage("lint", lambda _: None, lambda: StageResult("lint", Outcome.PASS, seconds=99))

    assert result.seconds < 60


def test_a_stage_that_could_not_check_is_an_error() -> None:
    def check() -> StageResult:
        raise ToolBrokeError("cfn-lint broke")

    result = timed_stage("lint", lambda _: None, check)

    assert result.name == "lint"
    assert result.outcome is Outcome.ERROR
    assert result.reason == "cfn-lint broke"
