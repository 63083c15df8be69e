"""Runs in a new network namespace: opens one address in it, hands the socket over, and becomes the browser.

A script of its own, which imports nothing of this package: `browser_namespace.py ADDRESS PORT GATE PROGRAM...`.
"""

from __future__ import annotations

import fcntl
import os
import socket
import struct
import sys

SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 0x1


def main(address: str, port: str, gate: str, *program: str) -> None:
    """Bring the loopback interface up, listen at the address, send the socket through the gate, and run the program."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        request = struct.pack("16sH14s", b"lo", 0, b"")
        flags = struct.unpack("16sH14s", fcntl.ioctl(control, SIOCGIFFLAGS, request))[1]
        fcntl.ioctl(control, SIOCSIFFLAGS, struct.pack("16sH14s", b"lo", flags | IFF_UP, b""))
    with socket.socket() as listener, socket.socket(socket.AF_UNIX) as outside:
        listener.bind((address, int(port)))
        listener.listen(64)
        outside.connect(gate)
        socket.send_fds(outside, [b"."], [listener.fileno()])
    os.execvp(program[0], program)  # noqa: S606 - the arguments are this package's own


if __name__ == "__main__":
    main(*sys.argv[1:])
