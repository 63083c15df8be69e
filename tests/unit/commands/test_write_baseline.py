"""The command with a baseline: what it hides, what it never hides, and what the report says of it."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from preflight import cli
from preflight.pipeline import baseline

ROOT = Path(__file__).parents[3]
GROUP = "  Group: {Type: 'AWS::Logs::LogGroup'}\n"
TASK = "  Task: {Type: 'AWS::ECS::TaskDefinition', Properties: {RequiresCompatibilities: [FARGATE], NetworkMode: bridge, ContainerDefinitions: []}}\n"
FARGATE_RULE = "ECS_TASKDEF_NETWORK_MODE_AWSVPC"
pytestmark = pytest.mark.guard


@pytest.fixture
def template(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A template with a log group that keeps its events for ever, in the current folder."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "t.yaml"
    path.write_text(f"Resources:\n{GROUP}")
    return path


def comply(*args: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    code = cli.main(["comply", "t.yaml", *args])
    return code, capsys.readouterr().out


def test_the_first_run_records_and_the_second_one_passes(template: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before, _ = comply("--strict", capsys=capsys)
    comply("--write-baseline", capsys=capsys)
    after, out = comply("--strict", capsys=capsys)

    assert [before, after] == [1, 0]
    assert "hidden by preflight-baseline.json)" in out.splitlines()[-1]


def test_json_says_how_many_are_hidden_and_which_are_gone(template: Path, capsys: pytest.CaptureFixture[str]) -> None:
    comply("--write-baseline", capsys=capsys)
    template.write_text("Resources:\n  Group: {Type: 'AWS::Logs::LogGroup', Properties: {RetentionInDays: 7}}\n")
    _, out = comply("--format", "json", capsys=capsys)

    report = json.loads(out)
    assert "LOGS_LOG_GROUP_RETENTION" in [entry["check"] for entry in report["baseline"]["gone"]]
    assert report["baseline"]["file"] == baseline.FILE
    jsonschema.validate(report, json.loads((ROOT / "docs" / "report.schema.json").read_text()))


def test_entries_of_rules_that_a_run_does_not_have_stay(template: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rules = template.parent / "own"
    rules.mkdir()
    (rules / "own_group.guard").write_text("rule OWN_GROUP { Resources.Group.Properties.KmsKeyId exists <<Violation: no key. Fix: set KmsKeyId.>> }\n")
    comply("--rules", "own", "--write-baseline", capsys=capsys)

    _, out = comply("--write-baseline", capsys=capsys)

    assert "OWN_GROUP" in (template.parent / baseline.FILE).read_text()
    assert "no longer found" not in out


def test_a_finding_of_tier_fargate_is_not_recorded(template: Path, capsys: pytest.CaptureFixture[str]) -> None:
    template.write_text(f"Resources:\n{TASK}")

    code, _ = comply("--write-baseline", capsys=capsys)

    assert code == 1
    assert FARGATE_RULE not in (template.parent / baseline.FILE).read_text()


@pytest.mark.hostile(
    11,
    input="`preflight-baseline.json` lists findings of rules of tier fargate, or errors of cfn-lint",
    happens="they count all the same; the last line says how many other findings the file hides",
)
def test_an_entry_hides_no_finding_of_tier_fargate(template: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A baseline is data of the checkout, which an author of templates may write by hand."""
    template.write_text(f"Resources:\n{TASK}")
    _, out = comply("--format", "json", capsys=capsys)
    rows = [{key: str(f[key] or "") for key in ("file", "resource", "check", "property", "stage")} for f in json.loads(out)["findings"]]
    (template.parent / baseline.FILE).write_text(json.dumps({"format": baseline.FORMAT, "findings": rows}))

    code, out = comply("--format", "json", capsys=capsys)

    assert code == 1
    assert FARGATE_RULE in [finding["check"] for finding in json.loads(out)["findings"]]


def test_an_error_of_cfn_lint_is_not_recorded(template: Path, capsys: pytest.CaptureFixture[str]) -> None:
    template.write_text("Resources:\n  Group: {Type: 'AWS::Logs::LogGroup', Properties: {RetentionInDay: 7}}\n")

    code = cli.main(["lint", "t.yaml", "--write-baseline"])

    assert code == 1
    assert "E3002" not in (template.parent / baseline.FILE).read_text()


def test_a_warning_of_cfn_lint_is_recorded(template: Path, capsys: pytest.CaptureFixture[str]) -> None:
    template.write_text(f"Parameters: {{Unused: {{Type: String}}}}\nResources:\n{GROUP}")
    cli.main(["lint", "t.yaml", "--write-baseline"])

    assert cli.main(["lint", "t.yaml", "--strict"]) == 0


def test_lint_keeps_what_comply_recorded(template: Path, capsys: pytest.CaptureFixture[str]) -> None:
    comply("--write-baseline", capsys=capsys)

    cli.main(["lint", "t.yaml", "--write-baseline"])

    assert "LOGS_LOG_GROUP_RETENTION" in (template.parent / baseline.FILE).read_text()


def test_a_named_file_is_written_and_read(template: Path, capsys: pytest.CaptureFixture[str]) -> None:
    comply("--write-baseline", "known.json", capsys=capsys)

    assert comply("--strict", "--baseline", "known.json", capsys=capsys)[0] == 0


def test_a_file_that_is_no_baseline_is_not_overwritten(template: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = template.read_text()

    code = cli.main(["comply", "t.yaml", "--write-baseline", "t.yaml"])

    assert code == 2
    assert "this is not a baseline" in capsys.readouterr().err
    assert template.read_text() == before


@pytest.mark.parametrize(
    ("resources", "is_advised"),
    [
        pytest.param("  Group: {Type: 'AWS::ECR::Repository'}\n", True, id="rules that may be waived"),
        pytest.param("  Group: {Type: 'AWS::ECR::Repository'}\n" + TASK, False, id="a rule of tier fargate too"),
        pytest.param("  Group: {Type: 'AWS::SNS::Topic'}\n", False, id="nothing fails"),
    ],
)
def test_a_first_run_that_fails_by_rules_only_says_how_to_go_on(template: Path, resources: str, *, is_advised: bool, capsys: pytest.CaptureFixture[str]) -> None:
    template.write_text(f"Resources:\n{resources}")
    (template.parent / "preflight.yaml").write_text("version: 1\nname: demo\nregion: eu-west-1\nsteps: [{stack: demo, template: t.yaml}]\n")

    cli.main(["check", "--stage", "comply"])

    assert ("`preflight check --write-baseline`" in capsys.readouterr().out) == is_advised
