"""One request to a server of this machine, and how it ends."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from preflight.deploy.places import Place
from preflight.traffic import exchange
from preflight.traffic.exchange import Ending, KeptConnection
from preflight.traffic.record import FailureKind

PAGE = b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nWelcome"
Serve = Callable[[socket.socket, int], None]


@contextlib.contextmanager
def server(serve: Serve) -> Iterator[Place]:
    """A place at which each connection is served, numbered from 0, until `serve` returns."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def accept() -> None:
            number = 0
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    with connection:
                        serve(connection, number)
                    number += 1

        threading.Thread(target=accept, daemon=True).start()
        port = int(listener.getsockname()[1])
        yield Place(f"http://web.example:{port}/", "web", "127.0.0.1")
        listener.shutdown(socket.SHUT_RDWR)


def answering(*responses: bytes) -> Serve:
    """Answers the requests of a connection with these, and closes it."""

    def serve(connection: socket.socket, _number: int) -> None:
        for response in responses:
            if connection.recv(4096):
                connection.sendall(response)

    return serve


def get(place: Place, **options: float) -> Ending:
    return KeptConnection(place).get("/", is_kept=False, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("response", "kind"),
    [
        pytest.param(PAGE, None, id="a page"),
        pytest.param(b"", FailureKind.RESET, id="no answer"),
        pytest.param(PAGE[:-3], FailureKind.RESET, id="a page without its end"),
        pytest.param(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7\r\nWel", FailureKind.RESET, id="a chunk without its end"),
        pytest.param(b"no HTTP\r\n\r\n", FailureKind.RESET, id="what is not HTTP"),
        pytest.param(b"HTTP/1.1 502 Bad\r\nServer: awselb/2.0\r\nContent-Length: 0\r\n\r\n", FailureKind.BAD_GATEWAY, id="502 of a load balancer"),
        pytest.param(b"HTTP/1.1 503 No\r\nServer: awselb/2.0\r\nContent-Length: 0\r\n\r\n", FailureKind.UNAVAILABLE, id="503 of a load balancer"),
        pytest.param(b"HTTP/1.1 502 Bad\r\nContent-Length: 0\r\n\r\n", None, id="502 of the application, which is a page"),
    ],
)  # fmt: skip
def test_a_request_ends_by_what_comes_back(response: bytes, kind: FailureKind | None) -> None:
    with server(answering(response)) as place:
        assert get(place).kind is kind


def test_a_closed_port_refuses() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]

    assert get(Place(f"http://127.0.0.1:{port}/", "web", "127.0.0.1")).kind is FailureKind.REFUSED


@pytest.mark.hostile(
    8,
    input="a page that is asked while an update runs never ends its header, or its body",
    happens="the request fails, or its first MiB is the page; the update goes on",
    limit="30 s, 1 MiB, 200 failures",
)
def test_a_header_that_never_ends_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange, "PATIENCE", 0.3)

    def drip(connection: socket.socket, _number: int) -> None:
        with contextlib.suppress(OSError):
            connection.sendall(b"HTTP/1.1 200 OK\r\nX: ")
            while True:
                connection.sendall(b"x")
                threading.Event().wait(0.05)

    with server(drip) as place:
        assert get(place).kind is FailureKind.TIMEOUT


def test_a_kept_connection_serves_several_requests() -> None:
    numbers: list[int] = []

    def serve(connection: socket.socket, number: int) -> None:
        numbers.append(number)
        answering(PAGE, PAGE)(connection, number)

    with server(serve) as place:
        connection = KeptConnection(place)
        kinds = [connection.get("/", is_kept=True).kind for _ in range(2)]
        connection.close()

    assert kinds == [None, None]
    assert numbers == [0]


def test_a_request_that_crosses_with_the_end_of_an_idle_connection_is_sent_again() -> None:
    with server(answering(PAGE)) as place:
        connection = KeptConnection(place)
        kinds = [connection.get("/", is_kept=True).kind for _ in range(2)]
        connection.close()

    assert kinds == [None, None]


def test_a_held_request_sends_the_end_of_its_header_late() -> None:
    pieces: list[bytes] = []

    def serve(connection: socket.socket, _number: int) -> None:
        pieces.extend(connection.recv(4096) for _ in range(2))
        connection.sendall(PAGE)

    with server(serve) as place:
        ending = get(place, hold=0.3)

    assert ending.text == "Welcome"
    assert pieces[1] == b"\r\n"
    assert (ending.ended_at - ending.sent_at).total_seconds() >= 0.3


def test_a_held_request_ends_when_its_server_does() -> None:
    def serve(connection: socket.socket, _number: int) -> None:
        connection.recv(4096)

    with server(serve) as place:
        ending = get(place, hold=20)

    assert ending.kind is FailureKind.RESET
    assert (ending.ended_at - ending.sent_at).total_seconds() < 10


def test_a_page_without_an_end_is_read_to_its_first_mebibyte() -> None:
    def serve(connection: socket.socket, _number: int) -> None:
        with contextlib.suppress(OSError):
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
            while True:
                connection.sendall(b"x" * 65536)

    with server(serve) as place:
        assert len(get(place).text) == 1 << 20
