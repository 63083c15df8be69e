"""The same check as root with podman, as root with docker, as a normal user, and in the image: the same report."""

from __future__ import annotations

import ipaddress
import json
import re
import shlex
import shutil
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from preflight.container_engine import engine as engines
from preflight.container_engine import standins
from preflight.container_engine.engine import Engine
from preflight.system import processes
from preflight.system.processes import CompletedProcess
from tests.integration.emulator import COMMAND, ROOT
from tests.integration.engines import container_image, docker_daemon, normal_form

pytestmark = [pytest.mark.containers, pytest.mark.engines, pytest.mark.rehearsal]
CHECK = ("check", "--allow-standins", "--format", "json", "--stage", "lint,comply,rehearse,smoke")
PAGE = ROOT / "docs" / "container.md"
IMAGE = "fargate-preflight"


def command_of_the_page() -> list[str]:
    """Returns the words of the first command of the page, up to the name of the image."""
    line = re.findall(rf"(?m)^\$ (podman run .* {IMAGE}) check$", PAGE.read_text(encoding="utf-8"))[0]
    return shlex.split(line)


def report_of(done: CompletedProcess) -> dict[str, Any]:
    """Returns the report of a run that has to pass."""
    assert done.code == 0, [stage["reason"] for stage in json.loads(done.stdout)["stages"]]
    return normal_form.parse(done.stdout)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of this repository's own deployment."""
    copy = tmp_path_factory.mktemp("copy")
    for part in ("cfn", "rules", "docker"):
        shutil.copytree(ROOT / part, copy / part)
    shutil.copy(ROOT / "preflight.yaml", copy)
    return copy


@pytest.fixture(scope="module")
def podman() -> Engine:
    engine = engines.find()
    if engine.program != "podman":
        pytest.skip(f"podman is needed: {engine.name} is what runs here")
    return engine


@pytest.fixture(scope="module")
def of_podman(folder: Path, podman: Engine) -> dict[str, Any]:
    """The report of a run as root with podman."""
    done = processes.run(*COMMAND, *CHECK, cwd=folder, env={"PREFLIGHT_ENGINE": "podman"}, timeout=600)
    return report_of(done)


@pytest.fixture(scope="module")
def image(podman: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The name of the program's image."""
    if processes.which("mmdebstrap") is None:
        pytest.skip("the base of the image is made by mmdebstrap: apt-get install mmdebstrap")
    name = f"localhost/{IMAGE}-{uuid.uuid4().hex[:8]}"
    try:
        container_image.build(podman, tmp_path_factory.mktemp("image"), name)
        yield name
    finally:
        container_image.remove(podman, name)


def test_docker_gives_the_report_of_podman(of_podman: dict[str, Any], folder: Path, tmp_path: Path) -> None:
    if processes.which("dockerd") is None:
        pytest.skip("there is no docker daemon to start: apt-get install docker.io")
    with docker_daemon.running(tmp_path) as daemon:
        standins.build(Engine("docker", "", daemon.env), "nginx", ROOT / "docker" / "nginx-standin")  # the namespace has no way to Debian
        done = processes.run(*daemon.beside(*COMMAND, *CHECK), cwd=folder, env=daemon.env, timeout=600)

    assert report_of(done) == of_podman


def test_a_normal_user_gets_the_report_of_root(of_podman: dict[str, Any], as_user: Callable[..., CompletedProcess]) -> None:
    done = as_user(*CHECK)

    assert report_of(done) == of_podman


def test_the_image_gives_the_report_of_the_program(of_podman: dict[str, Any], image: str, podman: Engine, folder: Path) -> None:
    words = [word.replace("$PWD", str(folder)) for word in command_of_the_page()[1:-1]]
    done = podman.run(*words, image, *CHECK, timeout=600)

    assert report_of(done) == of_podman


def test_builds_in_the_image_have_another_network_than_the_image(image: str, podman: Engine) -> None:
    asked = ("network", "inspect", "podman")
    around = re.findall(r'"subnet": "([0-9./]+)"', podman.must(*asked))
    inside = re.findall(r'"subnet": "([0-9./]+)"', podman.must("run", "--rm", "--privileged", "--entrypoint", "podman", image, *asked))

    assert around
    assert inside
    assert not [one for one in inside for other in around if ipaddress.ip_network(one).overlaps(ipaddress.ip_network(other))]


def test_the_image_without_its_option_says_which_one_it_needs(image: str, podman: Engine, folder: Path) -> None:
    done = podman.run("run", "--rm", "--volume", f"{folder}:/w", image, *CHECK, timeout=300)

    assert done.code == 2
    assert "start this container with --privileged" in done.stderr
