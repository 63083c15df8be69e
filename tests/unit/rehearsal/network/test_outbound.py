"""Connections that leave the emulated account's process."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from preflight.rehearsal.network import outbound


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def test_a_connection_of_a_library_is_refused_and_noted(listener: socket.socket) -> None:
    notes: list[str] = []

    with outbound.refused(notes.append), pytest.raises(ConnectionRefusedError):
        socket.create_connection(listener.getsockname(), timeout=5)

    assert any("was refused" in note or "not looked up" in note for note in notes)


@pytest.mark.hostile(
    2,
    "base",
    input="moto looks for a Docker socket to start containers",
    happens="the connection is refused and noted",
)
def test_a_docker_socket_is_out_of_reach() -> None:
    with outbound.refused(lambda _: None), socket.socket(socket.AF_UNIX) as client, pytest.raises(ConnectionRefusedError):
        client.connect("/var/run/docker.sock")


@pytest.mark.hostile(
    4,
    input="a library in the account's process looks up a name",
    happens="no lookup, and a note in the report",
)
def test_a_host_name_is_not_looked_up() -> None:
    notes: list[str] = []

    with outbound.refused(notes.append), pytest.raises(socket.gaierror):
        socket.getaddrinfo("attacker.example", 80)

    assert "attacker.example" in notes[0]


def test_a_connection_to_a_task_is_allowed(listener: socket.socket) -> None:
    with outbound.refused(lambda _: None), outbound.connect(listener.getsockname(), timeout=5) as connection:
        assert connection.getpeername() == listener.getsockname()


def test_everything_connects_again_afterwards(listener: socket.socket) -> None:
    with outbound.refused(lambda _: None):
        pass

    with socket.create_connection(listener.getsockname(), timeout=5) as connection:
        assert connection.getpeername() == listener.getsockname()
