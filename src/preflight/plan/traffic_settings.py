"""The requests that are sent while an update runs, as the plan asks for them."""

from __future__ import annotations

from dataclasses import dataclass

MAX_RATE = 200.0  # requests a second
MAX_CLIENTS = 20
MAX_HOLD = 120.0  # seconds, as the longest stopTimeout
DRILLS = ("task-lost", "zone-lost", "bad-image", "scale", "delete")


@dataclass(frozen=True)
class TrafficSettings:
    """How each smoke entry is asked: `rate` requests a second from all of its `clients` together.

    `path` takes the place of the entry's (None: the entry's own). With `hold`, each client also has a request in flight
    for that many seconds: it sends the end of its header late, or asks a path in which `{hold}` says how long to answer.
    """

    rate: float = 10.0
    clients: int = 2
    keepalive: bool = True
    path: str | None = None
    hold: float | None = None
