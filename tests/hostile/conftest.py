"""The command in a checkout of its own, and an emulated account as a run starts it."""

from __future__ import annotations

import json
import os
import socket
import subprocess  # noqa: TID251 - the streams and signals of the command itself are under test
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from preflight.system.processes import ServerProcess
from tests.hostile.account import Account

TEMPLATE = 'Resources: {Q: {Type: "AWS::SQS::Queue"}}\n'
PLAN = 'version: 1\nname: trv\nregion: eu-west-1\nsteps:\n  - {stack: "{prefix}", template: t.yaml}\n'
Ended = subprocess.CompletedProcess[str]


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """A service of this machine, which nothing of a run may reach."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.5)
        yield server


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A plan with one template, inside a folder that holds other things."""
    folder = tmp_path / "checkout"
    folder.mkdir()
    (folder / "t.yaml").write_text(TEMPLATE)
    (folder / "preflight.yaml").write_text(PLAN)
    (tmp_path / "outside.yaml").write_text(TEMPLATE)
    return folder


@pytest.fixture
def preflight(checkout: Path) -> Callable[..., Ended]:
    """Runs the command in the checkout; a word before it may be a shell's redirection."""

    def run(*args: str, streams: str = "", timeout: float = 60, env: dict[str, str | None] | None = None) -> Ended:
        code = "import sys; sys.path[:] = filter(None, sys.path); from preflight.cli import main; sys.exit(main())"
        command = ["/bin/sh", "-c", f'exec "$@" {streams}', "sh", sys.executable, "-c", code, *args]
        variables = {**os.environ, **(env or {})}
        return subprocess.run(  # noqa: S603 - a command of this test
            command, cwd=checkout, env={k: v for k, v in variables.items() if v is not None},
            capture_output=True, text=True, encoding="utf-8", errors="replace", timeout=timeout, check=False, stdin=subprocess.DEVNULL,
        )  # fmt: skip

    return run


@pytest.fixture(scope="module")
def account() -> Iterator[Account]:
    """The emulated account of a run, in a process of its own, with the key that only its client knows."""
    process = ServerProcess.start(sys.executable, "-m", "preflight", "serve", "--containers", "off", "--until-eof")
    announced = json.loads(process.first_line(timeout=60))
    yield Account(process, announced["endpoint"], announced["key"])
    process.stop(timeout=20)
