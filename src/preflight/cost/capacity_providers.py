"""How a capacity provider strategy divides tasks. Pure.

Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CapacityProviderStrategyItem.html.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from preflight.aws import fargate_sizes

FARGATE, SPOT = "FARGATE", "FARGATE_SPOT"
Shares = tuple[Mapping[str, int], list[str]]  # tasks by capacity provider, and what of it is not known


@dataclass(frozen=True)
class Item:
    """One item of a strategy."""

    provider: str
    base: int
    weight: int


def shares(strategy: Any, count: int) -> Shares:
    """How many of `count` tasks each provider gets: bases first, the rest by weights.

    AWS does not say who gets what does not come out even; it is counted as on demand, which is never
    cheaper than Spot.
    """
    try:
        items = list(_items(strategy))
    except ValueError:
        return unknown("its capacity provider strategy", count)
    counts = {item.provider: min(item.base, count) for item in items}
    rest, total = max(count - sum(counts.values()), 0), sum(item.weight for item in items)
    for item in items:
        counts[item.provider] += rest * item.weight // total if total else 0
    left = count - sum(counts.values())
    if left <= 0:
        return counts, []
    counted = FARGATE if FARGATE in counts else items[0].provider
    counts[counted] += left
    return counts, [f"ECS decides where {left} of {count} tasks run; {counted} is counted"]


def unknown(what: str, count: int) -> Shares:
    """All on demand, because something is not known."""
    return {FARGATE: count}, [f"{what} is not known; Fargate on demand is counted"]


def _items(strategy: Any) -> Iterator[Item]:
    """The items of a strategy.

    Raises:
        ValueError: it has none, or at least one is not known.
    """
    if not isinstance(strategy, list) or not strategy:
        raise ValueError
    for item in strategy:
        name = item.get("CapacityProvider") if isinstance(item, dict) else None
        if not isinstance(name, str):
            raise ValueError  # noqa: TRY004 - not known is not a wrong type
        yield Item(name, _number(item.get("Base", 0)), _number(item.get("Weight", 0)))


def _number(value: Any) -> int:
    number = fargate_sizes.number_of(value)
    if number is None:
        raise ValueError
    return number
