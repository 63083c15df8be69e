from __future__ import annotations

import pytest

from preflight.lint import shipped_lists


@pytest.mark.hostile(
    12,
    input="a version, a class or a runtime of a hundred thousand characters that has nearly the form of one",
    happens="an error at once: a form matches in linear time, and no value of AWS is that long",
)
@pytest.mark.parametrize("check", ["E3025", "E3062", "E3691"])
@pytest.mark.parametrize("value", ["1" + "_a" * 50_000 + "!", "db.a" + "1" * 100_000, "1" + ".1" * 50_000, "1" + ".x" * 20 + "!"])
def test_a_value_that_nearly_has_a_form_takes_no_time(check: str, value: str) -> None:
    assert not shipped_lists.may_be_new(check, f"'{value}' is not one of ['8.0.46', 'db.t3.micro']", [])
