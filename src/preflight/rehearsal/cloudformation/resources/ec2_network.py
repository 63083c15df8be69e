"""Amazon EC2: the network."""

from __future__ import annotations

from preflight.errors import WaitExpiredError
from preflight.rehearsal import acting
from preflight.rehearsal.cloudformation.resources import ec2_readers
from preflight.rehearsal.cloudformation.resources.context import (
    TAG_SPECIFICATIONS,
    HandlerContext,
    Properties,
    Request,
    Response,
    without,
)
from preflight.rehearsal.cloudformation.resources.declarative import deleter
from preflight.rehearsal.cloudformation.resources.failure import ResourceFailedError
from preflight.rehearsal.cloudformation.resources.handler import CreatedResource, Handler
from preflight.system import waiting

DETACH_TIMEOUT = 20.0  # AWS tries for longer
ANYWHERE: Request = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
ANYWHERE_IPV6: Request = {"IpProtocol": "-1", "Ipv6Ranges": [{"CidrIpv6": "::/0"}]}


def tag_specifications(context: HandlerContext, kind: str, properties: Properties) -> Response:
    """Returns the tags of a new resource as the operations that create it take them, if there are any."""
    tags = context.all_tags(properties.get("Tags"))
    if "Tags" in properties:
        context.record("Tags", "stored")
    return {TAG_SPECIFICATIONS: [{"ResourceType": kind, "Tags": tags}]} if tags else {}


def _set_tags(context: HandlerContext, resource: str, properties: Properties) -> None:
    tags = context.all_tags(properties.get("Tags"))
    if tags:
        context.call("ec2", "CreateTags", Resources=[resource], Tags=tags)
    if "Tags" in properties:
        context.record("Tags", "stored")


def _create_vpc(context: HandlerContext, properties: Properties) -> CreatedResource:
    members = without(properties, "Tags", "EnableDnsSupport", "EnableDnsHostnames")
    vpc = context.submit("ec2", "CreateVpc", {**members, **tag_specifications(context, "vpc", properties)})["Vpc"]
    context.identify(vpc["VpcId"])
    for name in ("EnableDnsSupport", "EnableDnsHostnames"):
        if name in properties:
            context.call("ec2", "ModifyVpcAttribute", VpcId=vpc["VpcId"], **{name: {"Value": properties[name]}})
            context.record(name, "stored")
    return CreatedResource(vpc["VpcId"], _vpc_attributes(context, vpc["VpcId"]))


def _vpc_attributes(context: HandlerContext, vpc: str) -> Response:
    described = context.call("ec2", "DescribeVpcs", VpcIds=[vpc])["Vpcs"][0]
    filters = [{"Name": "vpc-id", "Values": [vpc]}]
    groups = context.call("ec2", "DescribeSecurityGroups", Filters=filters)["SecurityGroups"]
    acls = context.call("ec2", "DescribeNetworkAcls", Filters=filters)["NetworkAcls"]
    blocks = described.get("Ipv6CidrBlockAssociationSet", [])
    return {
        "VpcId": vpc,
        "CidrBlock": described["CidrBlock"],
        "DefaultSecurityGroup": next((g["GroupId"] for g in groups if g["GroupName"] == "default"), ""),
        "DefaultNetworkAcl": next((a["NetworkAclId"] for a in acls if a["IsDefault"]), ""),
        "Ipv6CidrBlocks": [block["Ipv6CidrBlock"] for block in blocks],
        "CidrBlockAssociations": [a["AssociationId"] for a in described.get("CidrBlockAssociationSet", [])],
    }


def _update_vpc(context: HandlerContext, vpc: str, _old: Properties, new: Properties) -> CreatedResource:
    for name in ("EnableDnsSupport", "EnableDnsHostnames"):
        value = new.get(name, name == "EnableDnsSupport")
        context.call("ec2", "ModifyVpcAttribute", VpcId=vpc, **{name: {"Value": value}})
    _set_tags(context, vpc, new)
    return CreatedResource(vpc, _vpc_attributes(context, vpc))


def _create_subnet(context: HandlerContext, properties: Properties) -> CreatedResource:
    members = without(properties, "Tags", "MapPublicIpOnLaunch")
    subnet = context.submit("ec2", "CreateSubnet", {**members, **tag_specifications(context, "subnet", properties)})[
        "Subnet"
    ]
    context.identify(subnet["SubnetId"])
    if "MapPublicIpOnLaunch" in properties:
        _set_public(context, subnet["SubnetId"], properties)
    return CreatedResource(subnet["SubnetId"], _subnet_attributes(subnet))


def _set_public(context: HandlerContext, subnet: str, properties: Properties) -> None:
    value = bool(properties.get("MapPublicIpOnLaunch"))
    context.call("ec2", "ModifySubnetAttribute", SubnetId=subnet, MapPublicIpOnLaunch={"Value": value})
    context.record("MapPublicIpOnLaunch", "stored")


def _subnet_attributes(subnet: Response) -> Response:
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


def _update_subnet(context: HandlerContext, subnet: str, _old: Properties, new: Properties) -> CreatedResource:
    _set_public(context, subnet, new)
    _set_tags(context, subnet, new)
    described = context.call("ec2", "DescribeSubnets", SubnetIds=[subnet])["Subnets"][0]
    return CreatedResource(subnet, _subnet_attributes(described))


def _create_gateway(context: HandlerContext, properties: Properties) -> CreatedResource:
    request = {**without(properties, "Tags"), **tag_specifications(context, "internet-gateway", properties)}
    gateway = context.submit("ec2", "CreateInternetGateway", request)["InternetGateway"]["InternetGatewayId"]
    return CreatedResource(gateway, {"InternetGatewayId": gateway})


def _update_gateway(context: HandlerContext, gateway: str, _old: Properties, new: Properties) -> CreatedResource:
    _set_tags(context, gateway, new)
    return CreatedResource(gateway, {"InternetGatewayId": gateway})


def _create_attachment(context: HandlerContext, properties: Properties) -> CreatedResource:
    vpc = properties["VpcId"]
    if "InternetGatewayId" in properties:
        context.submit("ec2", "AttachInternetGateway", properties)
        return CreatedResource(f"IGW|{vpc}", {"AttachmentType": "IGW"})
    context.submit("ec2", "AttachVpnGateway", properties)
    return CreatedResource(f"VGW|{vpc}", {"AttachmentType": "VGW"})


def _delete_attachment(context: HandlerContext, _id: str, properties: Properties) -> None:
    if "InternetGatewayId" not in properties:
        context.call("ec2", "DetachVpnGateway", **properties)
        return

    def is_detached() -> bool:
        """Tries to detach the gateway, which fails while public addresses are mapped; so does CloudFormation."""
        try:
            context.call("ec2", "DetachInternetGateway", **properties)
        except ResourceFailedError as failure:
            if failure.code != "ResourceConflict" or context.account.closing.is_set():
                raise
            return False
        return True

    try:
        waiting.until(is_detached, what="public addresses to be unmapped", timeout=DETACH_TIMEOUT, interval=0.2)
    except WaitExpiredError:
        context.call("ec2", "DetachInternetGateway", **properties)


def _update_attachment(context: HandlerContext, physical_id: str, old: Properties, new: Properties) -> CreatedResource:
    """Attaches another gateway; one that a failed update did not detach stays, so that its rollback ends."""
    filters = [{"Name": "attachment.vpc-id", "Values": [new["VpcId"]]}]
    attached = context.call("ec2", "DescribeInternetGateways", Filters=filters)["InternetGateways"]
    if new.get("InternetGatewayId") in [gateway["InternetGatewayId"] for gateway in attached]:
        return CreatedResource(physical_id, {"AttachmentType": "IGW"})
    _delete_attachment(context, physical_id, old)
    return _create_attachment(context, new)


def _create_table(context: HandlerContext, properties: Properties) -> CreatedResource:
    request = {**without(properties, "Tags"), **tag_specifications(context, "route-table", properties)}
    table = context.submit("ec2", "CreateRouteTable", request)["RouteTable"]["RouteTableId"]
    return CreatedResource(table, {"RouteTableId": table})


def _update_table(context: HandlerContext, table: str, _old: Properties, new: Properties) -> CreatedResource:
    _set_tags(context, table, new)
    return CreatedResource(table, {"RouteTableId": table})


def _destination(properties: Properties) -> Response:
    names = ("DestinationCidrBlock", "DestinationIpv6CidrBlock", "DestinationPrefixListId")
    return {name: properties[name] for name in names if name in properties}


def _create_route(context: HandlerContext, properties: Properties) -> CreatedResource:
    context.submit("ec2", "CreateRoute", properties)
    destination = next(iter(_destination(properties).values()), "")
    return CreatedResource(f"{properties['RouteTableId']}|{destination}", {"CidrBlock": destination})


def _update_route(context: HandlerContext, route: str, _old: Properties, new: Properties) -> CreatedResource:
    context.submit("ec2", "ReplaceRoute", new)
    return CreatedResource(route, {"CidrBlock": route.partition("|")[2]})


def _delete_route(context: HandlerContext, _route: str, properties: Properties) -> None:
    context.call("ec2", "DeleteRoute", RouteTableId=properties["RouteTableId"], **_destination(properties))


def _create_association(context: HandlerContext, properties: Properties) -> CreatedResource:
    association = context.submit("ec2", "AssociateRouteTable", properties)["AssociationId"]
    return CreatedResource(association, {"Id": association})


def _update_association(context: HandlerContext, association: str, _old: Properties, new: Properties) -> CreatedResource:
    request = {"AssociationId": association, "RouteTableId": new["RouteTableId"]}
    moved = context.call("ec2", "ReplaceRouteTableAssociation", **request)["NewAssociationId"]
    return CreatedResource(moved, {"Id": moved})


def permission(properties: Properties) -> Response:
    """Returns a security group rule of CloudFormation as an IpPermission of the API."""
    rule: Request = {"IpProtocol": str(properties["IpProtocol"])}
    rule |= {name: int(properties[name]) for name in ("FromPort", "ToPort") if name in properties}
    described = {"Description": properties["Description"]} if properties.get("Description") else {}
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
        if properties.get(name):
            rule.setdefault(list_name, []).append({key: properties[name], **described})
    return rule


def _create_group(context: HandlerContext, properties: Properties) -> CreatedResource:
    name = properties.get("GroupName") or context.generate_name(max_length=255)
    request = {
        "GroupName": name,
        "Description": properties["GroupDescription"],
        **tag_specifications(context, "security-group", properties),
    }
    if "VpcId" in properties:
        request["VpcId"] = properties["VpcId"]
    group = context.call("ec2", "CreateSecurityGroup", **request)["GroupId"]
    for key in ("GroupName", "GroupDescription", "VpcId"):
        if key in properties:
            context.record(key, "stored")
    try:
        _set_rules(context, group, {}, properties)
    except ResourceFailedError:
        with acting.acting_as(None):
            context.call("ec2", "DeleteSecurityGroup", GroupId=group)
        raise
    return CreatedResource(group, _group_attributes(context, group))


def _group_attributes(context: HandlerContext, group: str) -> Response:
    described = context.call("ec2", "DescribeSecurityGroups", GroupIds=[group])["SecurityGroups"][0]
    return {"GroupId": group, "Id": group, "VpcId": described.get("VpcId", "")}


def default_egress(context: HandlerContext, group: str) -> list[Request]:
    """Returns the rules of a group that allow all egress, as EC2 adds them to a new one: IPv4 and IPv6."""
    described = context.call("ec2", "DescribeSecurityGroups", GroupIds=[group])["SecurityGroups"][0]
    rules = [rule for rule in described.get("IpPermissionsEgress", []) if rule.get("IpProtocol") == "-1"]
    is_open = any(r.get("CidrIp") == "0.0.0.0/0" for rule in rules for r in rule.get("IpRanges", []))
    is_open_ipv6 = any(r.get("CidrIpv6") == "::/0" for rule in rules for r in rule.get("Ipv6Ranges", []))
    return [*([ANYWHERE] if is_open else []), *([ANYWHERE_IPV6] if is_open_ipv6 else [])]


def _new_egress(context: HandlerContext, group: str) -> list[Request]:
    """Returns the rules that EC2 adds to a new group: all of IPv4, and of IPv6 if the VPC has it."""
    vpc = context.call("ec2", "DescribeSecurityGroups", GroupIds=[group])["SecurityGroups"][0]["VpcId"]
    has_ipv6 = context.call("ec2", "DescribeVpcs", VpcIds=[vpc])["Vpcs"][0].get("Ipv6CidrBlockAssociationSet")
    return [ANYWHERE, *([ANYWHERE_IPV6] if has_ipv6 else [])]


def default_group(context: HandlerContext, vpc: str) -> str:
    """Returns the default security group of a VPC."""
    filters = [{"Name": "vpc-id", "Values": [vpc]}, {"Name": "group-name", "Values": ["default"]}]
    return str(context.call("ec2", "DescribeSecurityGroups", Filters=filters)["SecurityGroups"][0]["GroupId"])


def _set_rules(context: HandlerContext, group: str, old: Properties, new: Properties) -> None:
    """Replaces the old rules by the new ones; a direction without any has the rules of a new group."""
    egress: list[Request] = []  # not needed if neither has rules
    if old.get("SecurityGroupEgress"):
        egress = _new_egress(context, group)
    elif new.get("SecurityGroupEgress"):
        egress = default_egress(context, group)
    directions: tuple[tuple[str, str, str, list[Request]], ...] = (
        ("SecurityGroupIngress", "AuthorizeSecurityGroupIngress", "RevokeSecurityGroupIngress", []),
        ("SecurityGroupEgress", "AuthorizeSecurityGroupEgress", "RevokeSecurityGroupEgress", egress),
    )
    for name, authorize, revoke, default in directions:
        before = [permission(rule) for rule in old[name]] if old.get(name) else default
        after = [permission(rule) for rule in new[name]] if new.get(name) else default
        for rule in before:
            if rule not in after:
                context.call("ec2", revoke, GroupId=group, IpPermissions=[rule])
        for rule in after:
            if rule not in before:
                context.call("ec2", authorize, GroupId=group, IpPermissions=[rule])
        if name in new:
            context.record(name, "stored")


def _update_group(context: HandlerContext, group: str, old: Properties, new: Properties) -> CreatedResource:
    _set_rules(context, group, old, new)
    _set_tags(context, group, new)
    return CreatedResource(group, _group_attributes(context, group))


TYPES = {
    "AWS::EC2::VPC": Handler(
        _create_vpc, deleter("ec2", "DeleteVpc", "VpcId"), _update_vpc, ec2_readers.vpc, _vpc_attributes
    ),
    "AWS::EC2::Subnet": Handler(
        _create_subnet, deleter("ec2", "DeleteSubnet", "SubnetId"), _update_subnet, ec2_readers.subnet
    ),
    "AWS::EC2::InternetGateway": Handler(
        _create_gateway,
        deleter("ec2", "DeleteInternetGateway", "InternetGatewayId"),
        _update_gateway,
        ec2_readers.gateway,
    ),
    "AWS::EC2::VPCGatewayAttachment": Handler(
        _create_attachment, _delete_attachment, _update_attachment, ec2_readers.attachment
    ),
    "AWS::EC2::RouteTable": Handler(
        _create_table, deleter("ec2", "DeleteRouteTable", "RouteTableId"), _update_table, ec2_readers.table
    ),
    "AWS::EC2::Route": Handler(_create_route, _delete_route, _update_route, ec2_readers.route),
    "AWS::EC2::SubnetRouteTableAssociation": Handler(
        _create_association, deleter("ec2", "DisassociateRouteTable", "AssociationId"), _update_association, ec2_readers.association
    ),
    "AWS::EC2::SecurityGroup": Handler(
        _create_group, deleter("ec2", "DeleteSecurityGroup", "GroupId"), _update_group, ec2_readers.group
    ),
}
