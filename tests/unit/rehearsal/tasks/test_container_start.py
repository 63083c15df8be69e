from __future__ import annotations

from typing import Any

from preflight.rehearsal.containers import task_spec
from preflight.rehearsal.containers.task_spec import TaskSpec
from preflight.rehearsal.tasks import container_start


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
