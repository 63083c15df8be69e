"""A listener of a load balancer in front of a target of this machine."""

from __future__ import annotations

import contextlib
import http.client
import http.server
import socket
import ssl
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from preflight.rehearsal.load_balancing.http_listener import HttpListener
from preflight.rehearsal.load_balancing.listener_rules import Action
from preflight.rehearsal.network import namespace
from preflight.rehearsal.network.relay import Destination
from preflight.system import waiting
from preflight.system.http import DeadlineSocket

PATIENCE = 5.0  # seconds
FORWARD = [{"IsDefault": True, "Actions": [{"Type": "forward", "TargetGroupArn": "g"}]}]


class _Target(http.server.BaseHTTPRequestHandler):
    """Returns the headers of the request in headers of its response."""

    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base class's
        pass

    def do_POST(self) -> None:
        chunked = self.headers.get("Transfer-Encoding") == "chunked"
        body = self._chunks() if chunked else self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(200)
        for value in ("a=1", "b=2"):
            self.send_header("Set-Cookie", value)
        for name in ("X-Forwarded-For", "X-Forwarded-Port"):
            self.send_header(f"Was-{name}", self.headers.get(name, ""))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def do_GET(self) -> None:
        self.do_POST()

    def do_HEAD(self) -> None:
        self.do_POST()

    def _chunks(self) -> bytes:
        found = b""
        while size := int(self.rfile.readline(), 16):
            found += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return found


class _Routing:
    def __init__(self, target: tuple[str, int]) -> None:
        self.target = target
        self.idle_timeout = 10.0
        self.kept: list[DeadlineSocket] = []

    def rules(self) -> list[dict[str, Any]]:
        return FORWARD

    def backend(self, action: Action, _caller: socket.socket) -> Destination | None:
        return Destination(0, self.target) if action["TargetGroupArn"] == "g" else None

    def keep(self, _receiver: Destination, connection: DeadlineSocket) -> bool:
        self.kept.append(connection)
        return False


@pytest.fixture
def routing(monkeypatch: pytest.MonkeyPatch) -> Iterator[_Routing]:
    def connect(_pid: int, address: str, port: int, *, timeout: float) -> socket.socket:
        return socket.create_connection((address, port), timeout=timeout)

    monkeypatch.setattr(namespace, "connect", connect)
    target = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Target)
    target.daemon_threads = True
    threading.Thread(target=target.serve_forever, args=(0.05,), daemon=True).start()
    yield _Routing(("127.0.0.1", target.server_port))
    target.shutdown()
    target.server_close()


@contextlib.contextmanager
def opened(routing: _Routing, *, is_encrypted: bool = False) -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = int(free.getsockname()[1])
    served = HttpListener(("127.0.0.1", port), routing, is_encrypted=is_encrypted)
    served.start()
    try:
        yield port
    finally:
        served.close()


@contextlib.contextmanager
def requested(port: int, method: str = "POST", **given: Any) -> Iterator[http.client.HTTPResponse]:
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)) as connection:
        connection.request(method, "/", **given)
        yield connection.getresponse()


def send_raw(port: int, request: bytes) -> bytes:
    """Returns everything that the listener answers until it closes."""
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as connection:
        connection.sendall(request)
        return b"".join(iter(lambda: connection.recv(65536), b""))


def test_every_cookie_is_passed_on(routing: _Routing) -> None:
    with opened(routing) as port, requested(port) as answer:
        assert answer.headers.get_all("Set-Cookie") == ["a=1", "b=2"]


def test_the_client_is_added_to_the_forwarding_chain(routing: _Routing) -> None:
    with opened(routing) as port, requested(port, headers={"x-forwarded-for": "192.0.2.9"}) as answer:
        assert answer.headers["Was-X-Forwarded-For"] == "192.0.2.9, 127.0.0.1"
        assert answer.headers["Was-X-Forwarded-Port"] == str(port)


def test_an_upload_of_any_size_arrives(routing: _Routing) -> None:
    body = b"x" * (3 << 20)
    with opened(routing) as port, requested(port, body=body) as answer:
        assert answer.read() == body


def test_a_body_in_chunks_arrives(routing: _Routing) -> None:
    with opened(routing) as port, requested(port, body=iter([b"one ", b"two"]), encode_chunked=True) as answer:
        assert answer.read() == b"one two"


def test_a_head_request_returns_the_length_of_the_page(routing: _Routing) -> None:
    with opened(routing) as port, requested(port, "HEAD", body=b"12345") as answer:
        assert answer.headers["Content-Length"] == "5"


@pytest.mark.parametrize(
    "header",
    [
        pytest.param(b"Content-Length: x", id="no number"),
        pytest.param(b"Content-Length: -5", id="below nothing"),
        pytest.param(b"Content-Length: 1\r\nContent-Length: 2", id="two lengths"),
        pytest.param(b"Content-Length: 3\r\nTransfer-Encoding: chunked", id="a length and chunks"),
        pytest.param(b"Transfer-Encoding: chunked, gzip", id="an unknown encoding"),
    ],
)
def test_a_request_without_a_clear_end_is_refused_and_its_connection_closed(
    routing: _Routing, header: bytes
) -> None:
    smuggled = b"GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"
    with opened(routing) as port:
        found = send_raw(port, b"POST / HTTP/1.1\r\nHost: x\r\n" + header + b"\r\n\r\n" + smuggled)

    assert found.startswith(b"HTTP/1.1 400 ")
    assert found.count(b"HTTP/1.1 ") == 1


def test_a_chunk_without_a_size_is_refused(routing: _Routing) -> None:
    with opened(routing) as port:
        found = send_raw(port, b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nno size\r\n")

    assert found.startswith(b"HTTP/1.1 400 ")


def test_a_client_without_a_handshake_blocks_no_other_client(routing: _Routing) -> None:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with opened(routing, is_encrypted=True) as port, socket.create_connection(("127.0.0.1", port)):
        connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=PATIENCE, context=context)
        with contextlib.closing(connection):
            connection.request("GET", "/")

            assert connection.getresponse().status == 200


def raw_target(answer: Callable[[socket.socket], None]) -> socket.socket:
    """A target that answers its first caller with what `answer` sends."""
    target = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with contextlib.suppress(OSError):
            caller, _ = target.accept()
            with caller:
                caller.recv(65536)
                answer(caller)

    threading.Thread(target=serve, daemon=True).start()
    return target


def test_a_response_is_passed_on_as_it_comes(routing: _Routing) -> None:
    came = threading.Event()

    def answer(caller: socket.socket) -> None:
        caller.sendall(b"HTTP/1.1 200 OK\r\n\r\nfirst")
        came.wait(PATIENCE)
        caller.sendall(b"last")

    with raw_target(answer) as target:
        routing.target = target.getsockname()
        with opened(routing) as port, requested(port, "GET") as response:
            first = response.read1(100)
            came.set()

            assert first == b"first"
            assert response.read() == b"last"


@pytest.mark.hostile(
    8,
    "alb",
    input="a task behind a load balancer answers with 1.2 GB",
    happens="streamed",
    limit="20 MB",
)
def test_a_response_of_200_mib_takes_little_memory(routing: _Routing) -> None:
    piece = b"x" * (1 << 20)

    def answer(caller: socket.socket) -> None:
        caller.sendall(b"HTTP/1.0 200 OK\r\n\r\n")
        for _ in range(200):
            caller.sendall(piece)

    with raw_target(answer) as target:
        routing.target = target.getsockname()
        tracemalloc.start()
        with opened(routing) as port, requested(port, "GET") as response:
            size = sum(len(piece) for piece in iter(lambda: response.read(1 << 16), b""))
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()

    assert size == 200 << 20
    assert peak < 20 << 20


def test_a_response_that_breaks_off_is_incomplete_for_the_client(routing: _Routing) -> None:
    with raw_target(lambda caller: caller.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx")) as target:
        routing.target = target.getsockname()
        with opened(routing) as port, requested(port, "GET") as response, pytest.raises(http.client.IncompleteRead):
            response.read()


@pytest.mark.hostile(
    8,
    "alb",
    input="a task behind a load balancer drips its header",
    happens="504",
    limit="the load balancer's idle timeout for a header, 300 s for an exchange",
)
def test_a_header_that_drips_is_a_gateway_timeout(routing: _Routing) -> None:
    routing.idle_timeout = 0.5

    def answer(caller: socket.socket) -> None:
        with contextlib.suppress(OSError):
            caller.sendall(b"HTTP/1.1 200 OK\r\nX: ")
            for _ in range(40):
                caller.sendall(b"x")
                waiting.pause(0.1)

    with raw_target(answer) as target:
        routing.target = target.getsockname()
        with opened(routing) as port, requested(port, "GET") as response:
            assert response.status == 504


def test_a_response_in_chunks_has_no_second_size(routing: _Routing) -> None:
    def answer(caller: socket.socket) -> None:
        caller.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n")

    with raw_target(answer) as target:
        routing.target = target.getsockname()
        with opened(routing) as port, requested(port, "GET") as response:
            assert response.headers["Content-Length"] is None
            assert response.read() == b"abc"


@pytest.mark.parametrize(
    ("header", "is_kept"),
    [
        pytest.param(b"Content-Length: 1\r\n\r\nx", True, id="keeps it open"),
        pytest.param(b"Content-Length: 1\r\nConnection: close\r\n\r\nx", False, id="closes it"),
        pytest.param(b"\r\nx", False, id="ends its response with it"),
    ],
)
def test_an_idle_connection_is_left_if_the_target(routing: _Routing, header: bytes, *, is_kept: bool) -> None:
    with raw_target(lambda caller: caller.sendall(b"HTTP/1.1 200 OK\r\n" + header)) as target:
        routing.target = target.getsockname()
        with opened(routing) as port, requested(port, "GET") as response:
            response.read()
            waiting.until(lambda: routing.kept or not is_kept, what="the connection", timeout=5)

    assert bool(routing.kept) is is_kept
