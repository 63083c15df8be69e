"""What EC2 refuses and moto does not. Each check cites AWS's page and the moto file it corrects."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from werkzeug.wrappers import Request  # noqa: TC002 - as everywhere here

from preflight.rehearsal import protocol
from preflight.rehearsal.account import Account
from preflight.rehearsal.protocol import Call, Refusal
from preflight.rehearsal.services import (
    Check,
    ServiceEmulation,
    ec2_address_blocks,
    ec2_changed_vpc,
    ec2_default_vpc,
    ec2_private_addresses,
    ec2_routes,
    ec2_security_groups,
    ec2_vpc_endpoints,
)
from preflight.rehearsal.services.ec2_default_vpc import DefaultVpcs

# Operations that change which packets arrive.
_CHANGES_NETWORK = re.compile(
    r"^(?!(Create|Delete)InternetGateway$)(Authorize|Revoke|Create|Delete|Replace|Attach|Detach|Associate|Disassociate|Modify)\w*"
    r"(SecurityGroup|Route|NetworkAcl|InternetGateway|NatGateway)"
)
_CHANGED_VPC = "preflight.changed_vpc"  # found before the request, since it may delete what it names


def _filter(name: str, *values: str) -> list[dict[str, Any]]:
    return [{"Name": name, "Values": list(values)}]


def _subnet_is_free(account: Account, call: Call) -> None:
    """A subnet is associated with one route table at a time, of its own VPC.

    https://docs.aws.amazon.com/vpc/latest/userguide/VPC_Route_Tables.html, https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html (Resource.AlreadyAssociated);
    moto/ec2/models/route_tables.py.
    """
    subnet, route_table = call.parameters.get("SubnetId"), call.parameters["RouteTableId"]
    if not subnet:
        return
    ec2: Any = account.client("ec2", call.region)
    tables = ec2.describe_route_tables(Filters=_filter("association.subnet-id", subnet))["RouteTables"]
    if any(table["RouteTableId"] != route_table for table in tables):
        msg = f"the specified association for route table {route_table} conflicts with an existing association"
        raise Refusal("Resource.AlreadyAssociated", msg)
    networks = {
        ec2.describe_subnets(SubnetIds=[subnet])["Subnets"][0]["VpcId"],
        ec2.describe_route_tables(RouteTableIds=[route_table])["RouteTables"][0]["VpcId"],
    }
    if len(networks) > 1:
        raise Refusal("InvalidParameterValue", f"Route table {route_table} and network {subnet} belong to different networks")


def _one_gateway(account: Account, call: Call) -> None:
    """A VPC has one internet gateway.

    https://docs.aws.amazon.com/vpc/latest/userguide/VPC_Internet_Gateway.html;
    moto/ec2/models/internet_gateways.py.
    """
    vpc, gateway = call.parameters["VpcId"], call.parameters["InternetGatewayId"]
    ec2: Any = account.client("ec2", call.region)
    gateways = ec2.describe_internet_gateways(Filters=_filter("attachment.vpc-id", vpc))["InternetGateways"]
    if any(other["InternetGatewayId"] != gateway for other in gateways):
        msg = f"Network {vpc} already has an internet gateway attached"
        raise Refusal("InvalidParameterValue", msg)


def _addresses_unmapped(account: Account, call: Call) -> None:
    """An internet gateway is not detached while public addresses are mapped in its VPC.

    https://docs.aws.amazon.com/vpc/latest/userguide/VPC_Internet_Gateway.html;
    moto/ec2/models/internet_gateways.py.
    """
    vpc = call.parameters["VpcId"]
    ec2: Any = account.client("ec2", call.region)
    gateways = ec2.describe_nat_gateways(Filters=_filter("vpc-id", vpc))["NatGateways"]
    interfaces = ec2.describe_network_interfaces(Filters=_filter("vpc-id", vpc))["NetworkInterfaces"]
    is_mapped = any((interface.get("Association") or {}).get("PublicIp") for interface in interfaces)
    if is_mapped or any(nat_gateway["State"] == "available" and nat_gateway.get("NatGatewayAddresses") for nat_gateway in gateways):
        msg = (
            f"Network {vpc} has some mapped public address(es). Please unmap those public address(es) before "
            "detaching the gateway."
        )
        raise Refusal("DependencyViolation", msg)


def _group_in_use(account: Account, call: Call) -> None:
    """A security group that an interface uses cannot be deleted.

    https://docs.aws.amazon.com/vpc/latest/userguide/deleting-security-groups.html;
    moto/ec2/models/security_groups.py.
    """
    group = call.parameters.get("GroupId")
    ec2: Any = account.client("ec2", call.region)
    if group and ec2.describe_network_interfaces(Filters=_filter("group-id", group))["NetworkInterfaces"]:
        raise Refusal("DependencyViolation", f"resource {group} has a dependent object")


def _subnet_in_use(account: Account, call: Call) -> None:
    """A subnet in which there is an interface cannot be deleted.

    https://docs.aws.amazon.com/vpc/latest/userguide/subnet-deleting.html; moto/ec2/models/subnets.py.
    """
    subnet = call.parameters["SubnetId"]
    ec2: Any = account.client("ec2", call.region)
    if ec2.describe_network_interfaces(Filters=_filter("subnet-id", subnet))["NetworkInterfaces"]:
        msg = f"The subnet '{subnet}' has dependencies and cannot be deleted."
        raise Refusal("DependencyViolation", msg)


CHECKS: Mapping[str, Check] = {
    "AssociateRouteTable": _subnet_is_free,
    "AssociateSubnetCidrBlock": ec2_address_blocks.subnet_block,
    "AssociateVpcCidrBlock": ec2_address_blocks.associate,
    "AttachInternetGateway": _one_gateway,
    "AuthorizeSecurityGroupEgress": ec2_security_groups.authorize,
    "AuthorizeSecurityGroupIngress": ec2_security_groups.authorize,
    "CreateNatGateway": ec2_private_addresses.nat_gateway,
    "CreateNetworkInterface": ec2_private_addresses.interface,
    "CreateRoute": ec2_routes.create,
    "CreateSecurityGroup": ec2_security_groups.create,
    "CreateSubnet": ec2_address_blocks.subnet,
    "CreateVpcEndpoint": ec2_vpc_endpoints.check,
    "DeleteSecurityGroup": _group_in_use,
    "DeleteSubnet": _subnet_in_use,
    "DetachInternetGateway": _addresses_unmapped,
    "ModifySecurityGroupRules": ec2_security_groups.modify,
    "ReplaceRoute": ec2_routes.replace,
}


def service(account: Account, network_changed: Callable[[str, str | None], None]) -> ServiceEmulation:
    """Returns EC2, whose regions begin with a default VPC; changes of a network are reported by region and, if it is known, VPC."""
    default_vpcs = DefaultVpcs(account)

    def before(region: str, request: Request) -> None:
        default_vpcs.ensure(region)
        if _CHANGES_NETWORK.match(protocol.operation_name(request) or ""):
            request.environ[_CHANGED_VPC] = ec2_changed_vpc.of(account, region, request.values)

    def after(region: str, request: Request) -> None:
        is_complete = default_vpcs.is_complete(region)  # if not, this request is for the default VPC itself
        if is_complete and _CHANGES_NETWORK.match(protocol.operation_name(request) or ""):
            network_changed(region, request.environ.get(_CHANGED_VPC))

    return ServiceEmulation(
        "ec2",
        checks=CHECKS,
        completions={
            "CreateVpc": ec2_default_vpc.complete_security_groups,
            "CreateVpcEndpoint": ec2_default_vpc.complete_endpoints,
        },
        before=before,
        after=after,
    )
