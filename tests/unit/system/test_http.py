from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from preflight.system import http, waiting


@pytest.fixture
def server(request: pytest.FixtureRequest) -> Iterator[str]:
    """A server that answers every caller with the bytes of the parameter."""
    yield from served(lambda caller: caller.sendall(request.param))


@pytest.fixture
def dripping_server() -> Iterator[str]:
    """A server whose response has no end: a byte each 0.1 s."""

    def drip(caller: socket.socket) -> None:
        caller.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        with contextlib.suppress(OSError):
            for _ in range(100):
                caller.sendall(b"x")
                waiting.pause(0.1)

    yield from served(drip)


def served(answer: Callable[[socket.socket], None]) -> Iterator[str]:
    listener = socket.create_server(("127.0.0.1", 0))

    def respond() -> None:
        while True:
            try:
                caller, _ = listener.accept()
            except OSError:
                return
            with caller:
                caller.recv(1024)
                answer(caller)

    threading.Thread(target=respond, daemon=True).start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()


@pytest.mark.parametrize(
    "server",
    [
        pytest.param(b"SSH-2.0-x\r\n", id="another protocol"),
        pytest.param(b"", id="silence"),
        pytest.param(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", id="bad chunks"),
    ],
    indirect=True,
)
def test_a_reply_that_is_not_http_is_no_response(server: str) -> None:
    assert http.fetch(server).status is None


@pytest.mark.hostile(
    4,
    "smoke",
    input="a page of a task redirects a smoke request to another address",
    happens="the redirect is the answer",
)
@pytest.mark.parametrize(
    "server",
    [
        pytest.param(
            b"HTTP/1.1 302 Found\r\nLocation: http://example.com/\r\nContent-Length: 0\r\n\r\n", id="a redirect"
        )
    ],
    indirect=True,
)
def test_a_redirect_is_not_followed(server: str) -> None:
    assert http.fetch(server).status == 302


@pytest.mark.hostile(
    8,
    "hog-drip",
    input="a page sends one byte each two seconds",
    happens="no answer within its deadline",
    limit="10 s (60 s on AWS), 1 MB",
)
def test_a_response_without_an_end_is_waited_for_until_one_deadline(dripping_server: str) -> None:
    started = time.monotonic()

    response = http.fetch(dripping_server, timeout=0.5)

    assert response.status is None
    assert response.trouble == "status 200, but the answer does not end within 0.5 s"
    assert time.monotonic() - started < 2


@pytest.mark.parametrize(
    "host",
    [
        pytest.param("127.0.0.1", id="loopback"),
        pytest.param("0.0.0.0", id="any address"),  # noqa: S104 - it is not listened on
        pytest.param("2130706433", id="loopback as a number"),
        pytest.param("169.254.169.254", id="link-local"),
        pytest.param("10.0.0.1", id="private"),
        pytest.param("100.64.0.1", id="shared"),
        pytest.param("[::1]", id="loopback of IPv6"),
        pytest.param("[::ffff:127.0.0.1]", id="loopback in IPv6"),
        pytest.param("[64:ff9b::a9fe:a9fe]", id="link-local, translated"),
    ],
)
def test_an_address_that_is_not_of_the_internet_is_not_asked(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "create_connection", lambda *_: pytest.fail("it was asked"))

    response = http.fetch(f"http://{host}:1/", is_public_only=True)

    assert "which is not an address on the internet" in response.trouble
