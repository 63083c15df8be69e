from __future__ import annotations

import argparse
import os
import re
import sys
from pathlib import Path
from unittest import mock

import pytest

from preflight.commands import doctor
from preflight.comply import cfn_guard_binary
from preflight.container_engine import engine, image_store
from preflight.errors import ToolMissingError
from preflight.system import processes

MISSING = mock.Mock(side_effect=ToolMissingError("it is not installed"))


@pytest.fixture(autouse=True)
def _everything_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    for module, name in ((cfn_guard_binary, "cfn-guard 3"), (engine, "podman 5")):
        tool = mock.Mock()
        tool.name = name
        monkeypatch.setattr(module, "find", lambda tool=tool: tool)
    monkeypatch.setattr(processes, "which", lambda program: f"/usr/bin/{program}")
    monkeypatch.setattr(os, "geteuid", lambda: 0)


def run(*, fix: bool = False) -> tuple[int, list[str]]:
    """Returns the exit code, and the commands that were printed."""
    commands: list[str] = []
    return doctor.run(argparse.Namespace(fix=fix), commands.append), commands


def test_nothing_is_missing(capsys: pytest.CaptureFixture[str]) -> None:
    code, _ = run()

    lines = capsys.readouterr().out.splitlines()
    assert code == 0
    assert [line.split("  ")[0] for line in lines] == ["cfn-guard", "rehearsal", "container engine", "nc", "isolation"]
    assert "cfn-guard 3" in lines[0]
    assert "podman 5" in lines[2]


@pytest.mark.parametrize(
    ("module", "fix"),
    [
        pytest.param(cfn_guard_binary, "preflight doctor --fix", id="cfn-guard"),
        pytest.param(engine, "apt-get install --yes", id="a container engine"),
    ],
)
def test_what_is_missing_ends_with_2_and_the_command_that_installs_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], module: object, fix: str
) -> None:
    monkeypatch.setattr(module, "find", MISSING)

    code, _ = run()

    output = capsys.readouterr().out
    assert code == 2
    assert "missing  it is not installed" in output
    assert fix in output


def test_doctor_names_the_command_that_installs_the_packages_of_the_rehearsal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "moto", None)

    code, _ = run()

    assert code == 0
    assert "pip install 'fargate-preflight[rehearsal]'" in capsys.readouterr().out


def test_netcat_is_optional(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(processes, "which", lambda _: None)

    code, _ = run()

    assert code == 0
    assert "absent   not on PATH" in capsys.readouterr().out


def test_a_corrupt_store_ends_with_2_and_the_command_that_repairs_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(image_store, "corrupt_image", lambda _engine: "a" * 64)
    monkeypatch.setattr(image_store, "_names", lambda _engine, _image: [])

    code, _ = run()

    output = capsys.readouterr().out
    assert code == 2
    assert "image store       missing  image aaaaaaaaaaaa (no name) of podman's store cannot be read" in output
    assert "preflight sweep" in output


def test_fix_installs_what_is_missing_and_prints_each_command(monkeypatch: pytest.MonkeyPatch) -> None:
    fetch, run_checked = mock.Mock(), mock.Mock()
    monkeypatch.setattr(cfn_guard_binary, "find", MISSING)
    monkeypatch.setattr(cfn_guard_binary, "fetch", fetch)
    monkeypatch.setattr(engine, "find", MISSING)
    monkeypatch.setattr(processes, "run_checked", run_checked)
    monkeypatch.setattr(doctor, "_can_use_apt", lambda: True)

    _, commands = run(fix=True)

    fetch.assert_called_once_with()
    assert [command.split()[1] for command in commands] == ["npm", "apt-get", "apt-get"]
    assert all(command.startswith("+ ") for command in commands)
    assert [call.args[:2] for call in run_checked.call_args_list] == [("apt-get", "update"), ("apt-get", "install")]


def test_fix_installs_nothing_if_nothing_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    run_checked = mock.Mock()
    monkeypatch.setattr(processes, "run_checked", run_checked)

    _, commands = run(fix=True)

    assert commands == []
    run_checked.assert_not_called()


def test_the_documentation_says_why_each_package_is_installed() -> None:
    page = (Path(__file__).parents[3] / "docs" / "dependencies.md").read_text(encoding="utf-8")
    listed = page.partition("installs packages of Debian and Ubuntu")[2].partition("\n\n|")[2].partition("\n\n")[0]

    assert set(re.findall(r"(?m)^\| ([a-z][a-z0-9-]+) \|", f"|{listed}")) - {"package"} == set(doctor.PACKAGES)
