"""The control group of an image build, which bounds the number of its processes and ends with all of them.

podman has no option for it (`--ulimit nproc` does not bind root), and a build that is killed leaves the processes of
its RUN instruction. If systemd manages the groups, its TasksMax bounds them instead.
Source: https://docs.kernel.org/admin-guide/cgroup-v1/pids.html and https://docs.kernel.org/admin-guide/cgroup-v2.html#pid.
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path

from preflight.container_engine import engine_info
from preflight.container_engine.engine import Engine
from preflight.errors import WaitExpiredError
from preflight.system import waiting

ROOT = Path("/sys/fs/cgroup")
MOST_PROCESSES = 4096  # threads count too
PREFIX = "preflight-build-"
PATIENCE = 5.0  # seconds for killed processes to end


@contextlib.contextmanager
def bounded(engine: Engine, run: str, *, root: Path = ROOT) -> Iterator[tuple[str, ...]]:
    """Yields the options of a build that put it into a group of the run; none if this machine cannot have one."""
    name = f"{PREFIX}{run}"
    if engine_info.of(engine).cgroup_manager != "cgroupfs":
        yield ()
        return
    try:
        yield (f"--cgroup-parent=/{name}/build",) if _is_made(root, name) else ()
    finally:
        remove(run, root=root)


def _is_made(root: Path, name: str) -> bool:
    """Whether the group could be made; its parent is ours, as the engine removes its own after each instruction."""
    pids = root / "pids" if (root / "pids").is_dir() else root  # version 1 has a hierarchy for each controller
    try:
        (pids / name).mkdir(exist_ok=True)
        (pids / name / "pids.max").write_text(str(MOST_PROCESSES), encoding="ascii")
    except OSError:
        return False
    return True


def remove(run: str, *, root: Path = ROOT) -> None:
    """Kill what still runs in the group of a run's builds, and remove the group."""
    groups = [*root.glob(f"{PREFIX}{run}"), *root.glob(f"*/{PREFIX}{run}")]
    with contextlib.suppress(WaitExpiredError):
        waiting.until(lambda: all(_is_removed(group) for group in groups), what="builds to end", timeout=PATIENCE)


def _is_removed(group: Path) -> bool:
    for file in group.rglob("cgroup.procs"):
        with contextlib.suppress(OSError):
            for pid in map(int, file.read_text(encoding="ascii").split()):
                if pid > 0:  # it is 0 if it is not of this process's namespace
                    os.kill(pid, signal.SIGKILL)
    for folder in sorted((group, *(path for path in group.rglob("*") if path.is_dir())), reverse=True):
        with contextlib.suppress(OSError):
            folder.rmdir()  # it is busy as long as something runs in it
    return not group.exists()
