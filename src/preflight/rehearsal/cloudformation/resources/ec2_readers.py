"""Amazon EC2 read back: what the service keeps of each resource, as the properties of CloudFormation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from preflight.rehearsal.cloudformation.resources.declarative import ReadSpec, by, reader
from preflight.rehearsal.cloudformation.resources.handler import HandlerContext, Properties, Reader

Found = dict[str, Any]


def _described(operation: str, key: str, found: str, **renames: str) -> Reader:
    read = reader("ec2", ReadSpec(operation, by(key, is_list=True), found, renames))
    if read is None:
        raise TypeError(operation)
    return read


def vpc(place: HandlerContext, physical: str, _given: Properties) -> Found:
    """A VPC and its DNS attributes."""
    found: Found = dict(place.ask("ec2", "DescribeVpcs", VpcIds=[physical])["Vpcs"][0])
    for name in ("enableDnsSupport", "enableDnsHostnames"):
        answer = place.ask("ec2", "DescribeVpcAttribute", VpcId=physical, Attribute=name)
        found[name] = answer[name[0].upper() + name[1:]]["Value"]
    return found


subnet = _described("DescribeSubnets", "SubnetIds", "Subnets[0]")
gateway = _described("DescribeInternetGateways", "InternetGatewayIds", "InternetGateways[0]")
table = _described("DescribeRouteTables", "RouteTableIds", "RouteTables[0]")
acl = _described("DescribeNetworkAcls", "NetworkAclIds", "NetworkAcls[0]")
flow_log = _described("DescribeFlowLogs", "FlowLogIds", "FlowLogs[0]", LogDestination="LogDestination")


def attachment(place: HandlerContext, _physical: str, given: Properties) -> Found:
    """An attachment of a gateway to a VPC."""
    if "InternetGatewayId" not in given:
        return dict(given)
    wanted = given["InternetGatewayId"]
    found = place.ask("ec2", "DescribeInternetGateways", InternetGatewayIds=[wanted])["InternetGateways"][0]
    attached = [a["VpcId"] for a in found["Attachments"]]
    return {"InternetGatewayId": found["InternetGatewayId"], "VpcId": attached[0] if attached else None}


def route(place: HandlerContext, _physical: str, given: Properties) -> Found:
    """One route of a route table."""
    found = place.ask("ec2", "DescribeRouteTables", RouteTableIds=[given["RouteTableId"]])["RouteTables"][0]
    keys = ("DestinationCidrBlock", "DestinationIpv6CidrBlock", "DestinationPrefixListId")
    for kept in found["Routes"]:
        if all(kept.get(key) == given[key] for key in keys if key in given):
            target = {k: v for k, v in kept.items() if k in given}
            if str(given.get("VpcEndpointId", "-")) == kept.get("GatewayId"):
                target["VpcEndpointId"] = kept["GatewayId"]
            return {**target, "RouteTableId": found["RouteTableId"]}
    return {}


def association(place: HandlerContext, physical: str, _given: Properties) -> Found:
    """The association of a subnet with a route table."""
    within = [{"Name": "association.route-table-association-id", "Values": [physical]}]
    for kept in place.ask("ec2", "DescribeRouteTables", Filters=within)["RouteTables"]:
        for found in kept["Associations"]:
            if found["RouteTableAssociationId"] == physical:
                return dict(found)
    return {}


def group(place: HandlerContext, physical: str, _given: Properties) -> Found:
    """A security group with its rules."""
    found = place.ask("ec2", "DescribeSecurityGroups", GroupIds=[physical])["SecurityGroups"][0]
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

    def read(place: HandlerContext, _physical: str, given: Properties) -> Found:
        found = place.ask("ec2", "DescribeSecurityGroups", GroupIds=[given["GroupId"]])["SecurityGroups"][0]
        asked = {key: value for key, value in given.items() if key not in {"GroupId", "SourceSecurityGroupOwnerId"}}
        for kept in _rules(found.get(side, []), peer):
            if all(str(kept.get(key)) == str(value) for key, value in asked.items() if not _is_all(given, key)):
                return {**given, **kept, "GroupId": found["GroupId"]}
        return {"GroupId": found["GroupId"]}

    return read


def _is_all(given: Properties, key: str) -> bool:
    """Whether a port says nothing, because the rule is for all traffic."""
    return str(given.get("IpProtocol")) == "-1" and key in {"FromPort", "ToPort"}


def address(place: HandlerContext, physical: str, _given: Properties) -> Found:
    """An Elastic IP address."""
    return dict(place.ask("ec2", "DescribeAddresses", PublicIps=[physical])["Addresses"][0])


def nat(place: HandlerContext, physical: str, given: Properties) -> Found:
    """A NAT gateway."""
    found = place.ask("ec2", "DescribeNatGateways", NatGatewayIds=[physical])["NatGateways"][0]
    addresses = found.get("NatGatewayAddresses") or [{}]
    return {
        **found,
        "AllocationId": addresses[0].get("AllocationId"),
        "PrivateIpAddress": addresses[0].get("PrivateIp"),
        "MaxDrainDurationSeconds": given.get("MaxDrainDurationSeconds"),  # said only when the gateway goes
    }


def egress_only(place: HandlerContext, physical: str, _given: Properties) -> Found:
    """An egress-only internet gateway."""
    ids = {"EgressOnlyInternetGatewayIds": [physical]}
    found = place.ask("ec2", "DescribeEgressOnlyInternetGateways", **ids)["EgressOnlyInternetGateways"][0]
    return {**found, "VpcId": found["Attachments"][0]["VpcId"]}


def endpoint(place: HandlerContext, physical: str, _given: Properties) -> Found:
    """A VPC endpoint."""
    found = place.ask("ec2", "DescribeVpcEndpoints", VpcEndpointIds=[physical])["VpcEndpoints"][0]
    groups = [g["GroupId"] if isinstance(g, dict) else g for g in found.get("Groups", [])]
    return {**found, "SecurityGroupIds": groups}


def entry(place: HandlerContext, _physical: str, given: Properties) -> Found:
    """One entry of a network ACL."""
    found = place.ask("ec2", "DescribeNetworkAcls", NetworkAclIds=[given["NetworkAclId"]])["NetworkAcls"][0]
    wanted = (int(given["RuleNumber"]), bool(given.get("Egress")))
    for kept in found["Entries"]:
        if (kept["RuleNumber"], kept["Egress"]) == wanted:
            return {**kept, "NetworkAclId": found["NetworkAclId"], "Icmp": kept.get("IcmpTypeCode")}
    return {}


def acl_association(place: HandlerContext, physical: str, _given: Properties) -> Found:
    """The association of a subnet with a network ACL."""
    for kept in place.ask("ec2", "DescribeNetworkAcls")["NetworkAcls"]:
        for found in kept["Associations"]:
            if found["NetworkAclAssociationId"] == physical:
                return dict(found)
    return {}
