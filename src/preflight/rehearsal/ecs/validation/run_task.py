"""What RunTask refuses of a request for tasks. Pure.

Sources: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RunTask.html,
https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_TaskOverride.html and
https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerOverride.html.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from preflight.aws import fargate_sizes
from preflight.rehearsal.ecs.validation import (
    Request,
    container_resources,
    environment,
    linux_parameters,
    runtime_platform,
    task_definition,
)

MAX_COUNT = 10
MAX_LENGTH = 8192
NO_INSTANCES = "No Container Instances were found in your cluster."
_STARTED_BY = re.compile(r"[A-Za-z0-9/_-]{1,128}")
_TOKEN = re.compile(r"[!-~]{1,64}")


def request(request: Request, definition: Request) -> Iterator[str]:
    """What is wrong with a request, apart from where its tasks are to run."""
    count, started_by, token = request.get("count"), request.get("startedBy"), request.get("clientToken")
    if count is not None and not 1 <= count <= MAX_COUNT:
        yield f"The count must be between 1 and {MAX_COUNT}."
    if started_by and not _STARTED_BY.fullmatch(started_by):
        yield "startedBy takes up to 128 letters, numbers, hyphens, forward slashes and underscores."
    if token and not _TOKEN.fullmatch(token):
        yield "clientToken takes up to 64 characters in the range of 33-126."
    if request.get("propagateTags") == "SERVICE":
        yield "propagateTags SERVICE is not supported when running a task."
    role = (request.get("overrides") or {}).get("taskRoleArn") or definition.get("taskRoleArn")
    if request.get("enableExecuteCommand") and not role:
        yield (
            "The task couldn't be started because a valid taskRoleArn is not being used. "
            "Specify a valid task role in your task definition and try again."
        )


def refusals(request: Request, definition: Request, *, is_on_fargate: bool) -> Iterator[str]:
    """What is wrong with what a request overrides."""
    overrides = request.get("overrides") or {}
    names = [container["name"] for container in definition["containerDefinitions"]]
    if len(json.dumps(overrides, separators=(",", ":"))) > MAX_LENGTH:
        yield f"Container Overrides length must be at most {MAX_LENGTH}"
    for override in overrides.get("containerOverrides") or []:
        if override and not override.get("name"):
            yield "The name of a container override must be specified."
        elif override and override["name"] not in names:
            yield f"Override for container named {override['name']} is not a container in the TaskDefinition."
        yield from environment.files(override.get("environmentFiles") or [])
        if is_on_fargate:
            yield from linux_parameters.on_fargate(override)
    if overrides.get("inferenceAcceleratorOverrides"):
        yield "Unsupported field 'inferenceAcceleratorOverrides'"
    yield from _size(overrides, definition, is_on_fargate=is_on_fargate)


def _size(task_override: Request, definition: Request, *, is_on_fargate: bool) -> Iterator[str]:
    result = {**definition, **{key: task_override[key] for key in fargate_sizes.UNITS if task_override.get(key)}}
    if task_override.get("ephemeralStorage") and (not is_on_fargate or runtime_platform.is_windows(definition)):
        yield "An override of ephemeralStorage is only supported for Linux tasks on Fargate."
    yield from task_definition.storage(task_override)
    yield from fargate_sizes.on_fargate(result) if is_on_fargate else fargate_sizes.on_ec2(result)
    if is_on_fargate and runtime_platform.is_windows(definition):
        yield from fargate_sizes.on_windows(result)
    overrides = {override.get("name"): override for override in task_override.get("containerOverrides") or []}
    containers = [
        _merged(container, overrides.get(container["name"]) or {}) for container in definition["containerDefinitions"]
    ]
    yield from container_resources.per_container(result, containers)
    yield from container_resources.sum_of_containers(result, containers)


def _merged(container: Request, override: Request) -> Request:
    return {**container, **{key: override[key] for key in ("cpu", "memory", "memoryReservation") if key in override}}
