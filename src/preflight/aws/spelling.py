"""Names of services that are one letter away from a frequent one, which no other service is."""

from __future__ import annotations

from collections.abc import Collection


def is_misspelt(name: str, frequent: Collection[str]) -> bool:
    """Whether a name is none of the frequent ones, and differs from one of them by one letter."""
    return name not in frequent and any(_differ_by_one(name, other) for other in frequent)


def _differ_by_one(one: str, other: str) -> bool:
    """Whether two texts differ by one letter that is missing, added or another one."""
    short, long = sorted((one, other), key=len)
    if len(long) - len(short) > 1 or short == long:
        return False
    same = next((n for n, letter in enumerate(short) if letter != long[n]), len(short))
    return short[same + (len(short) == len(long)) :] == long[same + 1 :]
