"""The folder of --output-dir, which may lie in a checkout: no symbolic link leads out of it."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from preflight.errors import UsageError

if TYPE_CHECKING:
    from typing_extensions import Self

_PLAIN_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class OutputFolder:
    """A folder that is opened part by part, and created if need be; a context manager.

    It stays open during the run: a folder or link that takes its place meanwhile gets nothing.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._folder = -1

    def __enter__(self) -> Self:
        """Open the folder.

        Raises:
            UsageError: a part of the path is a symbolic link or not a folder, or cannot be opened.
        """
        anchor, *parts = self._parts()
        self._folder = os.open(anchor, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        for part in parts:
            try:
                inner = self._open(part)
            except OSError as error:
                self._close()
                raise self._cannot(part, error) from None
            self._close()
            self._folder = inner
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Close the folder."""
        self._close()

    def _parts(self) -> tuple[str, ...]:
        """Returns where the path starts, and its parts; a link in the root folder is the system's own, as macOS's /tmp."""
        if not self._path.is_absolute():
            return (".", *self._path.parts)
        root, *parts = self._path.parts
        if parts and Path(root, parts[0]).is_symlink():
            root = os.path.realpath(Path(root, parts.pop(0)))
        return (root, *parts)

    def _open(self, part: str) -> int:
        with contextlib.suppress(FileExistsError):
            os.mkdir(part, dir_fd=self._folder)
        return os.open(part, _PLAIN_FOLDER, dir_fd=self._folder)

    def _cannot(self, part: str, error: OSError) -> UsageError:
        if error.errno in {errno.ELOOP, errno.ENOTDIR}:
            what = f"{part} is a symbolic link or not a folder. Next: name the folder itself"
            return UsageError(f"{self._path}: nothing can be written there: {what}")
        return UsageError(f"{self._path}: nothing can be written there: {part}: {error.strerror}")

    def write(self, name: str, text: str) -> None:
        """Write a file of text; what has its name is replaced, never written through.

        Raises:
            UsageError: it cannot be written.
        """
        self.write_bytes(name, text.encode("utf-8", "backslashreplace"))

    def write_bytes(self, name: str, data: bytes) -> None:
        """Write a file; what has its name is replaced, never written through.

        Raises:
            UsageError: it cannot be written.
        """
        draft = f".{name}.{secrets.token_hex(4)}"
        try:
            with os.fdopen(os.open(draft, _NEW_FILE, 0o666, dir_fd=self._folder), "wb") as file:
                file.write(data)
            os.replace(draft, name, src_dir_fd=self._folder, dst_dir_fd=self._folder)
        except OSError as error:
            with contextlib.suppress(OSError):
                os.unlink(draft, dir_fd=self._folder)
            raise self._cannot(name, error) from None

    def _close(self) -> None:
        if self._folder >= 0:
            os.close(self._folder)
        self._folder = -1
