"""The hooks of pre-commit: what they look at, and where cfn-guard comes from."""

from __future__ import annotations

from pathlib import Path
from unittest import mock

import pytest

from preflight import cli
from preflight.commands import check, static
from preflight.comply import cfn_guard_binary
from preflight.container_engine import user_namespace
from preflight.errors import ToolMissingError

TEMPLATE = 'AWSTemplateFormatVersion: "2010-09-09"\nResources:\n  Topic:\n    Type: AWS::SNS::Topic\n'


@pytest.fixture(autouse=True)
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder: a repository with a template, a plan and another file."""
    (tmp_path / ".git").mkdir()
    (tmp_path / "topic.yaml").write_text(TEMPLATE)
    (tmp_path / "compose.yaml").write_text("services: {}\n")
    (tmp_path / "preflight.yaml").write_text("version: 1\nname: demo\nregion: eu-west-1\nsteps:\n  - stack: demo\n    template: topic.yaml\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def fetch(monkeypatch: pytest.MonkeyPatch) -> mock.Mock:
    """Fetches cfn-guard, which is not here."""
    fetch = mock.Mock()
    monkeypatch.delenv(cfn_guard_binary.VARIABLE, raising=False)
    monkeypatch.setattr(cfn_guard_binary, "find", mock.Mock(side_effect=ToolMissingError("no cfn-guard")))
    monkeypatch.setattr(cfn_guard_binary, "fetch", fetch)
    return fetch


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> mock.Mock:
    """Stands in for the commands that the hooks run."""
    run = mock.Mock(return_value=0)
    monkeypatch.setattr(static, "run", run)
    monkeypatch.setattr(check, "run_one", run)
    return run


@pytest.mark.parametrize("hook", ["hook-lint", "hook-comply"])
def test_a_commit_without_templates_passes_and_nothing_is_fetched(hook: str, fetch: mock.Mock, runs: mock.Mock) -> None:
    assert cli.main([hook, "compose.yaml"]) == 0
    assert not fetch.called
    assert not runs.called


def test_a_template_is_checked_after_cfn_guard_was_fetched(fetch: mock.Mock, runs: mock.Mock, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["hook-comply", "compose.yaml", "topic.yaml"]) == 0

    assert runs.call_args[0][0].paths == [Path("topic.yaml")]
    assert fetch.called
    assert "checked by its SHA-256" in capsys.readouterr().err


def test_whoever_names_a_cfn_guard_gets_no_other(fetch: mock.Mock, runs: mock.Mock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(cfn_guard_binary.VARIABLE, "/opt/cfn-guard")

    assert cli.main(["hook-comply", "topic.yaml"]) == 2
    assert not fetch.called


def test_a_plan_is_checked_if_it_deploys_a_changed_file(fetch: mock.Mock, runs: mock.Mock, repository: Path) -> None:
    assert cli.main(["hook-check", "--stage", "lint", "topic.yaml"]) == 0

    assert runs.call_args[0][1] == repository / "preflight.yaml"
    assert not fetch.called


def test_no_plan_is_checked_for_another_file(fetch: mock.Mock, runs: mock.Mock) -> None:
    assert cli.main(["hook-check", "compose.yaml"]) == 0
    assert not runs.called


def test_each_of_several_plans_has_a_folder_for_its_reports(repository: Path, fetch: mock.Mock, runs: mock.Mock) -> None:
    (repository / "second.yaml").write_text((repository / "preflight.yaml").read_text())

    assert cli.main(["hook-check", "--output-dir", "reports", "topic.yaml"]) == 0

    assert sorted(call[0][0].output_dir for call in runs.call_args_list) == [Path("reports/preflight"), Path("reports/second")]


def test_several_plans_of_a_user_run_in_namespaces_of_podman_once(repository: Path, fetch: mock.Mock, runs: mock.Mock, monkeypatch: pytest.MonkeyPatch) -> None:
    again = mock.Mock(return_value=1)
    (repository / "second.yaml").write_text((repository / "preflight.yaml").read_text())
    monkeypatch.setattr(check, "is_isolated_by_podman", mock.Mock(return_value=True))
    monkeypatch.setattr(user_namespace, "run_again", again)

    assert cli.main(["hook-check", "topic.yaml"]) == 1
    assert again.call_count == 1
    assert not runs.called


def test_a_hook_inside_the_namespaces_ends_with_the_process_outside(fetch: mock.Mock, runs: mock.Mock, monkeypatch: pytest.MonkeyPatch) -> None:
    ends = mock.Mock()
    monkeypatch.setattr(check, "is_isolated_by_podman", mock.Mock(return_value=False))
    monkeypatch.setattr(user_namespace, "end_with_outer", ends)

    assert cli.main(["hook-check", "topic.yaml"]) == 0
    assert ends.call_count == 1
