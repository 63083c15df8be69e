"""What goes wrong with requests of one name: which of them, and how."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Kind(enum.Enum):
    """How it goes wrong; the values are the ids of test cases."""

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
    """From the `nth` request (from 1) that asks for `call` on, as often as its kind says."""

    kind: Kind
    call: str
    nth: int = 1

    def hits(self, call: str, count: int, *, has_begun: bool) -> bool:
        """Whether it hits a request, the `count`-th of its name; `has_begun` says that one was hit before."""
        if has_begun and self.kind in FROM_THERE_ON:
            return True
        if call != self.call or count < self.nth:
            return False
        return self.kind in FOR_GOOD or count < self.nth + TIMES.get(self.kind, 1)
