"""Keeps results under a digest of all that they depend on, in the user's cache folder.

An entry is one file of JSON with its own digest before it; what is unreadable or changed counts as absent. Files
come into place by a rename, so runs side by side and killed ones do no harm. Without a folder that belongs to
the user alone nothing is kept.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
import stat
import time
from pathlib import Path
from typing import Any

from preflight.errors import UsageError
from preflight.system import run_folders

MAX_BYTES = 64 << 20  # of all entries
KEPT_BYTES = MAX_BYTES * 3 // 4  # after the oldest were removed
MAX_ENTRY_BYTES = 4 << 20
STALE = 3600.0  # seconds after which an unfinished file belongs to a run that was killed
_UNFINISHED = ".new"


class ResultCache:
    """Results by key; `folder` is None if there is nowhere to keep them."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._has_written = False

    @property
    def is_kept(self) -> bool:
        """Whether results are kept at all."""
        return self._folder is not None

    def get(self, key: str) -> Any:
        """Returns the result with that key, or None."""
        if self._folder is None:
            return None
        with contextlib.suppress(OSError, ValueError, RecursionError):
            number = os.open(self._folder / key, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            with os.fdopen(number, "rb") as file:
                data = file.read(MAX_ENTRY_BYTES + 1) if stat.S_ISREG(os.fstat(number).st_mode) else b""
            digest, _, text = data.partition(b"\n")
            if digest.decode() == _digest(key, text):
                return json.loads(text)
        return None

    def put(self, key: str, result: Any) -> None:
        """Keep a result that JSON can say; nothing happens if it cannot be written."""
        text = json.dumps(result).encode()
        if self._folder is None or len(text) > MAX_ENTRY_BYTES - 100:
            return
        unfinished = self._folder / f"{key}.{secrets.token_hex(4)}{_UNFINISHED}"
        try:
            number = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
            with os.fdopen(number, "wb") as file:
                file.write(_digest(key, text).encode() + b"\n" + text)
            unfinished.replace(self._folder / key)
            self._has_written = True
        except OSError:
            with contextlib.suppress(OSError):
                unfinished.unlink()

    def trim(self) -> None:
        """Remove what killed runs left and, if there is too much, the oldest entries."""
        if self._folder is None or not self._has_written:
            return
        with contextlib.suppress(OSError):
            entries = sorted((status.st_mtime, status.st_size, entry.path) for entry in os.scandir(self._folder) if (status := _status(entry)))
            too_much = sum(size for _, size, _ in entries) > MAX_BYTES
            excess = sum(size for _, size, _ in entries) - KEPT_BYTES if too_much else 0
            for written, size, path in entries:
                if excess > 0 or (path.endswith(_UNFINISHED) and written < time.time() - STALE):
                    excess -= size
                    with contextlib.suppress(OSError):
                        Path(path).unlink()


def _status(entry: os.DirEntry[str]) -> os.stat_result | None:
    """Returns the status of an entry, or None if another run removed it just now."""
    try:
        return entry.stat(follow_symlinks=False)
    except OSError:
        return None


def of_user() -> ResultCache:
    """Returns the cache in the user's cache folder; one that keeps nothing if there can be none."""
    try:
        results = folder()
        results.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = results.lstat()
    except (OSError, UsageError):
        return ResultCache(None)
    if run_folders.is_in_checkout(results):
        return ResultCache(None)
    is_private = stat.S_ISDIR(status.st_mode) and status.st_uid == os.getuid() and not status.st_mode & 0o077
    return ResultCache(results if is_private and results.is_absolute() and os.access(results, os.W_OK) else None)


def folder() -> Path:
    """Returns where the results of this user are kept, made or not.

    Raises:
        UsageError: the user has no home folder, or none for temporary files.
    """
    return run_folders.cache_path() / "results"


def key(*parts: str | bytes) -> str:
    """Returns the key of a result that depends on these parts."""
    digest = hashlib.sha256()
    for part in parts:
        data = part if isinstance(part, bytes) else part.encode(errors="surrogateescape")
        digest.update(len(data).to_bytes(8, "big") + data)
    return digest.hexdigest()


def source_digest(folder: Path) -> str:
    """Returns a digest of the program's own sources below a folder."""
    return key(*(part for file in sorted(folder.rglob("*.py")) for part in (file.name, file.read_bytes())))


def _digest(name: str, text: bytes) -> str:
    return key(name, text)
