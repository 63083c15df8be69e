"""Checks what has to hold before the containers of a task can start, in the order of AWS.

Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/resource-initialization-error.html,
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_cannot_pull_image.html,
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_execution_IAM_role.html and
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/infrastructure_IAM_role.html.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from preflight.aws import describe_network, reachability
from preflight.aws.iam_policy_evaluation import Policies
from preflight.aws.network import Interface, Network
from preflight.model import JsonObject
from preflight.rehearsal.account import Account
from preflight.rehearsal.containers.task_spec import FileSystem, TaskSpec
from preflight.rehearsal.ecs.state import Task
from preflight.rehearsal.ecs.validation import service_connect
from preflight.rehearsal.iam import roles
from preflight.rehearsal.iam.roles import Roles
from preflight.rehearsal.services.ecr_registry import Registry
from preflight.rehearsal.tasks.launch_calls import caller as callers
from preflight.rehearsal.tasks.launch_calls import efs, environment_files, images, log_stream, secrets
from preflight.rehearsal.tasks.launch_calls.absent_images import AbsentImages
from preflight.rehearsal.tasks.launch_calls.caller import ExecutionRoleCaller
from preflight.rehearsal.tasks.launch_calls.efs_folders import EfsFolders

LaunchFailedError = callers.LaunchFailedError
FARGATE_ENDPOINTS = ("ecr.api", "ecr.dkr", "logs")  # VPC endpoints that Fargate itself uses
NOT_ASSUMED = (
    "ECS was unable to assume the role '{role}' that was provided for this task. Please verify that "
    "the role being passed has the proper trust relationship and permissions and that your IAM user "
    "has permissions to pass this role."
)
NOT_ASSUMED_FOR_VOLUMES = (
    "ECS was unable to assume the configured ECS Infrastructure Role '{role}'. Please verify that the role being "
    "passed has the proper trust relationship with Amazon ECS"
)
PROXY = "ecs-service-connect"


@dataclass(frozen=True)
class PreparedTask:
    """Each container's variables from files and secrets, and the file systems with the folders that are mounted.

    `obstacle` says why the task cannot run here, if an image is one that only a program of AWS pushes.
    """

    environments: dict[str, dict[str, str]]
    file_systems: dict[str, FileSystem]
    obstacle: str | None = None


class LaunchChecks:
    """Checks tasks against the roles, networks, secrets, log groups and images of the account."""

    def __init__(self, account: Account, registry: Registry, absent: AbsentImages) -> None:
        self._account = account
        self._roles = Roles(account)
        self._registry = registry
        self._absent = absent
        self._folders = EfsFolders(absent.programs)

    def assume(self, task: Task) -> None:
        """Check that ECS can assume the execution role, the task role and the roles of volumes.

        Raises:
            LaunchFailedError: it cannot.
        """
        for key in ("executionRoleArn", "taskRoleArn"):
            role = task.api["overrides"].get(key) or task.definition.api.get(key)
            if role and not self._roles.trusts_tasks(role, task.region):
                raise LaunchFailedError(NOT_ASSUMED.format(role=role), is_task_made=False)
        for role in _roles_of_volumes(task):
            if not self._roles.trusts(role, task.region, roles.ECS, source="ecs"):
                raise LaunchFailedError(NOT_ASSUMED_FOR_VOLUMES.format(role=role))

    def prepare(self, task: Task, spec: TaskSpec, interface: Interface) -> PreparedTask:
        """Makes every call that precedes the start, and returns what came of them.

        Raises:
            LaunchFailedError: AWS would stop the task here.
        """
        caller = self._caller(task, interface)
        environments = {c.name: environment_files.environment(caller, c) for c in spec.containers}
        for container in spec.containers:
            values = {name: secrets.value(caller, reference) for name, reference in container.secrets.items()}
            environments[container.name] |= values
            for option in (container.log or {}).get("secretOptions") or []:
                secrets.value(caller, option["valueFrom"])
        images.authorize(caller, spec.containers)
        for container in spec.containers:
            log_stream.open_stream(caller, container.name, container.log or {})
        log_stream.open_stream(caller, PROXY, _log_of_proxy(task))
        origins = {c.image: images.find(caller, self._registry, c, self._absent) for c in spec.containers}
        file_systems = {name: efs.mount(caller, f, self._folders) for name, f in spec.file_systems.items()}
        self._folders.mounted(file_systems.values())
        return PreparedTask(environments, file_systems, _obstacle(task, origins))

    def _caller(self, task: Task, interface: Interface) -> ExecutionRoleCaller:
        role = callers.role_of(task)
        policies = self._roles.policies(role, task.region) if role else Policies()
        return ExecutionRoleCaller(
            self._account, self._roles, task, interface, self._network(task, interface), policies
        )

    def _network(self, task: Task, interface: Interface) -> Network:
        return describe_network.describe_network(self._account.client("ec2", task.region), interface.vpc)

    def can_reach_aws(self, task: Task, interface: Interface) -> bool:
        """Whether containers of the task reach any API of AWS: by the internet or by a VPC endpoint."""
        network = self._network(task, interface)
        names = [e["ServiceName"] for e in network.endpoints if e["VpcId"] == interface.vpc]
        has_endpoint = any(not name.endswith(tuple(f".{service}" for service in FARGATE_ENDPOINTS)) for name in names)
        return has_endpoint or reachability.to_internet(network, interface) is None


def _obstacle(task: Task, origins: Mapping[str, str | None]) -> str | None:
    for image, origin in origins.items():
        if origin is not None:
            return (
                f"{task.definition.label} runs {image}, which is not here; on AWS {origin} may push it. "
                "To run an image in its place, name one under `images` of the plan"
            )
    return None


def _roles_of_volumes(task: Task) -> Iterator[str]:
    """Returns the infrastructure roles with which ECS creates the EBS volumes of a service's task."""
    volumes = (task.service.request.get("volumeConfigurations") if task.service is not None else None) or []
    for volume in volumes:
        role = (volume.get("managedEBSVolume") or {}).get("roleArn")
        if role:
            yield str(role)


def _log_of_proxy(task: Task) -> JsonObject:
    """Returns the log configuration of the proxy of Service Connect, which is a container of the task too."""
    if task.service is None or not service_connect.is_on(task.service.request):
        return {}
    return task.service.request["serviceConnectConfiguration"].get("logConfiguration") or {}
