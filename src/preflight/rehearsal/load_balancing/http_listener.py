"""An HTTP listener of a load balancer: answers or forwards requests as its rules say.

Source: https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-listeners.html.
"""

from __future__ import annotations

import contextlib
import http.client
import http.server
import socket
import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

from preflight.model import JsonObject
from preflight.rehearsal.load_balancing import certificate, listener_rules
from preflight.rehearsal.load_balancing.listener_rules import Action, HttpRequest
from preflight.rehearsal.network import namespace
from preflight.rehearsal.network.in_flight import InFlight
from preflight.rehearsal.network.relay import Destination
from preflight.system.http import DeadlineSocket

TIMEOUT = 10.0  # seconds for a connection to a target
MAX_EXCHANGE = 300.0  # seconds for a request and its response, bodies and all
HOP = {
    "connection", "keep-alive", "proxy-authenticate", "proxy-connection", "te", "trailer", "transfer-encoding",
    "upgrade",
}
FORWARDED = {"x-forwarded-for", "x-forwarded-proto", "x-forwarded-port"}
POLL = 0.05  # seconds until a listener notices that it is closed
BODILESS = {204, 304}
CHUNK = 1 << 16
Headers = Sequence[tuple[str, str]]


class Routing(Protocol):
    """The rules of a listener, and the targets of its groups."""

    @property
    def idle_timeout(self) -> float:
        """The idle timeout of the load balancer."""

    def rules(self) -> list[JsonObject]:
        """Returns the rules of the listener, as DescribeRules describes them."""

    def backend(self, action: Action, caller: socket.socket) -> Destination | None:
        """Returns the next target of an action, which counts the caller's request; None if no target of its group runs."""

    def keep(self, receiver: Destination, connection: DeadlineSocket) -> bool:
        """Take an idle connection to a target over. Returns False if it is not needed."""


class HttpListener:
    """Serves one listener on one address until it is closed; `port` is the listener's, if the address has another."""

    def __init__(
        self, address: tuple[str, int], routing: Routing, *, is_encrypted: bool, port: int | None = None
    ) -> None:
        attributes = {"routing": routing, "is_encrypted": is_encrypted, "port": port}
        handler = type("Handler", (_ListenerHandler,), attributes)
        self._server = http.server.ThreadingHTTPServer(address, handler)
        self._server.daemon_threads = True
        if is_encrypted:  # handshake in the connection's thread, so an idle client cannot block the listener
            self._server.socket = certificate.tls_context().wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        self.address = str(self._server.server_address[0]), int(self._server.server_address[1])
        self._thread = threading.Thread(target=self._server.serve_forever, args=(POLL,), daemon=True, name=f"listener {address}")

    def start(self) -> None:
        """Start to serve."""
        self._thread.start()

    def close(self) -> None:
        """Stop listening."""
        if self._thread.ident is not None:
            self._server.shutdown()
        self._server.server_close()


class _ListenerHandler(http.server.BaseHTTPRequestHandler):
    """One connection of a client."""

    routing: Routing
    is_encrypted: bool
    port: int | None
    protocol_version = "HTTP/1.1"
    server_version = "awselb/2.0"
    sys_version = ""

    def setup(self) -> None:
        """Wait for requests no longer than the load balancer's idle timeout."""
        super().setup()
        self.connection.settimeout(self.routing.idle_timeout)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base class's
        """Write nothing."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("do_"):
            return self._answer_request
        raise AttributeError(name)

    def handle(self) -> None:
        """Answer requests until the client closes the connection."""
        with contextlib.suppress(OSError):
            super().handle()

    def _answer_request(self) -> None:
        try:
            size = self._body_size()
        except ValueError:
            self.close_connection = True  # the start of the next request is unknown
            self._send_error_page(400)
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = HttpRequest(self.command, self.path, str(self.client_address[0]), headers)
        self._route(request, size)

    def _body_size(self) -> int | None:
        """Returns the size of the request's body, None if it comes in chunks.

        Raises:
            ValueError: the headers state no size, or more than one.
        """
        if self.headers.get("Transfer-Encoding"):
            if self.headers["Transfer-Encoding"].lower() != "chunked" or "Content-Length" in self.headers:
                raise ValueError
            return None
        lengths = {*(self.headers.get_all("Content-Length") or ["0"])}
        text = lengths.pop()
        if lengths or not (text.isascii() and text.isdigit()):
            raise ValueError
        return int(text)

    def _route(self, request: HttpRequest, size: int | None) -> None:
        action = listener_rules.action(self.routing.rules(), request)
        if action is not None and action["Type"] not in {"redirect", "fixed-response"}:
            self._forward(action, size)
            return
        self.close_connection = self.close_connection or size != 0  # the body is not read
        if action is None:
            self._send_error_page(503)
        elif action["Type"] == "redirect":
            self._redirect(action.get("RedirectConfig") or {}, request)
        else:
            config = action.get("FixedResponseConfig") or {}
            content_type = str(config.get("ContentType") or "text/plain")
            text = str(config.get("MessageBody") or "")
            self._send(int(config["StatusCode"]), text.encode(), [("Content-Type", content_type)])

    def _redirect(self, config: Mapping[str, Any], request: HttpRequest) -> None:
        location = listener_rules.location(config, request, protocol=self._protocol, port=self._port)
        status = 302 if config.get("StatusCode") == "HTTP_302" else 301
        self._send(status, b"", [("Location", location)])

    @property
    def _protocol(self) -> str:
        return "https" if self.is_encrypted else "http"

    @property
    def _port(self) -> int:
        return self.port or int(self.connection.getsockname()[1])

    def _forward(self, action: Action, size: int | None) -> None:
        backend = self.routing.backend(action, self.connection)
        self.close_connection = self.close_connection or size != 0  # the target may answer before it reads the body
        if backend is None:
            self._send_error_page(503)  # no registered targets
            return
        in_flight = backend.in_flight or InFlight()
        with contextlib.ExitStack() as stack:
            stack.callback(in_flight.end, self.connection)
            try:
                connection, response = self._request(stack, backend, size)
            except ValueError:
                self._send_error_page(400)
            except TimeoutError:
                self._send_error_page(504)
            except (OSError, http.client.HTTPException):
                self._send_error_page(502)
            else:
                self._stream(response)
                self._keep(backend, connection, response)

    def _keep(
        self, receiver: Destination, connection: http.client.HTTPConnection, response: http.client.HTTPResponse
    ) -> None:
        """Keep a connection that the target keeps open."""
        sock: Any = connection.sock
        is_complete = response.isclosed() or response.length == 0
        if is_complete and not response.will_close and sock is not None and self.routing.keep(receiver, sock):
            connection.sock = None

    def _request(
        self, stack: contextlib.ExitStack, backend: Destination, size: int | None
    ) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
        """Returns the target's response, whose body is still to be read while the `stack` is open."""
        connection = stack.enter_context(contextlib.closing(http.client.HTTPConnection(*backend.address)))
        sock = namespace.connect(backend.pid, *backend.address, timeout=TIMEOUT)
        if backend.in_flight is not None:
            backend.in_flight.begin(self.connection, sock)
        pause = self.routing.idle_timeout
        connection.sock = bounded = DeadlineSocket(sock, timeout=MAX_EXCHANGE, pause=pause)
        connection.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in self._target_headers(backend.address[0], size):
            connection.putheader(name, value)
        body = self._chunks() if size is None else self._body(size)
        connection.endheaders(body if size != 0 else None, encode_chunked=size is None)
        bounded.extend(pause)  # for the header, which may not drip
        response = stack.enter_context(contextlib.closing(connection.getresponse()))
        bounded.extend(MAX_EXCHANGE)
        return connection, response

    def _stream(self, response: http.client.HTTPResponse) -> None:
        """Pass a target's response on as it comes; the connection is closed if it breaks off or has no end in time."""
        has_body = self.command != "HEAD" and response.status not in BODILESS
        is_chunked = has_body and response.length is None and self.request_version == "HTTP/1.1"
        if has_body and response.length is None and not is_chunked:
            self.close_connection = True
        self.send_response_only(response.status)
        self._send_fields(response, has_body=has_body)
        if is_chunked:
            self.send_header("Transfer-Encoding", "chunked")
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if not has_body:
            return
        try:
            self._copy(response, is_chunked=is_chunked)
        except (OSError, http.client.HTTPException):
            self.close_connection = True  # without the end that it promised, so that the client sees it

    def _send_fields(self, response: http.client.HTTPResponse, *, has_body: bool) -> None:
        """Send the fields of a target's response, and the size of its body if it is known."""
        for name, value in response.getheaders():
            if name.lower() not in {*HOP, "content-length"}:
                self.send_header(name, value)
        size = response.headers.get("Content-Length", "0") if self.command == "HEAD" else response.length
        if size is not None and (has_body or self.command == "HEAD") and response.status not in BODILESS:
            self.send_header("Content-Length", str(size))

    def _copy(self, response: http.client.HTTPResponse, *, is_chunked: bool) -> None:
        while piece := response.read1(CHUNK):
            self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece) if is_chunked else piece)
        if response.length:
            raise http.client.IncompleteRead(b"", response.length)
        if is_chunked:
            self.wfile.write(b"0\r\n\r\n")

    def _target_headers(self, host: str, size: int | None) -> Iterator[tuple[str, str]]:
        """The headers of the request to the target.

        Source: https://docs.aws.amazon.com/elasticloadbalancing/latest/application/x-forwarded-headers.html.
        """
        if "Host" not in self.headers:
            yield "Host", host
        for name, value in self.headers.items():
            if name.lower() not in {*HOP, *FORWARDED}:
                yield name, value
        if size is None:
            yield "Transfer-Encoding", "chunked"
        former = self.headers.get_all("X-Forwarded-For") or []
        yield "X-Forwarded-For", ", ".join([*former, str(self.client_address[0])])
        yield "X-Forwarded-Proto", self._protocol
        yield "X-Forwarded-Port", str(self._port)

    def _body(self, size: int) -> Iterator[bytes]:
        """The body of the request, in pieces."""
        while size > 0:
            piece = self.rfile.read(min(size, CHUNK))
            if not piece:
                raise ConnectionResetError
            size -= len(piece)
            yield piece

    def _chunks(self) -> Iterator[bytes]:
        """The body of a request that comes in chunks.

        Raises:
            ValueError: a chunk has no size.
        """
        while (size := int(self.rfile.readline(CHUNK).partition(b";")[0], 16)) > 0:
            yield from self._body(size)
            self.rfile.readline(CHUNK)
        while self.rfile.readline(CHUNK).strip():
            pass  # trailers

    def _send_error_page(self, status: int) -> None:
        text = f"<html><body><h1>{status} {http.client.responses[status]}</h1></body></html>"
        self._send(status, text.encode(), [("Content-Type", "text/html"), ("Server", "awselb/2.0")])

    def _send(self, status: int, body: bytes, headers: Headers) -> None:
        self.send_response_only(status)
        for name, value in headers:
            self.send_header(name, value)
        if status not in BODILESS and not any(name.lower() == "content-length" for name, _ in headers):
            self.send_header("Content-Length", str(len(body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD" and status not in BODILESS:
            self.wfile.write(body)
