"""Starts the containers of a task as they depend on each other, and notes how they fare.

Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_definition_parameters.html.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable

from preflight.errors import PreflightError, ToolBrokeError
from preflight.rehearsal.containers import dependencies, health_checks, task_spec
from preflight.rehearsal.containers.dependencies import StartDecision
from preflight.rehearsal.containers.health_checks import Watch
from preflight.rehearsal.containers.runner import ContainerExit, ContainerRunner
from preflight.rehearsal.containers.running_task import RunningTask
from preflight.rehearsal.containers.task_spec import ContainerSpec
from preflight.rehearsal.ecs import state as states
from preflight.rehearsal.ecs.state import State, Task
from preflight.rehearsal.tasks.awslogs import Logs
from preflight.rehearsal.tasks.launch_checks import LaunchFailedError

CODES_WITHIN = 2.0  # seconds in which the exit codes of containers that were stopped are noted
Stop = Callable[..., None]


class ContainerStarter:
    """Starts containers with a runner; `stop` stops a task whose essential container ended."""

    def __init__(self, state: State, runner: ContainerRunner, writer: Logs, stop: Stop) -> None:
        self._state = state
        self._runner = runner
        self._logs = writer
        self._stop = stop

    def start(self, task: Task, run: RunningTask) -> None:
        """Start every container, each once those it depends on are as it wants them.

        Raises:
            LaunchFailedError: one could not be started, or what it depends on failed.
        """
        pending = list(run.spec.containers)
        while pending and not task.is_stopping:
            ready = [spec for spec in pending if self._may_start(task, run, spec)]
            for spec in ready:
                pending.remove(spec)
                self._start(task, run, spec)
            if not ready:
                with self._state.changed:
                    self._state.changed.wait(0.1)

    @staticmethod
    def _may_start(task: Task, run: RunningTask, spec: ContainerSpec) -> bool:
        shown = {container["name"]: container for container in task.api["containers"]}
        late = dependencies.overdue(run.spec.containers, run.started, time.monotonic())
        answer = dependencies.may_start(spec, shown, run.started, late)
        if answer is StartDecision.NEVER:
            names = ", ".join(f"{name} ({condition})" for name, condition in spec.depends_on)
            raise LaunchFailedError(
                f"Container {spec.name} was never started: its dependency {names} failed, or did not come in time"
            )
        return answer is StartDecision.START

    def _start(
        self,
        task: Task,
        run: RunningTask,
        spec: ContainerSpec,
    ) -> None:
        if run.holder is None:
            return
        try:
            container = self._runner.start(
                run.holder,
                spec,
                image=run.images[spec.name],
                task=run.spec,
                environment=run.environments[spec.name],
            )
        except ToolBrokeError as error:
            states.container(task, spec.name).update(lastStatus="STOPPED", reason=f"CannotStartContainerError: {error}")
            raise LaunchFailedError(f"CannotStartContainerError: {error}") from None
        run.ids[spec.name] = container
        run.started[spec.name] = time.monotonic()
        states.container(task, spec.name).update(lastStatus="RUNNING", runtimeId=container)
        self._watch(task, run, spec, container)
        self._await_end(task, run, spec, container)

    def _watch(self, task: Task, run: RunningTask, spec: ContainerSpec, container: str) -> None:
        if spec.health is None:
            return
        if spec.is_stub:
            self._felt(task, run, spec, "HEALTHY")
            return
        watch = Watch(self._runner, container, spec.health, lambda status: self._felt(task, run, spec, status))
        run.watches.append(watch)
        watch.start()

    def _felt(self, task: Task, run: RunningTask, spec: ContainerSpec, status: str) -> None:
        """A container's health has changed."""
        with self._state.changed:
            states.container(task, spec.name)["healthStatus"] = status
            essential = {c.name for c in run.spec.containers if c.is_essential}
            checked = {c.name for c in run.spec.containers if c.health is not None}
            task.api["healthStatus"] = health_checks.of_task(task.api["containers"], essential, checked)
            self._state.changed.notify_all()

    def _await_end(self, task: Task, run: RunningTask, spec: ContainerSpec, container: str) -> None:
        self._runner.when_ended(
            container,
            at_once=lambda: self._doubt(task, spec),
            then=lambda ended: self._ended(task, run, spec, ended),
        )

    def _doubt(self, task: Task, spec: ContainerSpec) -> None:
        """An essential container has ended: the task counts no longer, whatever its code will be."""
        if spec.is_essential:
            with self._state.changed:
                task.is_healthy = False

    def _ended(
        self, task: Task, run: RunningTask, spec: ContainerSpec, ended: ContainerExit
    ) -> None:
        container, ran = run.ids[spec.name], time.monotonic() - run.started[spec.name]
        is_due = spec.restart is not None and spec.restart.applies(code=ended.code, ran=ran)
        if is_due and not task.is_stopping and self._runner.restart(container):
            run.started[spec.name] = time.monotonic()
            with self._state.changed:
                task.is_healthy = True
            self._await_end(task, run, spec, container)
            return
        self._note_end(task, spec, container, ended)

    def _note_end(self, task: Task, spec: ContainerSpec, container: str, ended: ContainerExit) -> None:
        with self._state.changed:
            shown = states.container(task, spec.name)
            shown.update(lastStatus="STOPPED", exitCode=ended.code)
            if ended.was_out_of_memory:
                shown["reason"] = "OutOfMemoryError: Container killed due to memory usage"
            self._state.changed.notify_all()
        self.write_log(task, spec, container)
        if spec.is_essential:
            self._stop(task, code="EssentialContainerExited", reason="Essential container in task exited")

    def write_log(self, task: Task, spec: ContainerSpec, container: str) -> None:
        """Write what a container said so far to its log stream."""
        with contextlib.suppress(PreflightError):
            self._logs.write(spec, task=task.id, lines=self._runner.logs(container))

    def take_down(self, task: Task, run: RunningTask) -> None:
        """Stop the containers of a task, those that depend on others first, and remove them."""
        for spec in stopping_order(run.spec.containers):
            container = run.ids.get(spec.name)
            if container is None:
                continue
            if states.container(task, spec.name)["lastStatus"] == "RUNNING":
                self._runner.stop(container, timeout=min(spec.stop_timeout, task_spec.MAX_STOP_TIMEOUT))
            self.write_log(task, spec, container)
        self._await_codes(task, run)
        held = [run.holder.container] if run.holder else []
        self._runner.remove([*held, *run.ids.values()])

    def _await_codes(self, task: Task, run: RunningTask) -> None:
        """Let the exit codes be noted before nobody can tell them any more."""
        shown = [states.container(task, name) for name in run.ids]
        with self._state.changed:
            self._state.changed.wait_for(lambda: all("exitCode" in one for one in shown), timeout=CODES_WITHIN)


def stopping_order(specs: tuple[ContainerSpec, ...]) -> list[ContainerSpec]:
    """The containers in the order in which they are stopped: each after those that depend on it.

    Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDependency.html.
    """
    rest, ordered = list(specs), []
    while rest:
        needed = {name for spec in rest for name, _ in spec.depends_on}
        free = [spec for spec in rest if spec.name not in needed] or rest
        ordered.append(free[-1])
        rest.remove(free[-1])
    return ordered
