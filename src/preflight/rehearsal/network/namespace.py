"""The network namespace of a task: enters it, and gives it addresses, rules of iptables and sockets."""

from __future__ import annotations

import ctypes
import fcntl
import os
import socket
import struct
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from preflight.errors import PreflightError
from preflight.rehearsal.network import outbound
from preflight.system import iptables

_CLONE_NEWNET = 0x40000000
_SIOCSIFADDR = 0x8916
_SIOCSIFNETMASK = 0x891C
_LISTENS = "0A"


def enter(pid: int) -> None:
    """Move the calling thread into the network namespace of process `pid`.

    Raises:
        OSError: there is no such process, or the caller may not.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    handle = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        if libc.setns(handle, _CLONE_NEWNET) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
    finally:
        os.close(handle)


def within(pid: int, act: Callable[[], None]) -> None:
    """Run `act` inside the network namespace of process `pid`, in a thread of its own.

    Raises:
        OSError: the namespace cannot be entered; anything that `act` raises.
    """
    errors: list[Exception] = []

    def enter_and_act() -> None:
        try:
            enter(pid)
            act()
        except Exception as error:  # noqa: BLE001 - it is raised again in the calling thread
            errors.append(error)

    thread = threading.Thread(target=enter_and_act)
    thread.start()
    thread.join()
    if errors:
        raise errors[0]


def assign(pid: int, address: str, *, number: int = 1, mask: str = "255.255.255.255") -> None:
    """Give the namespace of process `pid` an IPv4 address, as a task's network interface has one.

    It goes onto the loopback device, the only one there is, so that what listens on the task's address answers and what
    listens on 127.0.0.1 alone does not. `number` distinguishes the addresses of a namespace; with a wider `mask` every
    address of that block is local to the namespace.

    Raises:
        OSError: the caller may not.
    """

    def set_address() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            for request, value in ((_SIOCSIFADDR, address), (_SIOCSIFNETMASK, mask)):
                name = f"lo:{number}".encode()
                packed = struct.pack("16sHH4s8x", name, socket.AF_INET, 0, socket.inet_aton(value))
                fcntl.ioctl(sock, request, packed)

    within(pid, set_address)


def apply_iptables(pid: int, tables: Mapping[str, Sequence[str]]) -> bool:
    """Adds rules of iptables, by table, in the namespace of process `pid`. Returns True on success."""
    try:
        return iptables.add(Path(f"/proc/{pid}/ns/net"), tables).code == 0
    except PreflightError:
        return False


def connect(pid: int, address: str, port: int, *, timeout: float) -> socket.socket:
    """Returns a connection to a port inside the namespace of process `pid`.

    Raises:
        OSError: the namespace cannot be entered, or nothing listens there (TimeoutError: nothing answers).
    """
    sockets: list[socket.socket] = []
    within(pid, lambda: sockets.append(outbound.connect((address, port), timeout=timeout)))
    return sockets[0]


def listen(pid: int, address: str, port: int) -> socket.socket:
    """Returns a listening socket inside the namespace of process `pid`.

    Raises:
        OSError: the namespace cannot be entered, or the port is taken there.
    """
    sockets: list[socket.socket] = []
    within(pid, lambda: sockets.append(socket.create_server((address, port))))
    return sockets[0]


def bind_udp(pid: int, address: str, port: int) -> socket.socket:
    """Returns a UDP socket inside the namespace of process `pid`.

    Raises:
        OSError: the namespace cannot be entered, or the port is taken there.
    """
    sockets: list[socket.socket] = []

    def bind() -> None:
        sockets.append(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        sockets[0].bind((address, port))

    within(pid, bind)
    return sockets[0]


def listening(pid: int) -> set[int]:
    """Returns the TCP ports on which something listens in the namespace of process `pid`, except on 127.0.0.0/8 alone."""
    ports = set()
    for name in ("tcp", "tcp6"):
        try:
            lines = Path(f"/proc/{pid}/net/{name}").read_text(encoding="ascii").splitlines()[1:]
        except OSError:
            continue
        for fields in map(str.split, lines):
            address, _, port = fields[1].partition(":")
            if fields[3] == _LISTENS and not (name == "tcp" and address.endswith("7F")):
                ports.add(int(port, 16))
    return ports
