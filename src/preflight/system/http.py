"""One GET: no redirect is followed, no proxy used, and no answer is an answer too."""

from __future__ import annotations

import contextlib
import http.client
import io
import ipaddress
import socket
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

MAX_BYTES = 1_048_576
BALANCERS = (".elb.amazonaws.com", ".elb.amazonaws.com.cn")


@dataclass(frozen=True)
class Response:
    """What came back: a status and the beginning of a text, or (`status` None) what went wrong."""

    status: int | None
    text: str
    trouble: str = ""

    def fits(self, status: int, text: str | None) -> bool:
        """Whether it has that status, and that text in it."""
        return self.status == status and (text is None or text in self.text)

    def shown(self) -> str:
        """In one line."""
        if self.status is None:
            return self.trouble
        start = " ".join(self.text.split())[:120]
        return f"status {self.status} and {start!r}"


class DeadlineSocket:
    """A socket for one request of `http.client`, all of whose operations together end `timeout` seconds from now.

    One of them waits at most `pause` seconds.
    """

    def __init__(self, sock: socket.socket, *, timeout: float, pause: float | None = None) -> None:
        self._socket = sock
        self._pause = timeout if pause is None else pause
        self._deadline = time.monotonic() + timeout

    def extend(self, timeout: float) -> None:
        """Set the deadline anew, `timeout` seconds from now."""
        self._deadline = time.monotonic() + timeout

    def bound(self) -> None:
        """Give the socket the time that is left.

        Raises:
            TimeoutError: there is none.
        """
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        self._socket.settimeout(min(left, self._pause))

    def fileno(self) -> int:
        """Returns the number by which the kernel knows the socket."""
        return self._socket.fileno()

    def encrypt(self, context: ssl.SSLContext, *, host: str | None = None) -> None:
        """Speak TLS from now on."""
        self.bound()
        self._socket = context.wrap_socket(self._socket, server_hostname=host)

    def sendall(self, data: Any) -> None:
        """Send all of `data`."""
        self.bound()
        self._socket.sendall(data)

    def makefile(self, mode: str) -> io.BufferedReader:
        """Returns what reads from the socket; it is open until both it and the socket are closed."""
        return io.BufferedReader(_BoundReader(self, self._socket.makefile(mode, buffering=0)))  # type: ignore[call-overload]

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()


class _BoundReader(io.RawIOBase):
    """Reads from a socket until its deadline."""

    def __init__(self, bounded: DeadlineSocket, raw: io.RawIOBase) -> None:
        super().__init__()
        self._bounded = bounded
        self._raw = raw

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._bounded.bound()
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


def fetch(
    url: str,
    *,
    at: str | None = None,
    timeout: float = 5.0,
    is_public_only: bool = False,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Returns the response of a URL if all of it arrives within `timeout` seconds, else a response that says why not.

    `at` is the address to connect to if DNS does not know the host. With `is_public_only`, only addresses of the
    internet are contacted. The certificate is not checked if `at` is given, nor for the name that AWS gave a load
    balancer: the certificate is issued for its owner's name.
    """
    status = None
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
        address = public_address(host, port) if is_public_only and at is None else at or host
        with contextlib.closing(http.client.HTTPConnection(host, port)) as connection:
            bounded = DeadlineSocket(socket.create_connection((address, port), timeout), timeout=timeout)
            connection.sock = bounded
            if parts.scheme == "https":
                bounded.encrypt(tls_context(host, is_checked=at is None), host=host)
            path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            fields = {"Host": parts.netloc.rpartition("@")[2], "Accept": "*/*", **(headers or {})}
            connection.request("GET", path, headers=fields)
            answer = connection.getresponse()
            status = answer.status
            return Response(status, answer.read(MAX_BYTES).decode(errors="replace"))
    except TimeoutError:
        answered = "no answer" if status is None else f"status {status}, but the answer does not end"
        return Response(None, "", f"{answered} within {timeout:g} s")
    except (OSError, ValueError, http.client.HTTPException) as error:
        return Response(None, "", f"no answer: {getattr(error, 'reason', None) or error}")


def public_address(host: str, port: int) -> str:
    """Returns the address of a host.

    Raises:
        ValueError: it has one that is not of the internet: of this machine, a private network, or a link.
    """
    addresses = [str(info[4][0]) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    hidden = [address for address in addresses if not _is_public(address)]
    if hidden:
        msg = f"{host} is {hidden[0]}, which is not an address on the internet, so no request was sent"
        raise ValueError(msg)
    return addresses[0]


def _is_public(text: str) -> bool:
    address = ipaddress.ip_address(text.partition("%")[0])
    inner = [getattr(address, name, None) for name in ("ipv4_mapped", "sixtofour")]
    is_translated = address in ipaddress.ip_network("64:ff9b::/96")  # its last bytes may be any IPv4 address
    return not is_translated and all(a.is_global and not a.is_multicast for a in (address, *inner) if a is not None)


def tls_context(host: str, *, is_checked: bool) -> ssl.SSLContext:
    """Returns TLS for a host; the certificate of a load balancer's own name is never checked."""
    context = ssl.create_default_context()
    if not is_checked or host.endswith(BALANCERS):
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
