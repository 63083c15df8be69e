"""The program `docker` of the emulated account: what it asks of the engine."""

from __future__ import annotations

from pathlib import Path

import pytest

from preflight.container_engine import docker_program
from preflight.container_engine.engine import Engine
from preflight.system import processes

LOCAL = "127.0.0.1:4566"
ECR = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
OTHER = "111122223333.dkr.ecr.eu-west-1.amazonaws.com/demo:1"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with an engine that notes its arguments, and breaks at what the file `broken` names."""
    program = tmp_path / "podman"
    program.write_text(f'#!/bin/sh\necho "$*" >>{tmp_path}/asked\n[ "$1" != "$(cat {tmp_path}/broken)" ]\n')
    program.chmod(0o700)
    (tmp_path / "broken").write_text("")
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return tmp_path


def asked(folder: Path, *args: str) -> list[str]:
    """Runs the program, and returns what it asked of the engine."""
    docker = docker_program.write(Engine("podman", "1"), folder, registry=LOCAL, account="123456789012")
    processes.run(str(docker), *args, timeout=30)
    return (folder / "asked").read_text().splitlines()


@pytest.mark.parametrize(
    ("args", "commands"),
    [
        pytest.param(("push", f"{ECR}/demo:1"), [f"tag {ECR}/demo:1 {LOCAL}/demo:1", f"push --tls-verify=false {LOCAL}/demo:1", f"rmi {LOCAL}/demo:1"], id="push"),
        pytest.param(("push", f"{ECR}/a/b:1", "--quiet"), [f"tag {ECR}/a/b:1 {LOCAL}/a/b:1", f"push --tls-verify=false {LOCAL}/a/b:1 --quiet", f"rmi {LOCAL}/a/b:1"], id="push with an option"),
        pytest.param(("pull", f"{ECR}/demo:1"), [f"pull --tls-verify=false {LOCAL}/demo:1", f"tag {LOCAL}/demo:1 {ECR}/demo:1", f"rmi {LOCAL}/demo:1"], id="pull"),
        pytest.param(("push", f"{LOCAL}/demo:1"), [f"push --tls-verify=false {LOCAL}/demo:1"], id="push to the registry by its address"),
        pytest.param(("login", "--username", "AWS", "--password-stdin", f"https://{ECR}"), [f"login --tls-verify=false --username AWS --password-stdin {LOCAL}"], id="login at ECR"),
        pytest.param(("login", "--username", "AWS", LOCAL), [f"login --tls-verify=false --username AWS {LOCAL}"], id="login at the registry by its address"),
        pytest.param(("logout", ECR), [f"logout {LOCAL}"], id="logout"),
    ],
)  # fmt: skip
def test_the_ecr_of_the_account_is_the_registry_on_loopback(folder: Path, args: tuple[str, ...], commands: list[str]) -> None:
    assert asked(folder, *args) == commands


@pytest.mark.parametrize(
    "args",
    [
        pytest.param(("push", OTHER), id="another account's ECR"),
        pytest.param(("login", "registry.example.com"), id="another registry"),
        pytest.param(("build", "--tag", f"{ECR}/demo:1", "."), id="another command"),
        pytest.param(("tag", "a", f"{ECR}/demo:1"), id="the name alone"),
    ],
)
def test_everything_else_is_the_engines_own(folder: Path, args: tuple[str, ...]) -> None:
    assert asked(folder, *args) == [" ".join(args)]


def test_arguments_keep_their_blanks(folder: Path) -> None:
    docker = docker_program.write(Engine("podman", "1"), folder, registry=LOCAL, account="123456789012")
    (folder / "podman").write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" >>{folder}/asked\n')

    processes.run(str(docker), "login", "--password", "two words", ECR, timeout=30)

    assert "two words" in (folder / "asked").read_text().splitlines()


@pytest.mark.parametrize("command", ["tag", "push"])
def test_a_push_that_fails_is_a_failure(folder: Path, command: str) -> None:
    docker = docker_program.write(Engine("podman", "1"), folder, registry=LOCAL, account="123456789012")
    (folder / "broken").write_text(command)

    assert processes.run(str(docker), "push", f"{ECR}/demo:1", timeout=30).code == 1
