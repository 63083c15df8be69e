from __future__ import annotations

import time
from typing import TYPE_CHECKING

from preflight.rehearsal.cloudformation.resources import ecs
from preflight.rehearsal.cloudformation.resources.ecs import _FailedLaunches

if TYPE_CHECKING:
    import pytest


def test_a_service_is_given_up_after_three_failures_and_a_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ecs, "GRACE", 3.0)
    clock = iter([10.0, 12.9, 13.0])
    monkeypatch.setattr(time, "monotonic", lambda: next(clock))
    failing = _FailedLaunches()

    assert [failing.is_hopeless(failed) for failed in (0, 1, 3, 5)] == [False, False, False, True]
