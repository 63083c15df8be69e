"""Amazon EC2: ways out of a VPC other than the internet gateway."""

from __future__ import annotations

import json

from preflight.rehearsal.cloudformation.resources import ec2_readers
from preflight.rehearsal.cloudformation.resources.context import HandlerContext, Properties, Response, without
from preflight.rehearsal.cloudformation.resources.declarative import deleter
from preflight.rehearsal.cloudformation.resources.ec2_network import default_group
from preflight.rehearsal.cloudformation.resources.failure import ResourceFailedError
from preflight.rehearsal.cloudformation.resources.handler import CreatedResource, Handler


def _tags(context: HandlerContext, kind: str, properties: Properties) -> Response:
    tags = context.all_tags(properties.get("Tags"))
    return {"TagSpecifications": [{"ResourceType": kind, "Tags": tags}]} if tags else {}


def _create_address(context: HandlerContext, properties: Properties) -> CreatedResource:
    members = without(properties, "Tags")
    address = context.submit(
        "ec2", "AllocateAddress", {"Domain": "vpc", **members, **_tags(context, "elastic-ip", properties)}
    )
    if "Tags" in properties:
        context.record("Tags", "stored")
    attributes = {"AllocationId": address["AllocationId"], "PublicIp": address["PublicIp"]}
    return CreatedResource(address["PublicIp"], attributes)


def _delete_address(context: HandlerContext, physical_id: str, _properties: Properties) -> None:
    for address in context.call("ec2", "DescribeAddresses", PublicIps=[physical_id])["Addresses"]:
        context.call("ec2", "ReleaseAddress", AllocationId=address["AllocationId"])


def _create_nat(context: HandlerContext, properties: Properties) -> CreatedResource:
    members = without(properties, "Tags", "MaxDrainDurationSeconds")
    gateway = context.submit("ec2", "CreateNatGateway", {**members, **_tags(context, "natgateway", properties)})[
        "NatGateway"
    ]
    for key in ("Tags", "MaxDrainDurationSeconds"):
        if key in properties:
            context.record(key, "stored")
    nat = gateway["NatGatewayId"]
    reason = _failure(context, gateway, properties)
    if reason:
        _delete_nat(context, nat, properties)
        msg = f"NatGateway {nat} is in state failed and hence failed to stabilize. Detailed failure message: {reason}"
        raise ResourceFailedError(msg, "NotStabilized")
    return CreatedResource(nat, {"NatGatewayId": nat, "EniId": ""})


def _failure(context: HandlerContext, gateway: Response, properties: Properties) -> str:
    """Returns why a new gateway ends as failed, empty if it works.

    https://docs.aws.amazon.com/vpc/latest/userguide/nat-gateway-troubleshooting.html.
    """
    if properties.get("ConnectivityType", "public") == "public" and not _has_gateway(context, gateway["SubnetId"]):
        return f"Network {_vpc_of(context, gateway['SubnetId'])} has no Internet gateway attached"
    others = context.call("ec2", "DescribeNatGateways", Filters=[{"Name": "state", "Values": ["available"]}])["NatGateways"]
    taken = {
        address.get("AllocationId")
        for other in others
        if other["NatGatewayId"] != gateway["NatGatewayId"]
        for address in other.get("NatGatewayAddresses") or []
    }
    allocation = properties.get("AllocationId")
    return f"Elastic IP address [{allocation}] is already associated" if allocation and allocation in taken else ""


def _vpc_of(context: HandlerContext, subnet: str) -> str:
    return str(context.call("ec2", "DescribeSubnets", SubnetIds=[subnet])["Subnets"][0]["VpcId"])


def _has_gateway(context: HandlerContext, subnet: str) -> bool:
    attached = [{"Name": "attachment.vpc-id", "Values": [_vpc_of(context, subnet)]}]
    return bool(context.call("ec2", "DescribeInternetGateways", Filters=attached)["InternetGateways"])


def _delete_nat(context: HandlerContext, nat: str, _properties: Properties) -> None:
    gateways = context.call("ec2", "DescribeNatGateways", NatGatewayIds=[nat])["NatGateways"]
    context.call("ec2", "DeleteNatGateway", NatGatewayId=nat)
    for address in gateways[0].get("NatGatewayAddresses", []) if gateways else []:
        if address.get("NetworkInterfaceId"):  # moto leaves it behind
            context.call("ec2", "DeleteNetworkInterface", NetworkInterfaceId=address["NetworkInterfaceId"])


def _create_egress_only(context: HandlerContext, properties: Properties) -> CreatedResource:
    request = {"VpcId": properties["VpcId"]}
    created = context.submit("ec2", "CreateEgressOnlyInternetGateway", request)["EgressOnlyInternetGateway"]
    gateway = created["EgressOnlyInternetGatewayId"]
    return CreatedResource(gateway, {"Id": gateway})


def _create_endpoint(context: HandlerContext, properties: Properties) -> CreatedResource:
    endpoint_type = properties.get("VpcEndpointType") or "Gateway"
    members = without(properties, "Tags", "PolicyDocument")
    if endpoint_type == "Interface":
        members.setdefault("PrivateDnsEnabled", False)
    if "PolicyDocument" in properties:
        members["PolicyDocument"] = json.dumps(properties["PolicyDocument"], default=str)
    request = {**members, "VpcEndpointType": endpoint_type, **_tags(context, "vpc-endpoint", properties)}
    endpoint = context.submit("ec2", "CreateVpcEndpoint", request)["VpcEndpoint"]
    if "Tags" in properties:
        context.record("Tags", "stored")
    return CreatedResource(endpoint["VpcEndpointId"], _endpoint_attributes(endpoint))


def _endpoint_attributes(endpoint: Response) -> Response:
    return {
        "Id": endpoint["VpcEndpointId"],
        "CreationTimestamp": str(endpoint.get("CreationTimestamp", "")),
        "DnsEntries": [entry.get("DnsName", "") for entry in endpoint.get("DnsEntries", [])],
        "NetworkInterfaceIds": endpoint.get("NetworkInterfaceIds", []),
    }


def _update_address(context: HandlerContext, physical_id: str, _old: Properties, new: Properties) -> CreatedResource:
    address = context.call("ec2", "DescribeAddresses", PublicIps=[physical_id])["Addresses"][0]
    context.call("ec2", "CreateTags", Resources=[address["AllocationId"]], Tags=context.all_tags(new.get("Tags")))
    return CreatedResource(physical_id, {"AllocationId": address["AllocationId"], "PublicIp": physical_id})


def _update_nat(context: HandlerContext, nat: str, _old: Properties, new: Properties) -> CreatedResource:
    context.call("ec2", "CreateTags", Resources=[nat], Tags=context.all_tags(new.get("Tags")))
    return CreatedResource(nat, {"NatGatewayId": nat, "EniId": ""})


def _update_endpoint(context: HandlerContext, endpoint: str, old: Properties, new: Properties) -> CreatedResource:
    request: Response = {"VpcEndpointId": endpoint}
    for name, add, remove in (
        ("RouteTableIds", "AddRouteTableIds", "RemoveRouteTableIds"),
        ("SubnetIds", "AddSubnetIds", "RemoveSubnetIds"),
        ("SecurityGroupIds", "AddSecurityGroupIds", "RemoveSecurityGroupIds"),
    ):
        before, after = set(old.get(name) or []), set(new.get(name) or [])
        if name == "SecurityGroupIds" and new.get("VpcEndpointType") == "Interface":
            default = {default_group(context, new["VpcId"])}
            before, after = before or default, after or default
        request |= {key: sorted(ids) for key, ids in ((add, after - before), (remove, before - after)) if ids}
    if "PolicyDocument" in new:
        request["PolicyDocument"] = json.dumps(new["PolicyDocument"], default=str)
    if "PrivateDnsEnabled" in new:
        request["PrivateDnsEnabled"] = new["PrivateDnsEnabled"]
    context.call("ec2", "ModifyVpcEndpoint", **request)
    description = context.call("ec2", "DescribeVpcEndpoints", VpcEndpointIds=[endpoint])["VpcEndpoints"][0]
    return CreatedResource(endpoint, _endpoint_attributes(description))


TYPES = {
    "AWS::EC2::EIP": Handler(_create_address, _delete_address, _update_address, ec2_readers.address),
    "AWS::EC2::NatGateway": Handler(_create_nat, _delete_nat, _update_nat, ec2_readers.nat),
    "AWS::EC2::EgressOnlyInternetGateway": Handler(
        _create_egress_only,
        deleter("ec2", "DeleteEgressOnlyInternetGateway", "EgressOnlyInternetGatewayId"),
        None,
        ec2_readers.egress_only,
    ),
    "AWS::EC2::VPCEndpoint": Handler(
        _create_endpoint,
        deleter("ec2", "DeleteVpcEndpoints", "VpcEndpointIds", is_list=True),
        _update_endpoint,
        ec2_readers.endpoint,
    ),
}
