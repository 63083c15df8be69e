"""Markdown: what a job's summary shows, and no text that is more than text."""

from __future__ import annotations

import dataclasses
import re

from preflight.model import Report, StageResult
from preflight.report import markdown

TAG = re.compile(r"<[^>]*>|&(?!#\d+;)")


def rows(report: Report) -> list[str]:
    return [line for line in markdown.render(report).splitlines() if line.startswith("|")]


def test_the_verdict_is_the_heading(report: Report) -> None:
    assert markdown.render(report).splitlines()[0] == "## ⚠️ preflight: error &#40;1 error, 2 other findings&#41;"


def test_a_finding_is_a_row_with_what_where_and_what_to_do(report: Report) -> None:
    assert "| error | cfn/a b&#46;yaml:7 | A | RULE | It is wrong&#46; Fix&#58; Correct it&#46; |".replace(":7", "&#58;7") in rows(report)


def test_the_worst_finding_is_first(report: Report) -> None:
    stage = dataclasses.replace(report.stages[1], findings=report.findings[::-1])

    found = rows(dataclasses.replace(report, stages=(stage,)))[5:]

    assert [row.split(" | ")[0] for row in found] == ["| error", "| warning", "| info"]


def test_every_row_of_hostile_texts_has_the_cells_of_its_table(hostile: Report) -> None:
    assert {row.count("|") for row in rows(hostile)} == {6}


def test_no_hostile_text_is_markup_a_link_a_mention_or_a_command(hostile: Report) -> None:
    rendered = markdown.render(hostile)

    assert not TAG.search(rendered)
    assert not re.search(r"[`*_\[\]@]|::|://|##\w*\[", rendered)


def test_a_summary_stays_far_below_the_size_that_github_takes(hostile: Report) -> None:
    findings = tuple(dataclasses.replace(hostile.findings[0], line=line) for line in range(200))

    rendered = markdown.render(dataclasses.replace(hostile, stages=(StageResult("comply", hostile.stages[0].outcome, findings=findings),)))

    assert len(rendered.encode()) < 1 << 20
    assert "100 more findings" in rendered
