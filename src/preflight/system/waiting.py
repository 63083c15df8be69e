"""The one door to sleeping: every wait has a deadline on the monotonic clock and a name."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeVar

from preflight.errors import WaitExpiredError

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


def until(
    probe: Callable[[], T | None],
    *,
    what: str,
    timeout: float,
    interval: float = 0.2,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,  # noqa: TID251 - this module is the one door
) -> T:
    """Ask `probe` until it returns something true, and return that.

    Raises:
        WaitExpiredError: it did not within `timeout` seconds; the message names `what`.
    """
    deadline = clock() + timeout
    while True:
        value = probe()
        if value:
            return value
        left = deadline - clock()
        if left <= 0:
            msg = f"waited {timeout:g} s for {what}"
            raise WaitExpiredError(msg)
        sleep(min(interval, left))


def pause(seconds: float) -> None:
    """Do nothing for that long."""
    time.sleep(seconds)  # noqa: TID251 - this module is the one door
