"""An HTTP listener of a load balancer: takes requests and passes them on as the listener's rules say.

Source: https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-listeners.html.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import functools
import http.client
import http.server
import ssl
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from preflight.rehearsal import namespace, routing

TIMEOUT = 10.0
HOP = {"connection", "keep-alive", "proxy-authenticate", "te", "trailer", "transfer-encoding", "upgrade", "host"}
MAX_BODY = 1 << 20


class Listener(Protocol):
    """What a front asks of its listener."""

    def rules(self) -> list[dict[str, Any]]:
        """Its rules, as they are described."""

    def backend(self, group: str) -> tuple[int, tuple[str, int]] | None:
        """Process id of a namespace, and address and port of the target in it."""


class Front:
    """Serves one listener on one address until it is closed."""

    def __init__(self, place: tuple[str, int], listener: Listener, *, is_encrypted: bool) -> None:
        handler = type("Handler", (_Handler,), {"listener": listener, "is_encrypted": is_encrypted})
        self._server = http.server.ThreadingHTTPServer(place, handler)
        self._server.daemon_threads = True
        if is_encrypted:
            self._server.socket = _context().wrap_socket(self._server.socket, server_side=True)
        threading.Thread(target=self._server.serve_forever, daemon=True, name=f"front {place}").start()

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()


class _Handler(http.server.BaseHTTPRequestHandler):
    """One connection of a caller."""

    listener: Listener
    is_encrypted: bool
    protocol_version = "HTTP/1.1"
    server_version = "awselb/2.0"
    sys_version = ""
    timeout = TIMEOUT

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base class's
        """Say nothing."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("do_"):
            return self._pass_on
        raise AttributeError(name)

    def _pass_on(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        asked = routing.Asked(self.command, self.path, str(self.client_address[0]), headers)
        routed = routing.action(self.listener.rules(), asked)
        if routed is None:
            self._say(503)
        elif routed["Type"] == "redirect":
            self._redirect(routed.get("RedirectConfig") or {}, asked)
        elif routed["Type"] == "fixed-response":
            config = routed.get("FixedResponseConfig") or {}
            kind = str(config.get("ContentType") or "text/plain")
            self._answer(
                int(config["StatusCode"]), str(config.get("MessageBody") or "").encode(), {"Content-Type": kind}
            )
        else:
            self._forward(routed)

    def _redirect(self, config: Mapping[str, Any], asked: routing.Asked) -> None:
        protocol, port = "https" if self.is_encrypted else "http", int(self.connection.getsockname()[1])
        where = routing.location(config, asked, protocol=protocol, port=port)
        status = 302 if config.get("StatusCode") == "HTTP_302" else 301
        self._answer(status, b"", {"Location": where})

    def _forward(self, routed: Mapping[str, Any]) -> None:
        groups = routing.target_groups(routed)
        backend = self.listener.backend(groups[0]) if groups else None
        if backend is None:
            self._say(503)  # no registered targets
            return
        try:
            self._ask(*backend)
        except TimeoutError:
            self._say(504)
        except (OSError, http.client.HTTPException):
            self._say(502)

    def _ask(self, pid: int, place: tuple[str, int]) -> None:
        size = min(int(self.headers.get("Content-Length") or 0), MAX_BODY)
        body = self.rfile.read(size) if size else None
        with contextlib.closing(http.client.HTTPConnection(*place, timeout=TIMEOUT)) as asking:
            asking.sock = namespace.connect(pid, *place, timeout=TIMEOUT)
            passed = {name: value for name, value in self.headers.items() if name.lower() not in HOP}
            passed |= {"Host": self.headers.get("Host", place[0]), "X-Forwarded-For": str(self.client_address[0])}
            passed |= {"X-Forwarded-Proto": "https" if self.is_encrypted else "http"}
            asking.request(self.command, self.path, body=body, headers=passed)
            answer = asking.getresponse()
            kept = {n: v for n, v in answer.getheaders() if n.lower() not in {*HOP, "content-length"}}
            self._answer(answer.status, answer.read(), kept)

    def _say(self, status: int) -> None:
        text = f"<html><body><h1>{status} {http.client.responses[status]}</h1></body></html>"
        self._answer(status, text.encode(), {"Content-Type": "text/html", "Server": "awselb/2.0"})

    def _answer(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        self.send_response_only(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


@functools.cache
def _context() -> ssl.SSLContext:
    """TLS with a certificate of this run's own; nobody is asked to trust it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "certificate.pem"
        path.write_bytes(_certificate())
        context.load_cert_chain(path)
    return context


def _certificate() -> bytes:
    """A private key and a certificate signed with it, in PEM."""
    from cryptography import x509  # noqa: PLC0415 - slow to import, and few deployments have an HTTPS listener
    from cryptography.hazmat.primitives import hashes, serialization  # noqa: PLC0415 - as above
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415 - as above

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "rehearsal")])
    now = dt.datetime.now(dt.timezone.utc)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return secret + made.public_bytes(serialization.Encoding.PEM)
