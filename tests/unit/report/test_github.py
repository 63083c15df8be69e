"""Workflow commands: one a finding, and no text that can make another."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

from preflight.model import Outcome, Report, StageResult
from preflight.report import github

SHOWN = """\
::error file=cfn/a b.yaml,line=7,title=RULE (A)::It is wrong.%0AFix: Correct it.%0ASee: https://example.com/why
::warning file=cfn/c.yaml,line=2,title=MILD::It could be better.
::notice title=NOTE (s.C)::It is so.
::error title=rehearse could not check::podman does not answer
::notice title=smoke was skipped::nothing was deployed
::notice title=preflight::a stand-in was used
::notice file=cfn/a b.yaml,title=W is waived for A::because so
::notice title=X is waived for B::by hand (until 2027-01-31)
::notice file=cfn/c.yaml,title=Y is waived for the whole template::by hand (until 2027-01-31)
verdict: error (1 error, 2 other findings); 1 of 4 stages skipped
"""


def commands(report: Report) -> list[str]:
    """What GitHub's runner takes for commands: lines, however they end, that begin with `::` after spaces."""
    lines = re.split(r"\r\n|\r|\n", github.render(report))
    return [match[1] for line in lines if (match := re.match(r"\s*::([\w-]+)", line))]


def test_each_finding_and_note_is_a_command_and_the_verdict_is_last(report: Report) -> None:
    assert github.render(report) == SHOWN


def test_hostile_texts_make_no_command_of_their_own(hostile: Report) -> None:
    assert commands(hostile) == ["error", "warning", "error", *["notice"] * 6]


def test_no_text_ends_the_properties_of_a_command_early(hostile: Report) -> None:
    matches = [re.fullmatch(r"::\w+ ((?:file|line|col|endColumn|title)=[^:,]*,?)+::.*", line) for line in github.render(hostile).splitlines()[:-1]]

    assert all(matches)


def test_the_last_line_has_no_text_from_outside_but_the_baselines_name(hostile: Report) -> None:
    report = dataclasses.replace(hostile, baseline=None)

    assert github.render(report).splitlines()[-1] == "verdict: error (1 error, 1 other finding, 1 rule off, 1 rule replaced); 1 of 3 stages skipped"


def test_special_characters_are_escaped(report: Report) -> None:
    text = "100% of a:b,c\r\n%0A::error::x"
    finding = dataclasses.replace(report.findings[0], check=text, resource=None, message=text, fix=None, source=None)
    stage = StageResult("lint", Outcome.FAIL, findings=(finding,))

    line = github.render(dataclasses.replace(report, stages=(stage,), notes=())).splitlines()[0]

    assert line == (
        "::error file=cfn/a b.yaml,line=7,title=100%25 of a%3Ab%2Cc\\r\\n%250A%3A%3Aerror%3A%3Ax"
        "::100%25 of a:b,c\\r\\n%250A::error::x"
    )


def test_invisible_characters_are_spelt_out(report: Report) -> None:
    rendered = github.render(dataclasses.replace(report, notes=("\x1b[31m \u202e \ud800",)))

    assert "::notice title=preflight::\\x1b[31m \\u202e \\ud800\n" in rendered


def test_a_command_names_the_columns_of_the_text(report: Report, tmp_path: Path) -> None:
    source = tmp_path / "t.yaml"
    source.write_text("  Role: x\n", encoding="utf-8")
    finding = dataclasses.replace(report.findings[0], file="t.yaml", line=1)
    stage = StageResult("lint", Outcome.FAIL, findings=(finding,))

    line = github.render(dataclasses.replace(report, stages=(stage,), files={"t.yaml": source})).splitlines()[0]

    assert line.startswith("::error file=t.yaml,line=1,col=3,endColumn=10,title=")
