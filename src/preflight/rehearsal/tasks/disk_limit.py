"""Stops tasks that write more to the disk than Fargate has for them, or than this machine can spare.

The engines bound a container's disk on few file systems only (xfs with quotas), so what tasks wrote is measured.
Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-task-storage.html.
"""

from __future__ import annotations

import contextlib
import functools
import threading
from collections.abc import Callable

from preflight.container_engine import disk_growth
from preflight.container_engine.disk_growth import GIBIBYTE
from preflight.errors import PreflightError
from preflight.rehearsal.containers.runner import ContainerRunner
from preflight.rehearsal.containers.running_task import RunningTask, RunningTasks
from preflight.rehearsal.ecs.state import State, Task
from preflight.system import processes
from preflight.system.worker import Worker

DEFAULT = 20  # GiB
FLOOR = 2 * GIBIBYTE  # free: below it tasks are stopped, the largest first; or a quarter of what was free
INTERVAL = 1.0  # seconds
PATIENCE = 60.0  # seconds to measure a task; one that has more files than that is measured again


class DiskLimit:
    """Measures the disk of every task until it is closed, and stops those with too much."""

    def __init__(
        self, state: State, running_tasks: RunningTasks, runner: ContainerRunner, stop: Callable[..., None]
    ) -> None:
        self._state = state
        self._running_tasks = running_tasks
        self._runner = runner
        self._stop = stop
        self._closed = threading.Event()
        self._free = 0
        self._worker = Worker(self._check_all, name="disk limit", wake=self._closed.set)
        self._paths = functools.cache(self._runner.written_paths)

    def start(self) -> None:
        """Start to measure, if containers write to a disk of this machine."""
        if self._runner.engine.is_local:
            self._free = disk_growth.free_bytes(self._runner.folder)
            self._worker.start()

    def close(self) -> None:
        """Stop measuring."""
        self._worker.stop(timeout=0)

    def _check_all(self) -> None:
        if self._closed.wait(INTERVAL):
            return
        sizes = {task_id: self._size(running) for task_id, running in self._running_tasks.items() if running.ids}
        for task_id, size in sizes.items():
            task = self._state.tasks[task_id]
            if size > limit(task, self._free):
                self._end(task, f"it wrote {size / GIBIBYTE:.1f} GiB, and has {limit(task, self._free) / GIBIBYTE:.1f} GiB")
        if sizes and disk_growth.free_bytes(self._runner.folder) < min(FLOOR, self._free // 4):
            largest = self._state.tasks[max(sizes, key=sizes.__getitem__)]
            self._end(largest, "the disk of this machine is nearly full")

    def _size(self, running: RunningTask) -> int:
        """Returns the bytes of the disk that a task's containers and volumes have, 0 if that cannot be measured."""
        with contextlib.suppress(PreflightError):
            paths = {path for container in list(running.ids.values()) for path in self._paths(container)}
            return measure(paths) if paths else 0
        return 0

    def _end(self, task: Task, reason: str) -> None:
        running = self._running_tasks.get(task.id)
        text = f"Essential container in task exited: no space left on device ({reason})"
        self._stop(task, code="EssentialContainerExited", reason=text)
        if running is not None:  # it would go on to write while it may still stop by itself
            with contextlib.suppress(PreflightError):
                self._runner.kill(list(running.ids.values()))


def limit(task: Task, free: int) -> int:
    """Returns the bytes that a task may write: what it asks, or what this machine can spare of its `free` ones."""
    size = int((task.definition.api.get("ephemeralStorage") or {}).get("sizeInGiB") or DEFAULT) * GIBIBYTE
    return min(size, disk_growth.spare_bytes(free))


def measure(paths: set[str]) -> int:
    """Returns the bytes of the disk that files below `paths` have; `du` follows no links, and any depth of folders.

    Raises:
        PreflightError: there is no `du`, or it took too long.
    """
    process = processes.run(
        "du", "--summarize", "--one-file-system", "--block-size=1", "--", *sorted(paths), timeout=PATIENCE
    )
    sizes = [line.partition("\t")[0] for line in process.stdout.splitlines()]
    return sum(int(size) for size in sizes if size.isdigit())

