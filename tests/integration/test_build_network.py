"""What the build of a hostile Dockerfile reaches: not this machine. Which other addresses are closed, a unit test says."""

from __future__ import annotations

import contextlib
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from preflight.container_engine import build_network
from preflight.container_engine import engine as engines
from preflight.container_engine.engine import Engine
from preflight.deploy.image_build import Builder
from preflight.errors import ToolBrokeError
from preflight.system import processes

RUN = "buildnetwork"
pytestmark = pytest.mark.containers


@pytest.fixture(scope="module")
def engine() -> Engine:
    engine = engines.find()
    if not engine.shares_network_namespaces or engine.program != "podman":
        pytest.skip("builds have a network of their own only with podman as root on Linux")
    return engine


@pytest.fixture
def port() -> Iterator[int]:
    """A port of this machine that accepts connections."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def connects(engine: Engine, folder: Path, port: int, network: str) -> bool:
    """Whether a RUN instruction can connect to a port of this machine."""
    nc = Path(shutil.which("nc") or pytest.fail("nc is missing: preflight doctor --fix installs it"))
    libraries = [Path(line.split()[-2]) for line in engine_libraries(nc)]
    for file in (nc, *libraries):
        target = folder / "root" / str(file).lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file.resolve(), target)
    command = f'["{nc}", "-z", "-w", "2", "127.0.0.1", "{port}"]'
    (folder / "Dockerfile").write_text(f"FROM scratch\nCOPY root /\nRUN {command}\n")
    try:
        with Builder(engine, folder, run=RUN, base=None, network=network).built("localhost/buildnetwork:1", "linux/amd64"):
            return True
    except ToolBrokeError as error:
        if "exit status 1" not in str(error):
            raise
        return False


def engine_libraries(program: Path) -> list[str]:
    listed = processes.run_checked("ldd", str(program), timeout=30).stdout.splitlines()
    return [line for line in listed if "/" in line]


@pytest.mark.parametrize("network", build_network.MODES)
def test_a_build_does_not_reach_this_machine(engine: Engine, tmp_path: Path, port: int, network: str) -> None:
    assert not connects(engine, tmp_path, port, network)


def test_a_build_in_the_network_of_this_machine_would_reach_it(
    engine: Engine, tmp_path: Path, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Builder, "_isolated", lambda _self: contextlib.nullcontext((engine, ("--network=host",))))

    assert connects(engine, tmp_path, port, "restricted")
