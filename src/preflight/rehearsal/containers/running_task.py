"""What runs of each task: its network namespace, interface and containers."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

from preflight.aws.network import Interface
from preflight.rehearsal.containers.container_health_checks import Watch
from preflight.rehearsal.containers.runner import NamespaceContainer
from preflight.rehearsal.containers.task_spec import TaskSpec
from preflight.rehearsal.network.in_flight import InFlight


class RunningTask:
    """One task: its spec, in which stubs may replace containers of the `declared` one, and what runs of it."""

    def __init__(self, spec: TaskSpec, *, declared: TaskSpec | None = None) -> None:
        self.spec = spec
        self.declared = declared or spec
        self.holder: NamespaceContainer | None = None
        self.interface_id: str | None = None
        self.interface: Interface | None = None
        self.public: str | None = None
        self.images: dict[str, str] = {}
        self.obstacle: str | None = None  # why it cannot run on this machine
        self.environments: dict[str, dict[str, str]] = {}
        self.ids: dict[str, str] = {}
        self.started: dict[str, float] = {}
        self.watches: list[Watch] = []
        self.closers: list[Callable[[], None]] = []
        self.in_flight = InFlight()
        self.lock = threading.Lock()

    @property
    def pid(self) -> int:
        """A process in the task's network namespace, or 0 if it cannot be entered."""
        return self.holder.pid if self.holder is not None else 0

    def close_watches(self) -> None:
        """Stop the health checks of its containers."""
        for watch in self.watches:
            watch.close()

    def close(self) -> None:
        """Stop everything except the containers."""
        self.close_watches()
        for close in self.closers:
            close()
        self.closers.clear()


class RunningTasks:
    """Every task that starts or runs, by task ID."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._by_id: dict[str, RunningTask] = {}

    def add(self, task_id: str, running: RunningTask) -> None:
        """Add a task that begins to start."""
        with self._lock:
            self._by_id[task_id] = running

    def get(self, task_id: str) -> RunningTask | None:
        """Returns a task, or None if its containers have stopped."""
        with self._lock:
            return self._by_id.get(task_id)

    def remove(self, task_id: str) -> None:
        """Remove a task whose containers have stopped."""
        with self._lock:
            self._by_id.pop(task_id, None)

    def items(self) -> Iterator[tuple[str, RunningTask]]:
        """Returns the tasks by ID, as of now."""
        with self._lock:
            items = list(self._by_id.items())
        return iter(items)

    def values(self) -> Iterator[RunningTask]:
        """Returns the tasks, as of now."""
        return (running for _, running in self.items())

    def at(self, address: str, vpc: str) -> RunningTask | None:
        """Returns the task at a private address of a VPC."""
        return next(
            (r for r in self.values() if r.interface and (r.interface.address, r.interface.vpc) == (address, vpc)), None
        )
