from __future__ import annotations

import pytest

from preflight.aws.network import Interface
from preflight.rehearsal.containers import task_spec
from preflight.rehearsal.containers.running_task import RunningTask, RunningTasks

SPEC = task_spec.from_task_definition(
    {"family": "f", "revision": 1, "containerDefinitions": [{"name": "app", "image": "i"}]}
)


def test_a_task_closes_everything_once() -> None:
    closed: list[str] = []
    running = RunningTask(SPEC)
    running.closers += [lambda: closed.append("endpoint"), lambda: closed.append("VPC")]

    running.close()
    running.close()

    assert closed == ["endpoint", "VPC"]


@pytest.mark.parametrize(
    ("address", "vpc", "is_there"),
    [
        pytest.param("10.0.0.4", "vpc-1", True, id="its address"),
        pytest.param("10.0.0.4", "vpc-2", False, id="its address in another VPC"),
        pytest.param("10.0.0.5", "vpc-1", False, id="another address"),
    ],
)
def test_a_task_is_found_by_its_address_in_its_vpc(address: str, vpc: str, *, is_there: bool) -> None:
    running, running_tasks = RunningTask(SPEC), RunningTasks()
    running.interface = Interface("vpc-1", "subnet-1", "10.0.0.4", (), has_public_address=False)
    running_tasks.add("t", running)

    assert running_tasks.at(address, vpc) is (running if is_there else None)
