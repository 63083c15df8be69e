from __future__ import annotations

from pathlib import Path

import pytest

from preflight.model import Finding, Outcome, Severity, StageResult
from preflight.pipeline import inputs
from preflight.pipeline.request import RunRequest
from preflight.plan import reader

ROLE = "Resources:\n  Role:\n    Type: AWS::IAM::Role\n    Metadata: %s\n"
WHY = "{preflight: {why: It pulls the image.}}"


def request(*templates: Path, stages: tuple[str, ...] = ("lint", "comply")) -> RunRequest:
    return RunRequest(stages, None, templates, ())


def written(folder: Path, text: str) -> Path:
    path = folder / "t.yaml"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("metadata", "why"),
    [
        pytest.param(WHY, "It pulls the image.", id="the template says why"),
        pytest.param("{}", None, id="no metadata"),
        pytest.param("{preflight: {}}", None, id="no sentence"),
        pytest.param("{preflight: [why]}", None, id="another form"),
        pytest.param("{preflight: {why: [x]}}", None, id="no text"),
        pytest.param("x", None, id="no map"),
    ],
)
def test_a_finding_says_why_its_resource_is_there(tmp_path: Path, metadata: str, why: str | None) -> None:
    path = written(tmp_path, ROLE % metadata)
    run_inputs = inputs.read(request(path), run="r")
    finding = Finding("comply", "RULE", Severity.ERROR, "wrong", file=run_inputs.names[path], resource="Role")

    stage = run_inputs.explained(StageResult("comply", Outcome.FAIL, findings=(finding,)))

    assert [finding.why for finding in stage.findings] == [why]


def test_a_finding_about_another_resource_has_no_reason_why(tmp_path: Path) -> None:
    run_inputs = inputs.read(request(written(tmp_path, ROLE % WHY)), run="r")
    finding = Finding("rehearse", "Ignored", Severity.WARNING, "wrong", resource="s.Role")

    stage = run_inputs.explained(StageResult("rehearse", Outcome.PASS, findings=(finding,)))

    assert stage.findings == (finding,)


def test_an_unreadable_template_is_a_finding_with_its_line(tmp_path: Path) -> None:
    run_inputs = inputs.read(request(written(tmp_path, "Resources:\n  A: [\n")), run="r")

    assert [finding.check for finding in run_inputs.unreadable] == ["TemplateUnreadable"]
    assert run_inputs.unreadable[0].line == 3
    assert run_inputs.templates == {}


def test_unreadable_templates_fail_the_first_stage_and_skip_the_others(tmp_path: Path) -> None:
    run_inputs = inputs.read(request(written(tmp_path, "["), stages=("comply", "rehearse")), run="r")

    first, second = run_inputs.unread("comply"), run_inputs.unread("rehearse")

    assert first.outcome is Outcome.FAIL
    assert [finding.stage for finding in first.findings] == ["comply"]
    assert second.outcome is Outcome.SKIPPED
    assert second.findings == ()
    assert first.reason == second.reason == f"cannot be read: {run_inputs.unreadable[0].file}"


def test_a_file_is_named_by_its_path_from_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path, ROLE % "{}")
    monkeypatch.chdir(tmp_path)

    assert inputs.read(request(path), run="r").names[path] == "t.yaml"


def test_a_file_elsewhere_is_named_by_its_whole_path(tmp_path: Path) -> None:
    path = written(tmp_path, ROLE % "{}")

    assert inputs.read(request(path), run="r").names[path] == str(path)


def test_a_misspelt_name_of_the_plan_is_a_finding_of_the_first_stage_and_stops_the_deployment(tmp_path: Path) -> None:
    written(tmp_path, "Resources: {Web: {Type: 'AWS::ECS::Service'}}\n")
    (tmp_path / "preflight.yaml").write_text("version: 1\nname: demo\nregion: eu-west-1\nsteps: [{stack: a, template: t.yaml}]\nsmoke:\n  - service: Wep\n")
    asked = reader.load(tmp_path / "preflight.yaml")
    run_inputs = inputs.read(RunRequest(("rehearse", "smoke"), asked, tuple(asked.template_files()), ()), run="r")

    rehearse = run_inputs.unread("rehearse")
    assert rehearse.outcome is Outcome.FAIL
    assert [(finding.check, finding.line) for finding in rehearse.findings] == [("PlanName", 6)]
    assert run_inputs.unread("smoke").outcome is Outcome.SKIPPED
