from __future__ import annotations

import socket
import threading
from collections.abc import Iterator, Mapping
from typing import Any
from unittest import mock

import pytest

from preflight import smoke
from preflight.aws.reachability import Interface, Network
from preflight.deploy import session
from preflight.deploy.load_balancers import PublicListener
from preflight.deploy.tasks import RunningTask
from preflight.errors import NotLoopbackError
from preflight.plan.plan import SmokeEntry
from preflight.smoke import SmokeTest
from preflight.system import http
from preflight.system.http import Response


@pytest.fixture
def speaker(request: pytest.FixtureRequest) -> Iterator[str]:
    """A server that answers every caller with the bytes of the parameter."""
    listener = socket.create_server(("127.0.0.1", 0))

    def speak() -> None:
        while True:
            try:
                caller, _ = listener.accept()
            except OSError:
                return
            with caller:
                caller.recv(1024)
                caller.sendall(request.param)

    threading.Thread(target=speak, daemon=True).start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()


@pytest.mark.parametrize(
    "speaker",
    [
        pytest.param(b"SSH-2.0-x\r\n", id="another protocol"),
        pytest.param(b"", id="silence"),
        pytest.param(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", id="bad chunks"),
    ],
    indirect=True,
)
def test_what_is_no_http_is_no_answer(speaker: str) -> None:
    assert http.fetch(speaker).status is None


@pytest.mark.parametrize(
    "speaker",
    [
        pytest.param(
            b"HTTP/1.1 302 Found\r\nLocation: http://example.com/\r\nContent-Length: 0\r\n\r\n", id="a redirect"
        )
    ],
    indirect=True,
)
def test_a_redirect_is_not_followed(speaker: str) -> None:
    assert http.fetch(speaker).status == 302


@pytest.mark.parametrize("host", ["8.8.8.8", "10.0.0.1", "127.0.0.1.example.com", "example.com", ""])
def test_a_rehearsal_contacts_this_machine_only(host: str) -> None:
    with pytest.raises(NotLoopbackError):
        session.rehearsal("eu-west-1", "http://127.0.0.1:1").check_address(host)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.99.1.2", "localhost", "::1"])
def test_loopback_is_this_machine(host: str) -> None:
    session.rehearsal("eu-west-1", "http://127.0.0.1:1").check_address(host)

    assert session.is_loopback(host)


FACE = Interface("vpc-1", "subnet-1", "10.0.0.4", ("sg-1",), has_public_address=True)
ROUTE = {"DestinationCidrBlock": "0.0.0.0/0", "GatewayId": "igw-1"}
TABLE = {"VpcId": "vpc-1", "RouteTableId": "rtb-1", "Associations": [{"Main": True}], "Routes": [ROUTE]}
GATEWAY = {"InternetGatewayId": "igw-1", "Attachments": [{"VpcId": "vpc-1"}]}
BALANCED = PublicListener("arn", "group", "http", "b.elb.amazonaws.com", 80, is_public=True)


@pytest.mark.parametrize(
    ("admitted", "public", "entrances", "asked"),
    [
        pytest.param({"CidrIp": "0.0.0.0/0"}, "127.64.0.1", [BALANCED], "127.64.0.1", id="a task that admits everybody"),
        pytest.param({}, "127.64.0.1", [BALANCED], "b.elb.amazonaws.com", id="a task that admits its load balancer"),
        pytest.param({}, None, [BALANCED], "b.elb.amazonaws.com", id="a private task"),
        pytest.param({}, "127.64.0.1", [], "127.64.0.1", id="a task that nobody reaches"),
    ],
)
def test_whom_a_question_to_a_service_asks(
    monkeypatch: pytest.MonkeyPatch,
    admitted: Mapping[str, str],
    public: str | None,
    entrances: list[PublicListener],
    asked: str,
) -> None:
    rule = {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "IpRanges": [admitted]}
    group = {"GroupId": "sg-1", "IpPermissions": [rule]}
    network = Network(route_tables=(TABLE,), internet_gateways=(GATEWAY,), security_groups=(group,))
    deployment, fetch = mock.MagicMock(), mock.MagicMock(return_value=Response(200, ""))
    entry = SmokeEntry("s", "c", None, False, None, "/", 80, 200, None, 1)  # noqa: FBT003 - asked from the internet
    deployment.tasks.running.return_value = [RunningTask("a/t", "s", "d", "eni-1", "10.0.0.4", public)]
    deployment.services = {}
    monkeypatch.setattr(http, "fetch", fetch)
    monkeypatch.setattr(SmokeTest, "_face", lambda *_: FACE)
    monkeypatch.setattr(SmokeTest, "_network", lambda *_: network)
    known: Any = mock.MagicMock()
    known.return_value.entrances.return_value = entrances
    known.return_value.address.return_value = "127.64.0.9"
    monkeypatch.setattr(smoke, "LoadBalancers", known)

    SmokeTest(deployment, mock.MagicMock(smoke=[entry]), {}, "preflight.yaml").findings()

    assert fetch.call_args.args == (f"http://{asked}/",)
