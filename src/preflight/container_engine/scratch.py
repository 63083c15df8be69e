"""Where podman keeps the files of a pull or a build: in a folder that goes with it, also if it is killed."""

from __future__ import annotations

import contextlib
import dataclasses
import tempfile
from collections.abc import Iterator
from pathlib import Path

from preflight.container_engine.engine import Engine
from preflight.system import run_folders

MOUNTS = Path("/proc/self/mountinfo")


@contextlib.contextmanager
def scratch(engine: Engine) -> Iterator[Engine]:
    """Yields the engine with a folder for temporary files, on the disk of the cache: /tmp may be memory."""
    if engine.program != "podman":
        yield engine
        return
    _parent().mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f"{run_folders.owner_name()}-", dir=_parent()))
    try:
        yield dataclasses.replace(engine, env={**engine.env, "TMPDIR": str(folder)})
    finally:
        _remove(folder)


def remove_unfinished() -> int:
    """Remove the folders of processes that are gone; how many these were."""
    folders = _parent().glob("*:*-*")
    left = [folder for folder in folders if not run_folders.is_owner_alive(folder.name.partition("-")[0])]
    for folder in left:
        _remove(folder)
    return len(left)


def _parent() -> Path:
    return run_folders.cache_path() / "scratch"


def _remove(folder: Path) -> None:
    """Remove a folder unless something is mounted in it, whose files are not ours."""
    mounts = MOUNTS.read_text(encoding="utf-8", errors="replace") if MOUNTS.exists() else ""
    if str(folder) not in mounts:
        run_folders.remove(folder)
