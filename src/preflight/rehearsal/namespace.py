"""The network namespace of a task: entering it, and giving it the address of its interface."""

from __future__ import annotations

import ctypes
import fcntl
import os
import socket
import struct
import threading
from collections.abc import Callable

_CLONE_NEWNET = 0x40000000
_SIOCSIFADDR = 0x8916
_SIOCSIFNETMASK = 0x891C


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
        OSError: the namespace cannot be entered, or `act` raised it.
    """
    trouble: list[OSError] = []

    def enter_and_act() -> None:
        try:
            enter(pid)
            act()
        except OSError as error:
            trouble.append(error)

    thread = threading.Thread(target=enter_and_act)
    thread.start()
    thread.join()
    if trouble:
        raise trouble[0]


def assign(pid: int, address: str) -> None:
    """Give the namespace of process `pid` an IPv4 address, as a task's network interface has one.

    It goes onto the loopback device, the only one there is, so that what listens on the task's
    address answers and what listens on 127.0.0.1 alone does not.

    Raises:
        OSError: the caller may not.
    """

    def set_address() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            for request, value in ((_SIOCSIFADDR, address), (_SIOCSIFNETMASK, "255.255.255.255")):
                packed = struct.pack("16sHH4s8x", b"lo:1", socket.AF_INET, 0, socket.inet_aton(value))
                fcntl.ioctl(sock, request, packed)

    within(pid, set_address)
