from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from unittest import mock

import pytest

from preflight.cost import announcement, hourly_prices
from preflight.cost.hourly_prices import Money
from preflight.plan import plan, reader
from preflight.templates import template

ASKED = reader.load(Path(__file__).parents[3] / plan.FILE)
TEMPLATES = {path: template.load(path) for path in ASKED.template_files()}


def told(regions: tuple[str, ...]) -> list[str]:
    account = {"account": "123456789012", "run": "0a1b2c3d"}
    return list(announcement.announcement(ASKED, TEMPLATES, mock.Mock(), regions=regions, **account))


def test_money_is_told_for_each_region_where_the_price_list_tells_it() -> None:
    with mock.patch.object(hourly_prices, "money", side_effect=[Money(Decimal("0.1")), None]):
        lines = told(("eu-west-1", "us-east-1"))

    assert lines[-1] == "that is, in eu-west-1: USD 0.1000 an hour"


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
    with mock.patch.object(hourly_prices, "money", return_value=None):
        lines = told(regions)

    assert lines[0] == first
    assert lines[1] == "creates 22 resources:"
    assert lines[-1] == "an hour: 1 vCPU, 2 GB of memory, 2 public IPv4 addresses"
