"""What EC2 refuses and moto does not. Each check cites AWS's page and the moto file it corrects."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from preflight.rehearsal import account as accounts
from preflight.rehearsal import protocol

Check = Callable[[accounts.Account, protocol.Call], None]


def _route_gateway(account: accounts.Account, call: protocol.Call) -> None:
    """A route to an internet gateway needs the gateway attached to the VPC of the table.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-attribute-dependson.html;
    moto/ec2/models/route_tables.py.
    """
    gateway = call.given.get("GatewayId") or ""
    if gateway and not gateway.startswith(("igw-", "vgw-", "local", "vpce-")):
        raise protocol.Refusal("InvalidGatewayID.NotFound", f"The gateway ID '{gateway}' does not exist")
    if not gateway.startswith("igw-"):
        return
    ec2: Any = account.client("ec2", call.region)
    tables = ec2.describe_route_tables(RouteTableIds=[call.given["RouteTableId"]])["RouteTables"]
    gateways = ec2.describe_internet_gateways(InternetGatewayIds=[gateway])["InternetGateways"]
    attached = {a["VpcId"] for found in gateways for a in found["Attachments"]}
    if tables[0]["VpcId"] not in attached:
        msg = f"route table {call.given['RouteTableId']} and network gateway {gateway} belong to different networks"
        raise protocol.Refusal("InvalidParameterValue", msg)


def _group_in_use(account: accounts.Account, call: protocol.Call) -> None:
    """A security group that an interface uses cannot be deleted.

    https://docs.aws.amazon.com/vpc/latest/userguide/deleting-security-groups.html;
    moto/ec2/models/security_groups.py.
    """
    group = call.given.get("GroupId")
    ec2: Any = account.client("ec2", call.region)
    if (
        group
        and ec2.describe_network_interfaces(Filters=[{"Name": "group-id", "Values": [group]}])["NetworkInterfaces"]
    ):
        raise protocol.Refusal("DependencyViolation", f"resource {group} has a dependent object")


def _subnet_in_use(account: accounts.Account, call: protocol.Call) -> None:
    """A subnet in which there is an interface cannot be deleted.

    https://docs.aws.amazon.com/vpc/latest/userguide/subnet-deleting.html; moto/ec2/models/subnets.py.
    """
    subnet = call.given["SubnetId"]
    ec2: Any = account.client("ec2", call.region)
    if ec2.describe_network_interfaces(Filters=[{"Name": "subnet-id", "Values": [subnet]}])["NetworkInterfaces"]:
        msg = f"The subnet '{subnet}' has dependencies and cannot be deleted."
        raise protocol.Refusal("DependencyViolation", msg)


CHECKS: Mapping[str, Check] = {
    "CreateRoute": _route_gateway,
    "ReplaceRoute": _route_gateway,
    "DeleteSecurityGroup": _group_in_use,
    "DeleteSubnet": _subnet_in_use,
}
