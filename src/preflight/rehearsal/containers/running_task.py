"""What runs of each task: its network namespace, interface, containers and doors."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

from preflight.aws.reachability import Interface
from preflight.rehearsal.containers.health_checks import Watch
from preflight.rehearsal.containers.runner import NamespaceContainer
from preflight.rehearsal.containers.task_spec import TaskSpec


class RunningTask:
    """What runs of one task: `spec`, in which stubs may stand for containers of the `declared` one."""

    def __init__(self, spec: TaskSpec, *, declared: TaskSpec | None = None) -> None:
        self.spec = spec
        self.declared = declared or spec
        self.holder: NamespaceContainer | None = None
        self.interface_id: str | None = None
        self.interface: Interface | None = None
        self.public: str | None = None
        self.images: dict[str, str] = {}
        self.environments: dict[str, dict[str, str]] = {}
        self.ids: dict[str, str] = {}
        self.started: dict[str, float] = {}
        self.watches: list[Watch] = []
        self.closers: list[Callable[[], None]] = []
        self.lock = threading.Lock()

    @property
    def pid(self) -> int:
        """A process in the task's network namespace; 0 where it cannot be entered."""
        return self.holder.pid if self.holder is not None else 0

    def close_watches(self) -> None:
        """Check the health of its containers no more."""
        for watch in self.watches:
            watch.close()

    def close(self) -> None:
        """Let nothing of it go on but its containers."""
        self.close_watches()
        for close in self.closers:
            close()
        self.closers.clear()


class RunningTasks:
    """Every task that is on its way up or runs, by task id."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._by_task: dict[str, RunningTask] = {}

    def add(self, task: str, running: RunningTask) -> None:
        """Note what will run of a task."""
        with self._lock:
            self._by_task[task] = running

    def get(self, task: str) -> RunningTask | None:
        """What runs of a task, None where it was taken down."""
        with self._lock:
            return self._by_task.get(task)

    def pop(self, task: str) -> RunningTask | None:
        """What runs of a task, which is taken down now."""
        with self._lock:
            return self._by_task.pop(task, None)

    def items(self) -> Iterator[tuple[str, RunningTask]]:
        """Task ids and what runs of them, as of now."""
        with self._lock:
            found = list(self._by_task.items())
        return iter(found)

    def values(self) -> Iterator[RunningTask]:
        """What runs of each task, as of now."""
        return (run for _, run in self.items())

    def at(self, address: str, vpc: str) -> RunningTask | None:
        """What runs at a private address of a VPC."""
        return next((r for r in self.values() if r.interface and (r.interface.address, r.interface.vpc) == (address, vpc)), None)
