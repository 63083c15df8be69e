"""What the user agrees to before a plan is deployed on a real account: where, what, and what is billed by the hour."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from preflight.cost import bill, hourly_prices
from preflight.deploy.targets.target import DeploymentTarget
from preflight.plan import resolved_stacks
from preflight.plan.plan import Plan
from preflight.templates.template import Template


def announcement(
    plan: Plan,
    templates: Mapping[Path, Template],
    where: DeploymentTarget,
    *,
    account: str,
    regions: Sequence[str],
    run: str,
) -> Iterator[str]:
    """What is about to be deployed, in lines; with money where the price list tells it."""
    each = f" in each of {len(regions)} regions" if len(regions) > 1 else ""
    yield f"on account {account}, in {', '.join(regions)}, as run {run}; this{each}"
    estimate = bill.estimate(resolved_stacks.of_plan(plan, templates, run=run))
    yield from estimate.lines()
    for region in regions:
        money = hourly_prices.money(where.session(region), estimate.hourly)
        if money is not None:
            yield f"that is, in {region}: {money.text} an hour"
