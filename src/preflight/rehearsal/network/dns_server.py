"""The resolver of a VPC, as a task asks it: two above the VPC's first address, and at `ADDRESS` in every VPC.

Source: https://docs.aws.amazon.com/vpc/latest/userguide/AmazonDNS-concepts.html.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable
from typing import Any

import dns.exception
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

ADDRESS = "169.254.169.253"
PORT = 51681  # where it listens: port 53 of all addresses belongs to the containers
TTL = 60  # seconds
POLL = 1.0  # seconds until it is noticed that it closes, where it could not be woken
PATIENCE = 3.0  # seconds that a question which is being answered is waited for
_MOST = 4096  # bytes of a question
LookUp = Callable[[str, str], "list[str] | None"]


class DnsServer:
    """Answers what is asked at a socket; `look_up` gives the records of a name and type, None for no such name."""

    def __init__(self, asked: socket.socket, look_up: LookUp) -> None:
        self._socket = asked
        self._socket.settimeout(POLL)
        self._look_up = look_up
        self._is_open = True
        self._thread = threading.Thread(target=self._keep, daemon=True, name="resolver")
        self._thread.start()

    def close(self) -> None:
        """Answer no more."""
        self._is_open = False
        with contextlib.suppress(OSError):
            self._socket.sendto(b"", self._socket.getsockname())  # wakes it
        self._thread.join(timeout=PATIENCE)
        self._socket.close()

    def _keep(self) -> None:
        while self._is_open:
            with contextlib.suppress(OSError):  # one that cannot be answered
                self._answer(*self._socket.recvfrom(_MOST))

    def _answer(self, question: bytes, caller: Any) -> None:
        answer = reply(question, self._look_up)
        if answer is not None:
            self._socket.sendto(answer, caller)


def reply(question: bytes, look_up: LookUp) -> bytes | None:
    """The answer to a question as it came over the wire; None where it was none.

    Names come to `look_up` in lower case and without the last dot; a record that cannot be written is SERVFAIL.
    """
    try:
        query = dns.message.from_wire(question)
        answer = dns.message.make_response(query, recursion_available=True)
    except dns.exception.DNSException:
        return None
    for asked in query.question[:1]:
        kind = dns.rdatatype.to_text(asked.rdtype)
        found = look_up(asked.name.to_text(omit_final_dot=True).lower(), kind)
        try:
            answer.answer += [dns.rrset.from_text_list(asked.name, TTL, "IN", kind, found)] if found else []
            answer.set_rcode(dns.rcode.NXDOMAIN if found is None else dns.rcode.NOERROR)
        except (dns.exception.DNSException, ValueError):
            answer.set_rcode(dns.rcode.SERVFAIL)
    return answer.to_wire()
