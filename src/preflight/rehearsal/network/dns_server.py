"""The resolver of a VPC, as a task asks it: two above the VPC's first address, and at `ADDRESS` in every VPC.

Source: https://docs.aws.amazon.com/vpc/latest/userguide/AmazonDNS-concepts.html.
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable
from typing import Any

import dns.exception
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

from preflight.system.worker import Worker

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
        self._worker = Worker(self._serve, name="DNS server", wake=self._interrupt)

    def start(self) -> None:
        """Start to answer."""
        self._worker.start()

    def close(self) -> None:
        """Stop answering."""
        self._worker.stop(PATIENCE)
        self._socket.close()

    def _interrupt(self) -> None:
        with contextlib.suppress(OSError):
            self._socket.sendto(b"", self._socket.getsockname())

    def _serve(self) -> None:
        with contextlib.suppress(OSError):  # the query timed out, or its sender is gone
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
