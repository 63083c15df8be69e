"""Amazon EC2 read back: what the service keeps of each resource, as the properties of CloudFormation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from preflight.rehearsal.cloudformation.resources.context import HandlerContext, Properties, Response, without
from preflight.rehearsal.cloudformation.resources.declarative import ReadSpec, by_id, reader
from preflight.rehearsal.cloudformation.resources.handler import Reader

Found = Response


def _described(operation: str, member: str, path: str) -> Reader:
    read = reader("ec2", ReadSpec(operation, by_id(member, is_list=True), path))
    if read is None:
        raise TypeError(operation)
    return read


def vpc(context: HandlerContext, physical: str, _properties: Properties) -> Found:
    """A VPC and its DNS attributes."""
    found: Found = dict(context.call("ec2", "DescribeVpcs", VpcIds=[physical])["Vpcs"][0])
    for name in ("enableDnsSupport", "enableDnsHostnames"):
        answer = context.call("ec2", "DescribeVpcAttribute", VpcId=physical, Attribute=name)
        found[name] = answer[name[0].upper() + name[1:]]["Value"]
    return found


subnet = _described("DescribeSubnets", "SubnetIds", "Subnets[0]")
gateway = _described("DescribeInternetGateways", "InternetGatewayIds", "InternetGateways[0]")
table = _described("DescribeRouteTables", "RouteTableIds", "RouteTables[0]")
acl = _described("DescribeNetworkAcls", "NetworkAclIds", "NetworkAcls[0]")
flow_log = _described("DescribeFlowLogs", "FlowLogIds", "FlowLogs[0]")


def attachment(context: HandlerContext, _physical: str, properties: Properties) -> Found:
    """An attachment of a gateway to a VPC."""
    if "InternetGatewayId" not in properties:
        return dict(properties)
    wanted = properties["InternetGatewayId"]
    found = context.call("ec2", "DescribeInternetGateways", InternetGatewayIds=[wanted])["InternetGateways"][0]
    attached = [a["VpcId"] for a in found["Attachments"]]
    return {"InternetGatewayId": found["InternetGatewayId"], "VpcId": attached[0] if attached else None}


def route(context: HandlerContext, _physical: str, properties: Properties) -> Found:
    """One route of a route table."""
    found = context.call("ec2", "DescribeRouteTables", RouteTableIds=[properties["RouteTableId"]])["RouteTables"][0]
    keys = ("DestinationCidrBlock", "DestinationIpv6CidrBlock", "DestinationPrefixListId")
    for kept in found["Routes"]:
        if all(kept.get(key) == properties[key] for key in keys if key in properties):
            target = {k: v for k, v in kept.items() if k in properties}
            if str(properties.get("VpcEndpointId", "-")) == kept.get("GatewayId"):
                target["VpcEndpointId"] = kept["GatewayId"]
            return {**target, "RouteTableId": found["RouteTableId"]}
    return {}


def association(context: HandlerContext, physical: str, _properties: Properties) -> Found:
    """The association of a subnet with a route table."""
    within = [{"Name": "association.route-table-association-id", "Values": [physical]}]
    for kept in context.call("ec2", "DescribeRouteTables", Filters=within)["RouteTables"]:
        for found in kept["Associations"]:
            if found["RouteTableAssociationId"] == physical:
                return dict(found)
    return {}


def group(context: HandlerContext, physical: str, _properties: Properties) -> Found:
    """A security group with its rules."""
    found = context.call("ec2", "DescribeSecurityGroups", GroupIds=[physical])["SecurityGroups"][0]
    return {
        **found,
        "GroupDescription": found["Description"],
        "SecurityGroupIngress": list(_rules(found["IpPermissions"], "Source")),
        "SecurityGroupEgress": list(_rules(found.get("IpPermissionsEgress", []), "Destination")),
    }


def _rules(permissions: list[Mapping[str, Any]], peer: str) -> Iterator[Found]:
    """Rules as CloudFormation writes them: one per peer."""
    kinds = (
        ("IpRanges", "CidrIp", "CidrIp"),
        ("Ipv6Ranges", "CidrIpv6", "CidrIpv6"),
        ("PrefixListIds", "PrefixListId", f"{peer}PrefixListId"),
        ("UserIdGroupPairs", "GroupId", f"{peer}SecurityGroupId"),
    )
    for permission in permissions:
        common = {key: permission[key] for key in ("IpProtocol", "FromPort", "ToPort") if key in permission}
        for listed, key, name in kinds:
            for item in permission.get(listed, []):
                more = {"Description": item["Description"]} if item.get("Description") else {}
                names = {f"{peer}SecurityGroupName": item["GroupName"]} if item.get("GroupName") else {}
                yield {**common, name: item.get(key), **names, **more}


def rule(side: str, peer: str) -> Reader:
    """What reads one rule of a security group back."""

    def read(context: HandlerContext, _physical: str, properties: Properties) -> Found:
        found = context.call("ec2", "DescribeSecurityGroups", GroupIds=[properties["GroupId"]])["SecurityGroups"][0]
        request = without(properties, "GroupId", "SourceSecurityGroupOwnerId")
        for kept in _rules(found.get(side, []), peer):
            if all(str(kept.get(key)) == str(value) for key, value in request.items() if not _is_all(properties, key)):
                return {**properties, **kept, "GroupId": found["GroupId"]}
        return {"GroupId": found["GroupId"]}

    return read


def _is_all(properties: Properties, key: str) -> bool:
    """Whether a port says nothing, because the rule is for all traffic."""
    return str(properties.get("IpProtocol")) == "-1" and key in {"FromPort", "ToPort"}


def address(context: HandlerContext, physical: str, _properties: Properties) -> Found:
    """An Elastic IP address."""
    return dict(context.call("ec2", "DescribeAddresses", PublicIps=[physical])["Addresses"][0])


def nat(context: HandlerContext, physical: str, properties: Properties) -> Found:
    """A NAT gateway."""
    found = context.call("ec2", "DescribeNatGateways", NatGatewayIds=[physical])["NatGateways"][0]
    addresses = found.get("NatGatewayAddresses") or [{}]
    return {
        **found,
        "AllocationId": addresses[0].get("AllocationId"),
        "PrivateIpAddress": addresses[0].get("PrivateIp"),
        "MaxDrainDurationSeconds": properties.get("MaxDrainDurationSeconds"),  # said only when the gateway goes
    }


def egress_only(context: HandlerContext, physical: str, _properties: Properties) -> Found:
    """An egress-only internet gateway."""
    ids = {"EgressOnlyInternetGatewayIds": [physical]}
    found = context.call("ec2", "DescribeEgressOnlyInternetGateways", **ids)["EgressOnlyInternetGateways"][0]
    return {**found, "VpcId": found["Attachments"][0]["VpcId"]}


def endpoint(context: HandlerContext, physical: str, _properties: Properties) -> Found:
    """A VPC endpoint."""
    found = context.call("ec2", "DescribeVpcEndpoints", VpcEndpointIds=[physical])["VpcEndpoints"][0]
    groups = [g["GroupId"] if isinstance(g, dict) else g for g in found.get("Groups", [])]
    return {**found, "SecurityGroupIds": groups}


def entry(context: HandlerContext, _physical: str, properties: Properties) -> Found:
    """One entry of a network ACL."""
    found = context.call("ec2", "DescribeNetworkAcls", NetworkAclIds=[properties["NetworkAclId"]])["NetworkAcls"][0]
    wanted = (int(properties["RuleNumber"]), bool(properties.get("Egress")))
    for kept in found["Entries"]:
        if (kept["RuleNumber"], kept["Egress"]) == wanted:
            return {**kept, "NetworkAclId": found["NetworkAclId"], "Icmp": kept.get("IcmpTypeCode")}
    return {}


def acl_association(context: HandlerContext, physical: str, _properties: Properties) -> Found:
    """The association of a subnet with a network ACL."""
    for kept in context.call("ec2", "DescribeNetworkAcls")["NetworkAcls"]:
        for found in kept["Associations"]:
            if found["NetworkAclAssociationId"] == physical:
                return dict(found)
    return {}
