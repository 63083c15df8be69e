from __future__ import annotations

import datetime as dt

import pytest

from preflight.deploy import run_tags
from preflight.sweep import tagged_resources

BEGAN = dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.timezone.utc)
GIVEN = run_tags.run_tags("web", run="0a1b2c3d", now=BEGAN)


def test_tags_say_which_run_of_which_plan_and_until_when() -> None:
    assert GIVEN == {
        "preflight:run": "0a1b2c3d",
        "preflight:expires": "2026-01-02T07:04:05Z",
        "preflight:plan": "web",
    }


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"preflight:run": None}, id="no run"),
        pytest.param({"preflight:plan": None}, id="no plan"),
        pytest.param({"preflight:expires": None}, id="no end"),
        pytest.param({"preflight:expires": "tomorrow"}, id="an end of another form"),
    ],
)
def test_what_does_not_carry_all_our_tags_is_not_ours(change: dict[str, str | None]) -> None:
    given = {key: value for key, value in {**GIVEN, **change}.items() if value is not None}

    assert run_tags.read(given) is None


@pytest.mark.parametrize(
    ("run", "age", "hours", "due"),
    [
        pytest.param(None, None, 3.9, False, id="not expired"),
        pytest.param(None, None, 4.0, True, id="expired"),
        pytest.param(None, dt.timedelta(hours=2), 1.9, False, id="younger than asked"),
        pytest.param(None, dt.timedelta(hours=2), 2.0, True, id="as old as asked"),
        pytest.param("0a1b2c3d", None, 0.0, True, id="of the run that is named"),
        pytest.param("ffffffff", None, 9.0, False, id="of another run, however old"),
    ],
)
def test_a_sweep_takes_what_has_expired_or_what_was_named(
    run: str | None, age: dt.timedelta | None, hours: float, *, due: bool
) -> None:
    mark = run_tags.read(GIVEN)
    assert mark is not None

    found = tagged_resources.is_due(mark, run=run, age=age, now=BEGAN + dt.timedelta(hours=hours))

    assert found is due
