from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest

from preflight.system import http


@pytest.fixture
def server(request: pytest.FixtureRequest) -> Iterator[str]:
    """A server that answers every caller with the bytes of the parameter."""
    listener = socket.create_server(("127.0.0.1", 0))

    def respond() -> None:
        while True:
            try:
                caller, _ = listener.accept()
            except OSError:
                return
            with caller:
                caller.recv(1024)
                caller.sendall(request.param)

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
