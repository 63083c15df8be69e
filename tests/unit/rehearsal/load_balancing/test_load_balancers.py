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
    def refresh(*_: object) -> None:
        raise LookupError

    monkeypatch.setattr(account.parts.load_balancers, "refresh", refresh)

    client("ec2").create_route_table(VpcId=client("ec2").describe_vpcs()["Vpcs"][0]["VpcId"])

    assert any("CreateRouteTable" in problem for problem in account.ledger.observations().problems)


def other_network(ec2: Any) -> dict[str, str]:
    """Creates a VPC with one of each; their ids."""
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.9.0.0/24")["Subnet"]["SubnetId"]
    group = ec2.create_security_group(GroupName="other", Description="other", VpcId=vpc)["GroupId"]
    table = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    association = ec2.associate_route_table(RouteTableId=table, SubnetId=subnet)["AssociationId"]
    acl = ec2.create_network_acl(VpcId=vpc)["NetworkAcl"]["NetworkAclId"]
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    return {"vpc": vpc, "subnet": subnet, "group": group, "table": table, "association": association, "acl": acl, "gateway": gateway}


PERMISSION = {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda ec2, n: ec2.authorize_security_group_ingress(GroupId=n["group"], IpPermissions=[PERMISSION]), id="a rule of a security group"),
        pytest.param(lambda ec2, n: ec2.delete_security_group(GroupId=n["group"]), id="a deleted security group"),
        pytest.param(lambda ec2, n: ec2.disassociate_route_table(AssociationId=n["association"]), id="a disassociated route table"),
        pytest.param(lambda ec2, n: ec2.create_route_table(VpcId=n["vpc"]), id="a new route table"),
        pytest.param(lambda ec2, n: ec2.delete_network_acl(NetworkAclId=n["acl"]), id="a deleted network ACL"),
        pytest.param(lambda ec2, n: ec2.attach_internet_gateway(InternetGatewayId=n["gateway"], VpcId=n["vpc"]), id="an attached gateway"),
        pytest.param(lambda ec2, n: ec2.create_nat_gateway(SubnetId=n["subnet"], ConnectivityType="private"), id="a NAT gateway"),
        pytest.param(lambda ec2, _: ec2.create_internet_gateway(), id="a gateway that is attached nowhere"),
    ],
)
def test_a_change_of_another_vpc_looks_at_no_listener(
    account: Server, client: Client, balancer: dict[str, Any], change: Callable[[Any, dict[str, str]], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    network, looked_at = other_network(client("ec2")), []
    monkeypatch.setattr(account.parts.load_balancers, "_open", lambda arn, _: looked_at.append(arn))

    change(client("ec2"), network)

    assert looked_at == []


def test_a_change_of_its_own_vpc_looks_at_the_listeners(account: Server, client: Client, balancer: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    looked_at: list[str] = []
    monkeypatch.setattr(account.parts.load_balancers, "_open", lambda arn, _: looked_at.append(arn))

    client("ec2").authorize_security_group_ingress(GroupId=balancer["SecurityGroups"][0], IpPermissions=[PERMISSION])

    assert looked_at == [balancer["LoadBalancerArn"]]


def test_a_group_that_admits_no_more_closes_the_listener(client: Client, balancer: dict[str, Any], address: str) -> None:
    listen(client, balancer)
    everything = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}

    client("ec2").revoke_security_group_ingress(GroupId=balancer["SecurityGroups"][0], IpPermissions=[everything])

    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((address, PORT), timeout=PATIENCE)


def test_a_listener_of_one_load_balancer_looks_at_no_other(account: Server, client: Client, balancer: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    subnets = [zone["SubnetId"] for zone in balancer["AvailabilityZones"]]
    other = client("elbv2").create_load_balancer(Name="bb", Subnets=subnets, SecurityGroups=balancer["SecurityGroups"])["LoadBalancers"][0]
    looked_at: list[str] = []
    monkeypatch.setattr(account.parts.load_balancers, "_open", lambda arn, _: looked_at.append(arn))

    listen(client, other)

    assert looked_at == [other["LoadBalancerArn"]]
