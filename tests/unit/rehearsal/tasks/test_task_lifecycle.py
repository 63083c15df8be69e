"""How tasks end: whatever breaks, and when the account closes."""

from __future__ import annotations

import threading
from typing import Any
from unittest import mock

import pytest

from preflight.errors import ToolBrokeError
from preflight.rehearsal.containers import task_spec
from preflight.rehearsal.containers.running_task import RunningTask, RunningTasks
from preflight.rehearsal.ecs import state
from preflight.rehearsal.ecs.state import Cluster, Definition, State, Task
from preflight.rehearsal.ledger import Ledger
from preflight.rehearsal.server import Server
from preflight.rehearsal.tasks.container_start import ContainerStarter
from preflight.rehearsal.tasks.task_lifecycle import ContainerBackend, TaskLauncher
from preflight.system import waiting

CONTAINERS: list[dict[str, Any]] = [
    {"name": "db", "image": "i", "healthCheck": {"command": ["CMD", "x"]}},
    {"name": "web", "image": "i", "dependsOn": [{"containerName": "db", "condition": "HEALTHY"}]},
]
FAMILY: dict[str, Any] = {"family": "f", "revision": 1, "status": "ACTIVE", "containerDefinitions": CONTAINERS}


class Scene:
    """A launcher whose containers are played, and a task in its charge."""

    def __init__(self, account: Server) -> None:
        self.state = State(account.account)
        self.runs = RunningTasks()
        self.ledger = Ledger()
        self.runner = mock.MagicMock()
        self.runner.hold.return_value.pid = 0
        self.runner.engine.platforms = {"linux/amd64"}
        self.staff = mock.MagicMock()
        self.staff.interfaces.create.return_value.public = None
        self.staff.stubs.stubbed = lambda spec: spec
        means = ContainerBackend(self.runner, *(mock.MagicMock() for _ in range(4)))
        means.pulls.is_elsewhere.return_value = False  # type: ignore[attr-defined]  # a mock
        self.launcher = TaskLauncher(self.state, self.runs, self.staff, self.ledger, means)
        cluster, definition = Cluster("c", "c", {}), Definition("f:1", FAMILY, [])
        shown = [{"name": c["name"], "lastStatus": "PENDING", "healthStatus": "UNKNOWN"} for c in CONTAINERS]
        api: dict[str, Any] = {
            "lastStatus": "PROVISIONING",
            "overrides": {},
            "attachments": [],
            "containers": shown,
            "healthStatus": "UNKNOWN",
        }
        self.task = Task("t", "t", "eu-west-1", cluster, definition, api, {})
        self.state.tasks["t"] = self.task


@pytest.fixture
def scene(account: Server) -> Scene:
    return Scene(account)


def test_the_account_closes_while_a_container_waits_for_another(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("preflight.rehearsal.containers.health_checks.Watch", mock.MagicMock())
    scene.staff.admission.prepare.return_value = {"db": {}, "web": {}}
    scene.launcher.begin(scene.task)
    waiting.until(lambda: scene.runner.start.called, what="the first container", timeout=10)

    closing = threading.Thread(target=scene.launcher.close, daemon=True)
    closing.start()
    closing.join(10)

    assert not closing.is_alive()


@pytest.mark.parametrize(
    "trouble",
    [
        pytest.param(ToolBrokeError("the engine did not end"), id="the engine"),
        pytest.param(KeyError("x"), id="a fault of ours"),
    ],
)
def test_a_task_ends_whatever_breaks_and_gives_back_its_network(scene: Scene, trouble: Exception) -> None:
    run = RunningTask(task_spec.from_task_definition(FAMILY))
    run.interface_id = "eni-1"
    run.closers.append(closed := mock.MagicMock())
    scene.runs.add("t", run)
    scene.runner.remove.side_effect = trouble

    scene.launcher.stop(scene.task, code="UserInitiated", reason="r")
    waiting.until(lambda: scene.task.status == "STOPPED", what="the end of the task", timeout=10)

    assert closed.called
    assert scene.staff.interfaces.delete.call_args.args == ("eu-west-1", "eni-1")
    assert [said for said in scene.ledger.observations().problems if "task t could not be taken down" in said]


def test_nothing_of_a_task_goes_on_after_the_account_closed(scene: Scene) -> None:
    run = RunningTask(task_spec.from_task_definition(FAMILY))
    run.watches.append(watch := mock.MagicMock())
    run.closers.append(closed := mock.MagicMock())
    scene.runs.add("t", run)

    scene.launcher.close()

    assert watch.close.called
    assert closed.called
    assert scene.staff.targets.close.called


def test_a_container_is_removed_once_its_exit_code_is_noted(scene: Scene) -> None:
    noted = []
    run = RunningTask(task_spec.from_task_definition(FAMILY))
    run.ids["db"] = "c1"
    shown = state.container(scene.task, "db")
    shown["lastStatus"] = "RUNNING"

    def note() -> None:
        with scene.state.changed:
            shown["exitCode"] = 143
            scene.state.changed.notify_all()

    scene.runner.stop.side_effect = lambda *_, **__: threading.Timer(0.3, note).start()
    scene.runner.remove.side_effect = lambda _: noted.append(shown.get("exitCode"))
    ContainerStarter(scene.state, scene.runner, mock.MagicMock(), mock.MagicMock()).take_down(scene.task, run)

    assert noted == [143]
