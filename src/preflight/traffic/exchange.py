"""One request on a connection that may serve several, and how it ended.

What answers is not trusted: header, body and time have bounds.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import http.client
import selectors
import socket
import threading
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

from preflight.deploy.places import Place
from preflight.system import http as web
from preflight.system.http import DeadlineSocket
from preflight.traffic.record import FailureKind

PATIENCE = 30.0  # seconds for a response
AT_ONCE = 0.1  # seconds in which a server that closes an idle connection crosses with the next request
GATEWAY = {502: FailureKind.BAD_GATEWAY, 503: FailureKind.UNAVAILABLE, 504: FailureKind.GATEWAY_TIMEOUT}


@dataclass(frozen=True)
class Ending:
    """How a request ended: with a status and the beginning of a page, or with `kind`, the way that it failed."""

    sent_at: dt.datetime
    ended_at: dt.datetime
    kind: FailureKind | None
    status: int | None = None
    text: str = ""
    trouble: str = ""

    def shown(self) -> str:
        """Returns what came back in one line."""
        return web.Response(self.status, self.text, self.trouble).shown()


class KeptConnection:
    """A connection to a place, open for the next request if server and client agree on that."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self._parts = urlsplit(place.url)
        self._socket: DeadlineSocket | None = None

    def close(self) -> None:
        """Close it."""
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.close()
            self._socket = None

    def get(self, path: str, *, is_kept: bool, hold: float = 0, stop: threading.Event | None = None) -> Ending:
        """Ask for a path. A server may close an idle connection just then, so the request is sent once more.

        With `hold` the end of the header is sent that many seconds late, or once `stop` is set.
        """
        is_reused, started = self._socket is not None, time.monotonic()
        ending = self._get(path, is_kept=is_kept, hold=hold, stop=stop or threading.Event())
        if is_reused and ending.kind is FailureKind.RESET and not ending.status and time.monotonic() - started < AT_ONCE:
            ending = self._get(path, is_kept=is_kept, hold=hold, stop=stop or threading.Event())
        if ending.kind is not None or not is_kept:
            self.close()
        return ending

    def _get(self, path: str, *, is_kept: bool, hold: float, stop: threading.Event) -> Ending:
        sent_at, status = dt.datetime.now(dt.timezone.utc), None

        def ended(kind: FailureKind | None, text: str = "", trouble: str = "") -> Ending:
            if kind is not None:
                self.close()
            return Ending(sent_at, dt.datetime.now(dt.timezone.utc), kind, status, text, trouble)

        try:
            sock = self._opened(PATIENCE + hold)
            self._send(sock, path, is_kept=is_kept, hold=hold, stop=stop)
            response = http.client.HTTPResponse(sock, method="GET")  # type: ignore[arg-type] # it asks for makefile only
            with contextlib.closing(response):
                response.begin()
                status = response.status
                body = response.read(web.MAX_BYTES)
                if response.length and len(body) < web.MAX_BYTES:
                    raise http.client.IncompleteRead(body, response.length)
                text = body.decode(errors="replace")
                if response.will_close or not response.isclosed():
                    self.close()
            is_gateway = str(response.headers.get("Server")).startswith("awselb/")
            return ended(GATEWAY.get(status) if is_gateway else None, text)
        except ConnectionRefusedError:
            return ended(FailureKind.REFUSED, trouble="connection refused")
        except TimeoutError:
            return ended(FailureKind.TIMEOUT, trouble=f"the answer did not end within {PATIENCE:g} s")
        except (OSError, ValueError, http.client.HTTPException) as error:
            part = "before an answer" if status is None else f"after status {status}, before the end of the page"
            return ended(FailureKind.RESET, trouble=f"connection closed {part}: {str(error) or type(error).__name__}")

    def _opened(self, timeout: float) -> DeadlineSocket:
        if self._socket is not None:
            self._socket.extend(timeout)
            return self._socket
        host, scheme = self._parts.hostname or "", self._parts.scheme
        port = self._parts.port or (443 if scheme == "https" else 80)
        address = self.place.address or web.public_address(host, port)
        sock = DeadlineSocket(socket.create_connection((address, port), timeout), timeout=timeout)
        if scheme == "https":
            sock.encrypt(web.tls_context(host, is_checked=self.place.address is None), host=host)
        self._socket = sock
        return sock

    def _send(self, sock: DeadlineSocket, path: str, *, is_kept: bool, hold: float, stop: threading.Event) -> None:
        fields = {"Host": self._parts.netloc.rpartition("@")[2], "User-Agent": "fargate-preflight", "Accept": "*/*"}
        fields |= {} if is_kept else {"Connection": "close"}
        header = f"GET {path} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        if hold:
            sock.sendall(header.encode("latin-1"))
            _wait(sock, hold, stop)
            header = ""
        sock.sendall(f"{header}\r\n".encode("latin-1"))


def _wait(sock: DeadlineSocket, seconds: float, stop: threading.Event) -> None:
    """Wait, unless something comes from the server, or its end."""
    deadline = time.monotonic() + seconds
    while not stop.is_set() and (left := deadline - time.monotonic()) > 0:
        with selectors.DefaultSelector() as selector:
            selector.register(sock, selectors.EVENT_READ)
            if selector.select(min(left, AT_ONCE)):
                return
