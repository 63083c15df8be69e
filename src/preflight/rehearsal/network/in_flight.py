"""The requests that a task has not answered yet, whichever way they came."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from dataclasses import dataclass, field

POLL = 0.2  # seconds
QUIET = 5.0  # seconds of silence after which a response is taken for complete where nothing reads its size


@dataclass
class _OpenRequest:
    """A request: the load balancer's connection to the task if it has one, and when the last bytes of its response came."""

    target: socket.socket | None
    begun_at: float = field(default_factory=time.monotonic)
    answered_at: float | None = None

    @property
    def is_open(self) -> bool:
        return self.answered_at is None or time.monotonic() - self.answered_at < QUIET


class InFlight:
    """Requests by the socket of their caller; those that came through a load balancer can be cut off."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._requests: dict[socket.socket, _OpenRequest] = {}

    @property
    def count(self) -> int:
        """The number of requests."""
        with self._changed:
            return sum(request.is_open for request in self._requests.values())

    def begin(self, caller: socket.socket, target: socket.socket | None = None) -> None:
        """Count a request of a caller; with `target`, the load balancer's connection to the task, it can be cut off."""
        with self._changed:
            self._requests[caller] = _OpenRequest(target)

    def answer(self, caller: socket.socket) -> None:
        """Note that a part of the response has come."""
        with self._changed:
            if caller in self._requests:
                self._requests[caller].answered_at = time.monotonic()
            self._changed.notify_all()

    def end(self, caller: socket.socket) -> None:
        """Count the request of a caller no longer."""
        with self._changed:
            self._requests.pop(caller, None)
            self._changed.notify_all()

    def wait(self, timeout: float, *, closing: threading.Event) -> bool:
        """Wait until every request that has begun by now is answered.

        Returns False if `timeout` seconds are over before, or the account closes.
        """
        now = time.monotonic()
        with self._changed:
            while (is_open := self._has_open(before=now)) and not closing.is_set():
                left = now + timeout - time.monotonic()
                if left <= 0:
                    break
                self._changed.wait(min(left, POLL))
            return not is_open

    def _has_open(self, *, before: float) -> bool:
        return any(request.is_open and request.begun_at <= before for request in self._requests.values())

    def cut(self) -> None:
        """Break the connections of load balancers to the task."""
        with self._changed:
            for target in [request.target for request in self._requests.values()]:
                if target is not None:
                    with contextlib.suppress(OSError):
                        target.shutdown(socket.SHUT_RDWR)
