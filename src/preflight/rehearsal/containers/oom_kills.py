"""Counts the processes of a container that the kernel killed because its memory was used up.

Engines do not always report this. Source: https://docs.kernel.org/admin-guide/cgroup-v2.html#memory-interface-files.
"""

from __future__ import annotations

from pathlib import Path

ROOT = Path("/sys/fs/cgroup")


def counter_of(pid: int) -> Path | None:
    """Returns the file that counts such kills in the memory group of a process, or None."""
    try:
        lines = Path(f"/proc/{pid}/cgroup").read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    paths = {controllers: path for _, controllers, path in (line.split(":", 2) for line in lines)}
    if "memory" in paths:
        return ROOT / "memory" / paths["memory"].lstrip("/") / "memory.oom_control"
    return ROOT / paths["" if "" in paths else next(iter(paths))].lstrip("/") / "memory.events" if paths else None


def kills(counter: Path | None) -> int:
    """Returns the number of kills that a file counts, zero if it does not exist."""
    if counter is None:
        return 0
    try:
        pairs = [line.split() for line in counter.read_text(encoding="utf-8").splitlines()]
    except OSError:
        return 0
    return next((int(pair[1]) for pair in pairs if len(pair) == 2 and pair[0] == "oom_kill"), 0)
