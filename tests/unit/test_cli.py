"""The command without containers: exit codes and messages."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import pytest

from preflight import cli, report
from preflight.commands import doctor, output
from preflight.errors import StopRequested
from preflight.system import extras, processes

ROOT = Path(__file__).parents[2]
FARGATE = "cfn/fa-018-fargate.yaml"


@pytest.fixture
def copy(tmp_path: Path) -> Callable[..., Path]:
    def make(file: str, old: str, new: str) -> Path:
        for name in ("cfn", "rules", "docker"):
            shutil.copytree(ROOT / name, tmp_path / name)
        shutil.copy(ROOT / "preflight.yaml", tmp_path)
        text = (tmp_path / file).read_text()
        assert old in text
        (tmp_path / file).write_text(text.replace(old, new))
        return tmp_path

    return make


@pytest.mark.hostile
@pytest.mark.parametrize("stage", ["rehearse", "update", "smoke"])
def test_every_stage_that_deploys_needs_the_callers_consent_to_egress(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], stage: str
) -> None:
    (tmp_path / "t.yaml").write_text("Resources: {C: {Type: AWS::ECS::Cluster}}\n")
    (tmp_path / "preflight.yaml").write_text("version: 1\nname: demo\nregion: eu-west-1\nsteps: [{stack: demo, template: t.yaml}]\negress: true\n")

    assert cli.main(["check", str(tmp_path), "--stage", stage, "--containers", "off"]) == 2
    assert "Next: pass --allow-egress" in capsys.readouterr().err


def static(folder: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    code = cli.main(["check", str(folder), "--stage", "lint,comply"])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


@pytest.mark.guard
@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        pytest.param("      NetworkMode: awsvpc\n", "", r"fa-018-fargate.yaml:\d+: TaskDefinition1 error: ECS_TASKDEF_NETWORK_MODE_AWSVPC", id="no network mode"),
        pytest.param("RequiresCompatibilities: [FARGATE]", "RequiresCompatibilities: [EC2]", "ECS_TASKDEF_REQUIRES_FARGATE", id="not for Fargate"),
        pytest.param("Resources:\n", "Resources: [\n", r"fa-018-fargate.yaml:\d+: error: TemplateUnreadable", id="no YAML"),
        pytest.param("Resources:\n", 'Evil: !!python/object/apply:os.system ["true"]\nResources:\n', r"fa-018-fargate.yaml:\d+: error: TemplateUnreadable", id="a tag that would run code"),
    ],
)  # fmt: skip
def test_a_wrong_template_fails_with_file_and_line(
    copy: Callable[..., Path], capsys: pytest.CaptureFixture[str], old: str, new: str, line: str
) -> None:
    code, out, _ = static(copy(FARGATE, old, new), capsys)

    assert code == 1
    assert re.search(line, out)
    assert "Traceback" not in out


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        pytest.param("standins:", "standinz:", "unknown key 'standinz'", id="unknown key in the plan"),
        pytest.param("rules: [rules]", "rules: [cfn]", "there is no rule in this folder", id="a folder without rules"),
        pytest.param("templates: cfn", "templates: nope", "there is no such file or folder", id="no templates"),
    ],
)
def test_what_cannot_be_checked_ends_with_2_and_one_message(
    copy: Callable[..., Path], capsys: pytest.CaptureFixture[str], old: str, new: str, message: str
) -> None:
    code, out, err = static(copy("preflight.yaml", old, new), capsys)

    assert code == 2
    assert message in out + err
    assert "Traceback" not in out + err


@pytest.mark.parametrize(
    "script", [pytest.param("exit 139", id="crashes"), pytest.param("echo cfn-guard 3.1.1", id="is silent")]
)
def test_a_cfn_guard_that_gives_no_verdict_ends_with_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, script: str
) -> None:
    fake = tmp_path / "cfn-guard"
    fake.write_text(f'#!/bin/sh\n[ "$1" = --version ] && {{ echo cfn-guard 3.1.1; exit 0; }}\n{script} > /dev/null\n')
    fake.chmod(0o755)
    monkeypatch.setenv("PREFLIGHT_CFN_GUARD", str(fake))

    code, out, _ = static(ROOT, capsys)

    assert code == 2
    assert "no verdict" in out
    assert out.splitlines()[-1].startswith("verdict: error")


def test_a_folder_without_a_plan_ends_with_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = cli.main(["check", str(tmp_path)])

    assert code == 2
    assert "there is no such plan" in capsys.readouterr().err


def test_a_folder_without_templates_ends_with_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = cli.main(["lint", str(tmp_path)])

    assert code == 2
    assert "there is no template in this folder" in capsys.readouterr().err


def test_without_a_container_engine_the_run_ends_with_2_and_says_what_to_install(tmp_path: Path) -> None:
    done = processes.run(
        sys.executable, "-m", "preflight", "check", str(ROOT), "--allow-standins", "--stage", "rehearse,smoke", "--format", "json",
        timeout=120, env={"PATH": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path)},
    )  # fmt: skip

    report = json.loads(done.stdout)
    assert done.code == 2
    assert report["verdict"] == "error"
    assert "install podman" in report["stages"][0]["reason"]
    assert "Traceback" not in done.stderr


@pytest.mark.guard
def test_without_containers_the_last_line_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    code = cli.main(["check", str(ROOT), "--containers", "off"])

    assert code == 0
    assert "smoke skipped: tasks were assumed to run" in capsys.readouterr().out.splitlines()[-1]


@pytest.mark.guard
def test_rules_that_come_with_the_program_are_used_without_a_plan(capsys: pytest.CaptureFixture[str]) -> None:
    code = cli.main(["comply", str(ROOT / "cfn"), "--format", "json"])

    assert code == 0
    assert json.loads(capsys.readouterr().out)["stages"][0]["outcome"] == "pass"


def test_several_formats_go_to_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = cli.main(["lint", str(ROOT / "cfn"), "--format", "json", "--format", "text", "--output-dir", str(tmp_path)])

    assert code == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["preflight.json", "preflight.txt"]
    assert capsys.readouterr().out == ""


def test_every_format_has_a_file_of_its_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    formats = [word for name in report.FORMATS for word in ("--format", name)]

    code = cli.main(["lint", str(ROOT / "cfn"), *formats, "--output-dir", str(tmp_path)])

    assert code == 0
    assert {path.name: path.read_text(encoding="utf-8").split()[0] for path in tmp_path.iterdir()} == {
        "preflight.txt": "lint",
        "preflight.json": "{",
        "preflight.xml": "<?xml",
        "preflight.sarif": "{",
        "preflight.html": "<!DOCTYPE",
        "preflight.github.txt": "verdict:",
        "preflight.md": "##",
    }


def test_an_unknown_format_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        cli.main(["lint", str(ROOT / "cfn"), "--format", "xml"])

    assert "invalid choice: 'xml'" in capsys.readouterr().err


def test_the_docs_name_the_file_of_every_format() -> None:
    docs = (ROOT / "docs" / "reports.md").read_text()

    assert [name for name, suffix in report.FORMATS.items() if f"| `{name}` | `preflight.{suffix}` |" not in docs] == []


def test_no_message_carries_a_workflow_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = cli.main(["lint", str(tmp_path / "a\n::error::x\r::error::y ##[error]z")])

    message = capsys.readouterr().err
    assert code == 2
    assert [line for line in re.split(r"[\r\n]+", message) if line.lstrip().startswith("::")] == []
    assert "##[" not in message


def test_help_imports_nothing_slow() -> None:
    script = "import sys; sys.argv=['preflight','--help']\nfrom preflight import cli\ntry: cli.main()\nexcept SystemExit: pass\nprint([m for m in ('moto','cfnlint','boto3','yaml','rich','jinja2','shtab','dataclasses','secrets','preflight.report.html','preflight.model') if m in sys.modules], file=sys.stderr)"

    done = processes.run(sys.executable, "-c", script, timeout=60)

    assert done.stderr.strip() == "[]"


@pytest.mark.guard
def test_rules_of_a_team_are_added_to_ours(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "own.guard").write_text(
        "let clusters = Resources.*[ Type == 'AWS::ECS::Cluster' ]\n"
        "rule ACME_X when %clusters !empty {\n  %clusters { Properties.Acme exists << Violation: no. Fix: yes. >> }\n}\n"
    )
    wrong = tmp_path / "t.yaml"
    wrong.write_text("Resources: {C: {Type: 'AWS::ECS::Cluster'}, S: {Type: 'AWS::ECS::Service', Properties: {LaunchType: EC2}}}\n")

    code = cli.main(["comply", str(wrong), "--rules", str(tmp_path), "--format", "json"])

    findings = json.loads(capsys.readouterr().out)["findings"]
    assert code == 1
    assert {finding["check"] for finding in findings} >= {"ACME_X", "ECS_SERVICE_LAUNCH_TYPE_FARGATE"}


@pytest.mark.guard
def test_the_plan_switches_and_waives_and_the_report_says_so(
    copy: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    more = (
        "checks: {ECS_TASKDEF_REQUIRES_FARGATE: off}\nwaivers:\n"
        "  - {rule: ECS_CONTAINER_AWSLOGS_GROUP_DECLARED, resource: TaskDefinition2, reason: made by hand long ago}\nsmoke:\n"
    )
    folder = copy("preflight.yaml", "smoke:\n", more)
    template = folder / FARGATE
    text = template.read_text().replace("[FARGATE]", "[EC2]").replace("!Ref LogGroup2", "/ecs/by-hand")
    template.write_text(text)

    code = cli.main(["check", str(folder), "--stage", "comply", "--allow-rule-changes"])

    out = capsys.readouterr().out
    assert code == 0
    assert "waived: plan: TaskDefinition2: ECS_CONTAINER_AWSLOGS_GROUP_DECLARED: made by hand long ago" in out
    assert "note: rules switched off here: ECS_TASKDEF_REQUIRES_FARGATE" in out
    assert "1 rule off)" in out
    assert "error:" not in out


@pytest.mark.guard
def test_a_switch_for_an_unknown_rule_ends_with_2(
    copy: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    folder = copy("preflight.yaml", "smoke:\n", "checks: {ECS_TASKDEF_REQUIRE_FARGATE: off}\nsmoke:\n")

    code, out, _ = static(folder, capsys)

    assert code == 2
    assert re.search(r"preflight\.yaml:\d+: .*did you mean 'ECS_TASKDEF_REQUIRES_FARGATE'", out)


def test_rules_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    code = cli.main(["rules"])

    names = {line.split()[3] for line in capsys.readouterr().out.splitlines()}
    assert code == 0
    assert names >= {"ECS_TASKDEF_NETWORK_MODE_AWSVPC", "EC2_PUBLIC_SUBNET_ROUTE"}


def test_rules_are_listed_as_a_plan_switches_them(copy: Callable[..., Path], capsys: pytest.CaptureFixture[str]) -> None:
    folder = copy("preflight.yaml", "smoke:\n", "checks: {EC2_PUBLIC_SUBNET_ROUTE: off}\nsmoke:\n")

    code = cli.main(["rules", "EC2_PUBLIC_SUBNET_ROUTE", "--plan", str(folder), "--format", "json"])

    assert code == 0
    assert [rule["on"] for rule in json.loads(capsys.readouterr().out)] == [False]


def test_a_rule_that_is_not_there_ends_with_2(capsys: pytest.CaptureFixture[str]) -> None:
    code = cli.main(["rules", "NOPE"])

    assert code == 2
    assert "there is no rule 'NOPE'" in capsys.readouterr().err


@pytest.mark.guard
@pytest.mark.parametrize(
    ("arguments", "purpose"),
    [
        pytest.param(["check", str(ROOT), "--containers", "off"], "the rehearsal", id="check"),
        pytest.param(["serve"], "preflight serve", id="serve"),
    ],
)
def test_a_command_without_its_extra_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str], purpose: str
) -> None:
    monkeypatch.setitem(sys.modules, "moto", None)

    code = cli.main(arguments)

    assert code == 2
    assert capsys.readouterr().err == (
        f"preflight: {purpose} needs Python packages that are not installed here (moto[server]). Next: pip install 'fargate-preflight[rehearsal]'\n"
    )


def test_lint_needs_no_extra(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for modules in extras.MODULES.values():
        for module in modules:
            monkeypatch.setitem(sys.modules, module, None)

    assert cli.main(["lint", str(ROOT / FARGATE)]) == 0


def test_comply_imports_nothing_slow() -> None:
    script = f"import sys\nfrom preflight import cli\ncli.main(['comply', {str(ROOT / 'cfn')!r}])\nprint([m for m in ('moto','cfnlint','boto3') if m in sys.modules])"

    done = processes.run(sys.executable, "-c", script, timeout=60)

    assert done.stdout.splitlines()[-1] == "[]"


def test_a_run_goes_on_when_its_messages_have_no_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    """It has things to clean up; Ctrl-C ends `2>&1 | tee log` at the same moment."""
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as stream:
        monkeypatch.setattr(sys, "stderr", stream)
        for text in ("deleting stack a", "deleting stack b"):
            output.say(text)

        assert os.path.samestat(os.fstat(writing), Path(os.devnull).stat())


@pytest.mark.parametrize(
    ("before", "stops"),
    [
        pytest.param(signal.SIG_DFL, True, id="a terminal that closes"),
        pytest.param(signal.SIG_IGN, False, id="under nohup"),
    ],
)
def test_a_terminal_that_closes_stops_a_run_unless_that_is_ignored(before: signal.Handlers, *, stops: bool) -> None:
    former = signal.signal(signal.SIGHUP, before)
    try:
        stop_signals = cli._stop_signals()
    finally:
        signal.signal(signal.SIGHUP, former)

    assert (signal.SIGHUP in stop_signals) is stops


def test_an_internal_error_ends_with_2_and_says_how_to_report_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PREFLIGHT_DEBUG", raising=False)
    monkeypatch.setattr(doctor, "run", mock.Mock(side_effect=ValueError("no such thing")))

    code = cli.main(["doctor"])

    assert code == 2
    assert "internal error: ValueError('no such thing'). Next: set PREFLIGHT_DEBUG=1" in capsys.readouterr().err


def test_a_stop_ends_with_its_code_and_lists_what_is_left(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    stop = StopRequested(143)
    stop.left.append("stack s may still be there")
    monkeypatch.setattr(doctor, "run", mock.Mock(side_effect=stop))

    code = cli.main(["doctor"])

    assert code == 143
    assert capsys.readouterr().err == "preflight: stopped; stack s may still be there\n"


@pytest.mark.guard
def test_a_plan_cannot_switch_off_a_rule_of_tier_fargate(
    copy: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    folder = copy("preflight.yaml", "smoke:\n", "checks: {ECS_TASKDEF_REQUIRES_FARGATE: off}\nsmoke:\n")

    code = cli.main(["check", str(folder), "--stage", "comply", "--format", "json"])

    findings = json.loads(capsys.readouterr().out)["findings"]
    assert code == 1
    assert [f["check"] for f in findings if f["severity"] == "error"] == ["FARGATE_RULE_SWITCHED"]


@pytest.mark.guard
def test_a_file_that_cannot_be_read_is_one_finding_and_the_others_are_checked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "broken.yaml").write_text("Resources: {A: [")
    (tmp_path / "group.yaml").write_text("Resources: {G: {Type: 'AWS::Logs::LogGroup'}}\n")

    cli.main(["comply", str(tmp_path), "--format", "json"])

    findings = json.loads(capsys.readouterr().out)["findings"]
    assert {"TemplateUnreadable", "LOGS_LOG_GROUP_RETENTION"} <= {finding["check"] for finding in findings}
