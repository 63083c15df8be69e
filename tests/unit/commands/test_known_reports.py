"""A run of lint and comply that nothing changed for since the last one: its report is that one, and nothing is checked."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from preflight import cli
from preflight.commands import known_reports
from preflight.comply import cfn_guard
from preflight.lint.workers import LintWorkers
from preflight.pipeline import run as pipeline
from preflight.system import files_read, processes, result_cache
from preflight.system.result_cache import ResultCache

ROOT = Path(__file__).parents[3]
CAN_BE_KEPT = known_reports.can_be_kept
HEAVY = ("boto3", "botocore", "cfnlint", "jinja2", "moto", "rich", "yaml", "preflight.comply", "preflight.plan", "preflight.templates")
PLAN = """\
version: 1
name: demo
region: eu-west-1
rules: [own]
templates: cfn
steps:
  - {stack: demo, template: cfn/t.yaml, parameters: values.json}
  - {image: demo, build: image}
"""
TEMPLATE = """\
Parameters: {Days: {Type: Number}}
Resources:
  Logs: {Type: "AWS::Logs::LogGroup", Properties: {RetentionInDays: !Ref Days}}
  Nested: {Type: "AWS::CloudFormation::Stack", Properties: {TemplateURL: nested.yaml}}
"""
RULE = "rule OWN {\n  Resources.Logs exists <<Violation: no log group. Fix: add one.>>\n}\n"


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A plan with all that a plan may name, and a cache of this test."""
    monkeypatch.setattr(known_reports, "can_be_kept", CAN_BE_KEPT)
    cache, folder = tmp_path / "cache", tmp_path / "checkout"
    cache.mkdir(mode=0o700)
    monkeypatch.setattr(result_cache, "of_user", lambda: ResultCache(cache))
    monkeypatch.setattr(result_cache, "folder", lambda: cache)
    for name in ("cfn", "own", "image", ".git"):
        (folder / name).mkdir(parents=True)
    (folder / "preflight.yaml").write_text(PLAN)
    (folder / "cfn" / "t.yaml").write_text(TEMPLATE)
    (folder / "own" / "own.guard").write_text(RULE)
    (folder / "image" / "Dockerfile").write_text("FROM scratch\n")
    (folder / "values.json").write_text('{"Parameters": {"Days": "7"}}')
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def idle_tools(monkeypatch: pytest.MonkeyPatch) -> None:
    """cfn-lint and cfn-guard find nothing, and take no time for it."""
    monkeypatch.setattr(LintWorkers, "start", lambda _workers: None)
    monkeypatch.setattr(LintWorkers, "result", lambda workers: {path: [] for path in workers._files})
    monkeypatch.setattr(cfn_guard, "start", lambda *_, **__: mock.Mock(by_document=dict))


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """The runs that were really made."""
    made: list[object] = []
    run = pipeline.run

    def counted(*args: Any) -> object:
        made.append(args)
        return run(*args)

    monkeypatch.setattr(pipeline, "run", counted)
    return made


def check(*options: str) -> None:
    cli.main(["check", "--stage", "lint,comply", *options])


def report(capsys: pytest.CaptureFixture[str], *options: str) -> dict[str, Any]:
    """What a run reports in JSON, but for times and the run's id."""
    capsys.readouterr()
    check("--format", "json", *options)
    written: dict[str, Any] = json.loads(capsys.readouterr().out)
    for stage in written["stages"]:
        del stage["seconds"]
    return {key: value for key, value in written.items() if key not in {"run", "started"}}


@pytest.mark.guard
def test_the_report_of_an_unchanged_run_is_the_same(checkout: Path, runs: list[object], capsys: pytest.CaptureFixture[str]) -> None:
    first, second, uncached = report(capsys), report(capsys), report(capsys, "--no-cache")

    assert first["findings"]
    assert second == first
    assert uncached == first
    assert len(runs) == 2


@pytest.mark.guard
@pytest.mark.parametrize("name", ["text", "junit", "sarif", "html", "github", "markdown"])
def test_another_format_needs_no_other_run(checkout: Path, idle_tools: None, runs: list[object], name: str) -> None:
    check()
    check("--format", name)

    assert len(runs) == 1


def _write(name: str, text: str) -> Callable[[Path], object]:
    def change(checkout: Path) -> None:
        (checkout / name).parent.mkdir(exist_ok=True)
        (checkout / name).write_text(text)

    return change


def _lead_elsewhere(checkout: Path) -> None:
    (checkout / "cfn" / "t.yaml").rename(checkout / "moved")
    (checkout / "cfn" / "t.yaml").symlink_to(checkout / "moved")


@pytest.mark.guard
@pytest.mark.parametrize(
    "change",
    [
        pytest.param(_write("cfn/t.yaml", TEMPLATE.replace("Logs:", "Other:")), id="a template"),
        pytest.param(_write("cfn/more.yaml", TEMPLATE), id="one more template"),
        pytest.param(_write("cfn/nested.yaml", "Resources: {}\n"), id="a nested template that was absent"),
        pytest.param(_write("cfn/more/t.yaml", TEMPLATE), id="a folder of templates"),
        pytest.param(_write("preflight.yaml", PLAN.replace("eu-west-1", "us-east-1")), id="the plan"),
        pytest.param(_write("values.json", '{"Parameters": {"Days": "8"}}'), id="the values of parameters"),
        pytest.param(_write("own/own.guard", RULE.replace("exists", "!exists")), id="a rule"),
        pytest.param(_write("own/more/other.guard", RULE.replace("OWN", "OTHER")), id="one more rule"),
        pytest.param(_write("own/rules.yaml", "OWN: {severity: warning}\n"), id="the metadata of rules"),
        pytest.param(_write("preflight-baseline.json", '{"format": "preflight-baseline/1", "findings": []}'), id="a baseline"),
        pytest.param(lambda checkout: (checkout / "image" / "Dockerfile").unlink(), id="no Dockerfile"),
        pytest.param(lambda checkout: (checkout / ".git").rmdir(), id="another root of the checkout"),
        pytest.param(_lead_elsewhere, id="a link in the place of a template"),
        pytest.param(lambda _: os.environ.__setitem__("PREFLIGHT_CFN_GUARD", "/nowhere"), id="another cfn-guard"),
    ],
)
def test_what_changed_is_checked_again(
    checkout: Path, idle_tools: None, runs: list[object], change: Callable[[Path], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREFLIGHT_CFN_GUARD", os.environ.get("PREFLIGHT_CFN_GUARD", ""))
    check()
    change(checkout)

    check()

    assert len(runs) + (not (checkout / "image" / "Dockerfile").exists()) == 2  # such a plan is refused before its run


@pytest.mark.guard
@pytest.mark.parametrize("options", [("--strict",), ("--no-cache",), ("--allow-rule-changes",)])
def test_another_question_is_another_run(checkout: Path, idle_tools: None, runs: list[object], options: tuple[str, ...]) -> None:
    check()
    check(*options)

    assert len(runs) == 2


@pytest.mark.guard
def test_what_could_not_be_checked_is_checked_again(checkout: Path, idle_tools: None, runs: list[object], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFLIGHT_CFN_GUARD", "/nowhere")
    check()
    check()

    assert len(runs) == 2


@pytest.mark.guard
@pytest.mark.parametrize("poison", [{}, [], {"files": {}, "report": {}}, {"files": {}, "report": {"stages": 1}}, {"files": {"other": ["a", "b"]}, "report": {}}], ids=str)
def test_an_entry_of_another_form_is_ignored(checkout: Path, idle_tools: None, runs: list[object], poison: object, monkeypatch: pytest.MonkeyPatch) -> None:
    check()
    cache = result_cache.of_user()
    for entry in (checkout.parent / "cache").iterdir():
        cache.put(entry.name, poison)

    check()

    assert len(runs) == 2


@pytest.mark.guard
def test_a_file_that_changes_during_the_run_is_checked_again(checkout: Path, idle_tools: None, runs: list[object], monkeypatch: pytest.MonkeyPatch) -> None:
    run = pipeline.run

    def change_and_run(*args: Any) -> object:
        made = run(*args)
        (checkout / "cfn" / "t.yaml").write_text(TEMPLATE.replace("Logs:", "Other:"))
        return made

    monkeypatch.setattr(pipeline, "run", change_and_run)
    check()
    check()

    assert len(runs) == 2


@pytest.mark.guard
def test_a_report_is_of_the_day_on_which_its_run_began(checkout: Path, idle_tools: None, runs: list[object], monkeypatch: pytest.MonkeyPatch) -> None:
    """A waiver may have expired at midnight."""
    run, day = pipeline.run, ["2027-01-31"]
    monkeypatch.setattr("preflight.commands.known_reports.time.strftime", lambda _format: day[0])

    def run_past_midnight(*args: Any) -> object:
        made = run(*args)
        day[0] = "2027-02-01"
        return made

    monkeypatch.setattr(pipeline, "run", run_past_midnight)
    check()
    check()

    assert len(runs) == 2


@pytest.mark.guard
def test_a_file_that_is_too_large_to_compare_is_checked_again(checkout: Path, idle_tools: None, runs: list[object], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files_read, "LARGEST", len(TEMPLATE) - 1)
    check()
    check()

    assert len(runs) == 2


def test_a_folder_that_was_opened_leaves_no_descriptor_open(tmp_path: Path) -> None:
    with files_read.recorded() as record:
        os.close(os.open(tmp_path, os.O_RDONLY))
    lowest = os.dup(0)
    os.close(lowest)

    states = record.states() or {}

    assert str(tmp_path) in states["file"]
    assert files_read.are_unchanged(states)
    again = os.dup(0)
    os.close(again)
    assert again == lowest


@pytest.mark.guard
def test_an_unchanged_run_imports_nothing_heavy(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "tests" / "integration" / "accepted", tmp_path / "t", ignore=lambda _, names: names[3:])
    code = f"import sys; from preflight import cli; cli.main(['lint', {str(tmp_path / 't')!r}]); print([m for m in {HEAVY} if m in sys.modules])"
    env = {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    _, again = (processes.run(sys.executable, "-c", code, timeout=300, env=env) for _ in range(2))

    assert again.stdout.splitlines()[-1] == "[]"


@pytest.mark.guard
def test_every_place_that_a_run_looks_at_is_recorded(checkout: Path, idle_tools: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the program asks the operating system about in a checkout, it finds out about when that changes."""
    (checkout / "cfn" / "nested.yaml").write_text(TEMPLATE)
    seen: set[Path] = set()
    for name in ("stat", "lstat", "access"):
        monkeypatch.setattr(os, name, _noting(getattr(os, name), seen))
    recorded: list[dict[str, list[str]]] = []
    monkeypatch.setattr(ResultCache, "put", lambda _, __, result: recorded.append(result["files"]) if "files" in result else None)

    check()

    places = {kind: set(map(Path, states[::2])) for kind, states in recorded[-1].items()}
    known = set().union(*places.values())
    above = {folder for path in known for folder in path.parents}
    unknown = {path for path in seen if path not in known | above and path.parent not in places["list"]}
    unknown -= {checkout / option for option in ("--stage",)}  # the command looks for files of such names before each run
    assert {path for path in unknown if path.is_relative_to(checkout)} == set()


def _noting(function: Callable[..., Any], seen: set[Path]) -> Callable[..., Any]:
    def noting(path: Any, *args: Any, **named: Any) -> Any:
        if isinstance(path, str | os.PathLike):
            seen.add(Path(os.path.abspath(path)))  # noqa: PTH100 - without a look at the disk
        return function(path, *args, **named)

    return noting
