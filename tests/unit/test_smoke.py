from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest

from preflight import errors, fetching
from preflight.aws import session


@pytest.fixture
def speaker(request: pytest.FixtureRequest) -> Iterator[str]:
    """A server that answers every caller with the bytes of the parameter."""
    listener = socket.create_server(("127.0.0.1", 0))

    def speak() -> None:
        while True:
            try:
                caller, _ = listener.accept()
            except OSError:
                return
            with caller:
                caller.recv(1024)
                caller.sendall(request.param)

    threading.Thread(target=speak, daemon=True).start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()


@pytest.mark.parametrize(
    "speaker",
    [
        pytest.param(b"SSH-2.0-x\r\n", id="another protocol"),
        pytest.param(b"", id="silence"),
        pytest.param(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", id="bad chunks"),
    ],
    indirect=True,
)
def test_what_is_no_http_is_no_answer(speaker: str) -> None:
    assert fetching.fetch(speaker).status is None


@pytest.mark.parametrize(
    "speaker",
    [
        pytest.param(
            b"HTTP/1.1 302 Found\r\nLocation: http://example.com/\r\nContent-Length: 0\r\n\r\n", id="a redirect"
        )
    ],
    indirect=True,
)
def test_a_redirect_is_not_followed(speaker: str) -> None:
    assert fetching.fetch(speaker).status == 302


@pytest.mark.parametrize("host", ["8.8.8.8", "10.0.0.1", "127.0.0.1.example.com", "example.com", ""])
def test_a_rehearsal_contacts_this_machine_only(host: str) -> None:
    with pytest.raises(errors.NotLoopbackError):
        session.rehearsal("eu-west-1", "http://127.0.0.1:1").check_address(host)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.99.1.2", "localhost", "::1"])
def test_loopback_is_this_machine(host: str) -> None:
    session.rehearsal("eu-west-1", "http://127.0.0.1:1").check_address(host)

    assert session.is_loopback(host)
