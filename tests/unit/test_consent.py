from __future__ import annotations

from pathlib import Path

import pytest

from preflight import consent, plan, template

ASKED = plan.load(Path(__file__).parents[2] / plan.FILE)
TEMPLATES = {path: template.load(path) for path in ASKED.template_files()}


@pytest.mark.parametrize(
    ("regions", "first"),
    [
        pytest.param(("eu-west-1",), "on account 123456789012, in eu-west-1, as run 0a1b2c3d; this", id="one region"),
        pytest.param(
            ("eu-west-1", "us-east-1"),
            "on account 123456789012, in eu-west-1, us-east-1, as run 0a1b2c3d; this in each of 2 regions",
            id="two regions",
        ),
    ],
)
def test_account_regions_run_resources_and_units_are_announced(regions: tuple[str, ...], first: str) -> None:
    lines = list(consent.announced(ASKED, TEMPLATES, account="123456789012", regions=regions, run="0a1b2c3d"))

    assert (lines[0], lines[1], lines[-1]) == (
        first,
        "creates 22 resources:",
        "an hour: 1 vCPU, 2 GB of memory, 2 public IPv4 addresses",
    )
