from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Iterator

import pytest

from preflight.rehearsal.network import in_flight as in_flight_requests
from preflight.rehearsal.network import namespace
from preflight.rehearsal.network.in_flight import InFlight
from preflight.rehearsal.network.relay import Destination, Relay
from preflight.system import waiting

LOOPBACK = ("127.0.0.1", 0)


@pytest.fixture(autouse=True)
def _one_namespace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(namespace, "enter", lambda _pid: None)


@pytest.fixture
def target() -> Iterator[socket.socket]:
    with socket.create_server(LOOPBACK) as server:
        server.settimeout(10)
        yield server


def relay_to(destination: Destination | None) -> Relay:
    relay = Relay(LOOPBACK, lambda _caller: destination)
    relay.start()
    return relay


def test_a_relay_carries_both_directions_to_its_destination(target: socket.socket) -> None:
    relay = relay_to(Destination(os.getpid(), target.getsockname()))

    with socket.create_connection(relay.address, timeout=10) as caller:
        accepted, _ = target.accept()
        with accepted:
            caller.sendall(b"request")
            assert accepted.recv(100) == b"request"
            accepted.sendall(b"response")
            assert caller.recv(100) == b"response"
    relay.close()


def test_a_connection_without_a_destination_is_reset() -> None:
    relay = relay_to(None)

    with pytest.raises(ConnectionResetError), socket.create_connection(relay.address, timeout=10) as caller:  # the reset may come before it returns
        caller.recv(1)
    relay.close()


def test_a_closed_relay_refuses_connections() -> None:
    relay = relay_to(None)

    relay.close()

    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(relay.address, timeout=10)


def test_a_request_to_a_port_that_nothing_listens_on_is_not_in_flight() -> None:
    in_flight = InFlight()
    with socket.create_server(LOOPBACK) as server:
        closed = server.getsockname()

    def choose(caller: socket.socket) -> Destination:
        in_flight.begin(caller)
        return Destination(os.getpid(), closed, in_flight)

    relay = Relay(LOOPBACK, choose)
    relay.start()
    with contextlib.suppress(ConnectionResetError), socket.create_connection(relay.address, timeout=10) as caller:
        caller.recv(1)
    waiting.until(lambda: in_flight.count == 0, what="the request to end", timeout=5)
    relay.close()


def test_a_request_is_in_flight_until_the_task_has_answered(
    target: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(in_flight_requests, "QUIET", 0.0)
    in_flight = InFlight()
    relay = relay_to(Destination(os.getpid(), target.getsockname(), in_flight))

    with socket.create_connection(relay.address, timeout=10) as caller:
        accepted, _ = target.accept()
        with accepted:
            caller.sendall(b"request")
            accepted.recv(100)
            count_before = in_flight.count
            accepted.sendall(b"response")
            caller.recv(100)

            assert count_before == 1
            assert in_flight.count == 0
    relay.close()
