"""Carries TCP connections from a loopback address into a task's network namespace."""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading

from preflight.rehearsal import namespace

_CHUNK = 65536
_IDLE = 300.0


class Relay:
    """Listens on `outside` and connects each caller to `inside`, in the network namespace of `pid`."""

    def __init__(self, outside: tuple[str, int], inside: tuple[str, int], *, pid: int) -> None:
        self._inside = inside
        self._pid = pid
        self._listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self._listener.bind(outside)
            self._listener.listen(64)
        except OSError:
            self._listener.close()
            raise
        self._thread = threading.Thread(target=self._accept, daemon=True, name=f"relay {outside}")
        self._thread.start()

    def close(self) -> None:
        """Stop listening; connections that are open end with the task."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                caller, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._carry, args=(caller,), daemon=True).start()

    def _carry(self, caller: socket.socket) -> None:
        with caller:
            try:
                namespace.enter(self._pid)
                task = socket.create_connection(self._inside, timeout=5)
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
