from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from preflight.errors import UsageError
from preflight.model import BaselineEntry, BaselineUse, Finding, Severity
from preflight.pipeline import baseline, inputs
from preflight.pipeline.baseline import BaselineMatcher
from preflight.pipeline.request import RunRequest
from preflight.plan import reader
from preflight.plan.plan import Plan

TEMPLATE = "Parameters:\n  One: {Type: String}\n  Two: {Type: String}\nResources:\n  A: {Type: 'AWS::ECS::Cluster'}\n"
PLAN = "version: 1\nname: demo\nregion: eu-west-1\nsteps: [{stack: demo, template: t.yaml}]\n"
Matched = tuple[list[Finding], BaselineUse]


@pytest.fixture
def plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Plan:
    (tmp_path / "t.yaml").write_text(TEMPLATE)
    (tmp_path / "preflight.yaml").write_text(PLAN)
    monkeypatch.chdir(tmp_path)
    return reader.load(tmp_path / "preflight.yaml")


@pytest.fixture
def match(plan: Plan) -> Callable[..., Matched]:
    """Matches findings with the baseline beside the plan, and writes it if that is asked for."""

    def run(*findings: Finding, writes: bool = False, can_hide: bool = True, with_plan: Plan | None = plan, path: str = "t.yaml") -> Matched:
        request = RunRequest(("comply",), with_plan, (plan.folder / path,), (), writes_baseline=writes)
        matcher = BaselineMatcher(baseline.of(request), inputs.read(request, run="0a1b2c3d"))
        shown = matcher.shown(findings, stage="comply", can_hide=lambda _finding: can_hide)
        use = matcher.use
        assert use is not None
        if use.text is not None:
            (plan.folder / baseline.FILE).write_text(use.text)
        return shown, use

    return run


def finding(check: str = "RULE", *, line: int = 5, resource: str | None = "A", prop: str | None = None, file: str = "t.yaml") -> Finding:
    return Finding("comply", check, Severity.ERROR, "it is wrong", file=file, line=line, resource=resource, property=prop)


def test_a_recorded_finding_is_hidden(match: Callable[..., Matched]) -> None:
    match(finding(), writes=True)

    shown, use = match(finding())

    assert shown == []
    assert use.hidden == (finding(),)


def test_a_recorded_finding_is_hidden_when_its_line_moves(match: Callable[..., Matched]) -> None:
    match(finding(line=5), writes=True)

    assert match(finding(line=9))[0] == []


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(finding("OTHER"), id="another check"),
        pytest.param(finding(resource="B"), id="another resource"),
        pytest.param(finding(prop="Name"), id="another property"),
        pytest.param(finding(file="u.yaml"), id="another file"),
    ],
)
def test_a_new_finding_is_shown(match: Callable[..., Matched], other: Finding) -> None:
    match(finding(), writes=True)

    assert match(finding(), other)[0] == [other]


def test_a_second_finding_of_the_same_kind_is_new(match: Callable[..., Matched]) -> None:
    match(finding(), writes=True)

    assert match(finding(), finding(line=8))[0] == [finding(line=8)]


def test_a_parameter_is_told_from_another_by_its_place(match: Callable[..., Matched]) -> None:
    match(finding(line=2, resource=None), writes=True)

    assert match(finding(line=3, resource=None))[0] == [finding(line=3, resource=None)]


def test_what_a_baseline_may_not_hide_is_neither_recorded_nor_hidden(match: Callable[..., Matched], plan: Plan) -> None:
    match(finding(), writes=True)

    shown, use = match(finding(), writes=True, can_hide=False)

    assert shown == [finding()]
    assert use.hidden == ()
    assert json.loads((plan.folder / baseline.FILE).read_text())["findings"] == []


def test_a_recorded_finding_that_is_gone_is_reported(match: Callable[..., Matched]) -> None:
    match(finding(), finding("OTHER"), writes=True)

    use = match(finding())[1]

    assert [entry.check for entry in use.gone] == ["OTHER"]
    assert use.notes == ("preflight-baseline.json: no longer found: OTHER at t.yaml/A. Next: remove them with --write-baseline",)


def test_writing_again_takes_out_what_is_gone(match: Callable[..., Matched], plan: Plan) -> None:
    match(finding(), finding("OTHER"), writes=True)
    match(finding(), writes=True)

    assert [row["check"] for row in json.loads((plan.folder / baseline.FILE).read_text())["findings"]] == ["RULE"]


def test_entries_about_files_that_were_not_read_stay(match: Callable[..., Matched], plan: Plan) -> None:
    (plan.folder / "u.yaml").write_text(TEMPLATE)
    match(finding(), writes=True)

    use = match(finding(file="u.yaml"), writes=True, with_plan=None, path="u.yaml")[1]

    assert use.gone == ()
    assert [row["file"] for row in json.loads(str(use.text))["findings"]] == ["t.yaml", "u.yaml"]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(TEMPLATE, id="another plan's"),
        pytest.param("Resources: [", id="unreadable"),
    ],
)
def test_a_plan_keeps_entries_about_templates_that_it_has_not_checked(match: Callable[..., Matched], plan: Plan, text: str) -> None:
    (plan.folder / "u.yaml").write_text(TEMPLATE)
    match(finding(file="u.yaml"), writes=True, with_plan=None, path="u.yaml")
    (plan.folder / "u.yaml").write_text(text)

    use = match(writes=True, path="u.yaml" if text != TEMPLATE else "t.yaml")[1]

    assert [row["file"] for row in json.loads(str(use.text))["findings"]] == ["u.yaml"]


def test_entries_about_a_template_that_the_stage_left_unchecked_stay(plan: Plan) -> None:
    """cfn-lint may take too long for one template of a plan."""
    text = baseline.render(Counter([BaselineEntry("t.yaml", "A", "RULE", "", "", "comply")]))
    (plan.folder / baseline.FILE).write_text(text)
    request = RunRequest(("comply",), plan, (plan.folder / "t.yaml",), (), writes_baseline=True)
    matcher = BaselineMatcher(baseline.of(request), inputs.read(request, run="0a1b2c3d"))

    matcher.shown((), stage="comply", can_hide=lambda _finding: True, unchecked={plan.folder / "t.yaml"})

    assert matcher.use is not None
    assert matcher.use.text == text


def test_files_are_named_from_the_folder_of_the_baseline(
    match: Callable[..., Matched], plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    match(finding(), writes=True)
    monkeypatch.chdir(plan.folder.parent)

    assert match(finding(file=f"{plan.folder.name}/t.yaml"))[0] == []


def test_a_baseline_has_a_line_for_each_finding_in_order(match: Callable[..., Matched], plan: Plan) -> None:
    match(finding("Z"), finding("B", prop="Name"), writes=True)

    assert (plan.folder / baseline.FILE).read_text().splitlines()[3:5] == [
        '    {"file": "t.yaml", "resource": "A", "check": "B", "property": "Name", "stage": "comply"},',
        '    {"file": "t.yaml", "resource": "A", "check": "Z", "stage": "comply"}',
    ]


def test_without_a_plan_the_baseline_above_the_templates_counts(match: Callable[..., Matched], plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    match(finding(), writes=True)
    (plan.folder / ".git").mkdir()
    (plan.folder / "cfn").mkdir()
    (plan.folder / "cfn" / "u.yaml").write_text(TEMPLATE)
    monkeypatch.chdir(plan.folder.parent)

    use = match(finding(file=f"{plan.folder.name}/cfn/u.yaml"), with_plan=None, path="cfn/u.yaml")[1]

    assert use.file == f"{plan.folder.name}/preflight-baseline.json"


def test_the_plan_names_another_baseline(match: Callable[..., Matched], plan: Plan) -> None:
    match(finding(), writes=True)
    (plan.folder / baseline.FILE).rename(plan.folder / "known.json")
    plan.path.write_text(f"{PLAN}baseline: known.json\n")

    assert match(finding(), with_plan=reader.load(plan.path))[0] == []


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        pytest.param("../known.json", "it leads outside", id="leads out of the checkout"),
        pytest.param("preflight.yaml", "this is not a baseline", id="is no baseline"),
    ],
)
@pytest.mark.parametrize("writes", [False, True], ids=["read", "written"])
def test_a_file_of_the_plan_that_cannot_be_a_baseline_is_refused(plan: Plan, name: str, problem: str, *, writes: bool) -> None:
    request = RunRequest(("comply",), replace(plan, baseline=plan.folder / name), (), (), writes_baseline=writes)

    with pytest.raises(UsageError, match=problem):
        baseline.of(request)


def test_a_file_of_the_plan_that_is_not_there_can_only_be_written(plan: Plan) -> None:
    request = RunRequest(("comply",), replace(plan, baseline=plan.folder / "known.json"), (), ())

    with pytest.raises(UsageError, match=r"there is no such file.*\. Next: write one by `preflight check --write-baseline`"):
        baseline.of(request)

    assert baseline.of(replace(request, writes_baseline=True)) is not None


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("[" * 100_000, id="nested deeply"),
        pytest.param('{"format": "preflight-baseline/2", "findings": []}', id="another version"),
        pytest.param('{"format": "preflight-baseline/1", "findings": {"a": 1}}', id="no list"),
        pytest.param('{"format": "preflight-baseline/1", "findings": [{"check": ["RULE"]}]}', id="a list for a text"),
        pytest.param('{"format": "preflight-baseline/1", "findings": ["RULE"]}', id="a text for a finding"),
    ],
)
def test_a_baseline_of_another_form_is_refused_and_stays_as_it_is(match: Callable[..., Matched], plan: Plan, text: str) -> None:
    (plan.folder / baseline.FILE).write_text(text)

    with pytest.raises(UsageError, match="this is not a baseline"):
        match(finding(), writes=True)

    assert (plan.folder / baseline.FILE).read_text() == text


def test_a_baseline_that_is_a_link_out_of_the_checkout_is_refused(match: Callable[..., Matched], plan: Plan) -> None:
    outside = plan.folder.parent / f"{plan.folder.name}-outside.json"
    outside.write_text('{"format": "preflight-baseline/1", "findings": []}')
    (plan.folder / baseline.FILE).symlink_to(outside)

    with pytest.raises(UsageError, match="it leads outside"):
        match(finding())


def test_without_a_baseline_there_is_nothing_to_report(plan: Plan) -> None:
    request = RunRequest(("comply",), plan, (plan.folder / "t.yaml",), ())
    matcher = BaselineMatcher(baseline.of(request), inputs.read(request, run="0a1b2c3d"))

    assert matcher.shown([finding()], stage="comply", can_hide=lambda _finding: True) == [finding()]
    assert matcher.use is None
