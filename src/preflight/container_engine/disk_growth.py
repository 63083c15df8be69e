"""How much of the disk a pull, a build or an emulated account may take."""

from __future__ import annotations

import os
from pathlib import Path

GIBIBYTE = 1 << 30
MOST = 20 * GIBIBYTE  # Fargate's disk for image and task: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-task-storage.html
SPARED = 4 * GIBIBYTE  # of this machine's disk, or half of what is free if that is less


class DiskGrowth:
    """What the disk of a folder, such as that of an engine's images, has taken since this was made."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._free = free_bytes(self._folder)
        self._most = min(MOST, spare_bytes(self._free))

    def trouble(self) -> str | None:
        """Returns why whatever writes to it must not go on, or None."""
        if self._free - free_bytes(self._folder) <= self._most:
            return None
        return f"it took more than {self._most / GIBIBYTE:.1f} GiB of the disk"


def free_bytes(folder: Path) -> int:
    """Returns how much of a folder's disk is free."""
    status = os.statvfs(folder)
    return status.f_bavail * status.f_frsize


def spare_bytes(free: int) -> int:
    """Returns how much of its `free` disk this machine can spare."""
    return max(free - SPARED, free // 2)
