"""What the containers of a task take of its CPU and memory. Pure.

Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html, members cpu, memory
and memoryReservation.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from preflight.aws import fargate_sizes
from preflight.rehearsal.ecs.validation import Request

LEAST = 4  # MiB, as the oldest daemon that is supported reserves


def per_container(request: Request, containers: Sequence[Request]) -> Iterator[str]:
    """What is wrong with the CPU and the memory of each container by itself."""
    limit = fargate_sizes.of(request, "memory")
    for container in containers:
        beginning = f"Invalid setting for container '{container.get('name')}'."
        memory, soft = container.get("memory"), container.get("memoryReservation")
        if not request.get("memory") and not memory and not soft:
            yield f"{beginning} At least one of 'memory' or 'memoryReservation' must be specified."
        for key in ("memory", "memoryReservation"):
            if container.get(key) is not None and container[key] < LEAST:
                yield f"{beginning} '{key}' must be at least {LEAST} MiB."
        if limit and memory and memory > limit:
            yield f"The 'memory' setting for container '{container.get('name')}' is greater than for the task"
        if memory and soft and soft > memory:
            yield f"{beginning} 'memory' must be greater than or equal to 'memoryReservation'."
        if (container.get("cpu") or 0) < 0:
            yield f"{beginning} 'cpu' must not be negative."


def sum_of_containers(request: Request, containers: Sequence[Request]) -> Iterator[str]:
    """Yields what the containers reserve together, if it is more than the task has; hard limits of memory do not add up."""
    cpu, memory = fargate_sizes.of(request, "cpu"), fargate_sizes.of(request, "memory")
    if cpu and sum(container.get("cpu") or 0 for container in containers) > cpu:
        yield "The sum of all container 'cpu' values cannot be greater than the task-level 'cpu' value"
    soft = sum(c.get("memoryReservation") or 0 for c in containers)
    if memory and soft > memory:
        yield "The sum of all container 'memoryReservation' values cannot be greater than the task-level 'memory' value"
