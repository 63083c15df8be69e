"""Amazon EC2: the network."""

from __future__ import annotations

from typing import Any

from preflight.errors import WaitExpiredError
from preflight.rehearsal import acting
from preflight.rehearsal.cloudformation.resources import ec2_readers
from preflight.rehearsal.cloudformation.resources.handler import (
    SPECIFIED,
    CreatedResource,
    Handler,
    HandlerContext,
    Properties,
    ResourceFailedError,
)
from preflight.system import waiting

DETACH_TIMEOUT = 20.0  # AWS tries for longer
ANYWHERE: dict[str, Any] = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
ANYWHERE_IPV6: dict[str, Any] = {"IpProtocol": "-1", "Ipv6Ranges": [{"CidrIpv6": "::/0"}]}


def _without(given: Properties, *names: str) -> dict[str, Any]:
    return {key: value for key, value in given.items() if key not in names}


def specified(place: HandlerContext, kind: str, given: Properties) -> dict[str, Any]:
    """The tags of what is made, as the operations that make something take them; none where there are none."""
    tags = place.all_tags(given.get("Tags"))
    if "Tags" in given:
        place.note("Tags", "stored")
    return {SPECIFIED: [{"ResourceType": kind, "Tags": tags}]} if tags else {}


def _tagged(place: HandlerContext, resource: str, given: Properties) -> None:
    tags = place.all_tags(given.get("Tags"))
    if tags:
        place.ask("ec2", "CreateTags", Resources=[resource], Tags=tags)
    if "Tags" in given:
        place.note("Tags", "stored")


def _create_vpc(place: HandlerContext, given: Properties) -> CreatedResource:
    plain = _without(given, "Tags", "EnableDnsSupport", "EnableDnsHostnames")
    vpc = place.call("ec2", "CreateVpc", {**plain, **specified(place, "vpc", given)})["Vpc"]
    place.identify(vpc["VpcId"])
    for name in ("EnableDnsSupport", "EnableDnsHostnames"):
        if name in given:
            place.ask("ec2", "ModifyVpcAttribute", VpcId=vpc["VpcId"], **{name: {"Value": given[name]}})
            place.note(name, "stored")
    return CreatedResource(vpc["VpcId"], _vpc_attributes(place, vpc["VpcId"]))


def _vpc_attributes(place: HandlerContext, vpc: str) -> dict[str, Any]:
    described = place.ask("ec2", "DescribeVpcs", VpcIds=[vpc])["Vpcs"][0]
    within = [{"Name": "vpc-id", "Values": [vpc]}]
    groups = place.ask("ec2", "DescribeSecurityGroups", Filters=within)["SecurityGroups"]
    acls = place.ask("ec2", "DescribeNetworkAcls", Filters=within)["NetworkAcls"]
    blocks = described.get("Ipv6CidrBlockAssociationSet", [])
    return {
        "VpcId": vpc,
        "CidrBlock": described["CidrBlock"],
        "DefaultSecurityGroup": next((g["GroupId"] for g in groups if g["GroupName"] == "default"), ""),
        "DefaultNetworkAcl": next((a["NetworkAclId"] for a in acls if a["IsDefault"]), ""),
        "Ipv6CidrBlocks": [block["Ipv6CidrBlock"] for block in blocks],
        "CidrBlockAssociations": [a["AssociationId"] for a in described.get("CidrBlockAssociationSet", [])],
    }


def _update_vpc(place: HandlerContext, vpc: str, _old: Properties, new: Properties) -> CreatedResource:
    for name in ("EnableDnsSupport", "EnableDnsHostnames"):
        value = new.get(name, name == "EnableDnsSupport")
        place.ask("ec2", "ModifyVpcAttribute", VpcId=vpc, **{name: {"Value": value}})
    _tagged(place, vpc, new)
    return CreatedResource(vpc, _vpc_attributes(place, vpc))


def _create_subnet(place: HandlerContext, given: Properties) -> CreatedResource:
    plain = _without(given, "Tags", "MapPublicIpOnLaunch")
    subnet = place.call("ec2", "CreateSubnet", {**plain, **specified(place, "subnet", given)})["Subnet"]
    place.identify(subnet["SubnetId"])
    if "MapPublicIpOnLaunch" in given:
        _set_public(place, subnet["SubnetId"], given)
    return CreatedResource(subnet["SubnetId"], _subnet_attributes(subnet))


def _set_public(place: HandlerContext, subnet: str, given: Properties) -> None:
    value = bool(given.get("MapPublicIpOnLaunch"))
    place.ask("ec2", "ModifySubnetAttribute", SubnetId=subnet, MapPublicIpOnLaunch={"Value": value})
    place.note("MapPublicIpOnLaunch", "stored")


def _subnet_attributes(subnet: dict[str, Any]) -> dict[str, Any]:
    return {
        "SubnetId": subnet["SubnetId"],
        "AvailabilityZone": subnet["AvailabilityZone"],
        "AvailabilityZoneId": subnet.get("AvailabilityZoneId", ""),
        "CidrBlock": subnet["CidrBlock"],
        "VpcId": subnet["VpcId"],
        "Ipv6CidrBlocks": [],
        "NetworkAclAssociationId": "",
        "OutpostArn": "",
    }


def _update_subnet(place: HandlerContext, subnet: str, _old: Properties, new: Properties) -> CreatedResource:
    _set_public(place, subnet, new)
    _tagged(place, subnet, new)
    described = place.ask("ec2", "DescribeSubnets", SubnetIds=[subnet])["Subnets"][0]
    return CreatedResource(subnet, _subnet_attributes(described))


def _create_gateway(place: HandlerContext, given: Properties) -> CreatedResource:
    asked = {**_without(given, "Tags"), **specified(place, "internet-gateway", given)}
    gateway = place.call("ec2", "CreateInternetGateway", asked)["InternetGateway"]["InternetGatewayId"]
    return CreatedResource(gateway, {"InternetGatewayId": gateway})


def _update_gateway(place: HandlerContext, gateway: str, _old: Properties, new: Properties) -> CreatedResource:
    _tagged(place, gateway, new)
    return CreatedResource(gateway, {"InternetGatewayId": gateway})


def _create_attachment(place: HandlerContext, given: Properties) -> CreatedResource:
    vpc = given["VpcId"]
    if "InternetGatewayId" in given:
        place.call("ec2", "AttachInternetGateway", given)
        return CreatedResource(f"IGW|{vpc}", {"AttachmentType": "IGW"})
    place.call("ec2", "AttachVpnGateway", given)
    return CreatedResource(f"VGW|{vpc}", {"AttachmentType": "VGW"})


def _delete_attachment(place: HandlerContext, _id: str, given: Properties) -> None:
    if "InternetGatewayId" not in given:
        place.ask("ec2", "DetachVpnGateway", **given)
        return

    def detached() -> bool:
        """CloudFormation tries again while addresses are still mapped."""
        try:
            place.ask("ec2", "DetachInternetGateway", **given)
        except ResourceFailedError as failure:
            if failure.code != "ResourceConflict" or place.account.closing.is_set():
                raise
            return False
        return True

    try:
        waiting.until(detached, what="public addresses to be unmapped", timeout=DETACH_TIMEOUT, interval=0.2)
    except WaitExpiredError:
        place.ask("ec2", "DetachInternetGateway", **given)


def _update_attachment(place: HandlerContext, physical: str, old: Properties, new: Properties) -> CreatedResource:
    _delete_attachment(place, physical, old)
    return _create_attachment(place, new)


def _create_table(place: HandlerContext, given: Properties) -> CreatedResource:
    asked = {**_without(given, "Tags"), **specified(place, "route-table", given)}
    table = place.call("ec2", "CreateRouteTable", asked)["RouteTable"]["RouteTableId"]
    return CreatedResource(table, {"RouteTableId": table})


def _update_table(place: HandlerContext, table: str, _old: Properties, new: Properties) -> CreatedResource:
    _tagged(place, table, new)
    return CreatedResource(table, {"RouteTableId": table})


def _destination(given: Properties) -> dict[str, Any]:
    names = ("DestinationCidrBlock", "DestinationIpv6CidrBlock", "DestinationPrefixListId")
    return {name: given[name] for name in names if name in given}


def _create_route(place: HandlerContext, given: Properties) -> CreatedResource:
    place.call("ec2", "CreateRoute", given)
    destination = next(iter(_destination(given).values()), "")
    return CreatedResource(f"{given['RouteTableId']}|{destination}", {"CidrBlock": destination})


def _update_route(place: HandlerContext, route: str, _old: Properties, new: Properties) -> CreatedResource:
    place.call("ec2", "ReplaceRoute", new)
    return CreatedResource(route, {"CidrBlock": route.partition("|")[2]})


def _delete_route(place: HandlerContext, _route: str, given: Properties) -> None:
    place.ask("ec2", "DeleteRoute", RouteTableId=given["RouteTableId"], **_destination(given))


def _create_association(place: HandlerContext, given: Properties) -> CreatedResource:
    association = place.call("ec2", "AssociateRouteTable", given)["AssociationId"]
    return CreatedResource(association, {"Id": association})


def permission(given: Properties) -> dict[str, Any]:
    """A security group rule of CloudFormation as an IpPermission of the API."""
    rule: dict[str, Any] = {"IpProtocol": str(given["IpProtocol"])}
    rule |= {name: int(given[name]) for name in ("FromPort", "ToPort") if name in given}
    described = {"Description": given["Description"]} if given.get("Description") else {}
    peers = (
        ("CidrIp", "IpRanges", "CidrIp"),
        ("CidrIpv6", "Ipv6Ranges", "CidrIpv6"),
        ("SourcePrefixListId", "PrefixListIds", "PrefixListId"),
        ("DestinationPrefixListId", "PrefixListIds", "PrefixListId"),
        ("SourceSecurityGroupId", "UserIdGroupPairs", "GroupId"),
        ("DestinationSecurityGroupId", "UserIdGroupPairs", "GroupId"),
        ("SourceSecurityGroupName", "UserIdGroupPairs", "GroupName"),
    )
    for name, list_name, key in peers:
        if given.get(name):
            rule.setdefault(list_name, []).append({key: given[name], **described})
    return rule


def _create_group(place: HandlerContext, given: Properties) -> CreatedResource:
    name = given.get("GroupName") or place.name(most=255)
    asked = {"GroupName": name, "Description": given["GroupDescription"], **specified(place, "security-group", given)}
    if "VpcId" in given:
        asked["VpcId"] = given["VpcId"]
    group = place.ask("ec2", "CreateSecurityGroup", **asked)["GroupId"]
    for key in ("GroupName", "GroupDescription", "VpcId"):
        if key in given:
            place.note(key, "stored")
    try:
        _set_rules(place, group, {}, given)
    except ResourceFailedError:
        with acting.acting_as(None):
            place.ask("ec2", "DeleteSecurityGroup", GroupId=group)
        raise
    return CreatedResource(group, _group_attributes(place, group))


def _group_attributes(place: HandlerContext, group: str) -> dict[str, Any]:
    described = place.ask("ec2", "DescribeSecurityGroups", GroupIds=[group])["SecurityGroups"][0]
    return {"GroupId": group, "Id": group, "VpcId": described.get("VpcId", "")}


def default_egress(place: HandlerContext, group: str) -> list[dict[str, Any]]:
    """The rules that let everything out of a group, as EC2 adds them to a new one: of IPv4, and of IPv6."""
    described = place.ask("ec2", "DescribeSecurityGroups", GroupIds=[group])["SecurityGroups"][0]
    rules = [rule for rule in described.get("IpPermissionsEgress", []) if rule.get("IpProtocol") == "-1"]
    is_open = any(r.get("CidrIp") == "0.0.0.0/0" for rule in rules for r in rule.get("IpRanges", []))
    is_open_ipv6 = any(r.get("CidrIpv6") == "::/0" for rule in rules for r in rule.get("Ipv6Ranges", []))
    return [*([ANYWHERE] if is_open else []), *([ANYWHERE_IPV6] if is_open_ipv6 else [])]


def _set_rules(place: HandlerContext, group: str, old: Properties, new: Properties) -> None:
    """Make the rules those that are given; a side without any keeps, or gets back, what EC2 gives a new group."""
    egress = [ANYWHERE] if old.get("SecurityGroupEgress") else default_egress(place, group)
    sides: tuple[tuple[str, str, str, list[dict[str, Any]]], ...] = (
        ("SecurityGroupIngress", "AuthorizeSecurityGroupIngress", "RevokeSecurityGroupIngress", []),
        ("SecurityGroupEgress", "AuthorizeSecurityGroupEgress", "RevokeSecurityGroupEgress", egress),
    )
    for name, authorize, revoke, default in sides:
        before = [permission(rule) for rule in old[name]] if old.get(name) else default
        after = [permission(rule) for rule in new[name]] if new.get(name) else default
        for rule in before:
            if rule not in after:
                place.ask("ec2", revoke, GroupId=group, IpPermissions=[rule])
        for rule in after:
            if rule not in before:
                place.ask("ec2", authorize, GroupId=group, IpPermissions=[rule])
        if name in new:
            place.note(name, "stored")


def _update_group(place: HandlerContext, group: str, old: Properties, new: Properties) -> CreatedResource:
    _set_rules(place, group, old, new)
    _tagged(place, group, new)
    return CreatedResource(group, _group_attributes(place, group))


def _deleter(operation: str, name: str) -> Any:
    def delete(place: HandlerContext, physical: str, _given: Properties) -> None:
        place.ask("ec2", operation, **{name: physical})

    return delete


TYPES = {
    "AWS::EC2::VPC": Handler(
        _create_vpc, _deleter("DeleteVpc", "VpcId"), _update_vpc, ec2_readers.vpc, _vpc_attributes
    ),
    "AWS::EC2::Subnet": Handler(
        _create_subnet, _deleter("DeleteSubnet", "SubnetId"), _update_subnet, ec2_readers.subnet
    ),
    "AWS::EC2::InternetGateway": Handler(
        _create_gateway,
        _deleter("DeleteInternetGateway", "InternetGatewayId"),
        _update_gateway,
        ec2_readers.gateway,
    ),
    "AWS::EC2::VPCGatewayAttachment": Handler(
        _create_attachment, _delete_attachment, _update_attachment, ec2_readers.attachment
    ),
    "AWS::EC2::RouteTable": Handler(
        _create_table, _deleter("DeleteRouteTable", "RouteTableId"), _update_table, ec2_readers.table
    ),
    "AWS::EC2::Route": Handler(_create_route, _delete_route, _update_route, ec2_readers.route),
    "AWS::EC2::SubnetRouteTableAssociation": Handler(
        _create_association, _deleter("DisassociateRouteTable", "AssociationId"), None, ec2_readers.association
    ),
    "AWS::EC2::SecurityGroup": Handler(
        _create_group, _deleter("DeleteSecurityGroup", "GroupId"), _update_group, ec2_readers.group
    ),
}
