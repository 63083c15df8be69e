"""Records which files a run reads, which folders it lists and what it looks for, to see later whether anything changed.

Python reports each opened file and each listed folder to audit hooks (PEP 578); code that only looks whether something
is there reports that by `look_for`. What belongs to Python, its packages and this program is left to the caller.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import stat
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

LARGEST = 64 * 1024 * 1024  # bytes of a file that is compared
_LOOKED = "preflight.looked_for"
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT
_LISTS = ("os.scandir", "os.listdir")
_OF_MACHINE = ("/proc/", "/sys/", "/dev/")
_PACKAGES = ("site-packages", "dist-packages")


class FilesRead:
    """The record of what was read; `left_out` are folders that do not count."""

    def __init__(self, left_out: tuple[str, ...]) -> None:
        self._left_out = (*left_out, *_OF_MACHINE)
        self._signatures: dict[tuple[str, str], object] = {}

    def note(self, event: str, args: tuple[Any, ...]) -> None:
        """Records what an audit event says was read, listed or looked for."""
        if event == "open":
            if isinstance(args[0], str | bytes | os.PathLike) and not args[2] & _WRITES:
                self._add("file", args[0])
        elif event == "tempfile.mkdtemp":
            self._left_out += (f"{args[0]}/",)
        elif event in _LISTS:
            is_import = event == "os.listdir" and (args[0] in sys.path or args[0] == str(Path.cwd()))
            if isinstance(args[0], str | bytes | os.PathLike | None) and not is_import:
                self._add("list", args[0] or ".")
        elif event == _LOOKED:
            self._add("look", args[0])

    def _add(self, kind: str, name: str | bytes | os.PathLike[Any]) -> None:
        path = os.path.abspath(os.fsdecode(name))  # noqa: PTH100 - pathlib keeps `..`
        if not f"{path}/".startswith(self._left_out) and (kind, path) not in self._signatures:
            self._signatures[kind, path] = _signature(path)

    def states(self) -> dict[str, list[str]] | None:
        """Returns the state of each place that was read; None if one changed since, or cannot be described."""
        if any(_signature(path) != signature for (_, path), signature in self._signatures.items()):
            return None
        states: dict[str, list[str]] = {}
        for kind, path in self._signatures:
            states.setdefault(kind, []).extend((path, _STATES[kind](path)))
        return states


def are_unchanged(states: Mapping[str, list[str]]) -> bool:
    """Whether every place is in the state of a record made by `FilesRead.states`."""
    return all(_STATES[kind](path) == state for kind, entries in states.items() for path, state in zip(entries[::2], entries[1::2], strict=True))


@contextlib.contextmanager
def recorded(*left_out: Path) -> Iterator[FilesRead]:
    """Yields the record of what is read in the block, except in these folders and Python's."""
    folders = {*map(str, left_out), os.path.dirname(os.__file__), *packages()}  # noqa: PTH120 - a string is compared
    record = FilesRead(tuple(f"{folder}/" for folder in folders))
    _records().append(record)
    try:
        yield record
    finally:
        _records().remove(record)


def packages() -> list[str]:
    """Returns the folders that Python's packages are installed in."""
    return [folder for folder in sys.path if folder.endswith(_PACKAGES)]


def look_for(path: Path) -> Path:
    """Returns a path, after recording that the caller looks whether it exists."""
    sys.audit(_LOOKED, str(path))
    return path


@functools.cache
def _records() -> list[FilesRead]:
    """Returns the records that are being made; a hook cannot be removed, so there is one for all."""
    records: list[FilesRead] = []

    def note(event: str, args: tuple[Any, ...]) -> None:
        for record in records:
            record.note(event, args)

    sys.addaudithook(note)
    return records


def _signature(path: str) -> object:
    """Returns what changes with a file, without reading it."""
    try:
        status = os.stat(path)  # noqa: PTH116 - called often
    except (OSError, ValueError):
        return None
    return status.st_dev, status.st_ino, status.st_mode, status.st_size, status.st_mtime_ns


def _looked(path: str) -> str:
    """Returns what a path leads to, or "" for nothing."""
    try:
        mode = os.stat(path).st_mode  # noqa: PTH116 - called often
    except (OSError, ValueError):
        return "link" if os.path.islink(path) else ""  # noqa: PTH114 - as above
    return f"{stat.S_IFMT(mode):o} {os.access(path, os.R_OK)} {os.path.realpath(path)}"


def _content(path: str) -> str:
    """Returns a digest of a file, of no bytes if it cannot be read; a file over `LARGEST` never equals another state."""
    try:
        data = _read(path)
        if len(data) > LARGEST:
            return f"too large {os.urandom(8).hex()}"
    except (OSError, ValueError):
        data = b""
    return f"{hashlib.sha256(data).hexdigest()} {_looked(path)}"


def _read(path: str) -> bytes:
    """Returns what a plain file has, up to a byte more than `LARGEST`; of a folder or a device nothing.

    Raises:
        OSError, ValueError: it cannot be opened.
    """
    number = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        if not stat.S_ISREG(os.fstat(number).st_mode):
            return b""
        with os.fdopen(number, "rb", closefd=False) as file:
            return file.read(LARGEST + 1)
    finally:
        os.close(number)


def _listing(path: str) -> str:
    """Returns a digest of the names in a folder, and of what each is."""
    names = []
    with contextlib.suppress(OSError), os.scandir(path) as entries:
        names = sorted(f"{entry.name}\0{entry.is_dir()}{entry.is_file()}{entry.is_symlink()}" for entry in entries)
    return hashlib.sha256("\0".join(names).encode(errors="surrogateescape")).hexdigest()


_STATES = {"file": _content, "list": _listing, "look": _looked}
