"""Amazon EC2 read back: what the service keeps of each resource, as the properties of CloudFormation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from preflight.rehearsal.cloudformation.resources.context import HandlerContext, Properties, Response, without
from preflight.rehearsal.cloudformation.resources.declarative import ReadSpec, by_id, reader
from preflight.rehearsal.cloudformation.resources.handler import Reader


def _described(operation: str, member: str, path: str) -> Reader:
    read = reader("ec2", ReadSpec(operation, by_id(member, is_list=True), path))
    if read is None:
        raise TypeError(operation)
    return read


def vpc(context: HandlerContext, physical_id: str, _properties: Properties) -> Response:
    """Returns a VPC and its DNS attributes."""
    description: Response = dict(context.call("ec2", "DescribeVpcs", VpcIds=[physical_id])["Vpcs"][0])
    for name in ("enableDnsSupport", "enableDnsHostnames"):
        response = context.call("ec2", "DescribeVpcAttribute", VpcId=physical_id, Attribute=name)
        description[name] = response[name[0].upper() + name[1:]]["Value"]
    return description


subnet = _described("DescribeSubnets", "SubnetIds", "Subnets[0]")
gateway = _described("DescribeInternetGateways", "InternetGatewayIds", "InternetGateways[0]")
table = _described("DescribeRouteTables", "RouteTableIds", "RouteTables[0]")
acl = _described("DescribeNetworkAcls", "NetworkAclIds", "NetworkAcls[0]")
flow_log = _described("DescribeFlowLogs", "FlowLogIds", "FlowLogs[0]")


def attachment(context: HandlerContext, _physical: str, properties: Properties) -> Response:
    """Returns an attachment of a gateway to a VPC."""
    if "InternetGatewayId" not in properties:
        return dict(properties)
    gateway_id = properties["InternetGatewayId"]
    gateway = context.call("ec2", "DescribeInternetGateways", InternetGatewayIds=[gateway_id])["InternetGateways"][0]
    vpcs = [a["VpcId"] for a in gateway["Attachments"]]
    return {"InternetGatewayId": gateway["InternetGatewayId"], "VpcId": vpcs[0] if vpcs else None}


def route(context: HandlerContext, _physical: str, properties: Properties) -> Response:
    """Returns one route of a route table."""
    table = context.call("ec2", "DescribeRouteTables", RouteTableIds=[properties["RouteTableId"]])["RouteTables"][0]
    keys = ("DestinationCidrBlock", "DestinationIpv6CidrBlock", "DestinationPrefixListId")
    for route in table["Routes"]:
        if all(route.get(key) == properties[key] for key in keys if key in properties):
            target = {k: v for k, v in route.items() if k in properties}
            if str(properties.get("VpcEndpointId", "-")) == route.get("GatewayId"):
                target["VpcEndpointId"] = route["GatewayId"]
            return {**target, "RouteTableId": table["RouteTableId"]}
    return {}


def association(context: HandlerContext, physical_id: str, _properties: Properties) -> Response:
    """Returns the association of a subnet with a route table."""
    filters = [{"Name": "association.route-table-association-id", "Values": [physical_id]}]
    for table in context.call("ec2", "DescribeRouteTables", Filters=filters)["RouteTables"]:
        for association in table["Associations"]:
            if association["RouteTableAssociationId"] == physical_id:
                return dict(association)
    return {}


def group(context: HandlerContext, physical_id: str, _properties: Properties) -> Response:
    """Returns a security group with its rules."""
    group = context.call("ec2", "DescribeSecurityGroups", GroupIds=[physical_id])["SecurityGroups"][0]
    return {
        **group,
        "GroupDescription": group["Description"],
        "SecurityGroupIngress": list(_rules(group["IpPermissions"], "Source")),
        "SecurityGroupEgress": list(_rules(group.get("IpPermissionsEgress", []), "Destination")),
    }


def _rules(permissions: list[Mapping[str, Any]], peer: str) -> Iterator[Response]:
    """Yields rules as CloudFormation writes them: one for each peer."""
    kinds = (
        ("IpRanges", "CidrIp", "CidrIp"),
        ("Ipv6Ranges", "CidrIpv6", "CidrIpv6"),
        ("PrefixListIds", "PrefixListId", f"{peer}PrefixListId"),
        ("UserIdGroupPairs", "GroupId", f"{peer}SecurityGroupId"),
    )
    for permission in permissions:
        common = {key: permission[key] for key in ("IpProtocol", "FromPort", "ToPort") if key in permission}
        for list_name, key, name in kinds:
            for item in permission.get(list_name, []):
                more = {"Description": item["Description"]} if item.get("Description") else {}
                names = {f"{peer}SecurityGroupName": item["GroupName"]} if item.get("GroupName") else {}
                yield {**common, name: item.get(key), **names, **more}


def rule(side: str, peer: str) -> Reader:
    """Returns what reads one rule of a security group back."""

    def read(context: HandlerContext, _physical: str, properties: Properties) -> Response:
        group = context.call("ec2", "DescribeSecurityGroups", GroupIds=[properties["GroupId"]])["SecurityGroups"][0]
        expected = without(properties, "GroupId", "SourceSecurityGroupOwnerId")
        for rule in _rules(group.get(side, []), peer):
            if all(str(rule.get(key)) == str(value) for key, value in expected.items() if not _is_all(properties, key)):
                return {**properties, **rule, "GroupId": group["GroupId"]}
        return {"GroupId": group["GroupId"]}

    return read


def _is_all(properties: Properties, key: str) -> bool:
    """Whether a port has no meaning, because the rule is for all traffic."""
    return str(properties.get("IpProtocol")) == "-1" and key in {"FromPort", "ToPort"}


def address(context: HandlerContext, physical_id: str, _properties: Properties) -> Response:
    """Returns an Elastic IP address."""
    return dict(context.call("ec2", "DescribeAddresses", PublicIps=[physical_id])["Addresses"][0])


def nat(context: HandlerContext, physical_id: str, properties: Properties) -> Response:
    """Returns a NAT gateway."""
    gateway = context.call("ec2", "DescribeNatGateways", NatGatewayIds=[physical_id])["NatGateways"][0]
    addresses = gateway.get("NatGatewayAddresses") or [{}]
    return {
        **gateway,
        "AllocationId": addresses[0].get("AllocationId"),
        "PrivateIpAddress": addresses[0].get("PrivateIp"),
        "MaxDrainDurationSeconds": properties.get("MaxDrainDurationSeconds"),  # sent only when the gateway is deleted
    }


def egress_only(context: HandlerContext, physical_id: str, _properties: Properties) -> Response:
    """Returns an egress-only internet gateway."""
    ids = {"EgressOnlyInternetGatewayIds": [physical_id]}
    gateway = context.call("ec2", "DescribeEgressOnlyInternetGateways", **ids)["EgressOnlyInternetGateways"][0]
    return {**gateway, "VpcId": gateway["Attachments"][0]["VpcId"]}


def endpoint(context: HandlerContext, physical_id: str, _properties: Properties) -> Response:
    """Returns a VPC endpoint."""
    endpoint = context.call("ec2", "DescribeVpcEndpoints", VpcEndpointIds=[physical_id])["VpcEndpoints"][0]
    groups = [g["GroupId"] if isinstance(g, dict) else g for g in endpoint.get("Groups", [])]
    return {**endpoint, "SecurityGroupIds": groups}


def entry(context: HandlerContext, _physical: str, properties: Properties) -> Response:
    """Returns one entry of a network ACL."""
    acl = context.call("ec2", "DescribeNetworkAcls", NetworkAclIds=[properties["NetworkAclId"]])["NetworkAcls"][0]
    key = (int(properties["RuleNumber"]), bool(properties.get("Egress")))
    for entry in acl["Entries"]:
        if (entry["RuleNumber"], entry["Egress"]) == key:
            return {**entry, "NetworkAclId": acl["NetworkAclId"], "Icmp": entry.get("IcmpTypeCode")}
    return {}


def acl_association(context: HandlerContext, physical_id: str, _properties: Properties) -> Response:
    """Returns the association of a subnet with a network ACL."""
    for acl in context.call("ec2", "DescribeNetworkAcls")["NetworkAcls"]:
        for association in acl["Associations"]:
            if association["NetworkAclAssociationId"] == physical_id:
                return dict(association)
    return {}
