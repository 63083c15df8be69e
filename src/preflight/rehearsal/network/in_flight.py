"""The requests that a task has not answered yet, whichever way they came."""

from __future__ import annotations

import contextlib
import socket
import threading
import time

POLL = 0.2  # seconds


class InFlight:
    """Counts requests by the socket of their caller; those that came through a load balancer can be cut off."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._open: dict[socket.socket, socket.socket | None] = {}

    @property
    def count(self) -> int:
        """The number of requests."""
        with self._changed:
            return len(self._open)

    def begin(self, caller: socket.socket, target: socket.socket | None = None) -> None:
        """Count a request of a caller; with `target`, the load balancer's connection to the task, it can be cut off."""
        with self._changed:
            self._open[caller] = target

    def end(self, caller: socket.socket) -> None:
        """Count the request of a caller no longer."""
        with self._changed:
            self._open.pop(caller, None)
            self._changed.notify_all()

    def wait(self, timeout: float, *, closing: threading.Event) -> bool:
        """Wait until every request is answered. Returns False if `timeout` seconds are over before, or the account closes."""
        deadline = time.monotonic() + timeout
        with self._changed:
            while self._open and not closing.is_set():
                left = deadline - time.monotonic()
                if left <= 0:
                    break
                self._changed.wait(min(left, POLL))
            return not self._open

    def cut(self) -> None:
        """Break the connections of load balancers to the task."""
        with self._changed:
            for target in self._open.values():
                if target is not None:
                    with contextlib.suppress(OSError):
                        target.shutdown(socket.SHUT_RDWR)
