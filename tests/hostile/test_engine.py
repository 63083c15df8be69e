"""What registries and builds can do to the engine and the disk of this machine: real ones, on loopback."""

from __future__ import annotations

import base64
import dataclasses
import resource
import socket
import time
from pathlib import Path

import pytest

from preflight.container_engine import (
    build_group,
    build_network,
    disk_growth,
    engine_secrets,
    image_pull,
    image_store,
    pull_network,
    unfinished_builds,
)
from preflight.container_engine import engine as engines
from preflight.container_engine.engine import Engine
from preflight.deploy import image_build
from preflight.deploy.image_build import Builder
from preflight.errors import ToolBrokeError
from preflight.rehearsal.containers import environment_file
from preflight.system import processes
from tests.hostile import registry
from tests.hostile.loopback import is_reached

pytestmark = [pytest.mark.hostile, pytest.mark.containers, pytest.mark.faults]
RUN = "hostilebuild"
MEGABYTE = 1 << 20


@pytest.fixture(scope="module")
def engine() -> Engine:
    engine = engines.find()
    if engine.program != "podman" or not engine.shares_network_namespaces:
        pytest.skip("the bounds of builds need podman as root on Linux")
    return engine


@pytest.mark.hostile(
    5,
    input="ADD, COPY --from and FROM of a Dockerfile name a URL or a registry on this machine, or the metadata service of its cloud",
    happens="refused, also with `--build-network none`: downloads and pulls have the network of the build",
)
@pytest.mark.parametrize("network", build_network.MODES)
@pytest.mark.parametrize("lines", ["FROM scratch\nADD http://{0}/x /x", "FROM scratch\nCOPY --from={0}/x:1 /x /x", "FROM {0}/x:1\nCOPY Dockerfile /"])
def test_a_build_downloads_nothing_of_this_machine(
    engine: Engine, tmp_path: Path, listener: socket.socket, network: str, lines: str
) -> None:
    (tmp_path / "Dockerfile").write_text(lines.format(f"127.0.0.1:{listener.getsockname()[1]}"))
    builder = Builder(engine, tmp_path, run=RUN, base=None, network=network)

    with pytest.raises(ToolBrokeError), builder.built("localhost/hostilebuild:3", engine.platform):
        pass

    assert not is_reached(listener)


def test_a_build_without_a_network_has_none(engine: Engine, folder: Path) -> None:
    build(engine, folder, "{ read header && ! read route; } < /proc/net/route")


@pytest.mark.hostile(
    4,
    input="a stranger's registry redirects the engine to this machine, or to the metadata service of its cloud, for a token or a layer",
    happens="refused: pulls have the network of builds, except from Docker Hub, ECR Public and other well-known registries",
)
def test_a_registry_leads_a_pull_to_nothing_of_this_machine(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, listener: socket.socket
) -> None:
    monkeypatch.setattr(pull_network, "is_here", lambda _image: False)  # the name is another's, and leads here

    done = image_pull.pull(engine, f"127.0.0.1:{listener.getsockname()[1]}/x:1")

    assert done.code != 0
    assert not is_reached(listener)


@pytest.mark.parametrize("part", ["manifest", "token", "configuration"])
def test_an_answer_of_a_registry_without_end_is_read_no_further_than_its_bound(engine: Engine, part: str) -> None:
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss

    with registry.serving(part) as host:
        done = image_pull.pull(engine, f"{host}/x:1", "--tls-verify=false", is_own=True)

    assert "exceeded maximum allowed size" in done.stderr
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss <= max(before, 256 * 1024)  # KiB


@pytest.mark.parametrize("mode", ["manifest slowly", "token slowly", "layer slowly"])
def test_a_registry_that_drips_has_a_deadline(engine: Engine, monkeypatch: pytest.MonkeyPatch, mode: str) -> None:
    monkeypatch.setattr(image_pull, "TIMEOUT", 3.0)
    began = time.monotonic()

    with registry.serving(mode) as host, pytest.raises(ToolBrokeError, match=r"was not pulled: .* Next: "):
        image_pull.pull(engine, f"{host}/x:1", "--tls-verify=false", is_own=True)

    assert time.monotonic() - began < 20


def test_a_layer_without_end_leaves_the_disk_as_it_was(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(disk_growth, "MOST", 64 * MEGABYTE)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))

    with registry.serving("layer") as host, pytest.raises(ToolBrokeError, match=r"took more than .* of the disk"):
        image_pull.pull(engine, f"{host}/x:1", "--tls-verify=false", is_own=True)

    assert not [file for file in tmp_path.rglob("*") if file.is_file() and file.stat().st_size > MEGABYTE]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A build with a shell: the program and its libraries."""
    listed = processes.run_checked("ldd", "/bin/sh", timeout=30).stdout.splitlines()
    files = ["/bin/sh", "/bin/sleep", "/bin/dd", *(line.split()[-2] for line in listed if "/" in line)]
    files += [line.split()[-2] for line in processes.run_checked("ldd", "/bin/dd", timeout=30).stdout.splitlines() if "/" in line]
    for file in files:
        target = tmp_path / "root" / file.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(Path(file).read_bytes())
        target.chmod(0o755)
    return tmp_path


def build(engine: Engine, folder: Path, command: str) -> None:
    (folder / "Dockerfile").write_text(f"FROM scratch\nCOPY root /\nRUN {command}\n")
    with Builder(engine, folder, run=RUN, base=None, network="none").built("localhost/hostilebuild:1", engine.platform):
        pass


def running(text: str) -> list[str]:
    listed = processes.run_checked("ps", "-eo", "args", timeout=30).stdout.splitlines()
    return [line for line in listed if line.startswith(text)]


def test_a_build_cannot_start_processes_without_end(
    engine: Engine, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build_group, "MOST_PROCESSES", 100)

    with pytest.raises(ToolBrokeError, match=r"Resource temporarily unavailable|Cannot fork"):
        build(engine, folder, "i=0; while [ $i -lt 300 ]; do sleep 5 & i=$((i+1)); done")


def test_no_process_outlives_a_build_that_is_killed(
    engine: Engine, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(image_build, "TIMEOUT", 5)

    with pytest.raises(ToolBrokeError, match="did not end within 5 s"):
        build(engine, folder, "while sleep 71.5; do sleep 71.5; done")

    assert running("sleep 71.5") == []


def test_a_build_that_fills_the_disk_is_killed_and_leaves_nothing(
    engine: Engine, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disk_growth, "MOST", 128 * MEGABYTE)

    with pytest.raises(ToolBrokeError, match=r"took more than .* of the disk"):
        build(engine, folder, "dd if=/dev/zero of=/big bs=1M")

    assert unfinished_builds.remove(engine, has_own=True) == 0
    assert running("dd if=/dev/zero of=/big") == []


@pytest.mark.parametrize("value", ["line 1\nline 2", "x" * 100_000], ids=["several lines", "long"])
def test_a_secret_that_fits_no_file_reaches_its_container(engine: Engine, folder: Path, value: str) -> None:
    (folder / "Dockerfile").write_text("FROM scratch\nCOPY root /\n")
    builder = Builder(engine, folder, run=RUN, base=None, network="none")
    image = "localhost/hostilebuild:2"

    with builder.built(image, engine.platform):
        store = lambda text: engine_secrets.create(engine, RUN, text)  # noqa: E731 - as the runner does
        with environment_file.written(folder, {"SECRET": value}, store=store) as options:
            said = engine.must("run", "--rm", "--network=none", *options, image, "/bin/sh", "-c", 'echo "$SECRET"')
    engine_secrets.remove(engine, RUN)

    assert said == value
    assert RUN not in engine.must("secret", "ls", "--format", "{{.Name}}")


@pytest.fixture
def own_store(engine: Engine, tmp_path: Path) -> Engine:
    """The engine with a store of this test, in which there are two images."""
    configuration = tmp_path / "storage.conf"
    configuration.write_text(f'[storage]\ndriver = "overlay"\ngraphroot = "{tmp_path}/store"\nrunroot = "{tmp_path}/run"\n')
    own = dataclasses.replace(engine, env={**engine.env, "CONTAINERS_STORAGE_CONF": str(configuration)})
    for number in range(2):
        (tmp_path / f"file{number}").write_text(str(number))
        archive = tmp_path / f"{number}.tar"
        processes.run_checked("tar", "--create", f"--file={archive}", f"--directory={tmp_path}", f"file{number}", timeout=30)
        own.must("import", "--quiet", str(archive))
    return own


@pytest.mark.parametrize("part", ["manifest", "configuration"])
def test_a_store_that_a_killed_commit_left_is_repaired(own_store: Engine, tmp_path: Path, part: str) -> None:
    image = own_store.must("images", "--all", "--quiet", "--no-trunc").split()[0].removeprefix("sha256:")
    folder = tmp_path / "store" / "overlay-images" / image
    for file in folder.iterdir():
        is_configuration = base64.b64decode(file.name[1:] + "==").startswith(b"sha256:") if file.name.startswith("=") else False
        if is_configuration is (part == "configuration"):
            file.unlink()
    with pytest.raises(ToolBrokeError, match=r"Next: preflight sweep$"):
        own_store.must("images", "--all")

    removed = image_store.repair(own_store, lambda _line: None)

    assert removed == 1
    assert len(own_store.must("images", "--all", "--quiet").split()) == 1


def test_a_build_that_is_killed_leaves_no_image_of_its_layers(
    engine: Engine, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = engine.must("images", "--all", "--quiet", "--no-trunc").split()
    monkeypatch.setattr(image_build, "TIMEOUT", 6)

    with pytest.raises(ToolBrokeError, match="did not end within 6 s"):
        build(engine, folder, "echo a > /a\nCOPY root /again\nRUN sleep 72.5")

    assert set(engine.must("images", "--all", "--quiet", "--no-trunc").split()) - set(before) == set()
