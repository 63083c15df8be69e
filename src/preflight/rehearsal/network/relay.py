"""Carries TCP connections from an address into a task's network namespace."""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading
from collections.abc import Callable
from typing import NamedTuple

from preflight.rehearsal.network import namespace, outbound
from preflight.rehearsal.network.in_flight import InFlight
from preflight.system import waiting
from preflight.system.worker import Worker


class Destination(NamedTuple):
    """A process, an address and port in its network namespace, and what counts the requests of a task there."""

    pid: int
    address: tuple[str, int]
    in_flight: InFlight | None = None


Choose = Callable[[socket.socket], Destination | None]

_CHUNK = 65536
_IDLE = 300.0
_MAX_CONNECTIONS = 256  # at once; others wait
_PAUSE = 0.1  # seconds


class Relay:
    """Listens, and connects each caller to the destination that `choose` returns, or resets the connection for None.

    `address` is an address and port of this machine, or a socket that listens already.
    """

    def __init__(self, address: tuple[str, int] | socket.socket, choose: Choose) -> None:
        self._choose = choose
        self._free = threading.Semaphore(_MAX_CONNECTIONS)
        self._listener = address if isinstance(address, socket.socket) else socket.create_server(address, backlog=64)
        self.address: tuple[str, int] = self._listener.getsockname()
        self._worker = Worker(self._accept, name=f"relay {address}", wake=self._close_listener)

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
        with caller, contextlib.ExitStack() as stack:
            stack.callback(self._free.release)
            destination = self._choose(caller)
            in_flight = (destination.in_flight if destination is not None else None) or InFlight()
            stack.callback(in_flight.end, caller)  # also of a request whose target does not listen
            try:
                if destination is None:
                    raise ConnectionRefusedError
                namespace.enter(destination.pid)
                target = outbound.connect(destination.address, timeout=5)
            except OSError:
                _reset(caller)
                return
            with target:
                target.settimeout(None)
                _pump(caller, target, in_flight)


def _reset(caller: socket.socket) -> None:
    """Make the caller see a reset when the socket closes, as from a port that nothing listens on."""
    with contextlib.suppress(OSError):
        caller.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")


def _pump(caller: socket.socket, target: socket.socket, in_flight: InFlight) -> None:
    """Copy what each of two sockets receives to the other, until both are at their end or idle.

    A request is in flight from what the caller sends until the target has been silent for a while.
    """
    peers = {caller: target, target: caller}
    with selectors.DefaultSelector() as selector, contextlib.suppress(OSError):
        for end in peers:
            selector.register(end, selectors.EVENT_READ)
        while selector.get_map():
            ready = selector.select(timeout=_IDLE)
            if not ready:
                return
            for key, _ in ready:
                source = key.fileobj
                if not isinstance(source, socket.socket):
                    continue
                data = source.recv(_CHUNK)
                if data and source is caller:
                    in_flight.begin(caller)
                elif source is target:
                    in_flight.answer(caller)
                if data:
                    peers[source].sendall(data)
                else:
                    selector.unregister(source)
                    peers[source].shutdown(socket.SHUT_WR)
