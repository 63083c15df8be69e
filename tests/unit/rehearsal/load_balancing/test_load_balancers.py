"""Load balancers that answer on loopback, kept as they are described, and the locks around them."""

from __future__ import annotations

import contextlib
import http.client
import socket
import ssl
import threading
from collections.abc import Callable
from typing import Any

import pytest

from preflight.rehearsal.server import Server

PATIENCE = 5.0  # seconds
PORT = 18443
FIXED = [{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "200", "MessageBody": "here"}}]
Client = Callable[[str], Any]


@pytest.fixture
def balancer(client: Client) -> dict[str, Any]:
    """A public load balancer in the default VPC that admits everybody."""
    ec2 = client("ec2")
    subnets = [subnet["SubnetId"] for subnet in ec2.describe_subnets()["Subnets"]][:2]
    vpc = ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
    group = ec2.create_security_group(GroupName="open", Description="open", VpcId=vpc)["GroupId"]
    everybody = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[everybody])
    made = client("elbv2").create_load_balancer(Name="b", Subnets=subnets, SecurityGroups=[group])
    found: dict[str, Any] = made["LoadBalancers"][0]
    return found


@pytest.fixture
def address(client: Client, balancer: dict[str, Any]) -> str:
    """A loopback address of that load balancer."""
    described = f"ELB {balancer['LoadBalancerArn'].partition(':loadbalancer/')[2]}"
    faces = client("ec2").describe_network_interfaces()["NetworkInterfaces"]
    return next(str(f["Association"]["PublicIp"]) for f in faces if f["Description"] == described)


def listen(client: Client, balancer: dict[str, Any]) -> str:
    made = client("elbv2").create_listener(
        LoadBalancerArn=balancer["LoadBalancerArn"], Protocol="HTTP", Port=PORT, DefaultActions=FIXED
    )
    return str(made["Listeners"][0]["ListenerArn"])


def test_a_listener_answers_until_it_is_deleted(client: Client, balancer: dict[str, Any], address: str) -> None:
    arn = listen(client, balancer)
    with contextlib.closing(http.client.HTTPConnection(address, PORT, timeout=PATIENCE)) as asking:
        asking.request("GET", "/")
        found = asking.getresponse().read()

    client("elbv2").delete_listener(ListenerArn=arn)

    assert found == b"here"
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((address, PORT), timeout=PATIENCE)


def test_a_listener_speaks_as_it_was_last_told_to(client: Client, balancer: dict[str, Any], address: str) -> None:
    arn = listen(client, balancer)
    issued = client("acm").request_certificate(DomainName="example.com")["CertificateArn"]
    client("elbv2").modify_listener(ListenerArn=arn, Protocol="HTTPS", Certificates=[{"CertificateArn": issued}])
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE

    asking = http.client.HTTPSConnection(address, PORT, timeout=PATIENCE, context=context)
    with contextlib.closing(asking):
        asking.request("GET", "/")

        assert asking.getresponse().read() == b"here"


def test_the_first_request_of_a_region_waits_for_no_change_in_another(account: Server) -> None:
    """The first request of a region holds the turn, which a change that holds the load balancers waits for."""
    answered = threading.Event()

    def ask() -> None:
        account.account.client("ec2", "eu-west-3").describe_vpcs()
        answered.set()

    with account.parts.load_balancers._lock:
        threading.Thread(target=ask, daemon=True).start()

        assert answered.wait(30)


def test_what_breaks_after_a_change_is_noted_and_the_change_stands(
    account: Server, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refresh(_region: str) -> None:
        raise LookupError

    monkeypatch.setattr(account.parts.load_balancers, "refresh", refresh)

    client("ec2").create_internet_gateway()

    assert any("CreateInternetGateway" in said for said in account.ledger.observations().problems)
