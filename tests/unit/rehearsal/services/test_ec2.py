"""Protocols that a security group rule names."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

Client = Callable[[str], Any]


def rule(protocol: str) -> dict[str, Any]:
    return {"IpProtocol": protocol, "FromPort": 80, "ToPort": 80, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}


@pytest.fixture
def group(client: Client) -> str:
    """The id of a security group."""
    return str(client("ec2").create_security_group(GroupName="web", Description="web")["GroupId"])


@pytest.mark.parametrize("protocol", ["tcp", "UDP", "icmp", "icmpv6", "-1", "0", "50", "255"])
def test_a_rule_takes_a_protocol_by_name_or_number(client: Client, group: str, protocol: str) -> None:
    assert client("ec2").authorize_security_group_ingress(GroupId=group, IpPermissions=[rule(protocol)])["Return"]


@pytest.mark.parametrize("protocol", ["http", "all", "256", "-2", "tcp,udp"])
def test_a_rule_of_another_protocol_is_refused(client: Client, group: str, protocol: str) -> None:
    with pytest.raises(ClientError, match=f"InvalidParameterValue.*Invalid value '{protocol}' for IP protocol. Unknown protocol."):
        client("ec2").authorize_security_group_egress(GroupId=group, IpPermissions=[rule(protocol)])


def test_a_template_with_a_rule_of_another_protocol_fails(client: Client, deploy: Callable[..., dict[str, Any]]) -> None:
    ingress = {"IpProtocol": "http", "FromPort": 80, "ToPort": 80, "CidrIp": "10.0.0.0/8"}
    properties = {"GroupDescription": "web", "SecurityGroupIngress": [ingress]}

    deploy(json.dumps({"Resources": {"Group": {"Type": "AWS::EC2::SecurityGroup", "Properties": properties}}}))

    events = client("cloudformation").describe_stack_events(StackName="s")["StackEvents"]
    assert any("Invalid value 'http' for IP protocol" in event.get("ResourceStatusReason", "") for event in events)
