from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest

from preflight.rehearsal.network.in_flight import InFlight


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    left, right = socket.socketpair()
    right.settimeout(5)
    with left, right:
        yield left, right


def test_a_task_is_waited_for_until_its_last_request_is_answered(pair: tuple[socket.socket, socket.socket]) -> None:
    in_flight = InFlight()
    for caller in pair:
        in_flight.begin(caller)
        threading.Timer(0.1, in_flight.end, (caller,)).start()

    assert in_flight.wait(5, closing=threading.Event())
    assert in_flight.count == 0


def test_a_request_that_is_not_answered_in_time_is_reported(pair: tuple[socket.socket, socket.socket]) -> None:
    in_flight = InFlight()
    in_flight.begin(pair[0])

    assert not in_flight.wait(0.05, closing=threading.Event())


def test_nobody_waits_in_an_account_that_closes(pair: tuple[socket.socket, socket.socket]) -> None:
    in_flight, closing = InFlight(), threading.Event()
    in_flight.begin(pair[0])
    closing.set()

    assert not in_flight.wait(60, closing=closing)


def test_the_connection_of_a_load_balancer_is_cut_off(pair: tuple[socket.socket, socket.socket]) -> None:
    target, application = pair
    in_flight = InFlight()
    with socket.socket() as caller:
        in_flight.begin(caller, target)

        in_flight.cut()

        assert application.recv(1) == b""


def test_a_response_is_in_flight_while_parts_of_it_come(pair: tuple[socket.socket, socket.socket]) -> None:
    in_flight = InFlight()
    in_flight.begin(pair[0])

    in_flight.answer(pair[0])

    assert in_flight.count == 1


def test_a_request_that_begins_meanwhile_is_not_waited_for(pair: tuple[socket.socket, socket.socket]) -> None:
    in_flight = InFlight()
    in_flight.begin(pair[0])
    threading.Timer(0.1, in_flight.begin, (pair[0],)).start()

    assert in_flight.wait(5, closing=threading.Event())
