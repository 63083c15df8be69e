"""What a checkout can do with texts, paths, configuration and modules; and what a caller's machine may lack."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess  # noqa: TID251 - the streams and signals of the command itself are under test
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from preflight import report
from tests.hostile.conftest import PLAN, Ended

pytestmark = pytest.mark.hostile
CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
INJECTION = r"""
Resources:
  "Q\n::error file=x::PWN1":
    Type: "AWS::ECS::TaskDefinition"
    Properties: {"Net\n::warning::PWN2\u009b31m\u202e": 1, RequiresCompatibilities: [FARGATE], ContainerDefinitions: [{Name: "c\n::error::PWN3", Image: x, Secrets: [{Name: a, ValueFrom: "b\n##[error]PWN4"}]}]}
    Metadata: {guard: {SuppressedRules: {ECS_TASKDEF_CPU_MEMORY_PRESENT: "reason long enough\n::error::PWN5 for it"}}}
  Q2: {Type: "AWS::SQS::Queue\n::error::PWN6", DependsOn: "x\n::stop-commands::PWN7"}
Outputs: {"O\n::add-mask::PWN8": {Value: !Ref "Z\n::notice::PWN9\u009b"}}
Parameters: {"P\n::error::PWN10": {Type: "String\n::error::PWN11"}}
"""


def commands(text: str) -> list[str]:
    """The lines that a runner of GitHub would obey and that the checkout wrote."""
    lines = re.split(r"[\r\n]+", text)
    return [line for line in lines if re.match(r"\s*::\w+[^:]*::PWN", line) or re.search(r"##\w*\[", line)]


@pytest.mark.hostile(
    9,
    "inject",
    input="line breaks, `::error`, `##[error]`, escape sequences and bidi overrides in names and texts of a template",
    happens="shown escaped in every format and on standard error; no line is a command of a CI runner",
)
@pytest.mark.parametrize("name", report.FORMATS)
def test_no_text_of_a_template_is_a_command_or_a_control_character(
    checkout: Path, preflight: Callable[..., Ended], name: str
) -> None:
    (checkout / "t.yaml").write_text(INJECTION)

    ended = preflight("check", "--stage", "lint", "--format", name, env={"GITHUB_ACTIONS": "true"})

    assert ended.returncode == 1
    assert "PWN1" in ended.stdout
    for text in (ended.stdout, ended.stderr):
        assert commands(text) == []
        assert CONTROL.findall(text) == []


def test_an_error_about_a_plan_is_one_line(checkout: Path, preflight: Callable[..., Ended]) -> None:
    (checkout / "preflight.yaml").write_text(PLAN + r'"x\n::error::PWN\u009b": 1' + "\n")

    ended = preflight("check")

    assert ended.returncode == 2
    assert len(ended.stderr.splitlines()) == 1
    assert CONTROL.findall(ended.stderr) == []


@pytest.mark.hostile(
    10,
    "inject",
    input="`--output-dir` leads through a symbolic link of the checkout",
    happens="exit code 2, and nothing is written",
)
@pytest.mark.parametrize("at", ["out", "out/inner"])
def test_a_report_is_not_written_through_a_linked_folder(
    checkout: Path, tmp_path: Path, preflight: Callable[..., Ended], at: str
) -> None:
    (tmp_path / "victim").mkdir()
    (checkout / "out").symlink_to(tmp_path / "victim")

    ended = preflight("lint", "t.yaml", "--output-dir", at)

    assert ended.returncode == 2
    assert "symbolic link" in ended.stderr
    assert list((tmp_path / "victim").iterdir()) == []


def test_a_report_replaces_a_link_and_leaves_what_it_leads_to(
    checkout: Path, tmp_path: Path, preflight: Callable[..., Ended]
) -> None:
    (checkout / "out").mkdir()
    (tmp_path / "victim").write_text("mine")
    (checkout / "out" / "preflight.txt").symlink_to(tmp_path / "victim")

    ended = preflight("lint", "t.yaml", "--output-dir", "out")

    assert ended.returncode == 0
    assert (tmp_path / "victim").read_text() == "mine"
    assert "verdict: pass" in (checkout / "out" / "preflight.txt").read_text()


@pytest.mark.hostile(
    17,
    input="stdout or stderr closed or full",
    happens="exit code 2 with a sentence; a lost stderr changes nothing",
)
@pytest.mark.parametrize(
    ("redirection", "code"),
    [
        pytest.param(">&-", 2, id="stdout closed"),
        pytest.param(">/dev/full", 2, id="stdout full"),
        pytest.param("2>&-", 0, id="stderr closed"),
        pytest.param("2>/dev/full", 0, id="stderr full"),
        pytest.param("<&- 2>&-", 0, id="stdin and stderr closed"),
        pytest.param("<&- >&- 2>&-", 2, id="all closed"),
    ],
)
def test_a_stream_that_cannot_be_written_ends_with_a_sentence(
    preflight: Callable[..., Ended], redirection: str, code: int
) -> None:
    ended = preflight("lint", "t.yaml", streams=redirection)

    assert ended.returncode == code
    assert "Traceback" not in ended.stderr
    assert "internal error" not in ended.stderr
    assert "Exception ignored" not in ended.stderr
    assert "standard output cannot be written" in ended.stderr or code == 0 or "2>" in redirection


@pytest.mark.parametrize("args", [["--help"], ["rules"], ["--version"]], ids=" ".join)
def test_other_output_that_cannot_be_written_ends_with_2(preflight: Callable[..., Ended], args: list[str]) -> None:
    ended = preflight(*args, streams=">/dev/full")

    assert ended.returncode == 2
    assert len(ended.stderr.splitlines()) == 1


@pytest.mark.hostile(
    17,
    input="HOME missing or read-only",
    happens="exit code 2 with a sentence",
)
def test_a_home_that_cannot_be_written_is_no_internal_error(tmp_path: Path, preflight: Callable[..., Ended]) -> None:
    (tmp_path / "file").write_text("")

    ended = preflight("check", "--stage", "rehearse", env={"HOME": str(tmp_path / "file"), "XDG_CACHE_HOME": None})

    assert ended.returncode == 2
    assert "internal error" not in ended.stderr + ended.stdout
    assert "Traceback" not in ended.stderr + ended.stdout


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda path: path.symlink_to("/dev/zero"), id="a device"),
        pytest.param(lambda path: path.symlink_to("../outside.yaml"), id="a link out"),
        pytest.param(os.mkfifo, id="a FIFO"),
    ],
)
def test_a_template_of_a_plan_is_a_plain_file_of_the_checkout(
    checkout: Path, preflight: Callable[..., Ended], make: Callable[[Path], None]
) -> None:
    (checkout / "t.yaml").unlink()
    make(checkout / "t.yaml")

    ended = preflight("check", "--stage", "lint", timeout=20)

    assert ended.returncode == 2
    assert ended.stderr.startswith("preflight: preflight.yaml:5: t.yaml: it ")
    assert len(ended.stderr.splitlines()) == 1


def test_a_path_may_lead_to_another_folder_of_the_repository(
    checkout: Path, tmp_path: Path, preflight: Callable[..., Ended]
) -> None:
    (tmp_path / ".git").mkdir()
    (checkout / "preflight.yaml").write_text(PLAN.replace("t.yaml", "../outside.yaml"))

    assert preflight("check", "--stage", "lint").returncode == 0


def test_a_path_on_the_command_line_is_free(checkout: Path, preflight: Callable[..., Ended]) -> None:
    (checkout / "l.yaml").symlink_to("../outside.yaml")

    assert preflight("lint", "l.yaml", "../outside.yaml").returncode == 0


def test_a_device_on_the_command_line_is_read_no_further_than_a_template(preflight: Callable[..., Ended]) -> None:
    ended = preflight("lint", "/dev/zero", timeout=20)

    assert ended.returncode == 1
    assert "more than" in ended.stdout


def test_a_nested_template_is_read_only_inside_the_checkout(checkout: Path, preflight: Callable[..., Ended]) -> None:
    os.mkfifo(checkout / "fifo")
    (checkout / "zero").symlink_to("/dev/zero")
    nested = "\n".join(
        f'  N{n}: {{Type: "AWS::CloudFormation::Stack", Properties: {{TemplateURL: "{url}", Parameters: {{A: b}}}}}}'
        for n, url in enumerate(("./fifo", "./zero", "/dev/zero"))
    )
    (checkout / "t.yaml").write_text(f"Resources:\n{nested}\n")

    ended = preflight("lint", "t.yaml", timeout=30)

    assert ended.returncode in {0, 1}
    assert ended.stderr == "preflight: lint\n"


def test_a_configuration_of_cfn_lint_in_the_checkout_runs_nothing(checkout: Path, preflight: Callable[..., Ended]) -> None:
    (checkout / "r").mkdir()
    (checkout / "r" / "Evil.py").write_text("open('PWNED', 'w').close()\n")
    (checkout / ".cfnlintrc").write_text("append_rules: [r]\nignore_checks: [E3001]\n")
    (checkout / "t.yaml").write_text('Resources: {Q: {Type: "AWS::SQS::Queue", Wrong: 1}}\n')

    ended = preflight("lint", "t.yaml")

    assert ended.returncode == 1
    assert not (checkout / "PWNED").exists()


def test_no_module_of_the_checkout_is_imported(checkout: Path, preflight: Callable[..., Ended]) -> None:
    for name in ("boto3", "moto", "yaml", "preflight", "json"):
        (checkout / f"{name}.py").write_text("open('PWNED', 'w').close()\n")

    ended = preflight("check", "--stage", "rehearse", "--containers", "off", "--format", "json")

    assert not (checkout / "PWNED").exists()
    assert json.loads(ended.stdout)["verdict"] == "pass"


@pytest.mark.hostile(
    17,
    input="SIGQUIT",
    happens="everything is cleaned up, exit code 131",
)
def test_sigquit_cleans_up(checkout: Path) -> None:
    os.mkfifo(checkout / "slow.yaml")
    code = "import sys; from preflight.cli import main; sys.exit(main())"
    with subprocess.Popen(  # noqa: S603 - a command of this test
        [sys.executable, "-c", code, "lint", "slow.yaml"], cwd=checkout, stderr=subprocess.PIPE, text=True
    ) as started:
        time.sleep(2)  # noqa: TID251 - until it waits for the FIFO
        started.send_signal(signal.SIGQUIT)
        _, said = started.communicate(timeout=20)

    assert started.returncode == 131
    assert "everything was cleaned up" in said
