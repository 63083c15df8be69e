"""A fault: which requests get it, and what goes wrong with them."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Kind(enum.Enum):
    """What goes wrong; the values are the ids of test cases."""

    THROTTLED = "throttled once"
    THROTTLED_MORE = "throttled three times"
    BROKEN = "broken once"
    BROKEN_FOR_GOOD = "broken for good"
    DROPPED = "dropped before it came"
    LOST = "answer lost"
    SLOW = "answer after three seconds"
    TIMED_OUT = "answer after the client gave up"
    EXPIRED = "credentials expired from there on"
    GONE = "no server from there on"


TIMES = {Kind.THROTTLED_MORE: 3}
FOR_GOOD = {Kind.BROKEN_FOR_GOOD, Kind.EXPIRED, Kind.GONE}
FROM_THERE_ON = {Kind.EXPIRED, Kind.GONE}  # every request, whatever it asks for


@dataclass(frozen=True)
class Fault:
    """A fault from the `nth` request (from 1) of that name on, as often as its kind says."""

    kind: Kind
    call: str
    nth: int = 1

    def hits(self, call: str, count: int, *, has_begun: bool) -> bool:
        """Whether the `count`-th request of its name gets the fault; `has_begun`: one got it before."""
        if has_begun and self.kind in FROM_THERE_ON:
            return True
        if call != self.call or count < self.nth:
            return False
        return self.kind in FOR_GOOD or count < self.nth + TIMES.get(self.kind, 1)
