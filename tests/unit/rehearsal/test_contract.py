from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from preflight.rehearsal.fargate import contract, sizes

GOOD: dict[str, Any] = {
    "family": "web",
    "requiresCompatibilities": ["FARGATE"],
    "networkMode": "awsvpc",
    "cpu": "512",
    "memory": "1024",
    "executionRoleArn": "arn:aws:iam::123456789012:role/x",
    "volumes": [{"name": "v"}],
    "containerDefinitions": [
        {
            "name": "app",
            "image": "nginx:1",
            "portMappings": [{"containerPort": 80}],
            "mountPoints": [{"sourceVolume": "v", "containerPath": "/v"}],
            "logConfiguration": {
                "logDriver": "awslogs",
                "options": {"awslogs-group": "g", "awslogs-region": "r", "awslogs-stream-prefix": "p"},
            },
        },
        {"name": "side", "image": "busybox:1", "essential": False},
    ],
}
Change = Callable[[dict[str, Any]], Any]


def put(path: str, value: Any) -> Change:
    *keys, last = [int(k) if k.isdigit() else k for k in path.split(".")]

    def change(given: dict[str, Any]) -> None:
        part: Any = given
        for key in keys:
            part = part[key]
        if value is None:
            del part[last]
        else:
            part[last] = value

    return change


APP = "containerDefinitions.0."
SIDE = "containerDefinitions.1."


@pytest.mark.parametrize(
    ("change", "said"),
    [
        pytest.param(put("networkMode", "bridge"), "Fargate only supports network mode", id="bridge"),
        pytest.param(put("networkMode", None), "Fargate only supports network mode", id="no network mode"),
        pytest.param(put("cpu", "513"), "No Fargate configuration exists", id="a size there is not"),
        pytest.param(put("memory", "512"), "No Fargate configuration exists", id="too little memory for the CPU"),
        pytest.param(put("cpu", "half"), "Invalid 'cpu' setting", id="no number"),
        pytest.param(put("cpu", None), "Fargate requires that 'cpu' be defined", id="no cpu"),
        pytest.param(put("memory", None), "At least one of 'memory' or 'memoryReservation'", id="no memory"),
        pytest.param(
            put("executionRoleArn", None), "execution role ARN to support log driver awslogs", id="no role for the log"
        ),
        pytest.param(put("containerDefinitions", []), "Container list cannot be empty", id="no container"),
        pytest.param(put(APP + "essential", False), "any essential container", id="nothing essential"),  # noqa: FBT003 - the value
        pytest.param(put(SIDE + "name", "app"), "must be unique", id="a doubled name"),
        pytest.param(put(APP + "name", "a b"), "may contain only", id="a name with a blank"),
        pytest.param(put(APP + "memory", 2048), "is greater than for the task", id="more memory than the task"),
        pytest.param(put(APP + "cpu", 1024), "sum of all container 'cpu'", id="more cpu than the task"),
        pytest.param(
            put(APP + "portMappings.0.hostPort", 8080), "host ports and container ports", id="another host port"
        ),
        pytest.param(
            put(SIDE + "portMappings", [{"containerPort": 80}]),
            "mapped multiple times in task",
            id="two containers on one port",
        ),
        pytest.param(put(APP + "privileged", True), "'privileged' setting be 'false'", id="privileged"),  # noqa: FBT003 - the value
        pytest.param(
            put(APP + "linuxParameters", {"capabilities": {"add": ["NET_ADMIN"]}}),
            "NET_ADMIN is not allowed",
            id="a capability",
        ),
        pytest.param(put(APP + "linuxParameters", {"sharedMemorySize": 64}), "sharedMemorySize", id="shared memory"),
        pytest.param(put(APP + "mountPoints.0.sourceVolume", "w"), "Unknown volume 'w'", id="an unknown volume"),
        pytest.param(put("volumes.0.host", {"sourcePath": "/etc"}), "sourcePath", id="a folder of the host"),
        pytest.param(
            put("volumes.0.dockerVolumeConfiguration", {"scope": "task"}),
            "dockerVolumeConfiguration",
            id="a docker volume",
        ),
        pytest.param(
            put(APP + "dependsOn", [{"containerName": "x", "condition": "START"}]),
            "does not exist",
            id="depends on nobody",
        ),
        pytest.param(
            put(APP + "dependsOn", [{"containerName": "side", "condition": "HEALTHY"}]),
            "must have health check",
            id="healthy without a check",
        ),
        pytest.param(
            put(SIDE + "dependsOn", [{"containerName": "app", "condition": "SUCCESS"}]),
            "cannot be an essential container",
            id="success of an essential one",
        ),
        pytest.param(put(APP + "logConfiguration.logDriver", "json-file"), "not a valid log driver", id="a log driver"),
        pytest.param(
            put(APP + "logConfiguration.options.awslogs-stream-prefix", None),
            "awslogs-stream-prefix",
            id="no stream prefix",
        ),
        pytest.param(
            put(APP + "logConfiguration.options.awslogs-group", None),
            "requires options: awslogs-group",
            id="no log group",
        ),
        pytest.param(
            put(APP + "healthCheck", {"command": ["curl", "x"]}), "must start with CMD", id="a bare health check"
        ),
        pytest.param(
            put(APP + "healthCheck", {"command": ["CMD", "x"], "timeout": 61}),
            "maximum allowed value 60",
            id="a long health check",
        ),
        pytest.param(put(APP + "stopTimeout", 121), "less than 120 seconds", id="a long stop"),
        pytest.param(put("ephemeralStorage", {"sizeInGiB": 20}), "at least 21", id="little storage"),
        pytest.param(put("pidMode", "host"), "do not support pidMode 'host'", id="the host's processes"),
        pytest.param(put("ipcMode", "host"), "do not support ipcMode", id="the host's ipc"),
        pytest.param(put(APP + "links", ["side"]), "Links are not supported", id="links"),
        pytest.param(put("family", "a b"), "Family", id="a family with a blank"),
        pytest.param(
            put("runtimePlatform", {"operatingSystemFamily": "PLAN9"}), "operating system family", id="another system"
        ),
    ],
)
def test_one_change_is_refused_in_the_words_of_aws(change: Change, said: str) -> None:
    given = copy.deepcopy(GOOD)
    change(given)

    assert said in (contract.refusal(given) or "nothing was refused")


def test_a_circle_of_dependencies_is_refused() -> None:
    given = copy.deepcopy(GOOD)
    put(APP + "dependsOn", [{"containerName": "side", "condition": "START"}])(given)
    put(SIDE + "dependsOn", [{"containerName": "app", "condition": "START"}])(given)

    assert "circular" in (contract.refusal(given) or "")


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda _given: None, id="as it is"),
        pytest.param(put("cpu", ".5 vCPU"), id="vCPU"),
        pytest.param(put("memory", "1 GB"), id="GB"),
        pytest.param(lambda g: (put("cpu", "32768")(g), put("memory", "249856")(g)), id="32 vCPU"),
        pytest.param(put(APP + "portMappings.0.hostPort", 80), id="the same host port"),
        pytest.param(
            put(SIDE + "portMappings", [{"containerPort": 80, "protocol": "udp"}]), id="one port, two protocols"
        ),
        pytest.param(put(APP + "linuxParameters", {"tmpfs": [{"containerPath": "/t", "size": 64}]}), id="tmpfs"),
        pytest.param(
            put(APP + "linuxParameters", {"capabilities": {"add": ["SYS_PTRACE"], "drop": ["ALL"]}}), id="SYS_PTRACE"
        ),
        pytest.param(put("ephemeralStorage", {"sizeInGiB": 200}), id="much storage"),
        pytest.param(put("pidMode", "task"), id="one pid namespace"),
        pytest.param(
            put(APP + "dependsOn", [{"containerName": "side", "condition": "COMPLETE"}]), id="an init container"
        ),
        pytest.param(put("requiresCompatibilities", ["EC2", "FARGATE"]), id="for EC2 as well"),
        pytest.param(put("runtimePlatform", {"operatingSystemFamily": "LINUX", "cpuArchitecture": "ARM64"}), id="ARM"),
    ],
)
def test_correct_variants_are_taken(change: Change) -> None:
    given = copy.deepcopy(GOOD)
    change(given)

    assert contract.refusal(given) is None


@pytest.mark.parametrize(
    ("text", "unit", "units"),
    [
        pytest.param("512", "vcpu", 512, id="units"),
        pytest.param(".25 vCPU", "vcpu", 256, id="a part of a vCPU"),
        pytest.param("2 GB", "gb", 2048, id="gigabytes"),
        pytest.param("2GB", "gb", 2048, id="without a blank"),
        pytest.param("2 TB", "gb", None, id="another unit"),
        pytest.param("0.5", "vcpu", None, id="a fraction without a unit"),
    ],
)
def test_units(text: str, unit: str, units: int | None) -> None:
    assert sizes.units(text, unit) == units
