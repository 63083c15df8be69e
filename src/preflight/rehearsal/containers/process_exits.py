"""Reports the end of processes without polling."""

from __future__ import annotations

import contextlib
import os
import selectors
import socket
from collections.abc import Callable

from preflight.system.worker import Worker


class ProcessExits:
    """One thread that waits for any number of processes by their pid file descriptors."""

    def __init__(self) -> None:
        self._open = contextlib.ExitStack()  # what the thread waits with, once it is started
        self._new: list[tuple[int, Callable[[], None]]] = []
        self._worker = Worker(self._wait, name="process exits", wake=self._interrupt)

    def start(self) -> None:
        """Start the thread."""
        self._selector = self._open.enter_context(selectors.DefaultSelector())
        self._wake, self._woken = map(self._open.enter_context, socket.socketpair())
        self._selector.register(self._woken, selectors.EVENT_READ)
        self._worker.start()

    def watch(self, pid: int, then: Callable[[], None]) -> None:
        """Call `then` when process `pid` ends, at once if it has ended."""
        try:
            handle = os.pidfd_open(pid)
        except ProcessLookupError:
            then()
            return
        self._new.append((handle, then))
        self._interrupt()

    def close(self) -> None:
        """Stop watching."""
        if not hasattr(self, "_selector"):
            return
        self._worker.stop()
        for key in list(self._selector.get_map().values()):
            if key.fileobj is not self._woken:
                os.close(key.fd)
        self._open.close()

    def _interrupt(self) -> None:
        self._wake.send(b"!")

    def _wait(self) -> None:
        for key, _ in self._selector.select():
            if key.fileobj is self._woken:
                self._woken.recv(4096)
                continue
            self._selector.unregister(key.fileobj)
            os.close(key.fd)
            key.data()
        while self._new:
            handle, then = self._new.pop()
            with contextlib.suppress(OSError):
                self._selector.register(handle, selectors.EVENT_READ, then)
