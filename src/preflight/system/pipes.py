"""Reads what a program writes to its pipes, a bounded part of it in memory."""

from __future__ import annotations

import os
import selectors
import time
from collections.abc import Callable, Sequence
from typing import IO

from preflight.errors import ToolBrokeError

MAX_OUTPUT = 128 << 20  # bytes of one pipe
INTERVAL = 0.2  # seconds between two calls of `check`
CHUNK = 1 << 16
QUIET = 3.0  # seconds without output after the end of a program


def read(
    pipes: Sequence[IO[bytes]], *, check: Callable[[], None], tail: int = 0, has_ended: Callable[[], bool] = lambda: False
) -> list[bytes]:
    """Returns what comes out of each pipe until all are closed; `check` raises if they are to be read no further.

    Once the program `has_ended`, and nothing came for some seconds, whatever still holds a pipe open is not waited for.
    Of more than `tail` bytes the last ones are kept; 0 is all of them.

    Raises:
        ToolBrokeError: there is more than fits.
    """
    outputs = {pipe.fileno(): bytearray() for pipe in pipes}
    with selectors.DefaultSelector() as selector:
        for number in outputs:
            selector.register(number, selectors.EVENT_READ)
        quiet_since, was_over = time.monotonic(), False
        while selector.get_map() and not (was_over and time.monotonic() > quiet_since + QUIET):
            check()
            if not was_over and has_ended():
                quiet_since, was_over = time.monotonic(), True
            for key, _ in selector.select(INTERVAL):
                quiet_since = time.monotonic()
                chunk = os.read(key.fd, CHUNK)
                outputs[key.fd] += chunk
                if tail:
                    del outputs[key.fd][:-tail]
                if not chunk:
                    selector.unregister(key.fd)
                if len(outputs[key.fd]) > MAX_OUTPUT:
                    msg = f"more than {MAX_OUTPUT >> 20} MiB of output"
                    raise ToolBrokeError(msg)
    return [bytes(output) for output in outputs.values()]
