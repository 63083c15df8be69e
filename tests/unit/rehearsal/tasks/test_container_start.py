from __future__ import annotations

import socket
import threading
from types import SimpleNamespace
from typing import Any

import pytest

from preflight.rehearsal.containers import task_spec
from preflight.rehearsal.containers.running_task import RunningTask
from preflight.rehearsal.containers.task_spec import TaskSpec
from preflight.rehearsal.tasks import container_start
from preflight.rehearsal.tasks.container_start import ContainerStarter


def spec(*containers: dict[str, Any], **more: Any) -> TaskSpec:
    definitions = [{"image": "i", **container} for container in containers]
    return task_spec.from_task_definition(
        {"family": "f", "revision": 3, "cpu": "256", "memory": "512", "containerDefinitions": definitions, **more}
    )


def test_containers_stop_after_those_that_depend_on_them() -> None:
    on = {"dependsOn": [{"containerName": "db", "condition": "START"}]}
    task = spec({"name": "web", **on}, {"name": "db"}, {"name": "worker", **on})

    assert [c.name for c in container_start.stopping_order(task.containers)] == ["worker", "web", "db"]


def test_a_circle_stops_all_the_same() -> None:
    def on(name: str) -> dict[str, Any]:
        return {"dependsOn": [{"containerName": name, "condition": "START"}]}

    task = spec({"name": "a", **on("b")}, {"name": "b", **on("a")})

    assert len(container_start.stopping_order(task.containers)) == 2


@pytest.mark.parametrize(
    ("status", "has_request", "seconds"),
    [
        pytest.param("ACTIVE", True, 60, id="its own while it has requests to answer"),
        pytest.param("ACTIVE", False, 3, id="a short one while it has none"),
        pytest.param("DRAINING", True, 3, id="a short one if its service is deleted"),
    ],
)
def test_the_time_until_a_container_is_killed_is(status: str, seconds: float, *, has_request: bool) -> None:
    state: Any = SimpleNamespace(account=SimpleNamespace(closing=threading.Event()))
    starter = ContainerStarter(state, None, None, None)  # type: ignore[arg-type]
    task: Any = SimpleNamespace(service=SimpleNamespace(status=status))
    running = RunningTask(spec({"name": "web", "stopTimeout": 60}))
    with socket.socket() as caller:
        if has_request:
            running.in_flight.begin(caller)

        assert starter._stop_timeout(task, running, running.spec.containers[0]) == seconds


def test_a_container_that_ignores_sigterm_is_killed_once_its_requests_are_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(task_spec, "MAX_STOP_TIMEOUT", 0.1)
    killed, running = threading.Event(), RunningTask(spec({"name": "web"}))
    runner: Any = SimpleNamespace(stop=lambda *_, timeout: killed.wait(timeout), kill=lambda _ids: killed.set())
    state: Any = SimpleNamespace(account=SimpleNamespace(closing=threading.Event()))
    starter = ContainerStarter(state, runner, None, None)  # type: ignore[arg-type]
    with socket.socket() as caller:
        running.in_flight.begin(caller)
        threading.Timer(0.3, running.in_flight.end, (caller,)).start()

        starter._stop_container(running, "id", timeout=20)

    assert killed.is_set()
    assert running.in_flight.count == 0
