from __future__ import annotations

from typing import Any

import pytest

from preflight.rehearsal.containers import container_dependencies, task_spec
from preflight.rehearsal.containers.task_spec import ContainerSpec


def spec(**change: Any) -> ContainerSpec:
    definition = {"family": "f", "revision": 1, "containerDefinitions": [{"name": "app", "image": "i", **change}]}
    return task_spec.from_task_definition(definition).containers[0]


@pytest.mark.parametrize(
    ("condition", "shown", "started", "answer"),
    [
        pytest.param("START", {"lastStatus": "PENDING"}, set(), "wait", id="not started"),
        pytest.param("START", {"lastStatus": "STOPPED"}, {"db"}, "start", id="started, whatever came then"),
        pytest.param(
            "COMPLETE", {"lastStatus": "STOPPED", "exitCode": 9}, {"db"}, "start", id="complete with any code"
        ),
        pytest.param("SUCCESS", {"lastStatus": "STOPPED", "exitCode": 0}, {"db"}, "start", id="success"),
        pytest.param("SUCCESS", {"lastStatus": "STOPPED", "exitCode": 1}, {"db"}, "never", id="failure"),
        pytest.param("HEALTHY", {"lastStatus": "RUNNING", "healthStatus": "HEALTHY"}, {"db"}, "start", id="healthy"),
        pytest.param(
            "HEALTHY", {"lastStatus": "RUNNING", "healthStatus": "UNHEALTHY"}, {"db"}, "never", id="unhealthy"
        ),
    ],
)
def test_when_a_container_may_start(condition: str, shown: dict[str, Any], started: set[str], answer: str) -> None:
    waiting = spec(dependsOn=[{"containerName": "db", "condition": condition}])
    whole = {"db": {"healthStatus": "UNKNOWN", **shown}}

    assert container_dependencies.may_start(waiting, whole, dict.fromkeys(started, 0.0), set()).value == answer


def test_a_dependency_that_takes_too_long_is_given_up() -> None:
    slow, waiting = spec(startTimeout=5), spec(dependsOn=[{"containerName": "app", "condition": "COMPLETE"}])
    shown = {"app": {"lastStatus": "RUNNING", "healthStatus": "UNKNOWN"}}

    answers = [
        container_dependencies.may_start(waiting, shown, {"app": 0.0}, container_dependencies.overdue([slow], {"app": 0.0}, now)).value
        for now in (4.0, 6.0)
    ]

    assert answers == ["wait", "never"]
