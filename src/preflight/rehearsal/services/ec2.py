"""What EC2 refuses and moto does not. Each check cites AWS's page and the moto file it corrects."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from werkzeug.wrappers import Request  # noqa: TC002 - as everywhere here

from preflight.rehearsal import protocol
from preflight.rehearsal.account import Account
from preflight.rehearsal.protocol import Call, Refusal
from preflight.rehearsal.services import Check, ServiceEmulation, ec2_default_vpc, ec2_vpc_endpoints
from preflight.rehearsal.services.ec2_default_vpc import DefaultVpcs

# Operations that change which packets arrive.
_CHANGES_NETWORK = re.compile(
    r"^(Authorize|Revoke|Create|Delete|Replace|Attach|Detach|Associate|Disassociate|Modify)\w*"
    r"(SecurityGroup|Route|NetworkAcl|InternetGateway|NatGateway)"
)
_PROTOCOL = re.compile(r"(?i)tcp|udp|icmp|icmpv6|-1|[0-9]{1,2}|1[0-9]{2}|2[0-4][0-9]|25[0-5]")
_DESCRIPTION = re.compile(r"[a-zA-Z0-9. _\-:/()#,@\[\]+=&;{}!$*]*")


def _filter(name: str, *values: str) -> list[dict[str, Any]]:
    return [{"Name": name, "Values": list(values)}]


def _route_gateway(account: Account, call: Call) -> None:
    """A route to an internet gateway needs the gateway attached to the VPC of the table.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-attribute-dependson.html;
    moto/ec2/models/route_tables.py.
    """
    gateway = call.given.get("GatewayId") or ""
    if gateway and not gateway.startswith(("igw-", "vgw-", "local", "vpce-")):
        raise Refusal("InvalidGatewayID.NotFound", f"The gateway ID '{gateway}' does not exist")
    if not gateway.startswith("igw-"):
        return
    ec2: Any = account.client("ec2", call.region)
    tables = ec2.describe_route_tables(RouteTableIds=[call.given["RouteTableId"]])["RouteTables"]
    gateways = ec2.describe_internet_gateways(InternetGatewayIds=[gateway])["InternetGateways"]
    attached = {a["VpcId"] for found in gateways for a in found["Attachments"]}
    if tables[0]["VpcId"] not in attached:
        msg = f"route table {call.given['RouteTableId']} and network gateway {gateway} belong to different networks"
        raise Refusal("InvalidParameterValue", msg)


def _subnet_is_free(account: Account, call: Call) -> None:
    """A subnet is associated with one route table at a time.

    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html (Resource.AlreadyAssociated);
    moto/ec2/models/route_tables.py.
    """
    subnet, wanted = call.given.get("SubnetId"), call.given["RouteTableId"]
    if not subnet:
        return
    ec2: Any = account.client("ec2", call.region)
    tables = ec2.describe_route_tables(Filters=_filter("association.subnet-id", subnet))["RouteTables"]
    if any(table["RouteTableId"] != wanted for table in tables):
        msg = f"the specified association for route table {wanted} conflicts with an existing association"
        raise Refusal("Resource.AlreadyAssociated", msg)


def _zone_exists(account: Account, call: Call) -> None:
    """A subnet is made in a zone of its region.

    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateSubnet.html; moto/ec2/models/subnets.py
    names the zones of all regions, and takes none for one that is disabled.
    """
    zone = call.given.get("AvailabilityZone")
    ec2: Any = account.client("ec2", call.region)
    zones = [found["ZoneName"] for found in ec2.describe_availability_zones()["AvailabilityZones"]]
    if zone and zone not in zones:
        msg = (
            f"Value ({zone}) for parameter availabilityZone is invalid. Subnets can currently only be created in "
            f"the following availability zones: {', '.join(zones)}."
        )
        raise Refusal("InvalidParameterValue", msg)


def _one_gateway(account: Account, call: Call) -> None:
    """A VPC has one internet gateway.

    https://docs.aws.amazon.com/vpc/latest/userguide/VPC_Internet_Gateway.html;
    moto/ec2/models/internet_gateways.py.
    """
    vpc, gateway = call.given["VpcId"], call.given["InternetGatewayId"]
    ec2: Any = account.client("ec2", call.region)
    found = ec2.describe_internet_gateways(Filters=_filter("attachment.vpc-id", vpc))["InternetGateways"]
    if any(other["InternetGatewayId"] != gateway for other in found):
        msg = f"Network {vpc} already has an internet gateway attached"
        raise Refusal("InvalidParameterValue", msg)


def _addresses_unmapped(account: Account, call: Call) -> None:
    """An internet gateway is not detached while public addresses are mapped in its VPC.

    https://docs.aws.amazon.com/vpc/latest/userguide/VPC_Internet_Gateway.html;
    moto/ec2/models/internet_gateways.py.
    """
    vpc = call.given["VpcId"]
    ec2: Any = account.client("ec2", call.region)
    gateways = ec2.describe_nat_gateways(Filters=_filter("vpc-id", vpc))["NatGateways"]
    interfaces = ec2.describe_network_interfaces(Filters=_filter("vpc-id", vpc))["NetworkInterfaces"]
    is_mapped = any((interface.get("Association") or {}).get("PublicIp") for interface in interfaces)
    if is_mapped or any(found["State"] == "available" and found.get("NatGatewayAddresses") for found in gateways):
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
    group = call.given.get("GroupId")
    ec2: Any = account.client("ec2", call.region)
    if group and ec2.describe_network_interfaces(Filters=_filter("group-id", group))["NetworkInterfaces"]:
        raise Refusal("DependencyViolation", f"resource {group} has a dependent object")


def _subnet_in_use(account: Account, call: Call) -> None:
    """A subnet in which there is an interface cannot be deleted.

    https://docs.aws.amazon.com/vpc/latest/userguide/subnet-deleting.html; moto/ec2/models/subnets.py.
    """
    subnet = call.given["SubnetId"]
    ec2: Any = account.client("ec2", call.region)
    if ec2.describe_network_interfaces(Filters=_filter("subnet-id", subnet))["NetworkInterfaces"]:
        msg = f"The subnet '{subnet}' has dependencies and cannot be deleted."
        raise Refusal("DependencyViolation", msg)


def _description(_account: Account, call: Call) -> None:
    """The description of a group is up to 255 characters of a set within ASCII.

    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateSecurityGroup.html;
    moto/ec2/models/security_groups.py.
    """
    text = str(call.given.get("Description") or "")
    if not text.isascii():
        msg = (
            f"Value ({text}) for parameter GroupDescription is invalid. Character sets beyond ASCII are not supported."
        )
        raise Refusal("InvalidParameterValue", msg)
    if len(text) > 255 or not _DESCRIPTION.fullmatch(text):
        msg = f"Invalid security group description. Valid descriptions are strings less than 256 characters from the following set:  a-zA-Z0-9. _-:/()#,@[]+=&;{{}}!$*: {text}"
        raise Refusal("InvalidParameterValue", msg)


def _one_network(account: Account, call: Call) -> None:
    """A rule refers to groups of its own VPC, or of one that is peered with it.

    https://docs.aws.amazon.com/vpc/latest/userguide/security-group-rules.html;
    moto/ec2/models/security_groups.py.
    """
    pairs = [pair for rule in call.given.get("IpPermissions") or [] for pair in rule.get("UserIdGroupPairs") or []]
    wanted = [pair["GroupId"] for pair in pairs if pair.get("GroupId")]
    if not wanted or not call.given.get("GroupId"):
        return
    ec2: Any = account.client("ec2", call.region)
    if ec2.describe_vpc_peering_connections()["VpcPeeringConnections"]:
        return
    ids = [call.given["GroupId"], *wanted]
    found = ec2.describe_security_groups(Filters=_filter("group-id", *ids))["SecurityGroups"]
    if len({group["VpcId"] for group in found}) > 1:
        msg = "You have specified two resources that belong to different networks."
        raise Refusal("InvalidGroup.NotFound", msg)


def _protocol(call: Call) -> None:
    """A rule names its protocol as tcp, udp, icmp or icmpv6, or by its number; -1 stands for all.

    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_IpPermission.html;
    moto/ec2/models/security_groups.py.
    """
    changed = [rule.get("SecurityGroupRule") or {} for rule in call.given.get("SecurityGroupRules") or []]
    for rule in (call.given, *(call.given.get("IpPermissions") or []), *changed):
        protocol_name = rule.get("IpProtocol")
        if protocol_name is not None and not _PROTOCOL.fullmatch(str(protocol_name)):
            msg = f"Invalid value '{protocol_name}' for IP protocol. Unknown protocol."
            raise Refusal("InvalidParameterValue", msg)


def _rules(account: Account, call: Call) -> None:
    """Rules of a security group name a protocol and groups that EC2 knows."""
    _protocol(call)
    _one_network(account, call)


CHECKS: Mapping[str, Check] = {
    "AssociateRouteTable": _subnet_is_free,
    "AttachInternetGateway": _one_gateway,
    "AuthorizeSecurityGroupEgress": _rules,
    "AuthorizeSecurityGroupIngress": _rules,
    "CreateRoute": _route_gateway,
    "CreateSecurityGroup": _description,
    "CreateSubnet": _zone_exists,
    "CreateVpcEndpoint": ec2_vpc_endpoints.check,
    "DeleteSecurityGroup": _group_in_use,
    "DeleteSubnet": _subnet_in_use,
    "DetachInternetGateway": _addresses_unmapped,
    "ModifySecurityGroupRules": lambda _account, call: _protocol(call),
    "ReplaceRoute": _route_gateway,
}


def service(account: Account, network_changed: Callable[[str], None]) -> ServiceEmulation:
    """Returns EC2, whose regions begin with a default VPC; changes of a region's network are reported."""
    default_vpcs = DefaultVpcs(account)

    def before(region: str, _request: Request) -> None:
        default_vpcs.ensure(region)

    def after(region: str, request: Request) -> None:
        is_complete = default_vpcs.is_complete(region)  # if not, this request is for the default VPC itself
        if is_complete and _CHANGES_NETWORK.match(protocol.operation_name(request) or ""):
            network_changed(region)

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
