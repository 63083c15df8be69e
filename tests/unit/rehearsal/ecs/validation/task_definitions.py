"""Task definitions that AWS takes, as literals, and how tests change them."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

Given = dict[str, Any]
Change = Callable[[Given], Any]
ROLE = "arn:aws:iam::123456789012:role/x"
SECRET = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:db-AbCdEf"  # noqa: S105 - names a secret, is none
PARAMETER = "arn:aws:ssm:eu-west-1:123456789012:parameter/app/key"
APP = "containerDefinitions.0."
SIDE = "containerDefinitions.1."
WINDOWS = {"operatingSystemFamily": "WINDOWS_SERVER_2022_CORE", "cpuArchitecture": "X86_64"}
AWSLOGS = {"awslogs-group": "g", "awslogs-region": "eu-west-1", "awslogs-stream-prefix": "p"}
FIRELENS = {"name": "router", "image": "fluent-bit:2", "firelensConfiguration": {"type": "fluentbit"}}
EFS = {"fileSystemId": "fs-12345678", "transitEncryption": "ENABLED"}
PROXY = {
    "type": "APPMESH",
    "containerName": "side",
    "properties": [
        {"name": "IgnoredUID", "value": "1337"},
        {"name": "AppPorts", "value": "80"},
        {"name": "ProxyIngressPort", "value": "15000"},
        {"name": "ProxyEgressPort", "value": "15001"},
        {"name": "EgressIgnoredPorts", "value": ""},
        {"name": "EgressIgnoredIPs", "value": "169.254.170.2,169.254.169.254"},
    ],
}
GOOD: Given = {
    "family": "web",
    "requiresCompatibilities": ["FARGATE"],
    "networkMode": "awsvpc",
    "cpu": "512",
    "memory": "1024",
    "executionRoleArn": ROLE,
    "volumes": [{"name": "v"}],
    "containerDefinitions": [
        {
            "name": "app",
            "image": "nginx:1",
            "portMappings": [{"containerPort": 80}],
            "mountPoints": [{"sourceVolume": "v", "containerPath": "/v"}],
            "logConfiguration": {"logDriver": "awslogs", "options": dict(AWSLOGS)},
        },
        {"name": "side", "image": "busybox:1", "essential": False},
    ],
}
BRIDGE: Given = {
    "family": "host",
    "containerDefinitions": [
        {"name": "app", "image": "nginx:1", "memory": 128, "portMappings": [{"containerPort": 80}]},
        {"name": "side", "image": "nginx:1", "memory": 128, "portMappings": [{"containerPort": 80}]},
    ],
}


def good(*changes: Change) -> Given:
    """A definition for Fargate that is taken, changed."""
    return changed(GOOD, *changes)


def changed(given: Given, *changes: Change) -> Given:
    """A copy of `given`, changed."""
    copied = copy.deepcopy(given)
    for change in changes:
        change(copied)
    return copied


def put(path: str, value: Any) -> Change:
    """Set what is at a dotted path; None removes it."""
    *keys, last = [int(k) if k.isdigit() else k for k in path.split(".")]

    def change(given: Given) -> None:
        part: Any = given
        for key in keys:
            part = part[key] if isinstance(key, int) else part.setdefault(key, {})
        if value is None:
            del part[last]
        else:
            part[last] = copy.deepcopy(value)

    return change


def add(path: str, value: Any) -> Change:
    """Append to the list at a dotted path."""

    def change(given: Given) -> None:
        part: Any = given
        for key in path.split("."):
            part = part[int(key)] if key.isdigit() else part.setdefault(key, [])
        part.append(copy.deepcopy(value))

    return change


def windows(*changes: Change) -> Given:
    """A definition for Windows on Fargate that is taken, changed."""
    return good(put("runtimePlatform", WINDOWS), put("cpu", "1024"), put("memory", "2048"), *changes)
