"""The sizes of Fargate tasks: which memory goes with which CPU. Pure.

Sources: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-cpu-memory-error.html and
https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RegisterTaskDefinition.html, members cpu and memory.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

TaskDefinition = Mapping[str, Any]
SIZES: dict[int, tuple[int, ...]] = {
    256: (512, 1024, 2048),
    512: tuple(range(1024, 4096 + 1, 1024)),
    1024: tuple(range(2048, 8192 + 1, 1024)),
    2048: tuple(range(4096, 16384 + 1, 1024)),
    4096: tuple(range(8192, 30720 + 1, 1024)),
    8192: tuple(range(16384, 61440 + 1, 4096)),
    16384: tuple(range(32768, 122880 + 1, 8192)),
    32768: (61440, 122880, 249856),
}
ON_WINDOWS = (1024, 2048, 4096)  # less than 1 vCPU is refused; 8 vCPU and more are Linux only
ON_EC2 = (128, 196608)
NONE_SUCH = "No Fargate configuration exists for given values."
UNITS = {"cpu": "vcpu", "memory": "gb"}


def units(text: str, unit: str) -> int | None:
    """CPU units of `"512"` or `".5 vCPU"` (`unit` vcpu), MiB of `"1024"` or `"1 GB"` (`unit` gb).

    None where it is neither.
    """
    match = re.fullmatch(r"\s*(\d{0,9}\.?\d{1,9})\s*([a-zA-Z]*)\s*", text)
    if not match:
        return None
    number, word = match.groups()
    if not word:
        return int(number) if number.isdigit() else None
    return round(float(number) * 1024) if word.lower() == unit else None


def of(task: TaskDefinition, key: str) -> int | None:
    """The task's `cpu` in units or `memory` in MiB; None where it says neither."""
    return units(str(task[key]), UNITS[key]) if task.get(key) else None


def fits(cpu: int, memory: int) -> bool:
    """Whether Fargate has a size of `cpu` units with `memory` MiB."""
    return memory in SIZES.get(cpu, ())


def on_fargate(task: TaskDefinition) -> Iterator[str]:
    """What is wrong with the size of a task that Fargate has to run."""
    for key in UNITS:
        if not task.get(key):
            yield f"Fargate requires that '{key}' be defined at the task level."
    yield from unreadable(task)
    cpu, memory = of(task, "cpu"), of(task, "memory")
    if cpu is not None and memory is not None and not fits(cpu, memory):
        yield NONE_SUCH


def on_ec2(task: TaskDefinition) -> Iterator[str]:
    """What is wrong with the size of a task for instances, where it says one."""
    yield from unreadable(task)
    cpu = of(task, "cpu")
    if cpu is not None and not ON_EC2[0] <= cpu <= ON_EC2[1]:
        yield _invalid("cpu")


def on_windows(task: TaskDefinition) -> Iterator[str]:
    """What is wrong with the CPU of a task with Windows containers on Fargate."""
    cpu = of(task, "cpu")
    if cpu is not None and cpu not in ON_WINDOWS:
        yield NONE_SUCH


def unreadable(task: TaskDefinition) -> Iterator[str]:
    """Sizes that are neither a number nor a number with its unit."""
    yield from (_invalid(key) for key in UNITS if task.get(key) and of(task, key) is None)


def _invalid(key: str) -> str:
    return f"Invalid '{key}' setting for task. For more information, see the Troubleshooting section of the Amazon ECS Developer Guide."


def number_of(value: Any) -> int | None:
    """A whole number, also as text; None where it is none, or not known."""
    text = str(value)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def size_of(value: Any, unit: str) -> int | None:
    """A task's CPU or memory; None where it is none, or not known."""
    return units(str(value), unit) if isinstance(value, str | int | float) else None
