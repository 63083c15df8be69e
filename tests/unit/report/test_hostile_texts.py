"""Every format: a text of a template, a page or a tool changes nothing but the places where it is shown."""

from __future__ import annotations

import json as stdlib
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any

import pytest

from preflight.model import Report
from preflight.report import FORMATS, github, html, json, junit, markdown, sarif, terminal, text

VERBOSE = text.Options(is_verbose=True)
RENDERERS: dict[str, Callable[[Report], str]] = {
    "text": lambda report: text.render(report, VERBOSE),
    "terminal": lambda report: terminal.render(report, VERBOSE, width=100),
    **{module.__name__.rpartition(".")[2]: module.render for module in (github, html, json, junit, markdown, sarif)},
}
COLOURS = re.compile(r"\x1b\[[0-9;]*m")


def shape(document: Any) -> Any:
    """Returns which objects, lists and texts a document of JSON is made of; a file whose name is escaped has no columns."""
    if isinstance(document, dict):
        return [shape(value) for key, value in document.items() if key not in {"startColumn", "endColumn"}]
    return [shape(value) for value in document] if isinstance(document, list) else type(document)


def tags(page: str) -> set[str]:
    """Returns the elements of a page."""
    found: set[str] = set()
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, attrs: found.add(tag)  # type: ignore[method-assign] # noqa: ARG005 - its signature
    parser.feed(page)
    return found


STRUCTURE: dict[str, Callable[[str], Any]] = {
    "text": lambda rendered: len(rendered.splitlines()),
    "github": lambda rendered: [line.split(" ")[0] for line in rendered.splitlines()],
    "markdown": lambda rendered: [(line[:1], line.count("|")) for line in rendered.splitlines()],
    "json": lambda rendered: shape(stdlib.loads(rendered)),
    "sarif": lambda rendered: shape(stdlib.loads(rendered)),
    "junit": lambda rendered: [element.tag for element in ET.fromstring(rendered).iter()],  # noqa: S314 - our own
    "html": tags,
    "terminal": lambda rendered: len(re.findall("update from|traffic:|hidden:|note:", " ".join(rendered.split()))),
}


def test_every_format_is_looked_at() -> None:
    assert set(RENDERERS) == set(STRUCTURE) == {*FORMATS, "terminal"}


@pytest.mark.hostile
@pytest.mark.parametrize("name", list(RENDERERS))
def test_a_hostile_text_changes_no_structure(hostile: Report, harmless: Report, name: str) -> None:
    assert STRUCTURE[name](RENDERERS[name](hostile)) == STRUCTURE[name](RENDERERS[name](harmless))


@pytest.mark.hostile
@pytest.mark.parametrize("name", list(RENDERERS))
def test_no_format_lets_a_character_through_that_is_not_seen(hostile: Report, name: str) -> None:
    rendered = COLOURS.sub("", RENDERERS[name](hostile)) if name == "terminal" else RENDERERS[name](hostile)

    assert not re.search(r"[\x00-\x09\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028-\u202e\ud800-\udfff\U000e0001]", rendered)


@pytest.mark.hostile
@pytest.mark.parametrize("name", [name for name in RENDERERS if name != "github"])
def test_no_line_of_a_format_is_a_command_of_a_ci_runner(hostile: Report, name: str) -> None:
    assert not re.search(r"(?m)^\s*::\w|##\w*\[", RENDERERS[name](hostile))
