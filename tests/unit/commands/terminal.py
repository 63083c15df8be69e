"""Runs the program at a terminal of its own, as a person does."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import sys
import termios
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from rich import cells

CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
ROWS = 30
TIMEOUT = 120


@dataclass(frozen=True)
class Screen:
    """What a terminal got, and the exit code of the program."""

    code: int
    raw: str

    @property
    def lines(self) -> list[str]:
        """The lines without colours and movements; those that were drawn over as well."""
        return re.split(r"[\r\n]+", CONTROL.sub("", self.raw.replace("\x1b[2K", "\n")))

    @property
    def widest(self) -> int:
        """How many columns the widest line takes."""
        return max(map(cells.cell_len, self.lines))

    @property
    def last(self) -> str:
        """The last line that is not blank."""
        return [line for line in self.lines if line.strip()][-1]


def run(
    *args: str, folder: Path, width: int = 80, env: Mapping[str, str] | None = None, act: Callable[[int, str], bool] = lambda _terminal, _text: True
) -> Screen:
    """Run the program in a folder until it ends; `act` gets the terminal and what was written, until it returns True."""
    terminal, name = _open(width)
    kept = {key: value for key, value in os.environ.items() if key not in {"CI", "NO_COLOR", "COLUMNS", "LINES"}}
    command = ["sh", "-c", 'cd "$1" && shift && exec "$@"', "sh", str(folder), sys.executable, "-m", "preflight", *args]
    actions = [(os.POSIX_SPAWN_OPEN, 0, name, os.O_RDWR, 0), (os.POSIX_SPAWN_DUP2, 0, 1), (os.POSIX_SPAWN_DUP2, 0, 2)]
    pid = os.posix_spawn("/bin/sh", command, {**kept, "TERM": "xterm-256color", **(env or {})}, file_actions=actions, setsid=True)
    try:
        text = _read(terminal, pid, act)
    finally:
        os.close(terminal)
    return Screen(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), text)


def resize(terminal: int, width: int) -> None:
    """Give the window another width."""
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, width, 0, 0))


def _open(width: int) -> tuple[int, str]:
    terminal, program = pty.openpty()
    name = os.ttyname(program)
    resize(terminal, width)
    return terminal, name


def _read(terminal: int, pid: int, act: Callable[[int, str], bool]) -> str:
    text, has_acted, end = b"", False, time.monotonic() + TIMEOUT
    while time.monotonic() < end:
        if select.select([terminal], [], [], 0.1)[0]:
            text += os.read(terminal, 65536)
        elif os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None:
            break
        has_acted = has_acted or act(terminal, text.decode(errors="replace"))
    return text.decode()
