"""Names that are one letter away from those of frequent services, and values that are a slip away from those of a list."""

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


@pytest.mark.parametrize(
    ("text", "is_near"),
    [
        pytest.param("idle.seconds", False, id="the value itself"),
        pytest.param("idle.second", True, id="a letter is missing"),
        pytest.param("Idle-Seconds", True, id="another case and another punctuation"),
        pytest.param("TLS-2026", False, id="another number"),
        pytest.param("TLS-20255", False, id="a number more"),
        pytest.param("busy.seconds", False, id="another value"),
        pytest.param("idle.secends", True, id="another letter of a long word"),
        pytest.param("idol.seconds", False, id="another word"),
        pytest.param("AverageGPUUse", False, id="another letter of a short word"),
    ],
)
def test_a_value_is_near_if_only_a_letter_or_punctuation_differs(text: str, *, is_near: bool) -> None:
    assert spelling.is_near(text, ("idle.seconds", "TLS-2025", "AverageCPUUse")) is is_near
