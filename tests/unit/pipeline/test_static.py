from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from unittest import mock

import pytest

from preflight.comply import cfn_guard_binary, stage
from preflight.errors import ToolMissingError
from preflight.lint import cfn_lint
from preflight.lint.cfn_lint import LintRun
from preflight.lint.known_matches import MatchesRun
from preflight.model import Finding, Outcome, ReportedWaiver, Severity
from preflight.pipeline import inputs
from preflight.pipeline.request import AccountOptions, RunRequest
from preflight.pipeline.static import StaticStages
from preflight.plan import plan, reader
from preflight.plan.resolved_stacks import ResolvedTemplate
from preflight.plan.rule_settings import RuleSwitch

PLAN = reader.load(Path(__file__).parents[3] / plan.FILE)
WARNING = Finding("lint", "W1", Severity.WARNING, "it could be better")
ERROR = Finding("comply", "RULE", Severity.ERROR, "it is wrong")
WAIVER = ReportedWaiver("RULE", "A", "by hand", "plan")


@pytest.fixture(autouse=True)
def _tools(monkeypatch: pytest.MonkeyPatch) -> None:
    """cfn-lint with a warning, and cfn-guard with an error and a waiver."""

    @contextlib.contextmanager
    def running(*_: object) -> Iterator[mock.Mock]:
        run = mock.Mock(spec=stage.ComplyRun)
        run.result.return_value = mock.Mock(findings=(ERROR,), waived=(WAIVER,))
        yield run

    binary = mock.Mock()
    binary.name = "3.1.1"
    monkeypatch.setattr(cfn_guard_binary, "find", lambda: binary)
    monkeypatch.setattr(stage, "running", running)
    monkeypatch.setattr(LintRun, "result", lambda _run: [WARNING])
    monkeypatch.setattr(MatchesRun, "start", lambda _run: None)


def static(request: RunRequest) -> StaticStages:
    return StaticStages(inputs.read(request, run="0a1b2c3d"), lambda _: None)


def request(*stages: str, strict: bool = False) -> RunRequest:
    return RunRequest(stages, PLAN, tuple(PLAN.template_files()), (), strict=strict)


def test_lint_and_comply_report_their_findings_and_waivers() -> None:
    stages = static(request("lint", "comply"))

    linted, complied = stages.run()

    assert linted.findings == (WARNING,)
    assert linted.outcome is Outcome.PASS
    assert complied.findings == (ERROR,)
    assert complied.waived == (WAIVER,)
    assert complied.outcome is Outcome.FAIL
    assert stages.versions == {"cfn-guard": "3.1.1", "cfn-lint": cfn_lint.version()}


def test_lint_knows_the_templates_as_the_stacks_of_every_region_and_of_the_account_have_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    condition = '{"Fn::Equals": [{"Fn::Sub": "${AWS::Region}/${AWS::AccountId}"}, "eu-west-2/210987654321"]}'
    (tmp_path / "t.yaml").write_text(f"Conditions: {{Is: {condition}}}\nResources: {{Q: {{Type: AWS::SQS::Queue, Condition: Is}}}}\n")
    (tmp_path / plan.FILE).write_text("version: 1\nname: demo\nregion: eu-west-1\nsteps: [{stack: a, template: t.yaml}]\n")
    written = reader.load(tmp_path / plan.FILE)
    account = AccountOptions("210987654321", ("eu-west-1", "eu-west-2"), lambda: True)
    stacks: list[ResolvedTemplate] = []

    def result(run: LintRun) -> list[Finding]:
        stacks.extend(run._stacks())
        return []

    monkeypatch.setattr(LintRun, "result", result)

    static(RunRequest(("lint",), written, tuple(written.template_files()), (), account=account)).run()

    assert [stack.resolver.holds(stack.source.resources["Q"]) for stack in stacks] == [False, True]


def test_a_warning_fails_a_strict_run() -> None:
    assert [result.outcome for result in static(request("lint", strict=True)).run()] == [Outcome.FAIL]


def test_without_a_program_for_cfn_lint_lint_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MatchesRun, "start", mock.Mock(side_effect=ToolMissingError("python is gone")))

    linted, complied = static(request("lint", "comply")).run()

    assert (linted.outcome, linted.reason) == (Outcome.ERROR, "python is gone")
    assert complied.findings == (ERROR,)


def test_without_cfn_guard_comply_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cfn_guard_binary, "find", mock.Mock(side_effect=ToolMissingError("run preflight doctor")))

    results = static(request("lint", "comply")).run()

    assert [result.outcome for result in results] == [Outcome.PASS, Outcome.ERROR]
    assert results[1].reason == "run preflight doctor"


def test_an_unreadable_template_fails_lint_and_skips_comply(tmp_path: Path) -> None:
    (tmp_path / "t.yaml").write_text("[")

    stages = static(replace(request("lint", "comply"), templates=(tmp_path / "t.yaml",)))

    linted, complied = stages.run()

    assert linted.outcome is Outcome.FAIL
    assert "TemplateUnreadable" in [finding.check for finding in linted.findings]
    assert complied.outcome is Outcome.SKIPPED
    assert "cfn-guard" not in stages.versions


def test_the_rules_that_the_plan_switches_off_are_for_the_report() -> None:
    switches = (RuleSwitch("ECR_SCAN_ON_PUSH", "off", 1), RuleSwitch("ECR_TAG_IMMUTABLE", "practice", 2))
    switched = replace(PLAN, policy=replace(PLAN.policy, switches=switches))
    stages = static(replace(request("comply"), plan=switched))

    stages.run()

    assert stages.rules_off == ("ECR_SCAN_ON_PUSH",)
