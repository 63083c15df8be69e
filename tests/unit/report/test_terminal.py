from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from rich import cells

from preflight.model import BaselineUse, Finding, Outcome, Report, Severity, StageResult
from preflight.report import terminal, text

COLOURS = re.compile(r"\x1b\[[0-9;]*m")
ERROR = Finding("comply", "RULE", Severity.ERROR, "it is wrong", file="t.yaml", line=2, resource="A", fix="Correct it.", source="https://x")
WARNING = replace(ERROR, check="MILD", severity=Severity.WARNING, message="it could be better")
INFO = replace(ERROR, check="NOTE", severity=Severity.INFO)


def report_of(*findings: Finding, files: dict[str, Path] | None = None, baseline: BaselineUse | None = None) -> Report:
    return Report("rehearsal", "r1", (StageResult("comply", Outcome.FAIL, 1.0, findings=findings),), files=files or {}, baseline=baseline)


def lines(report: Report, options: text.Options = text.DEFAULT, *, width: int = 80) -> Sequence[str]:
    """The lines without colours."""
    return COLOURS.sub("", terminal.render(report, options, width=width)).splitlines()


def test_the_worst_findings_come_first() -> None:
    shown = lines(report_of(INFO, WARNING, ERROR))

    assert [line for line in shown if line.split(" ")[0] in {"error", "warning", "info"}] == ["error RULE", "warning MILD", "info NOTE"]


def test_findings_of_one_check_are_one_block_with_a_count() -> None:
    shown = lines(report_of(ERROR, WARNING, replace(ERROR, resource="B", line=7)))

    assert shown[:6] == ["error RULE (2 places)", "  it is wrong", "  t.yaml:2 A", "  t.yaml:7 B", "  Fix: Correct it.", "  https://x"]


def test_messages_that_differ_stand_at_their_places() -> None:
    shown = lines(report_of(ERROR, replace(ERROR, resource="B", message="it is worse")))

    assert shown[1:5] == ["  t.yaml:2 A", "    it is wrong", "  t.yaml:2 B", "    it is worse"]


def test_many_places_are_cut_short_unless_all_are_asked_for() -> None:
    many = report_of(*(replace(ERROR, resource=f"R{number}") for number in range(8)))

    assert "  and 3 more; --verbose lists them" in lines(many)
    assert "  t.yaml:2 R7" in lines(many, text.Options(is_verbose=True))


def test_the_source_line_is_underlined_at_its_column(tmp_path: Path) -> None:
    (tmp_path / "t.yaml").write_text("Resources:\n  A: {Type: T}\n")

    rendered = terminal.render(report_of(ERROR, files={"t.yaml": tmp_path / "t.yaml"}), text.DEFAULT, width=80)

    assert "t.yaml:2:3 A" in rendered
    assert "\x1b[1;4;31mA: {Type: T}\x1b[0m" in rendered


def test_a_dockerfile_in_a_folder_of_the_plan_has_its_line(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM x\nRUN --security=insecure true\n")
    finding = replace(ERROR, file="docker/Dockerfile")

    assert "     2 RUN --security=insecure true" in lines(report_of(finding, files={"docker": tmp_path}))


def test_a_file_that_the_run_did_not_read_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("one\nTOKEN\n")

    assert "TOKEN" not in "".join(lines(report_of(replace(ERROR, file=str(tmp_path / "secret")))))


def test_a_source_line_shows_every_character(tmp_path: Path) -> None:
    (tmp_path / "t.yaml").write_text("a\nb: '\x1b]8;;http://evil\x07[bold]'\n")

    rendered = terminal.render(report_of(ERROR, files={"t.yaml": tmp_path / "t.yaml"}), text.DEFAULT, width=80)

    assert r"b: '\x1b]8;;http://evil\x07[bold]'" in rendered
    assert "\x1b]" not in rendered


@pytest.mark.parametrize("width", [40, 80, 200])
def test_hostile_texts_stay_within_the_width_and_send_no_sequence(hostile: Report, width: int) -> None:
    rendered = terminal.render(hostile, text.Options(is_verbose=True), width=width)

    assert re.findall(r"[\x00-\x09\x0b-\x1a\x1c-\x1f\x7f-\x9f\u202e\u2028]|\x1b(?!\[[0-9;]*m)", rendered) == []
    assert max(cells.cell_len(line) for line in COLOURS.sub("", rendered).split("\n")) <= width


def test_severity_filters_what_is_shown_and_the_verdict_counts_all() -> None:
    shown = lines(report_of(ERROR, WARNING, INFO), text.Options(least=Severity.WARNING))

    assert "info NOTE" not in shown
    assert shown[-1] == "verdict: fail (1 error, 2 other findings); 1 below warning not shown"


def test_severity_filters_plain_text_too() -> None:
    shown = text.render(report_of(ERROR, WARNING), text.Options(least=Severity.ERROR))

    assert "MILD" not in shown
    assert shown.endswith("verdict: fail (1 error, 1 other finding); 1 below error not shown\n")


@pytest.mark.parametrize("render", [text.render, lambda report, options: "\n".join(lines(report, options))], ids=["plain", "terminal"])
def test_verbose_lists_what_a_baseline_hides(render: object) -> None:
    report = report_of(baseline=BaselineUse("known.json", (ERROR,)))

    assert callable(render)
    assert "hidden: t.yaml:2: A: RULE: it is wrong" in render(report, text.Options(is_verbose=True))
    assert "RULE" not in render(report, text.DEFAULT)
