from __future__ import annotations

import json
from pathlib import Path

import pytest
from werkzeug.wrappers import Request

from preflight.aws.network import Interface
from preflight.rehearsal.connectivity import inside_requests
from preflight.rehearsal.containers import task_spec
from preflight.rehearsal.containers.runner import NamespaceContainer
from preflight.rehearsal.containers.running_task import RunningTask, RunningTasks


@pytest.mark.parametrize(
    "port",
    [
        pytest.param("70000", id="beyond the last"),
        pytest.param("0", id="before the first"),
        pytest.param("-1", id="below nothing"),
        pytest.param("²", id="no digit of ours"),
        pytest.param("80 ", id="with a space"),
        pytest.param("1" * 5000, id="endless"),
    ],
)
def test_a_port_that_does_not_exist_is_not_requested(port: str) -> None:
    container = {"name": "a", "image": "i"}
    spec = task_spec.from_task_definition({"family": "f", "revision": 1, "containerDefinitions": [container]})
    running_tasks = RunningTasks()
    running_tasks.add("t", running := RunningTask(spec))
    running.holder = NamespaceContainer("t", "c", 1, Path())
    running.interface = Interface("v", "s", "10.0.0.4", (), has_public_address=False)
    request = Request.from_values(inside_requests.PATH, query_string={"task": "t", "port": port})

    assert json.loads(inside_requests.answer(request, running_tasks).get_data())["trouble"] == f"no port: {port[:20]!r}"
