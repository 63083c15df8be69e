"""The environment of a container, handed over in a file: command lines can be read by every user of a machine."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

MAX_LINE = 60_000  # characters; engines read lines of at most 64 KiB


@contextlib.contextmanager
def written(folder: Path, variables: Mapping[str, str]) -> Iterator[list[str]]:
    """Yields the options that give a container its variables; the file that they name ends with the block.

    The format has no variable of several lines, so that these stay on the command line.
    """
    lines = {name: value for name, value in variables.items() if _fits(name, value)}
    options = [f"--env={name}={value}" for name, value in variables.items() if name not in lines]
    descriptor, name = tempfile.mkstemp(dir=folder, suffix=".env")  # readable by this user alone
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.writelines(f"{name}={value}\n" for name, value in lines.items())
        yield [f"--env-file={name}", *options]
    finally:
        Path(name).unlink(missing_ok=True)


def _fits(name: str, value: str) -> bool:
    is_plain_name = bool(name) and not name.startswith("#") and not any(c.isspace() for c in name)
    return is_plain_name and not {"\n", "\r"} & set(value) and len(value) < MAX_LINE
