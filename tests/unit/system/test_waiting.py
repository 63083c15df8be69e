from __future__ import annotations

import pytest

from preflight.errors import WaitExpiredError
from preflight.system import waiting


class Clock:
    """A clock that moves when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def test_until_returns_what_came() -> None:
    clock = Clock()

    found = waiting.until(lambda: clock.now > 1 and "page", what="a page", timeout=5, clock=clock, sleep=clock.sleep)

    assert found == "page"


def test_until_names_what_it_waited_for() -> None:
    clock = Clock()

    with pytest.raises(WaitExpiredError, match="waited 2 s for a page"):
        waiting.until(lambda: None, what="a page", timeout=2, clock=clock, sleep=clock.sleep)


def test_until_never_sleeps_past_the_deadline() -> None:
    clock = Clock()

    with pytest.raises(WaitExpiredError):
        waiting.until(lambda: None, what="x", timeout=1, interval=10, clock=clock, sleep=clock.sleep)

    assert clock.now == 1
