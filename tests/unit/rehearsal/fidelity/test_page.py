"""docs/fidelity.md says what the tests show."""

from __future__ import annotations

from tests.unit.rehearsal.fidelity import page

from preflight.rehearsal.resources import catalog


def test_the_tables_are_those_of_the_tests() -> None:
    text = page.PAGE.read_text()

    assert text == page.written(text)


def test_every_modelled_type_is_listed() -> None:
    text = page.PAGE.read_text()

    assert [kind for kind in catalog.types() if kind.rpartition("::")[2] not in text] == []
