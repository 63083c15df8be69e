"""What somebody agrees to before a plan is deployed on a real account: where, what, and what an hour is billed for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from preflight import bill, estate, plan, template


def announced(
    asked: plan.Plan, templates: Mapping[Path, template.Template], *, account: str, regions: tuple[str, ...], run: str
) -> Iterator[str]:
    """What is about to be deployed, in lines."""
    each = f" in each of {len(regions)} regions" if len(regions) > 1 else ""
    yield f"on account {account}, in {', '.join(regions)}, as run {run}; this{each}"
    yield from bill.of(estate.of_plan(asked, templates, run=run)).lines()
