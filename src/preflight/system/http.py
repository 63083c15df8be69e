"""One GET: no redirect is followed, no proxy used, and no answer is an answer too."""

from __future__ import annotations

import contextlib
import http.client
import ssl
from dataclasses import dataclass
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


def fetch(url: str, *, at: str | None = None, timeout: float = 5.0) -> Response:
    """Returns the response of a URL. `at` is the address to connect to if DNS does not know the host.

    A certificate is not checked at such an address, nor where a load balancer is asked by the name that
    AWS gave it: its certificate is for the name that its owner gave it.
    """
    try:
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        with contextlib.closing(_connection(parts.scheme, at or parts.hostname or "", port, at, timeout)) as asking:
            path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            asking.request("GET", path, headers={"Host": parts.netloc.rpartition("@")[2], "Accept": "*/*"})
            answer = asking.getresponse()
            return Response(answer.status, answer.read(MAX_BYTES).decode(errors="replace"))
    except (OSError, ValueError, http.client.HTTPException) as error:
        return Response(None, "", f"no answer: {getattr(error, 'reason', None) or error}")


def _connection(scheme: str, host: str, port: int, at: str | None, timeout: float) -> http.client.HTTPConnection:
    if scheme != "https":
        return http.client.HTTPConnection(host, port, timeout=timeout)
    context = ssl.create_default_context()
    if at is not None or host.endswith(BALANCERS):
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return http.client.HTTPSConnection(host, port, timeout=timeout, context=context)
