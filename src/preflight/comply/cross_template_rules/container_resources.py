"""Containers ask for no more CPU and memory than their task has.

Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_definition_parameters.html.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from preflight.aws import fargate_sizes
from preflight.comply.cross_template_rules import violation
from preflight.comply.cross_template_rules.violation import Violation
from preflight.plan.resolved_stacks import ResolvedStacks
from preflight.templates import intrinsic_functions
from preflight.templates.intrinsic_functions import Path

DEFINITION = "AWS::ECS::TaskDefinition"
_FIX = "Give the task more, or the container less; `preflight rules ECS_TASKDEF_CONTAINER_RESOURCES_FIT` says where the limits are documented."


def check(stacks: ResolvedStacks) -> Iterator[Violation]:
    """Containers whose limits do not fit their task."""
    for document in stacks.documents:
        for logical, definition in document.of_type(DEFINITION):
            containers = definition.get("ContainerDefinitions")
            if isinstance(containers, list):
                known = [c if isinstance(c, dict) and not intrinsic_functions.is_kept(c) else {} for c in containers]
                for path, message in _wrong(definition, known):
                    yield Violation(document, violation.at(logical, *path), message, _FIX)


def _wrong(task: Mapping[str, Any], containers: list[dict[str, Any]]) -> Iterator[tuple[Path, str]]:
    cpu, memory = fargate_sizes.size_of(task.get("Cpu"), "vcpu"), fargate_sizes.size_of(task.get("Memory"), "gb")
    for number, container in enumerate(containers):
        yield from _container(container, memory, ("ContainerDefinitions", number))
    total = sum(fargate_sizes.number_of(c.get("Cpu")) or 0 for c in containers)
    if cpu is not None and total > cpu:
        yield ("Cpu",), f"the containers ask for {total} CPU units together, and the task has {cpu}."
    softs = [fargate_sizes.number_of(c.get("MemoryReservation")) or 0 for c in containers]
    hards = [fargate_sizes.number_of(c.get("Memory")) or 0 for c in containers]
    if memory is not None and sum(softs) > memory and max(hards, default=0) <= memory:
        yield ("Memory",), f"the containers reserve {sum(softs)} MiB together, and the task has {memory} MiB."


def _container(container: Mapping[str, Any], limit: int | None, path: Path) -> Iterator[tuple[Path, str]]:
    hard, soft = fargate_sizes.number_of(container.get("Memory")), fargate_sizes.number_of(container.get("MemoryReservation"))
    name = container.get("Name")
    if hard is not None and limit is not None and hard > limit:
        yield (*path, "Memory"), f"container {name} may use {hard} MiB, and its task has {limit} MiB."
    if hard is not None and soft is not None and soft > hard:
        yield (*path, "MemoryReservation"), f"container {name} reserves {soft} MiB, more than the {hard} MiB it may use."

