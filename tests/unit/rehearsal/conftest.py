"""A small Fargate deployment in one template, to be changed at will."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from preflight.rehearsal.server import Server
from tests.unit.rehearsal.iam import callers
from tests.unit.rehearsal.iam.callers import Keys

TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
EXECUTION = "arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy"
GOOD: dict[str, Any] = {
    "Resources": {
        "Vpc": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.0.0.0/16", "EnableDnsHostnames": True}},
        "Gateway": {"Type": "AWS::EC2::InternetGateway"},
        "Attachment": {
            "Type": "AWS::EC2::VPCGatewayAttachment",
            "Properties": {"VpcId": {"Ref": "Vpc"}, "InternetGatewayId": {"Ref": "Gateway"}},
        },
        "SubnetA": {
            "Type": "AWS::EC2::Subnet",
            "Properties": {
                "VpcId": {"Ref": "Vpc"},
                "CidrBlock": "10.0.1.0/24",
                "AvailabilityZone": {"Fn::Select": [0, {"Fn::GetAZs": ""}]},
            },
        },
        "SubnetB": {
            "Type": "AWS::EC2::Subnet",
            "Properties": {
                "VpcId": {"Ref": "Vpc"},
                "CidrBlock": "10.0.2.0/24",
                "AvailabilityZone": {"Fn::Select": [1, {"Fn::GetAZs": ""}]},
            },
        },
        "Table": {"Type": "AWS::EC2::RouteTable", "Properties": {"VpcId": {"Ref": "Vpc"}}},
        "Route": {
            "Type": "AWS::EC2::Route",
            "DependsOn": "Attachment",
            "Properties": {
                "RouteTableId": {"Ref": "Table"},
                "DestinationCidrBlock": "0.0.0.0/0",
                "GatewayId": {"Ref": "Gateway"},
            },
        },
        "AssociationA": {
            "Type": "AWS::EC2::SubnetRouteTableAssociation",
            "Properties": {"SubnetId": {"Ref": "SubnetA"}, "RouteTableId": {"Ref": "Table"}},
        },
        "AssociationB": {
            "Type": "AWS::EC2::SubnetRouteTableAssociation",
            "Properties": {"SubnetId": {"Ref": "SubnetB"}, "RouteTableId": {"Ref": "Table"}},
        },
        "Group": {
            "Type": "AWS::EC2::SecurityGroup",
            "Properties": {
                "GroupDescription": "tasks",
                "VpcId": {"Ref": "Vpc"},
                "SecurityGroupIngress": [{"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "CidrIp": "0.0.0.0/0"}],
            },
        },
        "Role": {
            "Type": "AWS::IAM::Role",
            "Properties": {"AssumeRolePolicyDocument": TRUST, "ManagedPolicyArns": [EXECUTION]},
        },
        "Logs": {"Type": "AWS::Logs::LogGroup", "Properties": {"RetentionInDays": 7}},
        "Cluster": {"Type": "AWS::ECS::Cluster"},
        "Definition": {
            "Type": "AWS::ECS::TaskDefinition",
            "Properties": {
                "RequiresCompatibilities": ["FARGATE"],
                "NetworkMode": "awsvpc",
                "Cpu": "256",
                "Memory": "512",
                "ExecutionRoleArn": {"Fn::GetAtt": ["Role", "Arn"]},
                "ContainerDefinitions": [
                    {
                        "Name": "web",
                        "Image": "nginx:1.28.0",
                        "PortMappings": [{"ContainerPort": 80}],
                        "LogConfiguration": {
                            "LogDriver": "awslogs",
                            "Options": {
                                "awslogs-group": {"Ref": "Logs"},
                                "awslogs-region": {"Ref": "AWS::Region"},
                                "awslogs-stream-prefix": "web",
                            },
                        },
                    }
                ],
            },
        },
        "Service": {
            "Type": "AWS::ECS::Service",
            "DependsOn": ["Route", "AssociationA", "AssociationB"],
            "Properties": {
                "Cluster": {"Ref": "Cluster"},
                "LaunchType": "FARGATE",
                "TaskDefinition": {"Ref": "Definition"},
                "DesiredCount": 1,
                "NetworkConfiguration": {
                    "AwsvpcConfiguration": {
                        "AssignPublicIp": "ENABLED",
                        "Subnets": [{"Ref": "SubnetA"}, {"Ref": "SubnetB"}],
                        "SecurityGroups": [{"Ref": "Group"}],
                    }
                },
            },
        },
    }
}


@pytest.fixture
def fargate() -> dict[str, Any]:
    return copy.deepcopy(GOOD)


@pytest.fixture
def reasons(client: Callable[[str], Any]) -> Callable[[dict[str, Any]], list[str]]:
    """Why a stack failed: the reasons of its events, and of what ECS says of its services."""

    def read(stack: dict[str, Any]) -> list[str]:
        events = client("cloudformation").describe_stack_events(StackName=stack["StackId"])["StackEvents"]
        found = [
            e.get("ResourceStatusReason", "")
            for e in events
            if "FAILED" in e["ResourceStatus"] or "ROLLBACK_IN" in e["ResourceStatus"]
        ]
        return [reason for reason in found if reason]

    return read


@pytest.fixture
def make_role(account: Server, client: Callable[[str], Any]) -> Callable[..., str]:
    """Make a role that the account trusts, with these statements; its ARN."""

    def make(*statements: dict[str, Any], name: str = "somebody", **given: Any) -> str:
        trust = {"Statement": [{"Effect": "Allow", "Principal": {"AWS": "123456789012"}, "Action": "sts:AssumeRole"}]}
        document = json.dumps({"Version": "2012-10-17", **trust})
        arn = str(client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=document, **given)["Role"]["Arn"])
        allow = [{"Effect": "Allow", "Resource": "*", **statement} for statement in statements]
        if allow:
            text = json.dumps({"Version": "2012-10-17", "Statement": allow})
            client("iam").put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=text)
        return arn

    return make


@pytest.fixture
def act(account: Server, client: Callable[[str], Any], make_role: Callable[..., str]) -> Callable[..., Keys]:
    """The credentials of a new role with these statements."""

    def assume(*statements: dict[str, Any], name: str = "somebody", **given: Any) -> Keys:
        arn = make_role(*statements, name=name)
        answer = client("sts").assume_role(RoleArn=arn, RoleSessionName="session", **given)
        return callers.keys_of(account.address, answer["Credentials"])

    return assume
