"""The page: everything in it, nothing from elsewhere, and no text that becomes markup."""

from __future__ import annotations

import dataclasses
import re
from html import parser

import pytest

from preflight.model import Deployment, Outcome, Report, StageResult
from preflight.report import html

VOID = {"meta", "br", "hr", "img", "link", "input"}
LOADING = {"script", "img", "link", "iframe", "object", "embed", "base", "form", "svg", "video", "audio"}


class Page(parser.HTMLParser):
    """Elements with their attributes, whether they nest, and the text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.misnested: list[str] = []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.misnested.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


def links(page: Page) -> list[str | None]:
    return [attributes.get("href") for tag, attributes in page.elements if tag == "a"]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("Verdict: error", id="the verdict"),
        pytest.param("podman does not answer", id="why a stage could not check"),
        pytest.param("2.0 s", id="how long a stage took"),
        pytest.param("cfn/a b.yaml", id="the file of a finding"),
        pytest.param("line 7 · A · B", id="the place of a finding"),
        pytest.param("Fix: Correct it.", id="what to do"),
        pytest.param("Why it is there: It serves the page.", id="why a resource is there"),
        pytest.param("by hand", id="why something is waived"),
        pytest.param("2027-01-31", id="until when something is waived"),
        pytest.param("http://127.0.0.1/", id="what answered"),
        pytest.param("1 stored, 1 run", id="what was rehearsed, counted"),
        pytest.param("as a container", id="the ledger"),
        pytest.param("a stand-in was used", id="notes"),
        pytest.param("1.58.0", id="versions"),
    ],
)
def test_the_page_shows(report: Report, text: str) -> None:
    assert text in Page(html.render(report)).text


def test_the_page_loads_and_runs_nothing(report: Report) -> None:
    page = html.render(report)

    assert {tag for tag, _ in Page(page).elements} & LOADING == set()
    assert re.findall(r"@import|url\(|\bsrc=|\son\w+=", page) == []


def test_the_page_forbids_itself_to_load_anything(report: Report) -> None:
    policies = [a["content"] for tag, a in Page(html.render(report)).elements if a.get("http-equiv")]

    assert policies == ["default-src 'none'; style-src 'unsafe-inline'"]


def test_the_page_fits_a_phone_and_the_dark(report: Report) -> None:
    page = html.render(report)

    assert "width=device-width" in page
    assert "prefers-color-scheme: dark" in page


def test_elements_nest(report: Report) -> None:
    page = Page(html.render(report))

    assert page.open == []
    assert page.misnested == []


def test_hostile_texts_become_no_markup(hostile: Report) -> None:
    page = Page(html.render(hostile))

    names = {name for _, attributes in page.elements for name in attributes}
    assert {tag for tag, _ in page.elements} & LOADING == set()
    assert page.open == []
    assert page.misnested == []
    assert names <= {"lang", "charset", "name", "content", "http-equiv", "class"}


def test_hostile_texts_leave_no_invisible_character(hostile: Report) -> None:
    assert not re.search(r"[\x00-\x09\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028-\u202e\ud800-\udfff]", html.render(hostile))


@pytest.mark.parametrize(
    ("source", "addresses"),
    [
        pytest.param("https://example.com/a?b=1&c=2", ["https://example.com/a?b=1&c=2"], id="https"),
        pytest.param("HTTP://example.com", ["HTTP://example.com"], id="http, shouted"),
        pytest.param("javascript:alert(1)", [], id="a script"),
        pytest.param("java\nscript:alert(1)", [], id="a script on two lines"),
        pytest.param("data:text/html,x", [], id="data"),
        pytest.param("//example.com", [], id="no scheme"),
        pytest.param("https:example.com", [], id="no host"),
        pytest.param("https://[", [], id="a host that cannot be read"),
        pytest.param('https://x" onclick="x', [], id="an attribute more"),
        pytest.param("docs/rules.md", [], id="a file"),
    ],
)
def test_only_addresses_of_the_web_become_links(report: Report, source: str, addresses: list[str]) -> None:
    finding = dataclasses.replace(report.findings[0], source=source)
    stage = StageResult("lint", Outcome.FAIL, findings=(finding,))
    page = Page(html.render(dataclasses.replace(report, stages=(stage,), deployment=Deployment())))

    assert links(page) == addresses


def test_an_empty_report_is_an_error(report: Report) -> None:
    page = Page(html.render(Report(target="rehearsal", run="r1", stages=())))

    assert "Verdict: error" in page.text
    assert "Findings" not in page.text
