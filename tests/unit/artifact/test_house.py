"""Sizes, names and words of the sources: what ADR 17 decided, held by counts."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
SOURCE = ROOT / "src" / "preflight"
FILES = sorted(SOURCE.rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))
MOST_LINES = 40
CONSTRUCTORS = {"__init__", "__post_init__"}
STARTS = {"start", "Popen"}
WORDS = re.compile(
    r"\b(told|nobody|somebody|whoever|mend|mends|mended|brings|pretended|held against|a fault of ours"
    r"|hold(?:s|ing)? \w+(?: \w+){0,3} against)\b",
    re.IGNORECASE,
)
TEXTS = [
    *(ROOT / name for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "action.yml", "preflight.yaml", "tox.ini")),
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "cfn").glob("*.yaml")),
    *sorted((ROOT / "rules").glob("*/*.guard")),
    *sorted((ROOT / "rules").glob("*/*.yaml")),
    *FILES,
]


def tree(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"))


def functions(file: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in ast.walk(tree(file)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def name_of(file: Path) -> str:
    return str(file.relative_to(ROOT))


@pytest.mark.parametrize(("folder", "most"), [("", 8), ("rehearsal", 10)], ids=["preflight", "rehearsal"])
def test_few_modules_lie_outside_folders(folder: str, most: int) -> None:
    modules = [file.name for file in (SOURCE / folder).glob("*.py") if not file.name.startswith("__")]

    assert len(modules) <= most, modules


def test_few_classes_share_a_name() -> None:
    places = defaultdict(set)
    for file in FILES:
        for node in ast.walk(tree(file)):
            if isinstance(node, ast.ClassDef):
                places[node.name].add(name_of(file))
    shared = {name: files for name, files in places.items() if len(files) > 1}

    assert len(shared) <= 6, shared


def test_untyped_dictionaries_are_rare() -> None:
    text = "".join(file.read_text(encoding="utf-8") for file in FILES)

    assert text.count("dict[str, Any]") / text.count("\n") * 1000 <= 6


def test_no_function_is_long() -> None:
    lengths = {f"{name_of(file)}: {function.name}": lines_of(function) for file in FILES for function in functions(file)}

    assert not [name for name, length in lengths.items() if length > MOST_LINES]


def lines_of(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return (function.end_lineno or function.lineno) - function.lineno + 1


def test_no_constructor_starts_a_thread_or_a_process() -> None:
    constructors = [
        (name_of(file), function) for file in FILES for function in functions(file) if function.name in CONSTRUCTORS
    ]

    assert not [place for place, function in constructors if STARTS.intersection(calls_in(function))]


def calls_in(function: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[str]:
    for node in ast.walk(function):
        if isinstance(node, ast.Call):
            yield node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def test_assertions_state_one_fact() -> None:
    asserts = [
        (name_of(file), node) for file in TESTS for node in ast.walk(tree(file)) if isinstance(node, ast.Assert)
    ]
    tuples = [f"{file}:{node.lineno}" for file, node in asserts if compares_tuples(node.test)]

    assert len(tuples) <= 10, tuples


def compares_tuples(test: ast.expr) -> bool:
    return isinstance(test, ast.Tuple) or (isinstance(test, ast.Compare) and isinstance(test.left, ast.Tuple))


def test_texts_use_plain_words() -> None:
    assert not [f"{place}: {match[0]}" for place, line in lines_of_texts() if (match := WORDS.search(line))]


def lines_of_texts() -> Iterator[tuple[str, str]]:
    for file in TEXTS:
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
            yield f"{name_of(file)}:{number}", line
