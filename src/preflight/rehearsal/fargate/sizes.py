"""The sizes of Fargate tasks: which memory goes with which CPU. Pure.

Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-cpu-memory-error.html and the
ECS API reference of RegisterTaskDefinition.
"""

from __future__ import annotations

import re

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


def units(text: str, unit: str) -> int | None:
    """CPU units of `"512"` or `".5 vCPU"` (`unit` vcpu), MiB of `"1024"` or `"1 GB"` (`unit` gb).

    None where it is neither.
    """
    found = re.fullmatch(r"\s*(\d*\.?\d+)\s*([a-zA-Z]*)\s*", text)
    if not found:
        return None
    number, word = found.groups()
    if not word:
        return int(number) if number.isdigit() else None
    return round(float(number) * 1024) if word.lower() == unit else None


def fits(cpu: int, memory: int) -> bool:
    """Whether Fargate has a size of `cpu` units with `memory` MiB."""
    return memory in SIZES.get(cpu, ())
