"""What the workers of one session of pytest-xdist share: the first one makes it, the others read of it in a folder.

The kernel counts who is still there: each worker holds a lock while its process lives, however it ends.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from preflight.errors import PreflightError
from preflight.model import JsonObject
from preflight.system import run_folders

_WORKERS: pytest.StashKey[Workers] = pytest.StashKey()


class MadeElsewhereError(PreflightError):
    """Another worker could not make what this one needs; the message is that worker's."""


class Workers:
    """The folder of a session's workers; `lock` is shared by all that live."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = (folder / "workers").open("a", encoding="utf-8")
        fcntl.flock(self._lock, fcntl.LOCK_SH)

    def once(self, name: str, make: Callable[[], JsonObject]) -> JsonObject:
        """Returns what the first worker made that asked for it by this name; the others wait for it.

        Raises:
            MadeElsewhereError: another worker could not make it.
        """
        file = self.folder / f"{name}.json"
        with self._alone(name):
            if not file.exists():
                try:
                    data = {"made": make()}
                except BaseException as error:
                    _write(file, {"error": str(error)})
                    raise
                _write(file, data)
                return data["made"]
        read: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        if "error" in read:
            raise MadeElsewhereError(read["error"])
        return dict(read["made"])

    def wait_for_others(self) -> None:
        """Wait until this is the last worker."""
        fcntl.flock(self._lock, fcntl.LOCK_EX)

    def leave(self) -> None:
        """Leave the others; the last one removes the folder."""
        if self._lock.closed:
            return
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            run_folders.remove(self.folder)
        self._lock.close()

    @contextlib.contextmanager
    def _alone(self, name: str) -> Iterator[None]:
        with (self.folder / f"{name}.lock").open("a", encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def join(config: pytest.Config) -> Workers | None:
    """Returns the workers of this one's session, which it now belongs to, or None without pytest-xdist."""
    workerinput = getattr(config, "workerinput", None)
    if workerinput is None:
        return None
    if _WORKERS not in config.stash:
        folder = run_folders.runs() / f"xdist-{workerinput['testrunuid']}"
        folder.mkdir(mode=0o700, exist_ok=True)
        _write(folder / "owner", run_folders.owner(os.getppid()))  # of the whole session: `preflight sweep` asks
        config.stash[_WORKERS] = Workers(folder)
        config.add_cleanup(config.stash[_WORKERS].leave)
    return config.stash[_WORKERS]


def _write(file: Path, value: object) -> None:
    """Write a file that no reader sees half."""
    part = file.with_name(f"{file.name}.{os.getpid()}")
    part.write_text(json.dumps(value), encoding="utf-8")
    part.replace(file)
