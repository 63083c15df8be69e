"""Amazon EC2: ways out of a VPC other than the internet gateway."""

from __future__ import annotations

import json

from preflight.rehearsal.cloudformation.resources import ec2_readers
from preflight.rehearsal.cloudformation.resources.context import HandlerContext, Properties, Response, without
from preflight.rehearsal.cloudformation.resources.failure import ResourceFailedError
from preflight.rehearsal.cloudformation.resources.handler import CreatedResource, Handler


def _tags(context: HandlerContext, kind: str, properties: Properties) -> Response:
    tags = context.all_tags(properties.get("Tags"))
    return {"TagSpecifications": [{"ResourceType": kind, "Tags": tags}]} if tags else {}


def _create_address(context: HandlerContext, properties: Properties) -> CreatedResource:
    plain = without(properties, "Tags")
    made = context.submit(
        "ec2", "AllocateAddress", {"Domain": "vpc", **plain, **_tags(context, "elastic-ip", properties)}
    )
    if "Tags" in properties:
        context.record("Tags", "stored")
    attributes = {"AllocationId": made["AllocationId"], "PublicIp": made["PublicIp"]}
    return CreatedResource(made["PublicIp"], attributes)


def _delete_address(context: HandlerContext, physical: str, _properties: Properties) -> None:
    for found in context.call("ec2", "DescribeAddresses", PublicIps=[physical])["Addresses"]:
        context.call("ec2", "ReleaseAddress", AllocationId=found["AllocationId"])


def _create_nat(context: HandlerContext, properties: Properties) -> CreatedResource:
    plain = without(properties, "Tags", "MaxDrainDurationSeconds")
    made = context.submit("ec2", "CreateNatGateway", {**plain, **_tags(context, "natgateway", properties)})[
        "NatGateway"
    ]
    for key in ("Tags", "MaxDrainDurationSeconds"):
        if key in properties:
            context.record(key, "stored")
    nat = made["NatGatewayId"]
    if properties.get("ConnectivityType", "public") == "public" and not _has_gateway(context, made["SubnetId"]):
        _delete_nat(context, nat, properties)
        vpc = _vpc_of(context, made["SubnetId"])
        msg = f"NatGateway {nat} is in state failed and hence failed to stabilize. Detailed failure message: Network {vpc} has no Internet gateway attached"
        raise ResourceFailedError(msg, "NotStabilized")
    return CreatedResource(nat, {"NatGatewayId": nat, "EniId": ""})


def _vpc_of(context: HandlerContext, subnet: str) -> str:
    return str(context.call("ec2", "DescribeSubnets", SubnetIds=[subnet])["Subnets"][0]["VpcId"])


def _has_gateway(context: HandlerContext, subnet: str) -> bool:
    attached = [{"Name": "attachment.vpc-id", "Values": [_vpc_of(context, subnet)]}]
    return bool(context.call("ec2", "DescribeInternetGateways", Filters=attached)["InternetGateways"])


def _delete_nat(context: HandlerContext, nat: str, _properties: Properties) -> None:
    found = context.call("ec2", "DescribeNatGateways", NatGatewayIds=[nat])["NatGateways"]
    context.call("ec2", "DeleteNatGateway", NatGatewayId=nat)
    for address in found[0].get("NatGatewayAddresses", []) if found else []:
        if address.get("NetworkInterfaceId"):  # moto leaves it behind
            context.call("ec2", "DeleteNetworkInterface", NetworkInterfaceId=address["NetworkInterfaceId"])


def _create_egress_only(context: HandlerContext, properties: Properties) -> CreatedResource:
    request = {"VpcId": properties["VpcId"]}
    made = context.submit("ec2", "CreateEgressOnlyInternetGateway", request)["EgressOnlyInternetGateway"]
    gateway = made["EgressOnlyInternetGatewayId"]
    return CreatedResource(gateway, {"Id": gateway})


def _delete_egress_only(context: HandlerContext, gateway: str, _properties: Properties) -> None:
    context.call("ec2", "DeleteEgressOnlyInternetGateway", EgressOnlyInternetGatewayId=gateway)


def _create_endpoint(context: HandlerContext, properties: Properties) -> CreatedResource:
    kind = properties.get("VpcEndpointType") or "Gateway"
    plain = without(properties, "Tags", "PolicyDocument")
    if kind == "Interface":
        plain.setdefault("PrivateDnsEnabled", False)
    if "PolicyDocument" in properties:
        plain["PolicyDocument"] = json.dumps(properties["PolicyDocument"], default=str)
    request = {**plain, "VpcEndpointType": kind, **_tags(context, "vpc-endpoint", properties)}
    made = context.submit("ec2", "CreateVpcEndpoint", request)["VpcEndpoint"]
    if "Tags" in properties:
        context.record("Tags", "stored")
    return CreatedResource(made["VpcEndpointId"], _endpoint_attributes(made))


def _endpoint_attributes(made: Response) -> Response:
    return {
        "Id": made["VpcEndpointId"],
        "CreationTimestamp": str(made.get("CreationTimestamp", "")),
        "DnsEntries": [entry.get("DnsName", "") for entry in made.get("DnsEntries", [])],
        "NetworkInterfaceIds": made.get("NetworkInterfaceIds", []),
    }


def _delete_endpoint(context: HandlerContext, endpoint: str, _properties: Properties) -> None:
    context.call("ec2", "DeleteVpcEndpoints", VpcEndpointIds=[endpoint])


def _update_address(context: HandlerContext, physical: str, _old: Properties, new: Properties) -> CreatedResource:
    found = context.call("ec2", "DescribeAddresses", PublicIps=[physical])["Addresses"][0]
    context.call("ec2", "CreateTags", Resources=[found["AllocationId"]], Tags=context.all_tags(new.get("Tags")))
    return CreatedResource(physical, {"AllocationId": found["AllocationId"], "PublicIp": physical})


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
        request |= {key: sorted(ids) for key, ids in ((add, after - before), (remove, before - after)) if ids}
    if "PolicyDocument" in new:
        request["PolicyDocument"] = json.dumps(new["PolicyDocument"], default=str)
    if "PrivateDnsEnabled" in new:
        request["PrivateDnsEnabled"] = new["PrivateDnsEnabled"]
    context.call("ec2", "ModifyVpcEndpoint", **request)
    made = context.call("ec2", "DescribeVpcEndpoints", VpcEndpointIds=[endpoint])["VpcEndpoints"][0]
    return CreatedResource(endpoint, _endpoint_attributes(made))


TYPES = {
    "AWS::EC2::EIP": Handler(_create_address, _delete_address, _update_address, ec2_readers.address),
    "AWS::EC2::NatGateway": Handler(_create_nat, _delete_nat, _update_nat, ec2_readers.nat),
    "AWS::EC2::EgressOnlyInternetGateway": Handler(
        _create_egress_only, _delete_egress_only, None, ec2_readers.egress_only
    ),
    "AWS::EC2::VPCEndpoint": Handler(_create_endpoint, _delete_endpoint, _update_endpoint, ec2_readers.endpoint),
}
