"""Load balancers that answer on loopback as they are described, and the locks around them."""

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
    """A public load balancer in the default VPC that admits every address."""
    ec2 = client("ec2")
    subnets = [subnet["SubnetId"] for subnet in ec2.describe_subnets()["Subnets"]][:2]
    vpc = ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
    group = ec2.create_security_group(GroupName="open", Description="open", VpcId=vpc)["GroupId"]
    everything = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[everything])
    response = client("elbv2").create_load_balancer(Name="b", Subnets=subnets, SecurityGroups=[group])
    created: dict[str, Any] = response["LoadBalancers"][0]
    return created


@pytest.fixture
def address(client: Client, balancer: dict[str, Any]) -> str:
    """A loopback address of that load balancer."""
    description = f"ELB {balancer['LoadBalancerArn'].partition(':loadbalancer/')[2]}"
    interfaces = client("ec2").describe_network_interfaces()["NetworkInterfaces"]
    return next(str(i["Association"]["PublicIp"]) for i in interfaces if i["Description"] == description)


def listen(client: Client, balancer: dict[str, Any]) -> str:
    response = client("elbv2").create_listener(
        LoadBalancerArn=balancer["LoadBalancerArn"], Protocol="HTTP", Port=PORT, DefaultActions=FIXED
    )
    return str(response["Listeners"][0]["ListenerArn"])


def test_a_listener_answers_until_it_is_deleted(client: Client, balancer: dict[str, Any], address: str) -> None:
    arn = listen(client, balancer)
    with contextlib.closing(http.client.HTTPConnection(address, PORT, timeout=PATIENCE)) as connection:
        connection.request("GET", "/")
        body = connection.getresponse().read()

    client("elbv2").delete_listener(ListenerArn=arn)

    assert body == b"here"
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((address, PORT), timeout=PATIENCE)


def test_a_changed_protocol_of_a_listener_takes_effect(client: Client, balancer: dict[str, Any], address: str) -> None:
    arn = listen(client, balancer)
    certificate = client("acm").request_certificate(DomainName="example.com")["CertificateArn"]
    client("elbv2").modify_listener(ListenerArn=arn, Protocol="HTTPS", Certificates=[{"CertificateArn": certificate}])
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE

    connection = http.client.HTTPSConnection(address, PORT, timeout=PATIENCE, context=context)
    with contextlib.closing(connection):
        connection.request("GET", "/")

        assert connection.getresponse().read() == b"here"


def test_the_first_request_of_a_region_does_not_wait_for_changes_of_load_balancers(account: Server) -> None:
    """The first request of a region holds moto's lock, which a change that holds the load balancers waits for."""
    answered = threading.Event()

    def describe() -> None:
        account.account.client("ec2", "eu-west-3").describe_vpcs()
        answered.set()

    with account.parts.load_balancers._lock:
        threading.Thread(target=describe, daemon=True).start()

        assert answered.wait(30)


def test_an_internal_error_after_a_change_is_noted_and_the_change_stands(
    account: Server, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refresh(_region: str) -> None:
        raise LookupError

    monkeypatch.setattr(account.parts.load_balancers, "refresh", refresh)

    client("ec2").create_internet_gateway()

    assert any("CreateInternetGateway" in problem for problem in account.ledger.observations().problems)
