"""A user who is not root: tasks have no network but their own, ports below 1024 are theirs, and nothing is left.

Run by `tox -e engines`, as root, which makes the user. The user has to be able to read the packages of this Python.
"""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from preflight.system.processes import CompletedProcess

pytestmark = [pytest.mark.containers, pytest.mark.engines, pytest.mark.rehearsal]
AsUser = Callable[..., CompletedProcess]


@pytest.fixture(scope="module")
def check(as_user: AsUser) -> CompletedProcess:
    return as_user("check", "--stage", "rehearse,smoke", "--allow-standins", "--format", "json")


def test_a_normal_user_gets_the_pages(check: CompletedProcess) -> None:
    assert check.code == 0, check.stderr


def test_containers_of_a_normal_user_are_isolated(check: CompletedProcess) -> None:
    assert not [note for note in json.loads(check.stdout)["notes"] if "can reach the network" in note]


@pytest.mark.parametrize("options", [(), ("--preflight-isolate", "-k", "rehearse", ".")], ids=["a plan", "a suite"])
def test_a_session_of_pytest_of_a_normal_user_is_isolated(as_user: AsUser, options: tuple[str, ...]) -> None:
    named = ("preflight.yaml::rehearse",)

    done = as_user("-p", "no:cacheprovider", "--preflight-allow-standins", *named, *options, module="pytest")

    assert done.code == 0, done.stdout + done.stderr
    assert "can reach the network" not in done.stdout


def test_a_run_of_a_normal_user_leaves_nothing(check: CompletedProcess, as_user: AsUser) -> None:
    assert check.code == 0
    assert as_user("sweep").stdout == "0 removed\n"


def test_doctor_says_that_containers_are_isolated(as_user: AsUser) -> None:
    lines = as_user("doctor").stdout.splitlines()

    assert [line.split()[1] for line in lines if line.startswith("isolation")] == ["ok"]
