"""Starts the containers of a task as they depend on each other, and records their status.

Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_definition_parameters.html.
"""

from __future__ import annotations

import contextlib
import functools
import threading
import time
from collections.abc import Callable

from preflight.errors import PreflightError, ToolBrokeError
from preflight.rehearsal.containers import container_dependencies, container_health_checks, task_spec
from preflight.rehearsal.containers.container_dependencies import StartDecision
from preflight.rehearsal.containers.container_health_checks import Watch
from preflight.rehearsal.containers.runner import ContainerExit, ContainerRunner
from preflight.rehearsal.containers.running_task import RunningTask
from preflight.rehearsal.containers.task_spec import ContainerSpec
from preflight.rehearsal.ecs.state import State, Task, container_of
from preflight.rehearsal.tasks.awslogs import Logs
from preflight.rehearsal.tasks.launch_checks import LaunchFailedError

KILL_INTERVAL = 0.2
EXIT_CODES_WITHIN = 2.0  # seconds in which the exit codes of containers that were stopped are recorded
Stop = Callable[..., None]


class ContainerStarter:
    """Starts containers with a runner; `stop` stops a task whose essential container ended."""

    def __init__(self, state: State, runner: ContainerRunner, logs: Logs, stop: Stop) -> None:
        self._state = state
        self._runner = runner
        self._logs = logs
        self._stop = stop

    def start(self, task: Task, running: RunningTask) -> None:
        """Start every container, each once its dependencies are met.

        Raises:
            LaunchFailedError: a container could not be started, or its dependency failed.
        """
        if running.holder is not None:
            self._runner.volumes.fill(running.holder.folder, running.spec, running.images)
        pending = list(running.spec.containers)
        while pending and not task.is_stopping:
            ready = [spec for spec in pending if self._may_start(task, running, spec)]
            for spec in ready:
                pending.remove(spec)
                self._start(task, running, spec)
            if not ready:
                with self._state.changed:
                    self._state.changed.wait(0.1)

    @staticmethod
    def _may_start(task: Task, running: RunningTask, spec: ContainerSpec) -> bool:
        containers = {container["name"]: container for container in task.api["containers"]}
        overdue = container_dependencies.overdue(running.spec.containers, running.started, time.monotonic())
        decision = container_dependencies.may_start(spec, containers, running.started, overdue)
        if decision is StartDecision.NEVER:
            names = ", ".join(f"{name} ({condition})" for name, condition in spec.depends_on)
            raise LaunchFailedError(
                f"Container {spec.name} was never started: its dependency {names} failed, or did not come in time"
            )
        return decision is StartDecision.START

    def _start(self, task: Task, running: RunningTask, spec: ContainerSpec) -> None:
        if running.holder is None:
            return
        try:
            container_id = self._runner.start(
                running.holder,
                spec,
                image=running.images[spec.name],
                task=running.spec,
                environment=running.environments[spec.name],
            )
        except ToolBrokeError as error:
            container_of(task, spec.name).update(lastStatus="STOPPED", reason=f"CannotStartContainerError: {error}")
            raise LaunchFailedError(f"CannotStartContainerError: {error}") from None
        running.ids[spec.name] = container_id
        running.started[spec.name] = time.monotonic()
        container_of(task, spec.name).update(lastStatus="RUNNING", runtimeId=container_id)
        self._check_health(task, running, spec, container_id)
        self._await_end(task, running, spec, container_id)

    def _check_health(self, task: Task, running: RunningTask, spec: ContainerSpec, container_id: str) -> None:
        """Begin to check the health of a container that has a health check."""
        if spec.health is None:
            return
        set_health = functools.partial(self._set_health, task, running, spec)
        if spec.is_stub:
            set_health("HEALTHY", "")
            return
        watch = Watch(self._runner, container_id, spec.health, set_health)
        running.watches.append(watch)
        watch.start()

    def _set_health(self, task: Task, running: RunningTask, spec: ContainerSpec, status: str, ended: str) -> None:
        """Record the health of a container; if it is not well, the reason says how its last check ended, which AWS does not."""
        with self._state.changed:
            container = container_of(task, spec.name)
            container["healthStatus"] = status
            if status == "UNHEALTHY":
                container["reason"] = ended
            essential = {c.name for c in running.spec.containers if c.is_essential}
            checked = {c.name for c in running.spec.containers if c.health is not None}
            task.api["healthStatus"] = container_health_checks.of_task(task.api["containers"], essential, checked)
            self._state.changed.notify_all()

    def _await_end(self, task: Task, running: RunningTask, spec: ContainerSpec, container_id: str) -> None:
        self._runner.when_ended(
            container_id,
            at_once=functools.partial(self._mark_unhealthy, task, spec),
            then=functools.partial(self._end, task, running, spec),
        )

    def _mark_unhealthy(self, task: Task, spec: ContainerSpec) -> None:
        """Count a task no longer whose essential container ended, whatever its exit code will be."""
        if spec.is_essential:
            with self._state.changed:
                task.is_healthy = False

    def _end(self, task: Task, running: RunningTask, spec: ContainerSpec, container_exit: ContainerExit) -> None:
        """Restart a container that ended if its policy says so, or record its end."""
        container_id, seconds = running.ids[spec.name], time.monotonic() - running.started[spec.name]
        is_due = spec.restart is not None and spec.restart.applies(code=container_exit.code, ran=seconds)
        if is_due and not task.is_stopping and self._runner.restart(container_id):
            running.started[spec.name] = time.monotonic()
            with self._state.changed:
                task.is_healthy = True
            self._await_end(task, running, spec, container_id)
            return
        self._record_end(task, spec, container_id, container_exit)

    def _record_end(self, task: Task, spec: ContainerSpec, container_id: str, container_exit: ContainerExit) -> None:
        with self._state.changed:
            container = container_of(task, spec.name)
            container.update(lastStatus="STOPPED", exitCode=container_exit.code)
            if container_exit.was_out_of_memory:
                container["reason"] = "OutOfMemoryError: Container killed due to memory usage"
            self._state.changed.notify_all()
        self.write_log(task, spec, container_id, has_ended=True)
        if spec.is_essential:
            self._stop(task, code="EssentialContainerExited", reason="Essential container in task exited")

    def write_log(self, task: Task, spec: ContainerSpec, container_id: str, *, has_ended: bool = False) -> None:
        """Write what a container logged since the last time to its log stream."""
        with contextlib.suppress(PreflightError):
            self._logs.write(spec, task=task.id, lines=self._runner.logs(container_id, has_ended=has_ended))

    def stop_all(self, task: Task, running: RunningTask) -> None:
        """Stop the containers of a task, those that depend on others first."""
        for spec in stopping_order(running.spec.containers):
            container_id = running.ids.get(spec.name)
            if container_id is None:
                continue
            if container_of(task, spec.name)["lastStatus"] == "RUNNING":
                self._stop_container(running, container_id, timeout=self._stop_timeout(task, running, spec))
            self.write_log(task, spec, container_id, has_ended=True)
        self._await_exit_codes(task, running)

    def _stop_container(self, running: RunningTask, container_id: str, *, timeout: float) -> None:
        """Stop a container, and kill it once nothing depends on how it ends any more."""
        has_ended = threading.Event()
        if timeout > task_spec.MAX_STOP_TIMEOUT:
            threading.Thread(target=self._kill_when_idle, args=(running, container_id, has_ended), daemon=True).start()
        try:
            self._runner.stop(container_id, timeout=timeout)
        finally:
            has_ended.set()

    def _kill_when_idle(self, running: RunningTask, container_id: str, has_ended: threading.Event) -> None:
        has_ended.wait(task_spec.MAX_STOP_TIMEOUT)
        closing = self._state.account.closing
        while running.in_flight.count and not closing.is_set() and not has_ended.wait(KILL_INTERVAL):
            pass
        if not has_ended.is_set():
            self._runner.kill([container_id])

    def _stop_timeout(self, task: Task, running: RunningTask, spec: ContainerSpec) -> float:
        """Returns the seconds until SIGKILL: all that the container has, if it still has requests to answer."""
        is_deleted = task.service is None or task.service.status == "DRAINING"
        if running.in_flight.count and not is_deleted and not self._state.account.closing.is_set():
            return spec.stop_timeout
        return min(spec.stop_timeout, task_spec.MAX_STOP_TIMEOUT)

    def remove_all(self, running: RunningTask) -> None:
        """Remove the containers of a task."""
        holders = [running.holder.container] if running.holder else []
        self._runner.remove([*holders, *running.ids.values()])

    def _await_exit_codes(self, task: Task, running: RunningTask) -> None:
        """Wait until the exit codes are recorded: the engine forgets them with the containers."""
        containers = [container_of(task, name) for name in running.ids]
        with self._state.changed:
            self._state.changed.wait_for(lambda: all("exitCode" in c for c in containers), timeout=EXIT_CODES_WITHIN)


def stopping_order(specs: tuple[ContainerSpec, ...]) -> list[ContainerSpec]:
    """Returns the containers in the order in which they are stopped: each after those that depend on it.

    Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDependency.html.
    """
    rest, ordered = list(specs), []
    while rest:
        dependencies_of_rest = {name for spec in rest for name, _ in spec.depends_on}
        free = [spec for spec in rest if spec.name not in dependencies_of_rest] or rest
        ordered.append(free[-1])
        rest.remove(free[-1])
    return ordered
