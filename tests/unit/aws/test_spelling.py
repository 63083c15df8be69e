"""Names that are one letter away from those of frequent services."""

from __future__ import annotations

import pytest

from preflight.aws import spelling


@pytest.mark.parametrize(
    ("name", "is_misspelt"),
    [
        pytest.param("logs", False, id="the name itself"),
        pytest.param("log", True, id="a letter is missing"),
        pytest.param("logss", True, id="a letter too many"),
        pytest.param("lags", True, id="another letter"),
        pytest.param("lgos", False, id="two other letters"),
    ],
)
def test_a_name_is_misspelt_if_one_letter_differs(name: str, *, is_misspelt: bool) -> None:
    assert spelling.is_misspelt(name, ("logs", "events")) is is_misspelt
