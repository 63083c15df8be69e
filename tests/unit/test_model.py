from __future__ import annotations

import json
from dataclasses import replace

import pytest

from preflight import model
from preflight.model import Finding, LedgerEntry, Observations, Outcome, Report, Severity, StageResult


def finding(severity: Severity) -> Finding:
    return Finding("lint", "X", severity, "wrong")


@pytest.mark.parametrize(
    ("outcomes", "verdict", "code"),
    [
        pytest.param([Outcome.PASS, Outcome.PASS], "pass", 0, id="all pass"),
        pytest.param([Outcome.PASS, Outcome.FAIL], "fail", 1, id="one fails"),
        pytest.param([Outcome.FAIL, Outcome.ERROR], "error", 2, id="could not check outranks fail"),
        pytest.param([Outcome.PASS, Outcome.SKIPPED], "pass", 0, id="a skipped stage"),
        pytest.param([], "error", 2, id="nothing was checked"),
    ],
)
def test_verdict_and_exit_code(outcomes: list[Outcome], verdict: str, code: int) -> None:
    report = Report("rehearsal", "r", tuple(StageResult(str(n), o) for n, o in enumerate(outcomes)))

    assert report.verdict == verdict
    assert report.exit_code == code


@pytest.mark.parametrize(
    ("severity", "strict", "outcome"),
    [
        pytest.param(Severity.ERROR, False, Outcome.FAIL, id="an error"),
        pytest.param(Severity.WARNING, False, Outcome.PASS, id="a warning"),
        pytest.param(Severity.INFO, True, Outcome.FAIL, id="anything when strict"),
    ],
)
def test_errors_fail_a_run_and_other_findings_only_a_strict_one(severity: Severity, strict: bool, outcome: Outcome) -> None:  # noqa: FBT001 - a case
    assert model.outcome_of((finding(severity),), strict=strict) is outcome


@pytest.mark.parametrize(
    ("file", "line", "place"),
    [
        pytest.param("a.yaml", 3, "a.yaml:3", id="file and line"),
        pytest.param("a.yaml", None, "a.yaml", id="file"),
        pytest.param(None, None, "-", id="neither"),
    ],
)
def test_place(file: str | None, line: int | None, place: str) -> None:
    assert Finding("s", "c", Severity.ERROR, "m", file=file, line=line).place() == place


def test_observations_survive_the_way_between_two_processes() -> None:
    entries = (LedgerEntry("s.Web", "Cpu", "checked"), LedgerEntry("s.Web", None, "ignored", "no such thing here"))
    observations = Observations(entries, notes=("n",), problems=("p",), skipped={"arn": "another platform"})

    assert Observations.from_json(json.loads(json.dumps(observations.to_json()))) == observations


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("plain é 漢字\u3000x", "plain é 漢字\u3000x", id="what can be seen"),
        pytest.param("a\nb\r\tc", "a\\nb\\r\\tc", id="line breaks"),
        pytest.param("\x1b[31m\x85\x9b", "\\x1b[31m\\x85\\x9b", id="C0 and C1"),
        pytest.param("\u2028\u202e\u2066\u200b", "\\u2028\\u202e\\u2066\\u200b", id="line separator and bidi overrides"),
        pytest.param("  ::error::x", "  \\x3a:error::x", id="a command at the beginning"),
        pytest.param("a ::error::x", "a ::error::x", id="no command in the middle"),
        pytest.param("a ##[error]x ##vso[task]", "a \\x23#[error]x \\x23#vso[task]", id="commands of older runners"),
    ],
)
def test_a_visible_text_shows_every_character_and_is_no_command(text: str, shown: str) -> None:
    assert model.visible(text) == shown
    assert model.visible(shown) == shown


def test_no_finding_is_in_a_report_twice() -> None:
    finding = Finding("lint", "X", Severity.ERROR, "wrong", "a.yaml", 1)
    other = replace(finding, line=2)
    stages = [StageResult("lint", Outcome.FAIL, findings=(finding, other, finding)), StageResult("smoke", Outcome.FAIL, findings=(replace(other, stage="smoke"),))]

    assert [stage.findings for stage in model.without_repeats(stages)] == [(finding, other), ()]
