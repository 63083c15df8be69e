from __future__ import annotations

import time

import pytest
from moto.events.models import EventPattern

from preflight.rehearsal import assembly
from preflight.rehearsal.services import event_patterns


@pytest.mark.parametrize(
    ("text", "pattern", "is_match"),
    [
        pytest.param("a/b.png", "*.png", True, id="an end"),
        pytest.param("a/b.png", "a/*", True, id="a beginning"),
        pytest.param("a/b.png", "a*b*g", True, id="several wildcards"),
        pytest.param("line\nend", "line*end", True, id="a line break"),
        pytest.param("ab", "ab*b", False, id="no character is used twice"),
        pytest.param("abb", "a*bb*b", False, id="nor in the middle"),
        pytest.param("a.png.txt", "*.png", False, id="another end"),
        pytest.param("a*b", "a\\*b", True, id="an asterisk"),
        pytest.param("axb", "a\\*b", False, id="an asterisk stands for itself"),
        pytest.param("exact", "exact", True, id="no wildcard"),
        pytest.param(7, "*", False, id="a number"),
    ],
)
def test_wildcards(text: object, pattern: str, is_match: bool) -> None:  # noqa: FBT001 - a case
    assert event_patterns.matches(text, pattern) is is_match


@pytest.mark.hostile(
    8,
    input="an event pattern with two hundred wildcards, and an event that it nearly matches",
    happens="the account compares them in one pass, and answers",
    limit="1 s",
)
def test_many_wildcards_take_no_time() -> None:
    assembly.prepare_moto()
    pattern = EventPattern.load('{"source": [{"wildcard": "%sb"}]}' % ("a*" * 200))
    begun = time.monotonic()

    assert not pattern.matches_event({"source": "a" * 5000})
    assert time.monotonic() - begun < 1
