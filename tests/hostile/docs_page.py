"""Generates the tables of docs/hostile.md from the marks of the tests.

Run as `python -m tests.hostile.docs_page`.
"""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "hostile.md"
BEGIN, END = "<!-- tables: begin -->", "<!-- tables: end -->"
THREATS = {
    1: "Programs of stand-ins",
    2: "The emulated account",
    3: "Builds that write on the machine",
    4: "Requests that leave",
    5: "Networks and limits of builds and pulls",
    6: "The caller's environment",
    7: "What is left on an account",
    8: "Containers and pages",
    9: "Texts",
    10: "Folders of reports",
    11: "Rules",
    12: "Templates",
    13: "Paths of a plan",
    14: "Names of images",
    15: "Smoke requests",
    16: "Secrets",
    17: "Streams, folders and signals",
    18: "What is installed",
}


@dataclass(frozen=True)
class Row:
    """What a test shows: the number of its threat, the cases that it stands for, and the cells of its row."""

    threat: int
    cases: tuple[str, ...]
    input: str
    happens: str
    limit: str
    test: str


@functools.cache
def rows() -> list[Row]:
    """Returns the row of each test that has one, in the order of threats and files."""
    found = [row for file in sorted((ROOT / "tests").rglob("test_*.py")) for row in _of_file(file)]
    return sorted(found, key=lambda row: row.threat)


def _of_file(file: Path) -> Iterator[Row]:
    functions = (node for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))) if isinstance(node, ast.FunctionDef))
    for function in functions:
        for mark in function.decorator_list:
            if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.hostile":
                threat, *cases = (ast.literal_eval(argument) for argument in mark.args)
                cells = {str(word.arg): ast.literal_eval(word.value) for word in mark.keywords}
                yield Row(threat, tuple(cases), cells["input"], cells["happens"], cells.get("limit", ""), f"{file.relative_to(ROOT)}::{function.name}")


def tables() -> str:
    """The tables between the two marks."""
    every = rows()
    lines = [BEGIN, ""]
    for threat, title in THREATS.items():
        lines += [f"## {title}", "", "| input | what happens | limit | test |", "| --- | --- | --- | --- |"]
        lines += [f"| {row.input} | {row.happens} | {row.limit} | {_link(row.test)} |" for row in every if row.threat == threat]
        lines.append("")
    return "\n".join([*lines, END])


def _link(test: str) -> str:
    file = test.partition("::")[0]
    return f"[{Path(file).stem.removeprefix('test_')}](../{file})"


def written(page: str) -> str:
    """The page with the tables of today."""
    head, _, rest = page.partition(BEGIN)
    return head + tables() + rest.partition(END)[2]


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text()))
