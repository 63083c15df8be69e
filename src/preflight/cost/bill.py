"""What a deployment of a plan creates, and what of it AWS bills by the hour. Pure.

Only what is there for as long as the deployment is: what AWS bills by use (traffic, logs, requests, stored
images) is not in it, nor are the hours of types that have nothing to do with Fargate, such as databases.

Sources: https://aws.amazon.com/fargate/pricing/ (by the second, one minute at least) and
https://aws.amazon.com/vpc/pricing/.
"""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from preflight.cost import billing_units, network_usage, task_usage
from preflight.cost.billing_units import Amount, Unit
from preflight.cost.task_usage import TaskCosts
from preflight.plan import resolved_stacks
from preflight.plan.resolved_stacks import ResolvedStacks, ResolvedTemplate
from preflight.templates import intrinsic_functions

WIDTH = 110
TOGETHER = "\N{NO-BREAK SPACE}"
SCALING = "AWS::ApplicationAutoScaling::ScalableTarget"
NOT_READ = ("AWS::ECS::TaskSet", "AWS::ECS::ExpressGatewayService")  # they start tasks in ways of their own


@dataclass(frozen=True)
class Bill:
    """Resources by type, what is billed by the hour, and what is not known before the run.

    One that `is_least` may become more, because tasks are scaled.
    """

    resources: Mapping[str, int]
    hourly: tuple[Amount, ...]
    unknown: tuple[str, ...]
    is_least: bool

    @property
    def hour(self) -> str:
        """What an hour is billed for, in one line."""
        amounts = ", ".join(amount.text for amount in self.hourly) or "nothing of Fargate, addresses or load balancers"
        return f"an hour{', at least' if self.is_least else ''}: {amounts}"

    def lines(self) -> list[str]:
        """The bill as text: resources by service, what an hour is billed for, and what is not known."""
        total = sum(self.resources.values())
        listed = [f"  {line}" for line in _by_service(self.resources)]
        unknown = ["not known before the run:", *(f"  {reason}" for reason in self.unknown)] if self.unknown else []
        lines = [f"creates {total} resource{'' if total == 1 else 's'}:", *listed, self.hour, *unknown]
        return [part for line in lines for part in _wrapped(line)]


def estimate(every: ResolvedStacks) -> Bill:
    """The bill for the stacks of a plan, nested ones included, with conditions respected."""
    documents = every.deployed
    kinds = Counter(str(r.get("Type")) for document in documents for r in document.resources.values())
    services = TaskCosts(every)
    entries = [e for d in documents for e in (*_doubts(d), *services.entries(d), *_edges(d))]
    unknown = tuple(entry for entry in entries if isinstance(entry, str))
    hourly = _summed(entry for entry in entries if isinstance(entry, Amount))
    return Bill(dict(sorted(kinds.items())), hourly, unknown, is_least=any(map(_is_scaled, documents)))


def _summed(amounts: Iterable[Amount]) -> tuple[Amount, ...]:
    totals: dict[Unit, Decimal] = {}
    for amount in amounts:
        totals[amount.unit] = totals.get(amount.unit, Decimal(0)) + amount.number
    return tuple(Amount(unit, totals[unit]) for unit in billing_units.ORDER if totals.get(unit))


def _edges(document: ResolvedTemplate) -> Iterator[Amount | str]:
    for logical, resource in document.resources.items():
        for entry in network_usage.entries(str(resource.get("Type")), resolved_stacks.properties(resource)):
            yield task_usage.with_location(document, logical, entry) if isinstance(entry, str) else entry


def _doubts(document: ResolvedTemplate) -> Iterator[str]:
    """Yields resources that may not exist, and those whose own resources are unknown."""
    for logical, resource in document.resources.items():
        condition = resource.get("Condition")
        if isinstance(condition, str) and document.resolver.is_undecided(condition):
            yield task_usage.with_location(document, logical, f"it is counted, and is there only if {condition} holds")
        if resource.get("Type") == resolved_stacks.STACK and logical not in document.children:
            yield task_usage.with_location(document, logical, "its template is not in the plan, so what it creates is not counted")
        if resource.get("Type") in NOT_READ:
            yield task_usage.with_location(document, logical, "the tasks that it starts are not counted")


def _is_scaled(document: ResolvedTemplate) -> bool:
    return any(_may_be_ecs(properties) for _, properties in document.of_type(SCALING))


def _may_be_ecs(properties: Mapping[str, Any]) -> bool:
    space = properties.get("ServiceNamespace")
    return space == "ecs" or intrinsic_functions.is_kept(space)


def _by_service(kinds: Mapping[str, int]) -> Iterator[str]:
    """One line for each service: `AWS::ECS: 1 Cluster, 2 Service`."""
    grouped: dict[str, list[str]] = {}
    for kind, count in kinds.items():
        service, _, name = kind.rpartition("::")
        grouped.setdefault(service, []).append(f"{count}{TOGETHER}{name}")
    for service, listed in grouped.items():
        yield f"{service}: {', '.join(listed)}"


def _wrapped(line: str) -> list[str]:
    """The line in lines of a screen's width, with each count beside what it counts."""
    indent = " " * (len(line) - len(line.lstrip()) + 2)
    parts = textwrap.wrap(line, WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
    return [part.replace(TOGETHER, " ") for part in parts]
