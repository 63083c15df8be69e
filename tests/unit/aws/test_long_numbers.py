"""Python reads no integer of more than 4300 digits, and a template can hold one."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from preflight.aws import fargate_sizes, schedule_expressions
from preflight.aws.constraints import as_number
from preflight.aws.refusals import secrets_manager, subnets, target_group_health_checks

LONG = "9" * 5000


@pytest.mark.parametrize(
    "accepts",
    [
        pytest.param(lambda: fargate_sizes.units(LONG, "vcpu"), id="units of CPU"),
        pytest.param(lambda: schedule_expressions.is_cron(f"cron({LONG} * * * ? *)"), id="a minute"),
        pytest.param(lambda: target_group_health_checks._codes(200, 499).fits(f"200-{LONG}"), id="a status"),
        pytest.param(lambda: subnets._in_fours(f"::/{LONG}"), id="a prefix"),
        pytest.param(lambda: secrets_manager._is_schedule(f"rate({LONG} days)"), id="days of a rotation"),
        pytest.param(lambda: as_number("nan"), id="not a number"),
    ],
)
def test_what_is_no_number_of_its_kind_is_refused(accepts: Callable[[], object]) -> None:
    assert not accepts()


def test_a_long_step_or_rate_is_a_schedule() -> None:
    assert schedule_expressions.is_cron(f"cron(0/{LONG} * * * ? *)")
    assert schedule_expressions.is_rate(f"rate({LONG} minutes)", by_number=True)


def test_a_number_beyond_all_bounds_can_be_written_as_an_integer() -> None:
    assert int(as_number("1e999") or 0) > 10**300
