"""What AWS's resource handlers read, and need permission for, while they create and delete a resource.

The handlers of the emulator read as the account's administrator, because they read other things than AWS's do.
These are the reading actions that the registry schema of a type lists for its handlers `create` and
`delete`, except those that only certain properties need. Types that are not here need permission for
nothing that they read.
Source: https://docs.aws.amazon.com/cloudformation-cli/latest/userguide/resource-type-schema.html, `handlers`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from preflight.rehearsal.cloudformation.resources.context import HandlerContext, Properties, Request
from preflight.rehearsal.cloudformation.resources.declarative import RequestBuilder, by_id


@dataclass(frozen=True)
class ReadPermissions:
    """Operations of one service; `request` builds their input."""

    service: str
    create: tuple[str, ...]
    delete: tuple[str, ...]
    request: RequestBuilder = lambda _physical_id, _properties: {}


def _ec2_read(read: str) -> ReadPermissions:
    return ReadPermissions("ec2", (read,), (read,))


def _service_request(physical_id: str, properties: Properties) -> Request:
    return {"services": [physical_id], **({"cluster": properties["Cluster"]} if properties.get("Cluster") else {})}


_ROLE_READS = ("GetRole", "ListAttachedRolePolicies", "ListRolePolicies")
READS: Mapping[str, ReadPermissions] = {
    "AWS::CloudFormation::Stack": ReadPermissions(
        "cloudformation", ("DescribeStacks",), ("DescribeStacks",), by_id("StackName")
    ),
    "AWS::EC2::InternetGateway": _ec2_read("DescribeInternetGateways"),
    "AWS::EC2::Route": _ec2_read("DescribeRouteTables"),
    "AWS::EC2::RouteTable": _ec2_read("DescribeRouteTables"),
    "AWS::EC2::SecurityGroup": _ec2_read("DescribeSecurityGroups"),
    "AWS::EC2::Subnet": _ec2_read("DescribeSubnets"),
    "AWS::EC2::SubnetRouteTableAssociation": _ec2_read("DescribeRouteTables"),
    "AWS::EC2::VPC": ReadPermissions(
        "ec2", ("DescribeVpcs", "DescribeVpcAttribute"), ("DescribeVpcs",), by_id("VpcId")
    ),
    "AWS::EC2::VPCGatewayAttachment": _ec2_read("DescribeInternetGateways"),
    "AWS::ECS::Cluster": ReadPermissions(
        "ecs", ("DescribeClusters",), ("DescribeClusters",), by_id("clusters", is_list=True)
    ),
    "AWS::ECS::Service": ReadPermissions("ecs", ("DescribeServices",), ("DescribeServices",), _service_request),
    "AWS::ECS::TaskDefinition": ReadPermissions("ecs", ("DescribeTaskDefinition",), ("DescribeTaskDefinition",)),
    "AWS::IAM::ManagedPolicy": ReadPermissions(
        "iam", (), ("ListPolicyVersions", "ListEntitiesForPolicy"), by_id("PolicyArn")
    ),
    "AWS::IAM::Role": ReadPermissions("iam", ("GetRole",), _ROLE_READS, by_id("RoleName")),
    "AWS::Logs::LogGroup": ReadPermissions("logs", ("DescribeLogGroups",), ("DescribeLogGroups",)),
}


def check(context: HandlerContext, action: str, physical_id: str, properties: Properties) -> None:
    """Checks that the caller may read what AWS's handler reads in `create` or `delete`.

    Raises:
        ResourceFailedError: the caller may not.
    """
    reads = READS.get(context.resource_type)
    if reads is None:
        return
    for operation in reads.create if action == "create" else reads.delete:
        context.check_permission(reads.service, operation, **reads.request(physical_id, properties))
