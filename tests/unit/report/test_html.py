"""The page: everything in it, nothing from elsewhere, and no text that becomes markup."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import re
from html import parser
from pathlib import Path

import pytest

from preflight.model import (
    BaselineEntry,
    BaselineUse,
    Deployment,
    Finding,
    LedgerEntry,
    Outcome,
    PropertyChange,
    Report,
    Severity,
    StackChange,
    StageResult,
    Update,
)
from preflight.report import html
from preflight.report.html import finding_blocks
from preflight.report.html import page as page_module
from tests.unit.report.regions import REGIONS, large

VOID = {"meta", "br", "hr", "img", "link", "input"}
LOADING = {"link", "iframe", "object", "embed", "base", "video", "audio", "image", "use", "foreignobject"}
ATTRIBUTES = {
    "alt", "aria-label", "charset", "checked", "class", "content", "d", "data-file", "data-severity", "datetime", "height",
    "hidden", "http-equiv", "id", "lang", "marker-end", "markerheight", "markerwidth", "name", "orient", "refx", "refy", "rel",
    "role", "scope", "src", "text-anchor", "type", "value", "viewbox", "width", "x", "y", "href",
}  # fmt: skip
PNG = b"\x89PNG\r\n\x1a\nnot really"


class Page(parser.HTMLParser):
    """Elements with their attributes, whether they nest, and the text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.misnested: list[str] = []
        self.text = ""
        self.contents: dict[str, str] = {}
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
        if self.open and self.open[-1] in {"script", "style"}:
            self.contents[self.open[-1]] = self.contents.get(self.open[-1], "") + data
        else:
            self.text += data

    def values(self, name: str) -> list[str | None]:
        return [attributes[name] for _, attributes in self.elements if name in attributes]


def links(page: Page) -> list[str | None]:
    """The links that lead out of the page."""
    return [attributes.get("href") for tag, attributes in page.elements if tag == "a" and not str(attributes.get("href")).startswith("#")]


def drawn(report: Report) -> Report:
    """The report with every region in it, and a picture of its page."""
    deployment = dataclasses.replace(report.deployment, regions=tuple(REGIONS.values()))
    return dataclasses.replace(report, deployment=deployment, screenshots={"http://127.0.0.1/": PNG}, files={"cfn/a b.yaml": Path(__file__)})


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("Verdict: error", id="the verdict"),
        pytest.param("infra/preflight.yaml", id="the plan"),
        pytest.param("2026-11-28 02:58 UTC", id="the date"),
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


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("Region ap-northeast-1", id="the region"),
        pytest.param("VPC fa-018-vpc  10.0.0.0/16", id="a VPC"),
        pytest.param("ap-northeast-1c", id="a zone"),
        pytest.param("private · 10.0.11.0/24", id="a private subnet"),
        pytest.param("application load balancer · internet-facing", id="a load balancer"),
        pytest.param("listens on HTTP 80, HTTPS 443", id="its listeners"),
        pytest.param("admits tcp 8080 from shop-alb", id="what a security group admits"),
        pytest.param("shop/web:2026-11-28.4", id="an image"),
        pytest.param("task role shop-web-TaskRole-74TL9AD7PUNF", id="a role"),
        pytest.param("10.0.1.5 · 127.95.143.144", id="the addresses of a task"),
        pytest.param("unhealthy", id="the health of a task"),
        pytest.param("shop-web-alb reaches web at port 8080", id="who reaches whom"),
        pytest.param("the internet reaches fa-018-service1 at port 80", id="what is public"),
        pytest.param("Subnets with no task: shop-public-subnet-b", id="subnets of which nothing is used"),
        pytest.param("(service web) has reached a steady state.", id="what a service reports"),
    ],
)
def test_the_picture_shows(report: Report, text: str) -> None:
    assert text in Page(html.render(drawn(report))).text


def test_the_page_loads_nothing(report: Report) -> None:
    text = html.render(drawn(report))
    page = Page(text)

    assert {tag for tag, _ in page.elements} & LOADING == set()
    assert re.findall(r"@import|url\((?!#head-)|\son\w+=|\sstyle=", text) == []
    assert page.values("src") == [f"data:image/png;base64,{base64.b64encode(PNG).decode()}"]


def test_the_page_forbids_everything_but_its_own_style_and_script(report: Report) -> None:
    page = Page(html.render(report))
    hashes = {tag: base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for tag, text in page.contents.items()}

    policies = [a["content"] for _, a in page.elements if a.get("http-equiv")]
    own = f"style-src 'sha256-{hashes['style']}'; script-src 'sha256-{hashes['script']}'"
    assert policies == [f"default-src 'none'; img-src data:; {own}; base-uri 'none'; form-action 'none'"]


@pytest.mark.parametrize("text", ["width=device-width", "prefers-color-scheme: dark", "@media print", "@media (max-width: 45rem)"])
def test_the_page_fits_a_phone_the_dark_and_paper(report: Report, text: str) -> None:
    assert text in html.render(report)


def test_the_links_on_top_lead_to_each_section(report: Report) -> None:
    elements = Page(html.render(drawn(report))).elements
    links = [str(attributes["href"])[1:] for tag, attributes in elements if tag == "a" and str(attributes["href"]).startswith("#")]

    assert sorted(links) == sorted(str(attributes["id"]) for tag, attributes in elements if tag == "section")
    assert "ledger" in links


def test_elements_nest(report: Report) -> None:
    page = Page(html.render(drawn(report)))

    assert page.open == []
    assert page.misnested == []


def test_hostile_texts_become_no_markup(hostile: Report, report: Report) -> None:
    page, tame = Page(html.render(hostile)), Page(html.render(drawn(report)))

    assert {tag for tag, _ in page.elements} <= {tag for tag, _ in tame.elements}
    assert page.contents == tame.contents
    assert page.open == []
    assert page.misnested == []


def test_hostile_texts_become_no_attribute(hostile: Report) -> None:
    page = Page(html.render(hostile))

    assert {name for _, attributes in page.elements for name in attributes} <= ATTRIBUTES
    assert links(page) == []
    assert page.values("src") == []
    assert all(re.fullmatch(r"[MHVQLz0-9. -]*", value or "") for value in page.values("d"))


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


def test_a_task_whose_times_are_not_known_has_a_row(report: Report) -> None:
    region = next(iter(REGIONS.values()))
    tasks = tuple(dataclasses.replace(task, times={}) for task in region.tasks)
    deployment = dataclasses.replace(report.deployment, regions=(dataclasses.replace(region, tasks=tasks),))

    assert f"task {tasks[0].id[:8]}" in html.render(dataclasses.replace(report, deployment=deployment))


def test_an_empty_report_is_an_error(report: Report) -> None:
    page = Page(html.render(Report(target="rehearsal", run="r1", stages=())))

    assert "Verdict: error" in page.text
    assert "Findings" not in page.text


def test_the_line_of_a_finding_is_underlined(report: Report, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("\n".join(f"  line {n}" for n in range(1, 12)))
    page = html.render(dataclasses.replace(report, files={"cfn/a b.yaml": tmp_path / "a.yaml"}))

    assert "<i>7</i>  <mark>line 7</mark>" in page
    assert "<i>5</i>  line 5" in page
    assert "line 4<" not in page


@pytest.mark.parametrize("text", [pytest.param("one line", id="beyond its end"), pytest.param(None, id="that is not there")])
def test_a_finding_of_a_file_has_no_excerpt(report: Report, tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "a.yaml").write_text(text)

    assert "<mark>" not in html.render(dataclasses.replace(report, files={"cfn/a b.yaml": tmp_path / "a.yaml"}))


def test_a_dockerfile_is_found_in_its_folder(report: Report, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM scratch\nUSER root\n")
    finding = dataclasses.replace(report.findings[0], file="docker/Dockerfile", line=2)
    stage = StageResult("rehearse", Outcome.FAIL, findings=(finding,))

    assert "<mark>USER root</mark>" in html.render(dataclasses.replace(report, stages=(stage,), files={"docker": tmp_path}))


def test_findings_of_a_rule_are_one_block_with_their_number(report: Report) -> None:
    findings = tuple(dataclasses.replace(report.findings[0], line=n, resource=f"R{n}") for n in (3, 5, 9))
    page = html.render(dataclasses.replace(report, stages=(StageResult("comply", Outcome.FAIL, findings=findings),)))

    assert page.count("<article") == 1
    assert page.count('class="entry"') == 3
    assert '<span class="count">3</span>' in page


def test_errors_come_first_whatever_stage_they_are_of(report: Report) -> None:
    mild = Finding("lint", "W1", Severity.WARNING, "mild")
    stages = (StageResult("lint", Outcome.PASS, findings=(mild,)), StageResult("smoke", Outcome.FAIL, findings=(report.findings[0],)))
    page = html.render(dataclasses.replace(report, stages=stages))

    assert page.index('<article class="error"') < page.index('<article class="warning"')


def test_rules_stand_against_files_if_there_are_many_resources(report: Report) -> None:
    findings = tuple(dataclasses.replace(report.findings[0], resource=f"R{n}", file=f"{n % 3}.yaml") for n in range(50))
    matrix = finding_blocks.matrix(dataclasses.replace(report, stages=(StageResult("comply", Outcome.FAIL, findings=findings),)))

    assert sorted(matrix.columns) == ["0.yaml", "1.yaml", "2.yaml"]
    assert matrix.rows == (("RULE", ((17, "error"), (17, "error"), (16, "error"))),)


def test_the_ledger_has_a_row_for_each_resource() -> None:
    entries = [LedgerEntry("s.A", "B", "stored"), LedgerEntry("s.A", "C", "stored"), LedgerEntry("s.A", "D", "ignored", "no use")]

    (row,) = page_module.ledger_rows(entries)

    assert row.states == (("stored", "B, C"), ("ignored", "D"))
    assert row.notes == ("D: no use",)


def test_no_import_of_the_page_loads_its_template_engine() -> None:
    assert "jinja2" not in vars(page_module)


def test_the_page_shows_what_a_baseline_hides(report: Report) -> None:
    gone = BaselineEntry("old.yaml", "Bucket", "GONE_RULE", "", "", "comply")
    page = Page(html.render(dataclasses.replace(report, baseline=BaselineUse("known.json", (report.findings[1],), (gone,)))))

    assert "1 finding hidden by known.json, 1 no longer found" in page.text
    assert "GONE_RULE" in page.text


def test_the_page_shows_what_an_update_replaces(report: Report) -> None:
    change = StackChange("shop", "Service", "AWS::ECS::Service", "replace", properties=(PropertyChange("LaunchType", "EC2", "FARGATE", "Always"),))
    traffic = {"target": "web", "sent": 120, "failed": 3}
    page = Page(html.render(dataclasses.replace(report, update=Update("main", "0123456789abcdef", (change,), (traffic,)))))

    assert "LaunchType replaces it" in page.text
    assert "web: 120 requests meanwhile, 3 failed" in page.text


def test_the_page_of_a_large_report_is_small_enough_to_send(tmp_path: Path) -> None:
    """Of 200 templates and 2,000 findings; benchmarks/page.py measures how long it takes to open."""
    page = html.render(large(tmp_path))

    assert page.count('class="entry"') == 2000
    assert len(page.encode()) < 5_000_000


@pytest.mark.parametrize("name", ["page.png", "page-failing.png"])
def test_pictures_of_the_page_in_the_docs_are_small(root: Path, name: str) -> None:
    picture = (root / "docs" / name).read_bytes()

    assert picture.startswith(b"\x89PNG")
    assert len(picture) < 200_000


def test_the_wheel_has_the_templates_of_the_page(root: Path) -> None:
    """Hatch packs every file of the package that git does not ignore."""
    files = {path.name for path in page_module.FOLDER.iterdir()}
    configuration = (root / "pyproject.toml").read_text()

    assert files == {"page.html", "picture.html", "style.css", "filter.js"}
    assert 'packages = ["src/preflight"]' in configuration
