"""The network namespace of a task: entering it, and giving it the address of its interface."""

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
from preflight.system import processes

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
    trouble: list[Exception] = []

    def enter_and_act() -> None:
        try:
            enter(pid)
            act()
        except Exception as error:  # noqa: BLE001 - it is raised again where the caller is
            trouble.append(error)

    thread = threading.Thread(target=enter_and_act)
    thread.start()
    thread.join()
    if trouble:
        raise trouble[0]


def assign(pid: int, address: str, *, number: int = 1, mask: str = "255.255.255.255") -> None:
    """Give the namespace of process `pid` an IPv4 address, as a task's network interface has one.

    It goes onto the loopback device, the only one there is, so that what listens on the task's
    address answers and what listens on 127.0.0.1 alone does not. `number` tells one address of a
    namespace from another; with a wider `mask` every address of that block is one of the namespace.

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
    """Let rules of iptables lead what programs in the namespace of process `pid` send; whether that could be done.

    `tables` holds the rules to add, by table; a line with a colon makes a chain, or empties it.
    """
    text = "".join(f"*{table}\n" + "".join(f"{rule}\n" for rule in rules) + "COMMIT\n" for table, rules in tables.items())
    command = ("iptables-restore", "--wait", "5", "--noflush")
    try:
        return processes.run("nsenter", f"--net=/proc/{pid}/ns/net", *command, timeout=20, given=text).code == 0
    except PreflightError:
        return False


def connect(pid: int, address: str, port: int, *, timeout: float) -> socket.socket:
    """A connection to a port inside the namespace of process `pid`.

    Raises:
        OSError: the namespace cannot be entered, or nobody listens there (TimeoutError: nobody answers).
    """
    made: list[socket.socket] = []
    within(pid, lambda: made.append(socket.create_connection((address, port), timeout=timeout)))
    return made[0]


def listen(pid: int, address: str, port: int) -> socket.socket:
    """A listening socket inside the namespace of process `pid`.

    Raises:
        OSError: the namespace cannot be entered, or the port is taken there.
    """
    made: list[socket.socket] = []
    within(pid, lambda: made.append(socket.create_server((address, port))))
    return made[0]


def bind_udp(pid: int, address: str, port: int) -> socket.socket:
    """A socket for datagrams inside the namespace of process `pid`.

    Raises:
        OSError: the namespace cannot be entered, or the port is taken there.
    """
    made: list[socket.socket] = []

    def bind() -> None:
        made.append(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        made[0].bind((address, port))

    within(pid, bind)
    return made[0]


def listening(pid: int) -> set[int]:
    """TCP ports that something listens on in the namespace of process `pid`, on any address but 127.0.0.0/8."""
    found = set()
    for name in ("tcp", "tcp6"):
        try:
            lines = Path(f"/proc/{pid}/net/{name}").read_text(encoding="ascii").splitlines()[1:]
        except OSError:
            continue
        for fields in map(str.split, lines):
            address, _, port = fields[1].partition(":")
            if fields[3] == _LISTENS and not (name == "tcp" and address.endswith("7F")):
                found.add(int(port, 16))
    return found
