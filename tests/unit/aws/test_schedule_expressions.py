"""Schedule expressions, with the fields that only one position takes."""

from __future__ import annotations

import pytest

from preflight.aws import schedule_expressions


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("cron(0 10 * * ? *)", id="every day"),
        pytest.param("cron(15 12 ? * SUN,tue-FRI *)", id="names of days"),
        pytest.param("cron(*/5 8-17 L JAN-DEC/2 ? 2026-2030)", id="last day, steps and names of months"),
        pytest.param("cron(0 0 15W * ? *)", id="nearest weekday"),
        pytest.param("cron(0 0 ? * 6#3 *)", id="third Friday"),
        pytest.param("cron(0  0 ? * 6L *)", id="last Friday, two spaces"),
    ],
)
def test_a_cron_expression_is_read(text: str) -> None:
    assert schedule_expressions.is_cron(text)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("cron(0 10 * * ?)", id="five fields"),
        pytest.param("cron(0 10 * * * *)", id="both days"),
        pytest.param("cron(0 10 ? * ? *)", id="neither day"),
        pytest.param("cron(0 10 * ? ? *)", id="question mark as month"),
        pytest.param("cron(60 10 * * ? *)", id="minute 60"),
        pytest.param("cron(0 24 * * ? *)", id="hour 24"),
        pytest.param("cron(0 10 32 * ? *)", id="day 32"),
        pytest.param("cron(0 10 * 13 ? *)", id="month 13"),
        pytest.param("cron(0 10 ? * 0 *)", id="day of week 0"),
        pytest.param("cron(0 10 ? * 6#6 *)", id="sixth Friday"),
        pytest.param("cron(0 10 * * ? 1969)", id="year 1969"),
        pytest.param("cron(*/0 10 * * ? *)", id="step of nothing"),
        pytest.param("cron(L 10 * * ? *)", id="last minute"),
    ],
)
def test_a_cron_expression_is_not_read(text: str) -> None:
    assert not schedule_expressions.is_cron(text)


@pytest.mark.parametrize(
    ("text", "by_number"),
    [
        pytest.param("rate(1 minute)", True, id="one minute"),
        pytest.param("rate(5 days)", True, id="five days"),
        pytest.param("rate(1 hours)", False, id="one hours, where the number does not matter"),
    ],
)
def test_a_rate_is_read(text: str, by_number: bool) -> None:  # noqa: FBT001 - a parameter of the cases
    assert schedule_expressions.is_rate(text, by_number=by_number)


@pytest.mark.parametrize(
    "text",
    [pytest.param(text, id=text) for text in ("rate(1 hours)", "rate(5 minute)", "rate(0 minutes)", "rate(5 weeks)", "rate(5)")],
)
def test_a_rate_is_not_read_by_number(text: str) -> None:
    assert not schedule_expressions.is_rate(text, by_number=True)
