"""Connections that leave the emulated account's process: to tasks of its run, and to nothing else.

moto sends requests of its own, for instance to the HTTP endpoint of an SNS subscription or to a Docker socket.
A task could make it reach services of this machine that way.
"""

from __future__ import annotations

import contextlib
import errno
import ipaddress
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

_local = threading.local()


def connect(address: tuple[str, int], *, timeout: float) -> socket.socket:
    """Returns a connection to an address in the network namespace that this thread has entered.

    Raises:
        OSError: nothing listens there, or no packet gets there.
    """
    _local.is_allowed = True
    try:
        return socket.create_connection(address, timeout=timeout)
    finally:
        _local.is_allowed = False


@contextlib.contextmanager
def refused(note: Callable[[str], None]) -> Iterator[None]:
    """Refuses every other connection and every lookup of a host name in this process until the block ends.

    `note` gets a sentence for each, for the report.
    """
    real = {name: getattr(socket.socket, name) for name in ("connect", "connect_ex")}
    lookup = socket.getaddrinfo

    def attempt(name: str) -> Callable[[socket.socket, Any], Any]:
        def call(self: socket.socket, address: Any) -> Any:
            if _is_allowed():
                return real[name](self, address)
            note(f"a request from inside the emulated account to {address!r} was refused: it reaches tasks of its run only")
            if name == "connect_ex":
                return errno.ECONNREFUSED
            raise ConnectionRefusedError(errno.ECONNREFUSED, "the emulated account reaches tasks of its run only")

        return call

    def look_up(host: Any, *args: Any, **options: Any) -> Any:
        if _is_allowed() or _is_address(host):
            return lookup(host, *args, **options)
        note(f"the host name {host!r} was not looked up: the emulated account reaches tasks of its run only")
        raise socket.gaierror(socket.EAI_NONAME, "the emulated account looks up no host names")

    setattr(socket.socket, "connect", attempt("connect"))  # noqa: B010 - mypy takes no method for an attribute
    setattr(socket.socket, "connect_ex", attempt("connect_ex"))  # noqa: B010 - as above
    setattr(socket, "getaddrinfo", look_up)  # noqa: B010 - as above
    try:
        yield
    finally:
        for name, method in real.items():
            setattr(socket.socket, name, method)
        setattr(socket, "getaddrinfo", lookup)  # noqa: B010 - as above


def _is_address(host: Any) -> bool:
    """Whether a host is an address, or None for this machine: neither is looked up anywhere."""
    try:
        return host is None or bool(ipaddress.ip_address(host))
    except ValueError:
        return False


def _is_allowed() -> bool:
    return getattr(_local, "is_allowed", False)
