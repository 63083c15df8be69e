"""Carries TCP connections from an address into a task's network namespace."""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading
from collections.abc import Callable

from preflight.rehearsal.network import namespace
from preflight.system import waiting
from preflight.system.worker import Worker

Pick = Callable[[socket.socket], "tuple[int, tuple[str, int]] | None"]

_CHUNK = 65536
_IDLE = 300.0
_MOST = 256  # connections at once; others wait
_PAUSE = 0.1  # seconds


class Relay:
    """Listens and connects each caller to what `pick` picks for it: an address in the namespace of a process.

    `place` is an address and port of this machine, or a socket that listens already.
    """

    def __init__(self, place: tuple[str, int] | socket.socket, pick: Pick) -> None:
        self._pick = pick
        self._free = threading.Semaphore(_MOST)
        self._listener = place if isinstance(place, socket.socket) else socket.create_server(place, backlog=64)
        self.address: tuple[str, int] = self._listener.getsockname()
        self._worker = Worker(self._accept, name=f"relay {place}", wake=self._close_listener)

    def start(self) -> None:
        """Start to accept connections."""
        self._worker.start()

    def close(self) -> None:
        """Stop listening; connections that are open end with the task."""
        self._worker.stop(timeout=0)

    def _close_listener(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        try:
            caller, _ = self._listener.accept()
        except OSError:
            if not self._worker.is_stopping:
                waiting.pause(_PAUSE)  # too many files are open just now, here or elsewhere
            return
        self._free.acquire()
        threading.Thread(target=self._carry, args=(caller,), daemon=True).start()

    def _carry(self, caller: socket.socket) -> None:
        with caller, contextlib.ExitStack() as held:
            held.callback(self._free.release)
            picked = self._pick(caller)
            try:
                if picked is None:
                    raise ConnectionRefusedError
                namespace.enter(picked[0])
                task = socket.create_connection(picked[1], timeout=5)
            except OSError:
                _reset(caller)
                return
            with task:
                task.settimeout(None)
                _pump(caller, task)


def _reset(caller: socket.socket) -> None:
    """Close so that the caller sees a reset, as from a port that nobody listens on."""
    with contextlib.suppress(OSError):
        caller.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")


def _pump(one: socket.socket, other: socket.socket) -> None:
    peers = {one: other, other: one}
    with selectors.DefaultSelector() as waiting, contextlib.suppress(OSError):
        for end in peers:
            waiting.register(end, selectors.EVENT_READ)
        while waiting.get_map():
            ready = waiting.select(timeout=_IDLE)
            if not ready:
                return
            for key, _ in ready:
                ready_end = key.fileobj
                if not isinstance(ready_end, socket.socket):
                    continue
                data = ready_end.recv(_CHUNK)
                if data:
                    peers[ready_end].sendall(data)
                else:
                    waiting.unregister(ready_end)
                    peers[ready_end].shutdown(socket.SHUT_WR)
