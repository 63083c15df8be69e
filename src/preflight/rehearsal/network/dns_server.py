"""The DNS server of a VPC: two above the VPC's first address, and at `ADDRESS` in every VPC.

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
PORT = 51681  # its real port: port 53 of all addresses belongs to the containers
TTL = 60  # seconds
POLL = 1.0  # seconds until a stop is noticed if the datagram that wakes the server is lost
PATIENCE = 3.0  # seconds that `close` waits for a query that is being answered
_MAX_BYTES = 4096
LookUp = Callable[[str, str], "list[str] | None"]


class DnsServer:
    """Answers queries at a UDP socket; `look_up` returns the records of a name and type, or None for no such name."""

    def __init__(self, udp: socket.socket, look_up: LookUp) -> None:
        self._socket = udp
        self._socket.settimeout(POLL)
        self._look_up = look_up
        self._worker = Worker(self._serve, name="DNS server", wake=self._interrupt)

    def start(self) -> None:
        """Start to answer."""
        self._worker.start()

    def close(self) -> None:
        """Stop the server."""
        self._worker.stop(PATIENCE)
        self._socket.close()

    def _interrupt(self) -> None:
        with contextlib.suppress(OSError):
            self._socket.sendto(b"", self._socket.getsockname())

    def _serve(self) -> None:
        with contextlib.suppress(OSError):  # the wait timed out, or the client is gone
            self._answer(*self._socket.recvfrom(_MAX_BYTES))

    def _answer(self, query: bytes, client: Any) -> None:
        response = reply(query, self._look_up)
        if response is not None:
            self._socket.sendto(response, client)


def reply(data: bytes, look_up: LookUp) -> bytes | None:
    """Returns the response to a query in wire format, or None if it is no query.

    `look_up` receives names in lower case and without the last dot; a record that cannot be written is SERVFAIL.
    """
    try:
        query = dns.message.from_wire(data)
        response = dns.message.make_response(query, recursion_available=True)
    except dns.exception.DNSException:
        return None
    for question in query.question[:1]:
        record_type = dns.rdatatype.to_text(question.rdtype)
        records = look_up(question.name.to_text(omit_final_dot=True).lower(), record_type)
        try:
            if records:
                response.answer.append(dns.rrset.from_text_list(question.name, TTL, "IN", record_type, records))
            response.set_rcode(dns.rcode.NXDOMAIN if records is None else dns.rcode.NOERROR)
        except (dns.exception.DNSException, ValueError):
            response.set_rcode(dns.rcode.SERVFAIL)
    return response.to_wire()
