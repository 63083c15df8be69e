"""A proxy on loopback between a client and an account, which injects faults into requests."""

from __future__ import annotations

import collections
import contextlib
import http.client
import http.server
import socket
import threading
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from preflight.system import waiting
from tests.integration.request_faults import call, error_responses
from tests.integration.request_faults.fault import Fault, Kind

SLOW, TOO_SLOW = 3.0, 32.0  # seconds; a client gives up after thirty
TIMEOUT = 120.0
HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "expect", "host"}
RESPONSES = {
    Kind.THROTTLED: error_responses.throttled,
    Kind.THROTTLED_MORE: error_responses.throttled,
    Kind.BROKEN: error_responses.broken,
    Kind.BROKEN_FOR_GOOD: error_responses.broken,
    Kind.EXPIRED: error_responses.expired,
}
NOT_FORWARDED = {Kind.DROPPED, Kind.GONE}
UNANSWERED = {Kind.LOST, Kind.TIMED_OUT}
Headers = list[tuple[str, str]]


class Proxy:
    """The names of all requests, in order, and how many `faults` there were."""

    def __init__(self, server: str) -> None:
        self.server = server
        self.requests: list[str] = []
        self.faults = 0
        self._fault: Fault | None = None
        self._counts: collections.Counter[str] = collections.Counter()
        self._lock = threading.Lock()
        handler = type("Handler", (_Handler,), {"proxy": self})
        self._http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._http.daemon_threads = True
        self.address = f"http://127.0.0.1:{self._http.server_port}"

    def arm(self, fault: Fault | None) -> None:
        """Forget the requests so far, and inject this fault from now on."""
        with self._lock:
            self._fault, self.faults, self.requests = fault, 0, []
            self._counts.clear()

    def enter(self, name: str) -> Kind | None:
        """Note a request, and return the kind of fault that it gets."""
        with self._lock:
            self.requests.append(name)
            self._counts[name] += 1
            fault = self._fault
            if fault is None or not fault.hits(name, self._counts[name], has_begun=self.faults > 0):
                return None
            self.faults += 1
            return fault.kind

    def serve(self) -> None:
        """Serve until `close`."""
        self._http.serve_forever(0.05)

    def close(self) -> None:
        """Stop listening."""
        self._http.shutdown()
        self._http.server_close()


@contextlib.contextmanager
def running(server: str) -> Iterator[Proxy]:
    """A proxy in front of the account at that address, until the block ends."""
    proxy = Proxy(server)
    thread = threading.Thread(target=proxy.serve, daemon=True, name="proxy")
    thread.start()
    try:
        yield proxy
    finally:
        proxy.close()
        thread.join()


class _Handler(http.server.BaseHTTPRequestHandler):
    """One connection of a client."""

    proxy: Proxy
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base class's
        """Log nothing."""

    def handle(self) -> None:
        """Answer until the client disconnects, even in the middle of a request."""
        with contextlib.suppress(OSError):
            super().handle()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("do_"):
            return self._pass
        raise AttributeError(name)

    def _pass(self) -> None:
        body = self._body()
        name = call.name_of(self.command, self.path, {k.lower(): v for k, v in self.headers.items()}, body)
        kind = self.proxy.enter(name)
        if kind in NOT_FORWARDED:
            self._hang_up()
        elif kind in RESPONSES:
            response = RESPONSES[kind](name.partition(":")[0])
            self._respond(response.status, [("Content-Type", response.content_type), *response.headers], response.body)
        else:
            self._forward(body, kind)

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = []
        while size := int(self.rfile.readline().partition(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def _forward(self, body: bytes, kind: Kind | None) -> None:
        if kind is Kind.SLOW:
            waiting.pause(SLOW)
        status, headers, answer = self._fetch(body)
        if kind is Kind.TIMED_OUT:
            waiting.pause(TOO_SLOW)
        if kind in UNANSWERED:
            self._hang_up()
        else:
            self._respond(status, headers, answer)

    def _fetch(self, body: bytes) -> tuple[int, Headers, bytes]:
        """Returns the account's response, with the proxy's address in place of its own."""
        parts = urlsplit(self.proxy.server)
        headers = {name: value for name, value in self.headers.items() if name.lower() not in HOP}
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=TIMEOUT)
        with contextlib.closing(connection):
            connection.request(self.command, self.path, body, headers)
            response = connection.getresponse()
            response_headers = [(k, v.replace(self.proxy.server, self.proxy.address)) for k, v in response.getheaders()]
            content = response.read()
            length = response.getheader("Content-Length") or "0"
        if b"proxyEndpoint" in content:
            content = content.replace(self.proxy.server.encode(), self.proxy.address.encode())
        if self.command == "HEAD":
            response_headers.append(("X-Length", length))
        return response.status, response_headers, content

    def _respond(self, status: int, headers: Headers, body: bytes) -> None:
        length = next((v for k, v in headers if k == "X-Length"), str(len(body)))
        self.send_response_only(status)
        for name, value in headers:
            if name.lower() not in HOP and name != "X-Length":
                self.send_header(name, value)
        self.send_header("Content-Length", length)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _hang_up(self) -> None:
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)
