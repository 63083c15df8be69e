# ruff: noqa: ARG002 - the signatures are those of the real runner
"""Containers that exist in memory only, for an account whose tasks run to their end without an engine."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from preflight.container_engine.engine import Engine
from preflight.rehearsal.connectivity.task_connections import TaskConnections
from preflight.rehearsal.containers.runner import ContainerExit, ContainerRunner, NamespaceContainer
from preflight.rehearsal.containers.task_spec import ContainerSpec, TaskSpec
from preflight.rehearsal.network.task_listener import TaskListener

if TYPE_CHECKING:
    import pytest

EXIT_DELAY = 0.3  # seconds from SIGTERM until the exit code is known


class FakeRunner(ContainerRunner):
    """Notes what it is asked to do; containers run until they are stopped, and no health check succeeds."""

    def __init__(self, folder: Path) -> None:
        super().__init__(Engine("podman", "5"), run="r", folder=folder)
        self.environments: dict[str, Mapping[str, str]] = {}
        self.stopped: list[str] = []
        self.before_stop: Callable[[], object] = lambda: None
        self.before_remove: Callable[[], object] = lambda: None
        self._then: dict[str, Callable[[ContainerExit], None]] = {}

    @property
    def started(self) -> list[str]:
        return list(self.environments)

    def hold(
        self, task: str, spec: TaskSpec, *, address: str, publish: Sequence[tuple[str, int]] = ()
    ) -> NamespaceContainer:
        return NamespaceContainer(task, "pause", os.getpid(), Path())

    def start(
        self,
        holder: NamespaceContainer,
        spec: ContainerSpec,
        *,
        image: str,
        task: TaskSpec,
        environment: Mapping[str, str],
    ) -> str:
        self.environments[spec.name] = environment
        return spec.name

    def when_ended(self, container: str, *, at_once: Callable[[], None], then: Callable[[ContainerExit], None]) -> None:
        self._then[container] = then

    def end(self, container: str, code: int) -> None:
        self._then[container](ContainerExit(code, was_out_of_memory=False))

    def execute(self, container: str, command: Sequence[str], *, timeout: float) -> tuple[int, str]:
        return 1, ""

    def stop(self, container: str, *, timeout: float) -> None:
        self.before_stop()
        self.stopped.append(container)
        threading.Timer(EXIT_DELAY, self.end, (container, 143)).start()

    def logs(self, container: str, *, has_ended: bool = False) -> list[tuple[str, str]]:
        return []

    def remove(self, containers: Sequence[str]) -> None:
        self.before_remove()

    def close(self) -> None:
        pass


class FakeNetwork:
    """What is open in the namespaces of tasks, by name, and what was closed there."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.closed: list[str] = []
        monkeypatch.setattr(TaskListener, "open", lambda *_: self._closer("metadata endpoint"))
        monkeypatch.setattr(TaskListener, "redirect_port_80", lambda *_: True)
        monkeypatch.setattr(TaskConnections, "open", lambda *_: self._closer("VPC"))

    def _closer(self, name: str) -> Callable[[], None]:
        return lambda: self.closed.append(name)
