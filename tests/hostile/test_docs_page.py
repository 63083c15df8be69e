"""docs/hostile.md has a row for each threat, and for each case that an audit found."""

from __future__ import annotations

import pytest

from tests.hostile import docs_page

pytestmark = pytest.mark.hostile
CASES = (
    *("acct", "acct-faults", "acctlog", "alb", "base", "build1", "hog-drip", "hog-logline1", "hog-loglines", "hog-reset"),
    *("inject", "min-cidr_min", "min-foreach", "min-join", "min-joinnest", "min-json25", "min-jtmp", "min-res490"),
    *("rules", "secret", "smoke", "standin", "transport", "trav"),
)


def test_the_tables_are_those_of_the_tests() -> None:
    text = docs_page.PAGE.read_text()

    assert text == docs_page.written(text)


@pytest.mark.parametrize("threat", docs_page.THREATS, ids=docs_page.THREATS.get)
def test_every_threat_has_a_row(threat: int) -> None:
    assert [row for row in docs_page.rows() if row.threat == threat]


@pytest.mark.parametrize("case", CASES)
def test_every_case_has_a_row(case: str) -> None:
    assert [row for row in docs_page.rows() if case in row.cases]


def test_no_row_names_a_case_that_is_none() -> None:
    assert {case for row in docs_page.rows() for case in row.cases} <= set(CASES)


def test_no_cell_breaks_its_table() -> None:
    cells = [cell for row in docs_page.rows() for cell in (row.input, row.happens, row.limit)]

    assert not [cell for cell in cells if "|" in cell or "\n" in cell]
