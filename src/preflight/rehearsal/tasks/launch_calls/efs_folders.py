"""The folders of the account's file systems: those that access points created, and those that tasks could have."""

from __future__ import annotations

import threading
from collections.abc import Iterable

from preflight.aws import efs_access
from preflight.aws.efs_access import Folder
from preflight.rehearsal.containers.task_spec import FileSystem
from preflight.rehearsal.tasks.launch_calls.absent_images import ForeignPrograms


class EfsFolders:
    """Folders by file system. A new file system has its root alone."""

    def __init__(self, programs: ForeignPrograms) -> None:
        self._programs = programs
        self._lock = threading.Lock()
        self._folders: dict[tuple[str, str], Folder] = {}
        self._writable: set[tuple[str, str]] = set()

    def find(self, file_system: str, path: str, *, user: str) -> Folder | None:
        """Returns a folder, or None if nothing can have created it for its user (ARN of a service).

        A task that could write to a folder above may have created it, with any owner, and so may a program of AWS.
        """
        with self._lock:
            folder = efs_access.ROOT if path == "/" else self._folders.get((file_system, path))
            is_below = any(
                system == file_system and path.startswith(above.rstrip("/") + "/") for system, above in self._writable
            )
        if folder is None and (is_below or self._programs.file_writer(file_system, user)):
            return Folder(path, 0, 0, 0o777)
        return folder

    def add(self, file_system: str, folder: Folder) -> None:
        """Add a folder that an access point created."""
        with self._lock:
            self._folders[file_system, folder.path] = folder

    def mounted(self, file_systems: Iterable[FileSystem]) -> None:
        """Note that a task mounted these."""
        with self._lock:
            self._writable |= {(f.id, f.folder.path) for f in file_systems if not f.is_read_only}
