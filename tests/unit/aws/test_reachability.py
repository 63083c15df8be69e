from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from preflight.aws import reachability, security_group_evaluation
from preflight.aws.network import Interface, Network

FACE = Interface("vpc", "subnet", "10.0.1.4", ("sg",), has_public_address=True)
PRIVATE = dataclasses.replace(FACE, has_public_address=False)


def rule(port: int = 80, **peer: Any) -> dict[str, Any]:
    return {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "IpRanges": [{"CidrIp": "0.0.0.0/0"}], **peer}


def network(**change: Any) -> Network:
    good: dict[str, Any] = {
        "subnets": ({"SubnetId": "subnet", "CidrBlock": "10.0.1.0/24"},),
        "route_tables": (
            {
                "RouteTableId": "rtb",
                "VpcId": "vpc",
                "Associations": [{"SubnetId": "subnet"}],
                "Routes": [
                    {"DestinationCidrBlock": "10.0.0.0/16", "GatewayId": "local"},
                    {"DestinationCidrBlock": "0.0.0.0/0", "GatewayId": "igw-1"},
                ],
            },
        ),
        "internet_gateways": ({"InternetGatewayId": "igw-1", "Attachments": [{"VpcId": "vpc", "State": "available"}]},),
        "security_groups": ({"GroupId": "sg", "IpPermissions": [rule()], "IpPermissionsEgress": [rule(443)]},),
    }
    return Network(**(good | change))


def routed(**route: str) -> dict[str, Any]:
    table = {"RouteTableId": "rtb", "VpcId": "vpc", "Associations": [{"Main": True}]}
    return {"route_tables": ({**table, "Routes": [{"DestinationCidrBlock": "0.0.0.0/0", **route}] if route else []},)}


NAT = {
    "route_tables": (
        {
            "RouteTableId": "rtb",
            "VpcId": "vpc",
            "Associations": [{"SubnetId": "subnet"}],
            "Routes": [{"DestinationCidrBlock": "0.0.0.0/0", "NatGatewayId": "nat-1"}],
        },
        {
            "RouteTableId": "pub",
            "VpcId": "vpc",
            "Associations": [{"SubnetId": "public"}],
            "Routes": [{"DestinationCidrBlock": "0.0.0.0/0", "GatewayId": "igw-1"}],
        },
    ),
    "nat_gateways": ({"NatGatewayId": "nat-1", "SubnetId": "public", "State": "available"},),
}
DENY = {"Protocol": "-1", "RuleAction": "deny", "CidrBlock": "0.0.0.0/0", "RuleNumber": 32767}


def acl(*entries: dict[str, Any]) -> dict[str, Any]:
    closed = [{**DENY, "Egress": False}, {**DENY, "Egress": True}]
    return {
        "network_acls": (
            {
                "NetworkAclId": "acl",
                "VpcId": "vpc",
                "IsDefault": True,
                "Associations": [],
                "Entries": [*entries, *closed],
            },
        )
    }


def allow(number: int, first: int, last: int, *, egress: bool) -> dict[str, Any]:
    return {
        "Protocol": "6",
        "RuleAction": "allow",
        "CidrBlock": "0.0.0.0/0",
        "RuleNumber": number,
        "Egress": egress,
        "PortRange": {"From": first, "To": last},
    }


@pytest.mark.parametrize(
    ("change", "face", "said"),
    [
        pytest.param({}, FACE, None, id="a public task"),
        pytest.param({}, PRIVATE, "no public IP address", id="no public address"),
        pytest.param(routed(), FACE, "no route to the internet", id="no route"),
        pytest.param(routed(NatGatewayId="nat-1"), FACE, "not to an internet gateway", id="a route to a NAT gateway"),
        pytest.param(
            {"internet_gateways": ({"InternetGatewayId": "igw-1", "Attachments": []},)},
            FACE,
            "is not attached",
            id="a detached gateway",
        ),
        pytest.param(
            {"security_groups": ({"GroupId": "sg", "IpPermissions": [rule(8080)]},)},
            FACE,
            "admits no tcp to port 80",
            id="another port",
        ),
        pytest.param(
            {"security_groups": ({"GroupId": "sg", "IpPermissions": [rule(80, IpRanges=[{"CidrIp": "10.0.0.0/8"}])]},)},
            FACE,
            "admits no tcp",
            id="only from inside",
        ),
        pytest.param(
            {"security_groups": ({"GroupId": "sg", "IpPermissions": [rule(80, IpProtocol="udp")]},)},
            FACE,
            "admits no tcp",
            id="another protocol",
        ),
        pytest.param(
            {"security_groups": ({"GroupId": "sg", "IpPermissions": [rule(80, IpProtocol="TCP")]},)},
            FACE,
            None,
            id="the protocol in capitals",
        ),
        pytest.param(
            {
                "security_groups": (
                    {"GroupId": "sg", "IpPermissions": [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]},
                )
            },
            FACE,
            None,
            id="every protocol",
        ),
        pytest.param(acl(), FACE, "lets no tcp port 80 into", id="an ACL that denies all"),
        pytest.param(acl(allow(100, 80, 80, egress=False)), FACE, "out of subnet", id="an ACL that keeps the reply"),
        pytest.param(
            acl(allow(100, 80, 80, egress=False), allow(100, 1024, 65535, egress=True)),
            FACE,
            None,
            id="an ACL that lets both through",
        ),
    ],
)
def test_from_the_internet(change: dict[str, Any], face: Interface, said: str | None) -> None:
    missing = reachability.from_internet(network(**change), face, 80)

    assert (missing is None) if said is None else (missing is not None and said in missing.message)


@pytest.mark.parametrize(
    ("change", "face", "said"),
    [
        pytest.param({}, FACE, None, id="a public task"),
        pytest.param({}, PRIVATE, "no public IP address", id="a private task in a public subnet"),
        pytest.param(NAT, PRIVATE, None, id="a private task behind a NAT gateway"),
        pytest.param({**NAT, "nat_gateways": ()}, PRIVATE, "is not available", id="a NAT gateway that is gone"),
        pytest.param(
            {"security_groups": ({"GroupId": "sg", "IpPermissionsEgress": [rule(80)]},)},
            FACE,
            "lets no tcp port 443 out",
            id="no way out",
        ),
        pytest.param({"has_dns": {"vpc": False}}, FACE, "DNS resolution is off", id="no names"),
        pytest.param(acl(), FACE, "lets no tcp port 443 out of", id="an ACL that denies all"),
        pytest.param(acl(allow(100, 443, 443, egress=True)), FACE, "into subnet", id="an ACL that keeps the reply"),
        pytest.param(
            acl(allow(100, 443, 443, egress=True), allow(100, 1024, 65535, egress=False)),
            FACE,
            None,
            id="an ACL that lets both through",
        ),
    ],
)
def test_to_the_internet(change: dict[str, Any], face: Interface, said: str | None) -> None:
    missing = reachability.to_internet(network(**change), face)

    assert (missing is None) if said is None else (missing is not None and said in missing.message)


ENDPOINT = {
    "VpcEndpointId": "vpce",
    "VpcId": "vpc",
    "ServiceName": "com.amazonaws.eu-west-1.ecr.api",
    "VpcEndpointType": "Interface",
    "PrivateDnsEnabled": True,
    "SubnetIds": ["subnet"],
    "Groups": [{"GroupId": "sg-e"}],
}
OPEN = {"GroupId": "sg-e", "IpPermissions": [rule(443, IpRanges=[], UserIdGroupPairs=[{"GroupId": "sg"}])]}
OUT = {"GroupId": "sg", "IpPermissionsEgress": [rule(443)]}


@pytest.mark.parametrize(
    ("groups", "said"),
    [
        pytest.param((OUT, OPEN), None, id="an endpoint that admits the task's group"),
        pytest.param(
            (OUT, {"GroupId": "sg-e", "IpPermissions": []}), "cannot be reached", id="an endpoint that admits nobody"
        ),
    ],
)
def test_an_interface_endpoint_wins_over_the_way_to_the_internet(
    groups: tuple[dict[str, Any], ...], said: str | None
) -> None:
    missing = reachability.to_service(network(endpoints=(ENDPOINT,), security_groups=groups), FACE, "ecr.api")

    assert (missing is None) if said is None else (missing is not None and said in missing.message)


def test_an_endpoint_without_private_dns_is_not_used() -> None:
    endpoint = {**ENDPOINT, "PrivateDnsEnabled": False}
    closed = (OUT, {"GroupId": "sg-e", "IpPermissions": []})

    assert reachability.to_service(network(endpoints=(endpoint,), security_groups=closed), FACE, "ecr.api") is None
    assert reachability.to_service(network(endpoints=(endpoint,), **routed()), PRIVATE, "ecr.api") is not None


def test_a_gateway_endpoint_serves_a_private_subnet() -> None:
    gateway = {
        "VpcEndpointId": "vpce",
        "VpcId": "vpc",
        "ServiceName": "com.amazonaws.eu-west-1.s3",
        "VpcEndpointType": "Gateway",
        "RouteTableIds": ["rtb"],
    }

    assert reachability.to_service(network(endpoints=(gateway,), **routed()), PRIVATE, "s3") is None


BALANCER = Interface("vpc", "edge", "10.0.9.4", ("lb",), has_public_address=True)
WITH_BALANCER = {
    "subnets": (
        {"SubnetId": "subnet", "CidrBlock": "10.0.1.0/24", "VpcId": "vpc"},
        {"SubnetId": "edge", "CidrBlock": "10.0.9.0/24", "VpcId": "vpc"},
    ),
}


def groups(*, lets_out: list[dict[str, Any]], lets_in: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "security_groups": (
            {"GroupId": "lb", "IpPermissions": [], "IpPermissionsEgress": lets_out},
            {"GroupId": "sg", "IpPermissions": lets_in, "IpPermissionsEgress": []},
        )
    }


OF_BALANCER = rule(80, IpRanges=[], UserIdGroupPairs=[{"GroupId": "lb"}])
TO_TASKS = rule(80, IpRanges=[], UserIdGroupPairs=[{"GroupId": "sg"}])


@pytest.mark.parametrize(
    ("change", "at"),
    [
        pytest.param(groups(lets_out=[rule(80)], lets_in=[OF_BALANCER]), None, id="by group"),
        pytest.param(groups(lets_out=[TO_TASKS], lets_in=[rule(80)]), None, id="out by group"),
        pytest.param(groups(lets_out=[rule(443)], lets_in=[OF_BALANCER]), "lb", id="not let out"),
        pytest.param(groups(lets_out=[rule(80)], lets_in=[rule(81)]), "sg", id="not let in"),
    ],
)
def test_between_two_interfaces_of_a_network(change: dict[str, Any], at: str | None) -> None:
    missing = reachability.between(network(**WITH_BALANCER, **change), BALANCER, PRIVATE, 80)

    assert (missing.resource if missing else None) == at


SIDES = {
    "out of edge": ("edge", True),
    "into subnet": ("subnet", False),
    "out of subnet": ("subnet", True),
    "into edge": ("edge", False),
}


@pytest.mark.parametrize("closed", list(SIDES))
def test_between_two_subnets_each_network_acl_has_to_let_the_packet_or_its_reply_through(closed: str) -> None:
    open_acls = groups(lets_out=[rule(80)], lets_in=[OF_BALANCER])
    acls = tuple(
        {
            "NetworkAclId": f"acl-{subnet}",
            "VpcId": "vpc",
            "Associations": [{"SubnetId": subnet}],
            "Entries": [
                allow(100, 1, 65535, egress=egress) for egress in (False, True) if SIDES[closed] != (subnet, egress)
            ],
        }
        for subnet in ("edge", "subnet")
    )

    blocker = reachability.between(network(**WITH_BALANCER, **open_acls, network_acls=acls), BALANCER, PRIVATE, 80)

    assert blocker is not None
    assert blocker.resource == f"acl-{SIDES[closed][0]}"
    assert (" out of subnet " if SIDES[closed][1] else " into subnet ") in blocker.message


@pytest.mark.parametrize(
    ("ingress", "is_reached"),
    [
        pytest.param(rule(80, IpRanges=[{"CidrIp": "10.0.0.0/16"}]), True, id="the VPC's block"),
        pytest.param(rule(80), True, id="everybody"),
        pytest.param(OF_BALANCER, True, id="a group"),
        pytest.param(rule(80, IpRanges=[{"CidrIp": "192.168.0.0/16"}]), False, id="another network"),
        pytest.param(rule(81), False, id="another port"),
    ],
)
def test_from_inside(ingress: dict[str, Any], *, is_reached: bool) -> None:
    seen = network(**WITH_BALANCER, **groups(lets_out=[], lets_in=[ingress]))

    assert (security_group_evaluation.admits_inside(seen, PRIVATE, 80) is None) is is_reached


def test_a_task_without_an_address_in_an_isolated_subnet_is_not_sent_to_an_internet_gateway() -> None:
    missing = reachability.to_internet(network(**routed()), PRIVATE)

    assert missing is not None
    assert "NAT gateway" in missing.fix


def test_a_service_without_an_endpoint_is_named_to_an_isolated_task() -> None:
    missing = reachability.to_service(network(**routed()), PRIVATE, "secretsmanager")

    assert missing is not None
    assert missing.fix.startswith("Add a VPC endpoint for secretsmanager")


DUAL_STACK = {"SubnetId": "subnet-1", "VpcId": "vpc-1", "Ipv6CidrBlockAssociationSet": [{"Ipv6CidrBlock": "2001:db8::/64"}]}


@pytest.mark.parametrize(
    ("subnet", "route", "is_out"),
    [
        pytest.param(DUAL_STACK, {"EgressOnlyInternetGatewayId": "eigw-1"}, True, id="an egress-only gateway"),
        pytest.param(DUAL_STACK, {"GatewayId": "igw-1"}, True, id="an internet gateway"),
        pytest.param(DUAL_STACK, {"GatewayId": "local"}, False, id="another route"),
        pytest.param({"SubnetId": "subnet-1", "VpcId": "vpc-1"}, {"GatewayId": "igw-1"}, False, id="a subnet without IPv6"),
    ],
)
def test_a_dual_stack_subnet_has_a_way_out_by_ipv6(subnet: dict[str, Any], route: dict[str, Any], *, is_out: bool) -> None:
    table = {"RouteTableId": "rtb-1", "VpcId": "vpc-1", "Associations": [{"Main": True}], "Routes": [{"DestinationIpv6CidrBlock": "::/0", **route}]}
    seen = Network(subnets=(subnet,), route_tables=(table,))

    assert reachability.has_ipv6_way_out(seen, Interface("vpc-1", "subnet-1", "10.0.0.1", (), has_public_address=False)) is is_out
