"""Address blocks, routes and NAT gateways that EC2 refuses because of what the VPC has."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

Client = Callable[[str], Any]


def code_of(call: Callable[[], Any]) -> str:
    """The code that EC2 answers; empty if it takes the call."""
    try:
        call()
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return ""


@pytest.fixture
def ec2(client: Client) -> Any:
    return client("ec2")


@pytest.mark.parametrize(
    ("first", "second", "code"),
    [
        pytest.param("10.4.0.0/16", "10.5.0.0/16", "", id="the same private range"),
        pytest.param("10.4.0.0/16", "100.64.0.0/16", "", id="shared addresses"),
        pytest.param("10.4.0.0/16", "10.4.128.0/20", "InvalidVpc.Range", id="an overlap"),
        pytest.param("10.4.0.0/16", "192.168.0.0/16", "InvalidVpc.Range", id="another private range"),
        pytest.param("10.1.0.0/16", "10.0.0.0/16", "InvalidVpc.Range", id="the first block of 10.0.0.0/8"),
        pytest.param("10.4.0.0/16", "198.19.0.0/20", "InvalidVpc.Range", id="addresses of AWS services"),
        pytest.param("172.16.0.0/16", "172.31.0.0/16", "InvalidVpc.Range", id="the default VPC's block"),
        pytest.param("100.64.0.0/16", "10.0.0.0/16", "InvalidVpc.Range", id="private after public addresses"),
    ],
)
def test_another_block_suits_the_first_one(ec2: Any, first: str, second: str, code: str) -> None:
    vpc = ec2.create_vpc(CidrBlock=first)["Vpc"]["VpcId"]

    assert code_of(lambda: ec2.associate_vpc_cidr_block(VpcId=vpc, CidrBlock=second)) == code


@pytest.mark.parametrize(
    ("zone", "code"),
    [
        pytest.param({"AvailabilityZone": "ap-northeast-1a"}, "", id="a zone"),
        pytest.param({"AvailabilityZoneId": "apne1-az1"}, "", id="the id of a zone"),
        pytest.param({"AvailabilityZoneId": "use1-az1"}, "InvalidParameterValue", id="the id of another region's zone"),
    ],
)
def test_a_subnet_is_in_a_zone_of_the_region(ec2: Any, zone: dict[str, str], code: str) -> None:
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]

    assert code_of(lambda: ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24", **zone)) == code


def test_the_ipv6_block_of_a_subnet_is_free_and_inside_the_vpc(ec2: Any) -> None:
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16", AmazonProvidedIpv6CidrBlock=True)["Vpc"]
    block = vpc["Ipv6CidrBlockAssociationSet"][0]["Ipv6CidrBlock"].replace("/56", "/64")

    def create(ipv4: str, ipv6: str) -> str:
        return code_of(lambda: ec2.create_subnet(VpcId=vpc["VpcId"], CidrBlock=ipv4, Ipv6CidrBlock=ipv6))

    assert create("10.0.0.0/24", "2001:db8::/64") == "InvalidSubnet.Range"
    assert create("10.0.0.0/24", block) == ""
    assert create("10.0.1.0/24", block) == "InvalidSubnet.Conflict"


class Network:
    """A VPC with a subnet, a gateway and an interface, and one with an interface alone."""

    def __init__(self, ec2: Any) -> None:
        self.vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        subnet = ec2.create_subnet(VpcId=self.vpc, CidrBlock="10.0.1.0/24")["Subnet"]["SubnetId"]
        self.interface = ec2.create_network_interface(SubnetId=subnet)["NetworkInterface"]["NetworkInterfaceId"]
        self.gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
        ec2.attach_internet_gateway(InternetGatewayId=self.gateway, VpcId=self.vpc)
        self.table = ec2.create_route_table(VpcId=self.vpc)["RouteTable"]["RouteTableId"]
        other = ec2.create_vpc(CidrBlock="10.8.0.0/16")["Vpc"]["VpcId"]
        elsewhere = ec2.create_subnet(VpcId=other, CidrBlock="10.8.1.0/24")["Subnet"]["SubnetId"]
        self.foreign = ec2.create_network_interface(SubnetId=elsewhere)["NetworkInterface"]["NetworkInterfaceId"]


@pytest.mark.parametrize(
    ("destination", "target", "code"),
    [
        pytest.param("0.0.0.0/0", "gateway", "", id="the internet"),
        pytest.param("10.0.0.0/16", "gateway", "InvalidParameterValue", id="the VPC by a gateway"),
        pytest.param("10.0.1.0/24", "gateway", "InvalidParameterValue", id="a subnet by a gateway"),
        pytest.param("10.0.0.0/8", "gateway", "", id="more than the VPC"),
        pytest.param("10.0.1.0/24", "interface", "", id="a subnet by an interface"),
        pytest.param("10.0.1.0/25", "interface", "InvalidParameterValue", id="half a subnet by an interface"),
        pytest.param("10.0.0.0/16", "interface", "RouteAlreadyExists", id="the VPC by an interface"),
        pytest.param("10.1.0.0/16", "foreign", "InvalidParameterValue", id="an interface of another VPC"),
    ],
)
def test_a_route_suits_the_vpc(ec2: Any, destination: str, target: str, code: str) -> None:
    network = Network(ec2)
    name = "GatewayId" if target == "gateway" else "NetworkInterfaceId"
    route = {"DestinationCidrBlock": destination, name: getattr(network, target)}

    assert code_of(lambda: ec2.create_route(RouteTableId=network.table, **route)) == code


def test_a_second_route_of_a_destination_is_refused_by_its_network(ec2: Any) -> None:
    network = Network(ec2)
    ec2.create_route(RouteTableId=network.table, DestinationCidrBlock="10.4.0.0/16", GatewayId=network.gateway)
    again = {"DestinationCidrBlock": "10.4.1.1/16", "NetworkInterfaceId": network.interface}

    assert code_of(lambda: ec2.create_route(RouteTableId=network.table, **again)) == "RouteAlreadyExists"


def test_two_nat_gateways_cannot_share_an_address(client: Client, deploy: Callable[..., dict[str, Any]]) -> None:
    nat = {"SubnetId": {"Ref": "Subnet"}, "AllocationId": {"Fn::GetAtt": ["Address", "AllocationId"]}}
    attached = {"VpcId": {"Ref": "Vpc"}, "InternetGatewayId": {"Ref": "Gateway"}}
    resources = {
        "Vpc": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.0.0.0/16"}},
        "Subnet": {"Type": "AWS::EC2::Subnet", "Properties": {"VpcId": {"Ref": "Vpc"}, "CidrBlock": "10.0.0.0/24"}},
        "Gateway": {"Type": "AWS::EC2::InternetGateway"},
        "Attachment": {"Type": "AWS::EC2::VPCGatewayAttachment", "Properties": attached},
        "Address": {"Type": "AWS::EC2::EIP", "DependsOn": "Attachment"},
        "First": {"Type": "AWS::EC2::NatGateway", "Properties": nat},
        "Second": {"Type": "AWS::EC2::NatGateway", "Properties": nat, "DependsOn": "First"},
    }

    deploy(json.dumps({"Resources": resources}))

    events = client("cloudformation").describe_stack_events(StackName="s")["StackEvents"]
    failed = [event["LogicalResourceId"] for event in events if "is already associated" in event.get("ResourceStatusReason", "")]
    assert "Second" in failed


OUTSIDE = "InvalidParameterValue"
ADDRESSES = [
    pytest.param("10.0.0.77", "", id="in the subnet"),
    pytest.param("10.0.9.77", OUTSIDE, id="outside the subnet"),
    pytest.param("10.0.0.3", OUTSIDE, id="reserved at the beginning"),
    pytest.param("10.0.0.255", OUTSIDE, id="the last one"),
    pytest.param("10.0.0.300", OUTSIDE, id="no address"),
]


@pytest.fixture
def subnet(ec2: Any) -> str:
    """The subnet 10.0.0.0/24 of a VPC."""
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    return str(ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"])


@pytest.mark.parametrize(("address", "code"), ADDRESSES)
def test_the_address_of_an_interface_is_a_free_one_of_its_subnet(ec2: Any, subnet: str, address: str, code: str) -> None:
    assert code_of(lambda: ec2.create_network_interface(SubnetId=subnet, PrivateIpAddress=address)) == code


def test_an_address_has_one_interface(ec2: Any, subnet: str) -> None:
    ec2.create_network_interface(SubnetId=subnet, PrivateIpAddress="10.0.0.77")

    assert code_of(lambda: ec2.create_network_interface(SubnetId=subnet, PrivateIpAddress="10.0.0.77")) == "InvalidIPAddress.InUse"


@pytest.mark.parametrize(("address", "code"), ADDRESSES)
def test_the_address_of_a_nat_gateway_is_a_free_one_of_its_subnet(ec2: Any, subnet: str, address: str, code: str) -> None:
    request = {"SubnetId": subnet, "ConnectivityType": "private", "PrivateIpAddress": address}

    assert code_of(lambda: ec2.create_nat_gateway(**request)) == code


def test_a_vpc_has_five_ipv6_blocks_at_most(ec2: Any) -> None:
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16", AmazonProvidedIpv6CidrBlock=True)["Vpc"]
    first = vpc["Ipv6CidrBlockAssociationSet"][0]["Ipv6CidrBlock"]

    codes = [code_of(lambda: ec2.associate_vpc_cidr_block(VpcId=vpc["VpcId"], AmazonProvidedIpv6CidrBlock=True)) for _ in range(5)]

    described = ec2.describe_vpcs(VpcIds=[vpc["VpcId"]])["Vpcs"][0]
    assert [bool(code) for code in codes] == [False, False, False, False, True]
    blocks = [block["Ipv6CidrBlock"] for block in described["Ipv6CidrBlockAssociationSet"]]
    assert blocks[0] == first
    assert len(set(blocks)) == len(blocks) == 5


def test_a_subnet_gets_a_route_table_of_its_own_vpc(ec2: Any) -> None:
    vpc, other = (ec2.create_vpc(CidrBlock=block)["Vpc"]["VpcId"] for block in ("10.4.0.0/16", "10.5.0.0/16"))
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.4.0.0/24")["Subnet"]["SubnetId"]
    table, foreign = (ec2.create_route_table(VpcId=of)["RouteTable"]["RouteTableId"] for of in (vpc, other))

    assert code_of(lambda: ec2.associate_route_table(SubnetId=subnet, RouteTableId=foreign)) == "InvalidParameterValue"
    assert not code_of(lambda: ec2.associate_route_table(SubnetId=subnet, RouteTableId=table))
