"""Generates the tables of docs/moto-differences.md from the tests.

Run as `python -m tests.unit.rehearsal.moto_differences.docs_page`.
"""

from __future__ import annotations

from pathlib import Path

from tests.integration.mistakes import runtime, templates
from tests.unit.rehearsal.moto_differences import differences
from tests.unit.rehearsal.moto_differences.differences import Correction

ROOT = Path(__file__).parents[4]
PAGE = ROOT / "docs" / "moto-differences.md"
BEGIN, END = "<!-- tables: begin -->", "<!-- tables: end -->"
TEST = "tests/unit/rehearsal/moto_differences/test_each_is_needed.py"
FAULTS = "tests/integration/mistakes"


def tables() -> str:
    """The tables between the two marks."""
    return "\n".join(
        [
            BEGIN,
            "",
            *_needed("Services", differences.SERVICES),
            *_needed("CloudFormation", differences.ENGINE),
            *_faults(),
            END,
        ]
    )


def _needed(title: str, rows: tuple[Correction, ...]) -> list[str]:
    lines = [f"### {title}", "", f"Each row is two tests of `{TEST}`: one on bare moto, one on the rehearsal.", ""]
    lines += ["| behaviour | AWS | moto today | rehearsal |", "| --- | --- | --- | --- |"]
    for row in rows:
        lines.append(
            f"| {row.behaviour} | [page]({row.source}) | {_code(row.moto)} (`{row.moto_file}`) | {_code(row.ours)} |"
        )
    return [*lines, ""]


def _code(word: str) -> str:
    return word if " " in word else f"`{word}`"


def _faults() -> list[str]:
    lines = [
        "### Whole deployments, with containers",
        "",
        f"Each row is one `preflight check` of `{FAULTS}` (`tox -e faults`).",
        "",
    ]
    lines += ["| change to this repository's templates | found by |", "| --- | --- |"]
    lines += [f"| {mistake.id} ({mistake.file}) | `{mistake.check}` |" for mistake in (*templates.MISTAKES, *runtime.MISTAKES)]
    lines += ["", "And these correct variants pass:", ""]
    lines += [f"- {variant.id}" for variant in (*templates.VARIANTS, *runtime.VARIANTS)]
    return [*lines, ""]


def written(page: str) -> str:
    """The page with the tables of today."""
    head, _, rest = page.partition(BEGIN)
    return head + tables() + rest.partition(END)[2]


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text()))
