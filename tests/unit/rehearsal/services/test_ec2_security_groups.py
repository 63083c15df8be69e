"""Security groups that EC2 refuses where moto takes them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

Client = Callable[[str], Any]
WEB = {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "IpRanges": [{"CidrIp": "10.0.0.0/16"}]}


@pytest.fixture
def ec2(client: Client) -> Any:
    return client("ec2")


@pytest.fixture
def group(ec2: Any) -> str:
    """A group that lets port 80 in."""
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    created = str(ec2.create_security_group(GroupName="web", Description="web", VpcId=vpc)["GroupId"])
    ec2.authorize_security_group_ingress(GroupId=created, IpPermissions=[WEB])
    return created


def code_of(call: Callable[[], Any]) -> str:
    """The code that EC2 answers; empty if it takes the call."""
    try:
        call()
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return ""


@pytest.mark.parametrize(
    ("rules", "code"),
    [
        pytest.param([{**WEB, "ToPort": 65536}], "InvalidParameterValue", id="a port that is too high"),
        pytest.param([{**WEB, "IpRanges": []}], "InvalidParameterValue", id="no source"),
        pytest.param([WEB], "InvalidPermission.Duplicate", id="a rule that is there"),
        pytest.param(
            [{**WEB, "IpRanges": [{"CidrIp": "10.0.1.1/16", "Description": "again"}]}],
            "InvalidPermission.Duplicate",
            id="a rule that is there, by another address of its network",
        ),
        pytest.param([{**WEB, "ToPort": 81}, {**WEB, "ToPort": 81}], "InvalidParameterValue", id="a rule twice"),
        pytest.param([{**WEB, "ToPort": 81}], "", id="another port"),
        pytest.param([{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}], "", id="all protocols"),
    ],
)
def test_a_rule_is_checked_by_the_table_and_by_the_group(ec2: Any, group: str, rules: list[Any], code: str) -> None:
    assert code_of(lambda: ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=rules)) == code


def test_a_rule_out_is_compared_with_rules_out(ec2: Any, group: str) -> None:
    assert code_of(lambda: ec2.authorize_security_group_egress(GroupId=group, IpPermissions=[WEB])) == ""


@pytest.mark.parametrize(
    ("name", "description", "code"),
    [
        pytest.param("sg-web", "web", "InvalidParameterValue", id="a name like an id"),
        pytest.param("app", "it's", "InvalidParameterValue", id="a description with an apostrophe"),
        pytest.param("app", "the app", "", id="plain text"),
    ],
)
def test_a_new_group_is_checked_by_the_table(ec2: Any, name: str, description: str, code: str) -> None:
    assert code_of(lambda: ec2.create_security_group(GroupName=name, Description=description)) == code


def test_a_stack_whose_name_begins_with_sg_has_groups(client: Client, ec2: Any) -> None:
    group = {"Type": "AWS::EC2::SecurityGroup", "Properties": {"GroupDescription": "web"}}
    cloudformation = client("cloudformation")
    cloudformation.create_stack(StackName="sg-web", TemplateBody=json.dumps({"Resources": {"Web": group}}))

    cloudformation.get_waiter("stack_create_complete").wait(StackName="sg-web", WaiterConfig={"Delay": 1})

    described = ec2.describe_security_groups(Filters=[{"Name": "description", "Values": ["web"]}])["SecurityGroups"]
    assert len(described) == 1
