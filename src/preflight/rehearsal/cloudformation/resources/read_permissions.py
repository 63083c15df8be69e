"""What AWS's resource handlers read while they make and remove a resource, and so need permission for.

Our own handlers read as the account's administrator, because they read other things than AWS's do.
These are the reading actions that the registry schema of a type lists for its handlers `create` and
`delete`, but for those that only certain properties need. Types that are not here are asked for
nothing that they read.
Source: https://docs.aws.amazon.com/cloudformation-cli/latest/userguide/resource-type-schema.html, `handlers`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from preflight.rehearsal.cloudformation.resources.declarative import Ask, by
from preflight.rehearsal.cloudformation.resources.handler import HandlerContext, Properties


@dataclass(frozen=True)
class ReadPermissions:
    """Operations of one service; `given` makes their input of physical id and properties."""

    service: str
    create: tuple[str, ...]
    delete: tuple[str, ...]
    given: Ask = lambda _physical, _given: {}


def _in_ec2(read: str) -> ReadPermissions:
    return ReadPermissions("ec2", (read,), (read,))


def _of_service(physical: str, given: Properties) -> dict[str, Any]:
    return {"services": [physical], **({"cluster": given["Cluster"]} if given.get("Cluster") else {})}


_OF_ROLE = ("GetRole", "ListAttachedRolePolicies", "ListRolePolicies")
READS: Mapping[str, ReadPermissions] = {
    "AWS::CloudFormation::Stack": ReadPermissions(
        "cloudformation", ("DescribeStacks",), ("DescribeStacks",), by("StackName")
    ),
    "AWS::EC2::InternetGateway": _in_ec2("DescribeInternetGateways"),
    "AWS::EC2::Route": _in_ec2("DescribeRouteTables"),
    "AWS::EC2::RouteTable": _in_ec2("DescribeRouteTables"),
    "AWS::EC2::SecurityGroup": _in_ec2("DescribeSecurityGroups"),
    "AWS::EC2::Subnet": _in_ec2("DescribeSubnets"),
    "AWS::EC2::SubnetRouteTableAssociation": _in_ec2("DescribeRouteTables"),
    "AWS::EC2::VPC": ReadPermissions("ec2", ("DescribeVpcs", "DescribeVpcAttribute"), ("DescribeVpcs",), by("VpcId")),
    "AWS::EC2::VPCGatewayAttachment": _in_ec2("DescribeInternetGateways"),
    "AWS::ECS::Cluster": ReadPermissions(
        "ecs", ("DescribeClusters",), ("DescribeClusters",), by("clusters", is_list=True)
    ),
    "AWS::ECS::Service": ReadPermissions("ecs", ("DescribeServices",), ("DescribeServices",), _of_service),
    "AWS::ECS::TaskDefinition": ReadPermissions("ecs", ("DescribeTaskDefinition",), ("DescribeTaskDefinition",)),
    "AWS::IAM::ManagedPolicy": ReadPermissions(
        "iam", (), ("ListPolicyVersions", "ListEntitiesForPolicy"), by("PolicyArn")
    ),
    "AWS::IAM::Role": ReadPermissions("iam", ("GetRole",), _OF_ROLE, by("RoleName")),
    "AWS::Logs::LogGroup": ReadPermissions("logs", ("DescribeLogGroups",), ("DescribeLogGroups",)),
}


def check(place: HandlerContext, stage: str, physical: str, given: Properties) -> None:
    """Hold what AWS's handler reads in `create` or `delete` against what the caller may read.

    Raises:
        FailedError: they may not.
    """
    reads = READS.get(place.kind)
    if reads is None:
        return
    for operation in reads.create if stage == "create" else reads.delete:
        place.need(reads.service, operation, **reads.given(physical, given))
