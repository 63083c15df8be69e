"""What the task metadata endpoint, version 4, says of a task and its containers. Pure.

Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-metadata-endpoint-v4-fargate.html.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any

from preflight.rehearsal.containers.task_spec import ContainerSpec, TaskSpec

Shown = Mapping[str, Any]


def task(shown: Shown, spec: TaskSpec, ids: Mapping[str, str], *, block: str, zone: str) -> dict[str, Any]:
    """The task, with all its containers; `block` is the CIDR block of its subnet."""
    return {
        "Cluster": shown["clusterArn"],
        "TaskARN": shown["taskArn"],
        "Family": spec.family,
        "Revision": str(spec.revision),
        "DesiredStatus": shown["desiredStatus"],
        "KnownStatus": shown["lastStatus"],
        "Limits": {"CPU": spec.cpu, "Memory": spec.memory},
        **_moments(shown, {"pullStartedAt": "PullStartedAt", "pullStoppedAt": "PullStoppedAt"}),
        "AvailabilityZone": zone,
        "LaunchType": "FARGATE",
        **_service(shown),
        "Containers": [container(shown, spec, ids, one.name, block=block) for one in spec.containers],
        "ClockDrift": {"ClockErrorBound": 0.5, "ClockSynchronizationStatus": "SYNCHRONIZED"},
        "EphemeralStorageMetrics": {
            "Utilized": 0,
            "Reserved": int((shown.get("ephemeralStorage") or {}).get("sizeInGiB", 20)) * 1024,
        },
        "FaultInjectionEnabled": False,
    }


def _service(shown: Shown) -> dict[str, str]:
    group = str(shown.get("group") or "")
    return {"ServiceName": group.removeprefix("service:")} if group.startswith("service:") else {}


def _moments(shown: Shown, names: Mapping[str, str]) -> dict[str, str]:
    return {name: f"{shown[key].isoformat()}Z" for key, name in names.items() if shown.get(key)}


def container(shown: Shown, spec: TaskSpec, ids: Mapping[str, str], name: str, *, block: str) -> dict[str, Any]:
    """One container of a task."""
    own = next(c for c in shown["containers"] if c["name"] == name)
    planned = next(c for c in spec.containers if c.name == name)
    arn = str(own["containerArn"])
    return {
        "DockerId": _docker_id(arn),
        "Name": name,
        "DockerName": name,
        "Image": planned.image,
        "ImageID": str(own.get("imageDigest") or ""),
        "Labels": {
            "com.amazonaws.ecs.cluster": shown["clusterArn"],
            "com.amazonaws.ecs.container-name": name,
            "com.amazonaws.ecs.task-arn": shown["taskArn"],
            "com.amazonaws.ecs.task-definition-family": spec.family,
            "com.amazonaws.ecs.task-definition-version": str(spec.revision),
        },
        "DesiredStatus": shown["desiredStatus"],
        "KnownStatus": own["lastStatus"],
        **({"ExitCode": own["exitCode"]} if "exitCode" in own else {}),
        "Limits": {"CPU": int(own.get("cpu") or 0), **({"Memory": planned.memory} if planned.memory else {})},
        **_moments(shown, {"createdAt": "CreatedAt", "startedAt": "StartedAt"}),
        "Type": "NORMAL",
        **({"Health": {"status": own["healthStatus"]}} if planned.health is not None else {}),
        **_log(planned, str(shown["taskArn"]).rpartition("/")[2]),
        "ContainerARN": arn,
        "Snapshotter": "overlayfs",
        "Networks": [_network(own, block)] if name in ids or own.get("networkInterfaces") else [],
    }


def _docker_id(arn: str) -> str:
    """On Fargate: 32 digits of the container's id, and a number."""
    digits = arn.rpartition("/")[2]
    return f"{digits[:32]}-{int(digits[:8], 16) % 10**10:010d}"


def _log(planned: ContainerSpec, task_id: str) -> dict[str, Any]:
    log = planned.log or {}
    if not log.get("logDriver"):
        return {}
    options = dict(log.get("options") or {})
    if "awslogs-stream-prefix" in options:
        prefix = options.pop("awslogs-stream-prefix")
        options["awslogs-stream"] = f"{prefix}/{planned.name}/{task_id}"
    return {"LogDriver": log["logDriver"], "LogOptions": options}


def _network(own: Shown, block: str) -> dict[str, Any]:
    network = ipaddress.ip_network(block)
    interfaces = own.get("networkInterfaces") or []
    addresses = [interface["privateIpv4Address"] for interface in interfaces]
    return {
        "NetworkMode": "awsvpc",
        "IPv4Addresses": addresses,
        "AttachmentIndex": 0,
        "IPv4SubnetCIDRBlock": block,
        "SubnetGatewayIpv4Address": f"{network[1]}/{network.prefixlen}",
        "DomainNameServers": [str(network[2])],
    }
