from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from preflight.container_engine import build_network, image_pull, pull_network
from preflight.container_engine.engine import Engine


class RootEngine(Engine):
    """An engine that could enter namespaces, and runs nothing."""

    shares_network_namespaces = True


@pytest.fixture
def entered(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The runs whose network a pull was given; DNS is there, and no proxy."""
    runs: list[str] = []

    @contextlib.contextmanager
    def namespace(_engine: Engine, run: str) -> Iterator[Path]:
        runs.append(run)
        yield Path("/ns")

    monkeypatch.setattr(build_network, "namespace", namespace)
    monkeypatch.setattr(build_network, "resolvers", lambda: ["192.0.2.53"])
    for name in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"):
        monkeypatch.delenv(name, raising=False)
    return runs


@pytest.mark.parametrize("image", ["registry.example/x:1", "docker.io.example/x", "evil.docker.io/x", "docker.io:81/x"])
def test_a_pull_of_a_registry_that_is_not_known_has_the_network_of_builds(entered: list[str], image: str) -> None:
    with pull_network.restricted(RootEngine("podman", "5.0"), image) as engine:
        assert engine.namespace == Path("/ns")


@pytest.mark.parametrize("image", ["nginx:1", "library/nginx", "docker.io/library/nginx:1", "public.ecr.aws/nginx/nginx"])
def test_a_pull_of_a_known_registry_takes_no_time_for_it(entered: list[str], image: str) -> None:
    with pull_network.restricted(RootEngine("podman", "5.0"), image):
        assert entered == []


def test_a_pull_is_not_cut_off_if_no_name_can_be_looked_up(entered: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build_network, "resolvers", list)  # systemd-resolved listens on loopback

    with pull_network.restricted(RootEngine("podman", "5.0"), "registry.example/x:1"):
        assert entered == []


@pytest.mark.parametrize(
    "registry", ["localhost", "localhost:5000", "127.0.0.1:5000", "127.1:80", "0.0.0.0:80", "169.254.169.254", "169.254.170.2:80"]
)
def test_no_image_is_pulled_from_this_machine_or_its_cloud(registry: str) -> None:
    done = image_pull.pull(Engine("/nosuchprogram", "5.0"), f"{registry}/x:1")

    assert "connection refused" in done.stderr


def test_another_registry_is_not_this_machine() -> None:
    assert not pull_network.is_here("192.0.2.7:5000/x:1")


def test_an_address_of_ipv4_in_one_of_ipv6_is_the_same_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [(socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("::ffff:127.0.0.1", 0, 0, 0))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_options: found)

    assert pull_network.is_here("registry.example/x:1")
