"""docs/moto-differences.md says what the tests show, and docs/fidelity.md lists every modelled type."""

from __future__ import annotations

from preflight.rehearsal.cloudformation.resources import catalog
from tests.unit.rehearsal.moto_differences import docs_page


def test_the_tables_are_those_of_the_tests() -> None:
    text = docs_page.PAGE.read_text()

    assert text == docs_page.written(text)


def test_every_modelled_type_is_listed() -> None:
    page = docs_page.ROOT / "docs" / "fidelity.md"
    rows = [line.split("|")[1:3] for line in page.read_text().splitlines() if line.startswith("| ")]
    listed = {(service, kind) for services, kinds in rows for service in words(services) for kind in words(kinds)}

    assert {tuple(kind.split("::")[1:]) for kind in catalog.types()} <= listed


def words(cell: str) -> list[str]:
    return [word.strip() for word in cell.replace(";", ",").partition("(")[0].split(",")]
