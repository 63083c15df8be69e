"""The image that holds a task's network namespace: one static program that sleeps, or ends at once.

As on Fargate, the containers of a task share one network namespace. This program is what holds it;
it is a hundred bytes of machine code, so that nothing has to be downloaded. Called with any
argument it ends with 0 at once, which is how a container engine is probed.
"""

from __future__ import annotations

import io
import platform
import struct
import tarfile

IMAGE = "localhost/preflight-pause:1"
# argc at the stack's top: one argument (the name) pauses for ever, more arguments exit with 0
_CODE = {
    "x86_64": (62, bytes.fromhex("8b042483f8017f09b8220000000f05ebf731ffb83c0000000f05")),
    "aarch64": (
        183,
        bytes.fromhex(
            "e00340f91f0400f10c010054000080d2010080d2020080d2030080d2280980d2010000d4faffff17000080d2a80b80d2010000d4"
        ),
    ),
}
_BASE = 0x400000


def program(machine: str | None = None) -> bytes:
    """The program as an ELF file for `machine` (default: this one).

    Raises:
        KeyError: there is no code for such a machine.
    """
    number, code = _CODE[_canonical(machine or platform.machine())]
    size = 64 + 56 + len(code)
    header = b"\x7fELF" + bytes([2, 1, 1]) + bytes(9)
    header += struct.pack("<HHIQQQIHHHHHH", 2, number, 1, _BASE + 120, 64, 0, 0, 64, 56, 1, 0, 0, 0)
    segment = struct.pack("<IIQQQQQQ", 1, 5, 0, _BASE, _BASE, size, size, 0x1000)
    return header + segment + code


def _canonical(machine: str) -> str:
    return {"amd64": "x86_64", "arm64": "aarch64"}.get(machine, machine)


def archive() -> bytes:
    """A root file system with the program in it, as a tar file."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        entry = tarfile.TarInfo("pause")
        entry.mode = 0o755
        entry.size = len(program())
        tar.addfile(entry, io.BytesIO(program()))
    return buffer.getvalue()
