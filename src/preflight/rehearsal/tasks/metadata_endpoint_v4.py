"""Answers of the task metadata endpoint, version 4, and of the credentials endpoint beside it.

Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-metadata-endpoint-v4-fargate.html.
"""

from __future__ import annotations

import contextlib
import ipaddress
from collections.abc import Mapping

from botocore.exceptions import ClientError

from preflight.model import JsonObject
from preflight.rehearsal.account import Account
from preflight.rehearsal.containers.running_task import RunningTask
from preflight.rehearsal.containers.task_spec import ContainerSpec, TaskSpec
from preflight.rehearsal.ecs.state import Task
from preflight.rehearsal.tasks import role_credentials
from preflight.rehearsal.tasks.role_credentials import Credentials


class MetadataAnswers:
    """Answers the requests of containers to the endpoint in their task."""

    def __init__(self, account: Account, credentials: Credentials) -> None:
        self._account = account
        self._credentials = credentials

    def answer(self, task: Task, running: RunningTask, path: str) -> JsonObject | None:
        """Returns the answer to a path, or None if there is none."""
        with contextlib.suppress(ClientError):  # the subnet or the role was deleted
            return self._answer(task, running, path)
        return None

    def _answer(self, task: Task, running: RunningTask, path: str) -> JsonObject | None:
        if path.startswith(role_credentials.PATH):
            return self._credentials.answer(task, path)
        parts = path.strip("/").split("/")
        resource = parts[2:]
        name = next((c["name"] for c in task.api["containers"] if [container_id(c)] == parts[1:2]), None)
        if name is None or parts[0] not in {"v3", "v4"} or running.interface is None:
            return None
        subnet = self._subnet(task.region, running.interface.subnet)
        block, zone = str(subnet["CidrBlock"]), str(subnet["AvailabilityZone"])
        if resource == ["task"]:
            return task_metadata(task.api, running.spec, running.ids, block=block, zone=zone)
        if not resource:
            return container_metadata(task.api, running.spec, running.ids, name, block=block)
        return {} if resource in (["stats"], ["task", "stats"]) else None

    def _subnet(self, region: str, subnet: str) -> JsonObject:
        subnets: list[JsonObject] = self._account.client("ec2", region).describe_subnets(SubnetIds=[subnet])["Subnets"]
        return subnets[0]


def container_id(container: JsonObject) -> str:
    """Returns the ID by which the endpoint knows a container."""
    return str(container["containerArn"]).rpartition("/")[2]


def task_metadata(task: JsonObject, spec: TaskSpec, ids: Mapping[str, str], *, block: str, zone: str) -> JsonObject:
    """Returns the metadata of a task with all its containers; `block` is the CIDR block of its subnet."""
    return {
        "Cluster": task["clusterArn"],
        "TaskARN": task["taskArn"],
        "Family": spec.family,
        "Revision": str(spec.revision),
        "DesiredStatus": task["desiredStatus"],
        "KnownStatus": task["lastStatus"],
        "Limits": {"CPU": spec.cpu, "Memory": spec.memory},
        **_times(task, {"pullStartedAt": "PullStartedAt", "pullStoppedAt": "PullStoppedAt"}),
        "AvailabilityZone": zone,
        "LaunchType": "FARGATE",
        **_service_name(task),
        "Containers": [container_metadata(task, spec, ids, c.name, block=block) for c in spec.containers],
        "ClockDrift": {"ClockErrorBound": 0.5, "ClockSynchronizationStatus": "SYNCHRONIZED"},
        "EphemeralStorageMetrics": {
            "Utilized": 0,
            "Reserved": int((task.get("ephemeralStorage") or {}).get("sizeInGiB", 20)) * 1024,
        },
        "FaultInjectionEnabled": False,
    }


def _service_name(task: JsonObject) -> dict[str, str]:
    group = str(task.get("group") or "")
    return {"ServiceName": group.removeprefix("service:")} if group.startswith("service:") else {}


def _times(description: JsonObject, names: Mapping[str, str]) -> dict[str, str]:
    return {name: f"{description[key].isoformat()}Z" for key, name in names.items() if description.get(key)}


def container_metadata(
    task: JsonObject, spec: TaskSpec, ids: Mapping[str, str], name: str, *, block: str
) -> JsonObject:
    """Returns the metadata of one container of a task."""
    container = next(c for c in task["containers"] if c["name"] == name)
    container_spec = next(c for c in spec.containers if c.name == name)
    memory = {"Memory": container_spec.memory} if container_spec.memory else {}
    return {
        "DockerId": _docker_id(container_id(container)),
        "Name": name,
        "DockerName": name,
        "Image": container_spec.image,
        "ImageID": str(container.get("imageDigest") or ""),
        "Labels": {
            "com.amazonaws.ecs.cluster": task["clusterArn"],
            "com.amazonaws.ecs.container-name": name,
            "com.amazonaws.ecs.task-arn": task["taskArn"],
            "com.amazonaws.ecs.task-definition-family": spec.family,
            "com.amazonaws.ecs.task-definition-version": str(spec.revision),
        },
        "DesiredStatus": task["desiredStatus"],
        "KnownStatus": container["lastStatus"],
        **({"ExitCode": container["exitCode"]} if "exitCode" in container else {}),
        "Limits": {"CPU": int(container.get("cpu") or 0), **memory},
        **_times(task, {"createdAt": "CreatedAt", "startedAt": "StartedAt"}),
        "Type": "NORMAL",
        **({"Health": {"status": container["healthStatus"]}} if container_spec.health is not None else {}),
        **_log(container_spec, str(task["taskArn"]).rpartition("/")[2]),
        "ContainerARN": container["containerArn"],
        "Snapshotter": "overlayfs",
        "Networks": [_network(container, block)] if name in ids or container.get("networkInterfaces") else [],
    }


def _docker_id(digits: str) -> str:
    """Returns the ID that Fargate shows: 32 digits of the container's ID, and a number."""
    return f"{digits[:32]}-{int(digits[:8], 16) % 10**10:010d}"


def _log(container: ContainerSpec, task_id: str) -> JsonObject:
    log = container.log or {}
    if not log.get("logDriver"):
        return {}
    options = dict(log.get("options") or {})
    if "awslogs-stream-prefix" in options:
        options["awslogs-stream"] = f"{options.pop('awslogs-stream-prefix')}/{container.name}/{task_id}"
    return {"LogDriver": log["logDriver"], "LogOptions": options}


def _network(container: JsonObject, block: str) -> JsonObject:
    network = ipaddress.ip_network(block)
    return {
        "NetworkMode": "awsvpc",
        "IPv4Addresses": [i["privateIpv4Address"] for i in container.get("networkInterfaces") or []],
        "AttachmentIndex": 0,
        "IPv4SubnetCIDRBlock": block,
        "SubnetGatewayIpv4Address": f"{network[1]}/{network.prefixlen}",
        "DomainNameServers": [str(network[2])],
    }
