"""Endpoints and flow logs that EC2 refuses or takes because of what the VPC has."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

Client = Callable[[str], Any]
S3 = "com.amazonaws.ap-northeast-1.s3"


def code_of(call: Callable[[], Any]) -> str:
    """The code that EC2 answers; empty if it takes the call."""
    try:
        call()
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return ""


def policy(**elements: Any) -> str:
    """A policy whose statement has these elements instead of its own."""
    statement = {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*", **elements}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


@pytest.fixture
def ec2(client: Client) -> Any:
    return client("ec2")


@pytest.fixture
def vpc(ec2: Any) -> str:
    return str(ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"])


def test_a_route_table_has_one_gateway_endpoint_of_a_service(ec2: Any, vpc: str) -> None:
    table, other = (ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"] for _ in range(2))

    def create(*tables: str) -> str:
        return code_of(lambda: ec2.create_vpc_endpoint(VpcId=vpc, ServiceName=S3, RouteTableIds=tables))

    assert create(table) == ""
    assert create(table, other) == "RouteAlreadyExists"
    assert create(other) == ""


@pytest.mark.parametrize(
    ("given", "code"),
    [
        pytest.param({"SecurityGroupIds": ["sg-1"]}, "InvalidParameter", id="security groups of a gateway"),
        pytest.param({"SubnetIds": ["subnet-1"]}, "InvalidParameter", id="subnets of a gateway"),
        pytest.param({"PolicyDocument": "{"}, "InvalidPolicyDocument", id="a policy that is no JSON"),
        pytest.param({"PolicyDocument": policy()}, "", id="a policy"),
        pytest.param({"PolicyDocument": policy(Principal={"AWS": "bob"})}, "InvalidPolicyDocument", id="a principal of no form"),
    ],
)
def test_an_endpoint_is_checked_by_the_table(ec2: Any, vpc: str, given: dict[str, Any], code: str) -> None:
    assert code_of(lambda: ec2.create_vpc_endpoint(VpcId=vpc, ServiceName=S3, **given)) == code


def test_an_endpoint_has_security_groups_of_its_vpc(ec2: Any, vpc: str) -> None:
    other = ec2.create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]
    name = "com.amazonaws.ap-northeast-1.logs"

    def create(network: str) -> str:
        group = ec2.create_security_group(GroupName=f"g-{network}", Description="web", VpcId=network)["GroupId"]
        kind = {"VpcEndpointType": "Interface", "PrivateDnsEnabled": False}
        return code_of(lambda: ec2.create_vpc_endpoint(VpcId=vpc, ServiceName=name, SecurityGroupIds=[group], **kind))

    assert create(other) == "InvalidParameter"
    assert create(vpc) == ""


@pytest.mark.parametrize("destination", ["arn:aws:s3:::of-another-account", "arn:aws:s3:::of-another-account/vpc/"])
def test_a_flow_log_goes_to_any_bucket(ec2: Any, vpc: str, destination: str) -> None:
    given = {"ResourceIds": [vpc], "ResourceType": "VPC", "TrafficType": "ALL"}
    response = ec2.create_flow_logs(**given, LogDestinationType="s3", LogDestination=destination)

    assert not response["Unsuccessful"]
    (created,) = ec2.describe_flow_logs(FlowLogIds=response["FlowLogIds"])["FlowLogs"]
    assert created["LogDestinationType"] == "s3"
    assert created["LogDestination"] == destination


def test_a_flow_log_to_a_log_group_needs_a_role(ec2: Any, vpc: str) -> None:
    given = {"ResourceIds": [vpc], "ResourceType": "VPC", "TrafficType": "ALL"}

    assert code_of(lambda: ec2.create_flow_logs(**given, LogGroupName="/vpc")) == "InvalidParameter"
