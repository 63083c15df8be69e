from __future__ import annotations

import dataclasses
import json as stdlib
import re
from pathlib import Path
from types import ModuleType

import jsonschema
import pytest

from preflight.model import (
    Deployment,
    Finding,
    LedgerEntry,
    Outcome,
    PropertyChange,
    Report,
    ReportedWaiver,
    Severity,
    SmokeAnswer,
    StackChange,
    StageResult,
    Update,
)
from preflight.report import github, json, markdown, terminal, text

ROOT = Path(__file__).parents[3]
FINDING = Finding(
    "comply",
    "RULE",
    Severity.ERROR,
    "it is \x1b[31mwrong",
    file="cfn/a.yaml",
    line=7,
    resource="A",
    property="B",
    fix="Correct it.",
    source="https://x",
)
REPORT = Report(
    target="rehearsal",
    run="r1",
    stages=(
        StageResult("lint", Outcome.PASS, 1.25),
        StageResult(
            "comply",
            Outcome.FAIL,
            0.5,
            findings=(FINDING,),
            waived=(
                ReportedWaiver("W", "A", "because so", "template", "cfn/a.yaml"),
                ReportedWaiver("X", "B", "by hand", "plan", None, "2027-01-31"),
                ReportedWaiver("Y", "B", "by hand", "plan", "cfn/b.yaml"),
            ),
        ),
        StageResult("smoke", Outcome.SKIPPED, reason="nothing was deployed"),
    ),
    ledger=(LedgerEntry("s.A", "B", "stored"),),
    deployment=Deployment(stacks=("s",), smoke=(SmokeAnswer("web", "http://127.0.0.1/", 200, 200, 0.1),)),
    versions={"preflight": "0"},
    notes=("a stand-in was used",),
)


def explained(report: Report) -> Report:
    """The report, whose finding says why its resource is there."""
    finding = dataclasses.replace(FINDING, why="It pulls the image.")
    lint, comply, *others = report.stages
    return dataclasses.replace(report, stages=(lint, dataclasses.replace(comply, findings=(finding,)), *others))


@pytest.mark.parametrize(
    "report", [pytest.param(REPORT, id="as it is"), pytest.param(explained(REPORT), id="with reasons why")]
)
def test_json_has_the_form_of_its_schema(report: Report) -> None:
    schema = stdlib.loads((ROOT / "docs" / "report.schema.json").read_text())

    jsonschema.validate(stdlib.loads(json.render(report)), schema)


def test_json_has_the_verdict_findings_waivers_and_reasons() -> None:
    document = json.document(REPORT)

    assert document["verdict"] == "fail"
    assert document["findings"][0]["line"] == 7
    assert document["waived"][0]["reason"] == "because so"
    assert document["stages"][2]["reason"] == "nothing was deployed"


def test_json_says_why_a_resource_is_there_only_if_its_template_does() -> None:
    findings = json.document(explained(REPORT))["findings"]

    assert findings[0]["why"] == "It pulls the image."
    assert "why" not in json.document(REPORT)["findings"][0]


def test_text_says_what_where_and_what_to_do() -> None:
    lines = text.render(REPORT).splitlines()

    assert lines[0] == "cfn/a.yaml:7: A error: RULE: it is \\x1b[31mwrong"
    assert lines[1] == "    Fix: Correct it."
    assert lines[-1] == "verdict: fail (1 error, 0 other findings); smoke skipped: nothing was deployed"


def test_text_says_why_a_resource_is_there() -> None:
    assert text.render(explained(REPORT)).splitlines()[1] == "    Why A is there: It pulls the image."


def test_text_lets_no_control_character_through() -> None:
    assert "\x1b" not in text.render(REPORT)


def test_text_lists_every_waiver_and_note() -> None:
    lines = [line for line in text.render(REPORT).splitlines() if line.startswith(("waived", "note"))]

    assert lines == [
        "waived: cfn/a.yaml: A: W: because so",
        "waived: plan: B: X: by hand (until 2027-01-31)",
        "waived: plan, cfn/b.yaml: B: Y: by hand",
        "note: a stand-in was used",
    ]


def test_json_says_where_and_until_when_something_is_waived() -> None:
    waived = json.document(REPORT)["waived"]

    assert [(w["where"], w["until"], w["file"]) for w in waived] == [
        ("template", None, "cfn/a.yaml"),
        ("plan", "2027-01-31", None),
        ("plan", None, "cfn/b.yaml"),
    ]


REPLACED = PropertyChange("Name", "a", "b", "Always")
UPDATED = dataclasses.replace(
    REPORT,
    update=Update(
        "origin/main",
        "0" * 40,
        (
            StackChange("web", "Files", "AWS::EFS::FileSystem", "replace", "t.yaml", 3, "ReplaceAndDelete", (REPLACED,), "origin/main:t.yaml:3"),
            StackChange("web/Inner", "Logs", "AWS::Logs::LogGroup", "add"),
        ),
    ),
)


def test_an_update_is_a_table_in_the_text() -> None:
    lines = text.render(UPDATED).splitlines()

    assert "update from origin/main (000000000000):" in lines
    assert "  replace  web Files       AWS::EFS::FileSystem: Name*" in lines
    assert "  add      web/Inner Logs  AWS::Logs::LogGroup" in lines


def test_an_update_is_a_table_at_a_terminal() -> None:
    lines = re.sub(r"\x1b\[[0-9;]*m", "", terminal.render(UPDATED, text.DEFAULT, width=100)).splitlines()

    assert "update from origin/main (000000000000):" in lines
    assert "  replace  web Files       AWS::EFS::FileSystem: Name*" in lines


def test_a_terminal_shows_the_first_changes_unless_all_are_asked_for() -> None:
    change = StackChange("web", "Logs", "AWS::Logs::LogGroup", "add")
    many = dataclasses.replace(REPORT, update=Update("main", None, (change,) * 30))

    assert "and 10 more" in terminal.render(many, text.DEFAULT, width=100)
    assert "more" not in terminal.render(many, text.Options(is_verbose=True), width=100)


def test_an_update_is_a_table_in_markdown() -> None:
    lines = markdown.render(UPDATED).splitlines()

    assert "| action | stack | resource | type | properties |" in lines
    assert "| replace | web | Files | AWS&#58;&#58;EFS&#58;&#58;FileSystem | Name&#42; |" in lines


def test_an_update_is_a_notice_of_github() -> None:
    notice = next(line for line in github.render(UPDATED).splitlines() if "title=update" in line)

    assert notice.startswith("::notice title=update from origin/main (000000000000)::  replace  web Files ")


@pytest.mark.parametrize("format_", [text, github, markdown], ids=["text", "github", "markdown"])
def test_an_update_that_changes_nothing_says_so(format_: ModuleType) -> None:
    assert "nothing changes" in format_.render(dataclasses.replace(REPORT, update=Update("main")))


def test_an_update_is_in_the_json_report_with_its_values() -> None:
    document = stdlib.loads(json.render(UPDATED))

    jsonschema.validate(document, stdlib.loads((ROOT / "docs" / "report.schema.json").read_text()))
    assert document["update"]["changes"][0]["properties"] == [{"name": "Name", "before": "a", "after": "b", "recreation": "Always"}]
