"""Idle connections to targets, which a load balancer keeps for the next request.

A target that closes them earlier than the load balancer can cross with a request, which fails with 502. Here each request
has a connection of its own; one to each target is kept aside, to see how long the target keeps it.

Source: https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-troubleshooting.html.
"""

from __future__ import annotations

import contextlib
import selectors
import threading
import time
from collections.abc import Callable

from preflight.rehearsal.load_balancing.target import HEALTHY, Target
from preflight.system import waiting
from preflight.system.http import DeadlineSocket

AFTERWARDS = 1.0  # seconds in which a target that stops is known to do so
MARGIN = 1.0  # seconds


class IdleConnections:
    """The connections that are kept aside; `note` gets a sentence for a target that closes one too early."""

    def __init__(self, note: Callable[[str], None]) -> None:
        self._note = note
        self._lock = threading.Lock()
        self._kept: set[str] = set()

    def take(self, target: Target, sock: DeadlineSocket, *, idle_timeout: float) -> bool:
        """Keep a connection after its first request; False if there was one to the target's group already."""
        with self._lock:
            if target.group in self._kept:
                return False
            self._kept.add(target.group)
        threading.Thread(target=self._watch, args=(target, sock, idle_timeout), daemon=True, name="idle connection").start()
        return True

    def _watch(self, target: Target, sock: DeadlineSocket, idle_timeout: float) -> None:
        started = time.monotonic()
        with contextlib.suppress(OSError, ValueError), selectors.DefaultSelector() as selector:
            selector.register(sock, selectors.EVENT_READ)
            selector.select(idle_timeout)
        seconds = time.monotonic() - started
        sock.close()
        if seconds > idle_timeout - MARGIN:
            return
        waiting.pause(AFTERWARDS)
        if target.state == HEALTHY:
            group = target.group.rpartition(":targetgroup/")[2].partition("/")[0]
            self._note(
                f"the targets of {group} close idle connections after {seconds:.0f} s, but the load balancer keeps them open for "
                f"{idle_timeout:.0f} s: a request that arrives just then fails with 502. Next: make the application keep them open for longer"
            )
        else:  # it is stopping, so this says nothing of the application
            with self._lock:
                self._kept.discard(target.group)
