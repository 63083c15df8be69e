"""Standard output and standard error: opened if they were closed, and written in lines that show every character."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path
from typing import TextIO

from preflight.errors import UsageError


def open_streams() -> None:
    """Open what the caller closed of the three streams, so that no file of ours gets their numbers.

    Writing to a standard output that was closed still fails; what a terminal cannot show is spelt out.
    """
    for number, mode in ((0, os.O_RDONLY), (1, os.O_RDONLY), (2, os.O_WRONLY)):
        if _is_closed(number):
            os.open(os.devnull, mode)  # takes the lowest number that is free, which is this one
    sys.stdin = sys.stdin or Path(os.devnull).open(encoding="utf-8")  # noqa: SIM115 - open until the end
    sys.stdout = sys.stdout or _stream(1)
    sys.stderr = sys.stderr or _stream(2)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def _is_closed(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError as error:
        return error.errno == errno.EBADF
    return False


def _stream(number: int) -> TextIO:
    return open(number, "w", encoding="utf-8", closefd=False)


def is_terminal(stream: TextIO) -> bool:
    """Whether a stream is a terminal that shows colours: TERM, NO_COLOR (https://no-color.org/) and CI can rule them out."""
    if os.environ.get("TERM", "dumb") in {"", "dumb", "unknown"} or os.environ.get("NO_COLOR") or os.environ.get("CI"):
        return False
    return stream.isatty() and stream.encoding.lower().replace("-", "") == "utf8"


def write(text: str) -> None:
    """Write a text of several lines to standard output.

    Raises:
        UsageError: it cannot be written.
    """
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except OSError as error:
        discard(sys.stdout)
        msg = f"standard output cannot be written: {error.strerror}. Next: name a folder by --output-dir, or another place for the output"
        raise UsageError(msg) from None


def write_lines(text: str) -> None:
    """Write a text whose lines may hold input: each line shows every character, and none is a command of a runner."""
    write("".join(f"{_visible(line)}\n" for line in text.removesuffix("\n").split("\n")))


def say(text: str) -> None:
    """Write a message to standard error, in one line that no runner of a CI system takes for a command.

    If the reader is gone, as `| tee` is after Ctrl-C, the run goes on without one: it has to clean up.
    """
    try:
        sys.stderr.write(f"{_visible(text)}\n")
        sys.stderr.flush()
    except OSError:
        discard(sys.stderr)


def discard(stream: TextIO) -> None:
    """Let all that is written to a stream vanish, what it still holds included."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, stream.fileno())
    os.close(null)


def _visible(text: str) -> str:
    from preflight import model  # noqa: PLC0415 - slow to import, and `--help` writes nothing through here

    return model.visible(text)
