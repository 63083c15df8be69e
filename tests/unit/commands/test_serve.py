"""`preflight serve`: what it prints for clients."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from preflight.commands import serve
from preflight.rehearsal import serve as account

DOCKER = Path("/run/docker")


@pytest.fixture
def printed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Returns what the command prints once the account answers; `docker` is the program of its containers."""

    def run(*, docker: Path | None, until_eof: bool = False) -> str:
        server = SimpleNamespace(address="http://127.0.0.1:4566")
        monkeypatch.setattr(account, "serve", lambda _options, ready: ready(server, docker))
        given: dict[str, Any] = {"port": 0, "run": "run1", "containers": "auto", "standin": [], "any_credentials": True}
        given |= {"until_eof": until_eof, "egress": False, "asked": [], "stub": [], "image": []}
        serve.run(argparse.Namespace(**given), print)
        return capsys.readouterr().out

    return run


@pytest.mark.parametrize(
    "setting",
    [
        "AWS_ENDPOINT_URL=http://127.0.0.1:4566",
        "AWS_REGION=us-east-1",
        "AWS_DEFAULT_REGION=us-east-1",
        "AWS_ACCESS_KEY_ID=any",
        "CDK_DOCKER=/run/docker",
    ],
)
def test_the_settings_of_clients_are_printed(printed: Callable[..., str], setting: str) -> None:
    exported = [line for line in printed(docker=DOCKER).splitlines() if line.startswith("export ")]

    assert setting in " ".join(exported).split()


def test_the_page_of_what_runs_is_printed(printed: Callable[..., str]) -> None:
    assert "for your browser: http://127.0.0.1:4566/_preflight/addresses" in printed(docker=DOCKER)


def test_without_containers_there_is_no_program_for_docker(printed: Callable[..., str]) -> None:
    assert "CDK_DOCKER" not in printed(docker=None)


def test_a_parent_process_reads_the_program_for_docker(printed: Callable[..., str]) -> None:
    assert json.loads(printed(docker=DOCKER, until_eof=True))["docker"] == str(DOCKER)
