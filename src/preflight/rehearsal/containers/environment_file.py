"""The environment of a container, handed over in a file: command lines can be read by every user of a machine."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from preflight.container_engine import engine_secrets

MAX_LINE = 60_000  # characters; engines read lines of at most 64 KiB


@contextlib.contextmanager
def written(folder: Path, variables: Mapping[str, str], *, store: Callable[[str], str] | None) -> Iterator[list[str]]:
    """Yields the options that give a container its variables; the file that they name ends with the block.

    The format has no variable of several lines: those are secrets of the engine, which `store` names; without a store
    they are options.
    """
    lines = {name: value for name, value in variables.items() if _fits(name, value)}
    others = {name: value for name, value in variables.items() if name not in lines}
    options = [_option(name, value, store) for name, value in others.items()]
    descriptor, name = tempfile.mkstemp(dir=folder, suffix=".env")  # readable by this user alone
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.writelines(f"{name}={value}\n" for name, value in lines.items())
        yield [f"--env-file={name}", *options]
    finally:
        Path(name).unlink(missing_ok=True)


def _option(name: str, value: str, store: Callable[[str], str] | None) -> str:
    is_storable = _is_plain(name) and "," not in name and 0 < len(value.encode(errors="replace")) < engine_secrets.MAX_BYTES
    if store is None or not is_storable:
        return f"--env={name}={value}"
    return f"--secret={store(value)},type=env,target={name}"


def _is_plain(name: str) -> bool:
    return bool(name) and not name.startswith("#") and not any(c.isspace() for c in name)


def _fits(name: str, value: str) -> bool:
    return _is_plain(name) and not {"\n", "\r"} & set(value) and len(value) < MAX_LINE
