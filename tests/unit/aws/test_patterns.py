from __future__ import annotations

from unittest import mock

import pytest

from preflight.aws import patterns


def test_a_pattern_that_takes_too_long_decides_nothing() -> None:
    slow = mock.Mock(fullmatch=mock.Mock(side_effect=TimeoutError))

    with mock.patch.object(patterns, "_compiled", return_value=slow):
        assert patterns.fits("a+", "b", timeout=1)


def test_a_pattern_that_cannot_be_read_decides_nothing() -> None:
    assert patterns.fits("(", "b", timeout=1)


@pytest.mark.parametrize(
    ("text", "is_whole", "is_taken"),
    [
        pytest.param("bab", False, True, id="somewhere"),
        pytest.param("bab", True, False, id="not as a whole"),
        pytest.param("a", True, True, id="as a whole"),
    ],
)
def test_a_pattern_is_looked_for_as_a_whole_or_somewhere(text: str, *, is_whole: bool, is_taken: bool) -> None:
    assert patterns.fits("a", text, timeout=1, is_whole=is_whole) is is_taken


def test_letters_may_be_those_of_ascii() -> None:
    assert not patterns.fits(r"\w", "ô", timeout=1, is_ascii=True)
