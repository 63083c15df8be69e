"""Tasks as instances of Cloud Map: registered once they run, deregistered when they stop.

Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-discovery.html.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from botocore.exceptions import ClientError

from preflight.aws.network import Interface
from preflight.model import JsonObject
from preflight.rehearsal.account import Account
from preflight.rehearsal.ecs.state import Task


class CloudMapInstances:
    """The instances of Cloud Map services that ECS services name as their registries."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def register(self, task: Task, interface: Interface) -> None:
        """Register a task that begins to run.

        Raises:
            ClientError: the registry was deleted.
        """
        for registry in _registries(task):
            self._account.client("servicediscovery", task.region).register_instance(
                ServiceId=_service_id(registry),
                InstanceId=task.id,
                Attributes=self._attributes(task, registry, interface),
            )

    def deregister(self, task: Task) -> None:
        """Deregister a task."""
        for registry in _registries(task):
            with contextlib.suppress(ClientError):  # it was never registered, or the registry was deleted
                cloud_map = self._account.client("servicediscovery", task.region)
                cloud_map.deregister_instance(ServiceId=_service_id(registry), InstanceId=task.id)

    def _attributes(self, task: Task, registry: JsonObject, interface: Interface) -> dict[str, str]:
        ec2 = self._account.client("ec2", task.region)
        subnet = ec2.describe_subnets(SubnetIds=[interface.subnet])["Subnets"][0]
        port = registry.get("port") or registry.get("containerPort")
        return {
            "AWS_INSTANCE_IPV4": interface.address,
            **({"AWS_INSTANCE_PORT": str(port)} if port else {}),
            "AVAILABILITY_ZONE": subnet["AvailabilityZone"],
            "REGION": task.region,
            "ECS_CLUSTER_NAME": task.cluster.arn.rpartition("/")[2],
            "ECS_SERVICE_NAME": task.service.name if task.service else "",
            "ECS_TASK_DEFINITION_FAMILY": task.definition.family,
        }


def _registries(task: Task) -> Iterator[JsonObject]:
    if task.service is not None:
        settings = (task.deployment or task.service.primary).request
        yield from settings.get("serviceRegistries") or []


def _service_id(registry: JsonObject) -> str:
    return str(registry["registryArn"]).rpartition("/")[2]
