"""A user who is not root: tasks have no network but their own, ports below 1024 are theirs, and nothing is left.

Run by `tox -e faults`, as root, which makes the user. The user has to be able to read the packages of this Python.
"""

from __future__ import annotations

import json
import shutil
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from preflight.errors import PreflightError
from preflight.system import processes
from preflight.system.processes import CompletedProcess
from tests.integration.emulator import ROOT

pytestmark = [pytest.mark.containers, pytest.mark.faults, pytest.mark.rehearsal]
PYTHON = f"/usr/bin/python{sys.version_info.major}.{sys.version_info.minor}"  # one that every user may run
PARTS = ("src", "cfn", "rules", "docker", "preflight.yaml")
AsUser = Callable[..., CompletedProcess]


@pytest.fixture(scope="module")
def user() -> Iterator[str]:
    """The name of a new user."""
    name = f"preflight-{uuid.uuid4().hex[:8]}"
    try:
        processes.run_checked("useradd", "--create-home", name, timeout=60)
    except PreflightError as error:
        pytest.skip(f"a user cannot be made: {error}")
    yield name
    processes.run("pkill", "--signal", "KILL", "--uid", name, timeout=60)
    processes.run_checked("userdel", "--force", "--remove", name, timeout=60)


@pytest.fixture(scope="module")
def as_user(user: str) -> AsUser:
    """Runs the program as the user, in a copy of this repository's own deployment."""
    home = Path("/home") / user
    for part in PARTS:
        copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copy
        copy(ROOT / part, home / part)
    processes.run_checked("chown", "--recursive", user, str(home), timeout=60)
    packages = [path for path in sys.path if path.endswith("-packages")]
    command = ("setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups", "--reset-env")
    env = (f"PYTHONPATH={':'.join([str(home / 'src'), *packages])}", f"XDG_RUNTIME_DIR={home}", "PATH=/usr/bin:/bin")

    def run(*args: str) -> CompletedProcess:
        return processes.run(*command, "env", "--chdir", str(home), *env, PYTHON, "-m", "preflight", *args, timeout=600)

    tried = run("--version")
    if tried.code != 0:
        pytest.skip(f"{PYTHON} cannot run the program as another user: {tried.stderr[-300:]}")
    return run


@pytest.fixture(scope="module")
def check(as_user: AsUser) -> CompletedProcess:
    return as_user("check", "--stage", "rehearse,smoke", "--allow-standins", "--format", "json")


def test_a_normal_user_gets_the_pages(check: CompletedProcess) -> None:
    assert check.code == 0, check.stderr


def test_containers_of_a_normal_user_are_isolated(check: CompletedProcess) -> None:
    assert not [note for note in json.loads(check.stdout)["notes"] if "can reach the network" in note]


def test_a_run_of_a_normal_user_leaves_nothing(check: CompletedProcess, as_user: AsUser) -> None:
    assert check.code == 0
    assert as_user("sweep").stdout == "0 removed\n"


def test_doctor_says_that_containers_are_isolated(as_user: AsUser) -> None:
    lines = as_user("doctor").stdout.splitlines()

    assert [line.split()[1] for line in lines if line.startswith("isolation")] == ["ok"]
