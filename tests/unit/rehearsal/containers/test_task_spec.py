from __future__ import annotations

from typing import Any

import pytest

from preflight.rehearsal.containers import task_spec
from preflight.rehearsal.containers.task_spec import FileSystem, Health, Mount, TaskSpec


def spec(*containers: dict[str, Any], **more: Any) -> TaskSpec:
    definitions = [{"image": "i", **container} for container in containers]
    return task_spec.from_task_definition(
        {"family": "f", "revision": 3, "cpu": "256", "memory": "512", "containerDefinitions": definitions, **more}
    )


def test_mounts_of_another_container_come_after_its_own() -> None:
    mounts = [{"sourceVolume": "v", "containerPath": "/v"}]
    task = spec(
        {"name": "a", "mountPoints": mounts}, {"name": "b", "volumesFrom": [{"sourceContainer": "a", "readOnly": True}]}
    )

    assert task.containers[1].mounts == (Mount("v", "/v", is_read_only=True),)


@pytest.mark.parametrize(
    ("code", "ran", "applies"),
    [
        pytest.param(1, 61, True, id="it ran long enough"),
        pytest.param(1, 59, False, id="it did not"),
        pytest.param(3, 61, False, id="a code that is ignored"),
    ],
)
def test_a_restart_policy(code: int, ran: float, *, applies: bool) -> None:
    policy = {"enabled": True, "restartAttemptPeriod": 60, "ignoredExitCodes": [3]}
    restart = spec({"name": "a", "restartPolicy": policy}).containers[0].restart

    assert restart is not None
    assert restart.applies(code=code, ran=ran) is applies


def test_a_policy_that_is_not_enabled_restarts_nothing() -> None:
    assert spec({"name": "a", "restartPolicy": {"enabled": False}}).containers[0].restart is None


def test_only_volumes_on_efs_are_file_systems() -> None:
    efs = {"fileSystemId": "fs-1", "authorizationConfig": {"accessPointId": "fsap-1", "iam": "ENABLED"}}
    task = spec({"name": "a"}, volumes=[{"name": "own"}, {"name": "shared", "efsVolumeConfiguration": efs}])

    assert task.file_systems == {"shared": FileSystem("fs-1", "/", "fsap-1", has_iam=True)}


def test_options_of_a_container() -> None:
    linux = {
        "initProcessEnabled": True,
        "capabilities": {"drop": ["ALL"]},
        "tmpfs": [{"containerPath": "/t", "size": 8}],
    }
    container = {"name": "a", "readonlyRootFilesystem": True, "user": "101", "linuxParameters": linux}

    assert spec(container).containers[0].options == (
        "--read-only",
        "--user=101",
        "--init",
        "--cap-drop=ALL",
        "--tmpfs=/t:size=8m",
    )


def test_a_health_check_has_the_defaults_of_ecs() -> None:
    container = spec({"name": "a", "healthCheck": {"command": ["CMD", "x"]}}).containers[0]

    assert container.health == Health(("CMD", "x"), interval=30, timeout=5, retries=3, start_period=0)


@pytest.mark.parametrize(
    "check",
    [
        pytest.param({"command": ["NONE"]}, id="switched off"),
        pytest.param({"command": []}, id="no command"),
        pytest.param(None, id="no health check"),
    ],
)
def test_a_container_without_a_command_has_no_health_check(check: dict[str, Any] | None) -> None:
    assert spec({"name": "a", "healthCheck": check}).containers[0].health is None


def test_environment_files_of_run_task_replace_those_of_the_definition() -> None:
    definition = {"name": "a", "image": "i", "environmentFiles": [{"type": "s3", "value": "own"}]}
    override = {"name": "a", "environmentFiles": [{"type": "s3", "value": "other"}]}

    task = task_spec.from_task_definition(
        {"family": "f", "revision": 1, "containerDefinitions": [definition]}, {"containerOverrides": [override]}
    )

    assert task.containers[0].environment_files == ("other",)
