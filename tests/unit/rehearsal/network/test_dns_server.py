from __future__ import annotations

import socket

import dns.message
import dns.rcode
import pytest

from preflight.rehearsal.network import dns_server
from preflight.rehearsal.network.dns_server import DnsServer

RECORDS = {
    ("web.internal", "A"): ["10.0.0.4", "10.0.0.5"],
    ("web.internal", "AAAA"): [],
    ("_http.web.internal", "SRV"): ["1 1 80 t1.web.internal."],
    ("broken.internal", "A"): ["not an address"],
    ("broken.internal", "SRV"): ["1 1"],
}


def look_up(name: str, record_type: str) -> list[str] | None:
    return RECORDS.get((name, record_type))


def ask(name: str, record_type: str) -> dns.message.Message:
    answer = dns_server.reply(dns.message.make_query(name, record_type).to_wire(), look_up)
    assert answer is not None
    return dns.message.from_wire(answer)


@pytest.mark.parametrize(
    ("name", "record_type", "code", "records"),
    [
        pytest.param("Web.internal", "A", dns.rcode.NOERROR, ["10.0.0.4", "10.0.0.5"], id="addresses"),
        pytest.param("_http.web.internal", "SRV", dns.rcode.NOERROR, ["1 1 80 t1.web.internal."], id="services"),
        pytest.param("web.internal", "AAAA", dns.rcode.NOERROR, [], id="no record of that type"),
        pytest.param("nobody.internal", "A", dns.rcode.NXDOMAIN, [], id="no such name"),
        pytest.param("broken.internal", "A", dns.rcode.SERVFAIL, [], id="a record that is no address"),
        pytest.param("broken.internal", "SRV", dns.rcode.SERVFAIL, [], id="a record that lacks half"),
    ],
)
def test_a_name_is_answered_with_its_records(name: str, record_type: str, code: int, records: list[str]) -> None:
    response = ask(name, record_type)

    assert response.rcode() == code
    assert sorted(str(record) for record_set in response.answer for record in record_set) == records


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"\x00" * 5, id="half a header"),
        pytest.param(b"\xff" * 600, id="too many of all"),
        pytest.param(b"GET / HTTP/1.1\r\n\r\n", id="another protocol"),
    ],
)
def test_data_that_is_no_query_gets_no_response(data: bytes) -> None:
    assert dns_server.reply(data, look_up) is None


def test_a_dns_server_answers_at_its_socket_until_it_is_closed() -> None:
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.bind(("127.0.0.1", 0))
    address = udp.getsockname()
    server = DnsServer(udp, look_up)
    server.start()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(5)
        for data in (b"rubbish", dns.message.make_query("web.internal", "A").to_wire()):
            client.sendto(data, address)
        answer = dns.message.from_wire(client.recv(4096))

    server.close()

    assert len(answer.answer[0]) == 2
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as again:
        again.bind(address)  # it is free
