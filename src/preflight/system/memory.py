"""The memory of this process."""

from __future__ import annotations

import resource
import sys
from pathlib import Path

MOST = 1 << 30  # bytes that the process may grow by
_PAGES = Path("/proc/self/statm")


class MemoryGrowth:
    """What the memory of this process has grown by since this was made."""

    def __init__(self) -> None:
        self._before = resident_bytes()

    def trouble(self) -> str | None:
        """Returns why the process must not keep anything more, or None."""
        if resident_bytes() - self._before <= MOST:
            return None
        return f"it took more than {MOST / (1 << 30):.1f} GiB of memory"


def resident_bytes() -> int:
    """Returns how much memory this process has now; the most that it ever had if the system does not say more."""
    try:
        return int(_PAGES.read_text().split()[1]) * resource.getpagesize()
    except OSError:
        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
