"""What containers get of this machine, and what they can take from it: with an engine that notes its commands."""

from __future__ import annotations

import os
import resource
import socket
import sys
import time
from pathlib import Path

import pytest

from preflight.container_engine.engine import Engine
from preflight.rehearsal.containers import task_spec
from preflight.rehearsal.containers.runner import ContainerRunner, NamespaceContainer
from preflight.rehearsal.containers.task_spec import TaskSpec
from preflight.system import run_folders
from preflight.system.processes import ServerProcess

pytestmark = pytest.mark.hostile
PASSWORD = "hunter2"  # noqa: S105 - opens nothing
KEY = "-----BEGIN KEY-----\nc2VjcmV0\n-----END KEY-----"
PODMAN = """\
#!/bin/sh
echo "$@" >> "$NOTES"
case "$1" in
  exec) exec {python} -c 'import os
while True: os.write(1, b"x" * 65536)' ;;
  login|secret) cat > /dev/null ;;
esac
echo made
"""


@pytest.fixture
def notes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The commands that the engine got; its health checks write without end."""
    program = tmp_path / "bin" / "podman"
    program.parent.mkdir()
    program.write_text(PODMAN.format(python=sys.executable))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("NOTES", str(tmp_path / "notes"))
    monkeypatch.setenv("HTTPS_PROXY", f"http://user:{PASSWORD}@proxy.example:3128")
    monkeypatch.setenv("MY_CI_TOKEN", PASSWORD)
    return tmp_path / "notes"


@pytest.fixture
def runner(notes: Path, tmp_path: Path) -> ContainerRunner:
    (tmp_path / "run").mkdir()
    return ContainerRunner(Engine("podman", "5.0", is_local=False), run="r", folder=tmp_path / "run")


def task(**container: object) -> TaskSpec:
    definition = {"family": "f", "revision": 1, "containerDefinitions": [{"name": "a", "image": "i", **container}]}
    return task_spec.from_task_definition(definition)


def start(runner: ContainerRunner, tmp_path: Path, environment: dict[str, str]) -> None:
    spec = task()
    holder = NamespaceContainer("t", "c", 0, tmp_path)
    runner.start(holder, spec.containers[0], image="i", task=spec, environment=environment)


@pytest.mark.hostile(
    6,
    "build1",
    input="the caller's environment holds proxies with passwords and tokens",
    happens="builds and tasks get no variable of it",
)
def test_a_container_gets_no_variable_of_this_machine(runner: ContainerRunner, tmp_path: Path, notes: Path) -> None:
    start(runner, tmp_path, {})

    (command,) = [line for line in notes.read_text().splitlines() if line.startswith("run ")]
    assert "--http-proxy=false" in command
    assert "--env-host" not in command
    assert PASSWORD not in command


@pytest.mark.hostile(
    16,
    "secret",
    input="a task's secrets, also those of several lines (a private key), and the passwords of registries",
    happens="on no command line: they go over a file of the run, podman's secrets and standard input",
)
@pytest.mark.parametrize(
    "value", [pytest.param(PASSWORD, id="a word"), pytest.param(KEY, id="several lines"), pytest.param("x" * 70_000 + PASSWORD, id="long")]
)
def test_a_secret_is_on_no_command_line(runner: ContainerRunner, tmp_path: Path, notes: Path, value: str) -> None:
    start(runner, tmp_path, {"SECRET": value})
    runner.pull("registry.example/x:1", credentials=f"AWS:{value}")

    said = notes.read_text()
    assert not [line for line in value.splitlines() if line[-20:] in said]
    assert "SECRET=" not in said
    assert "login" in said


@pytest.mark.hostile(
    8,
    input="the command of a container's health check writes without end",
    happens="the end of its output is kept, and the check fails",
    limit="the check's timeout",
)
def test_the_output_of_a_health_check_takes_no_memory(runner: ContainerRunner) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    code, output = runner.execute("c", ["CMD", "yes"], timeout=1.0)

    assert code == 124
    assert len(output) < 10_000
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100 * 1024  # KiB


@pytest.mark.hostile(
    8,
    "hog-drip",
    input="requests to the account that never end, while the run is stopped",
    happens="the server cleans up and ends",
    limit="5 s",
)
@pytest.mark.parametrize(
    "request_",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: ", id="half a header"),
        pytest.param(b"PUT /b/k HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 999999999999\r\n\r\nx", id="half a body"),
        pytest.param(b"PUT /b/k HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\nfffffff\r\nx", id="half a chunk"),
    ],
)
def test_a_request_without_an_end_does_not_keep_the_account_up(request_: bytes) -> None:
    process = ServerProcess.start(sys.executable, "-m", "preflight", "serve", "--containers", "off", "--until-eof")
    port = int(process.first_line(timeout=60).partition("127.0.0.1:")[2].partition('"')[0])
    clients = [socket.create_connection(("127.0.0.1", port)) for _ in range(20)]
    for client in clients:
        client.sendall(request_)
    began = time.monotonic()

    is_ended = process.stop(timeout=20)

    assert is_ended
    assert time.monotonic() - began < 5
    assert run_folders.process_start_time(process.pid) == 0
    for client in clients:
        client.close()
