"""Amazon EC2: ways out of a VPC other than the internet gateway."""

from __future__ import annotations

import json
from typing import Any

from preflight.rehearsal.cloudformation.resources import ec2_readers
from preflight.rehearsal.cloudformation.resources.handler import (
    CreatedResource,
    Handler,
    HandlerContext,
    Properties,
    ResourceFailedError,
)


def _tags(place: HandlerContext, kind: str, given: Properties) -> dict[str, Any]:
    tags = place.all_tags(given.get("Tags"))
    return {"TagSpecifications": [{"ResourceType": kind, "Tags": tags}]} if tags else {}


def _create_address(place: HandlerContext, given: Properties) -> CreatedResource:
    plain = {key: value for key, value in given.items() if key != "Tags"}
    made = place.call("ec2", "AllocateAddress", {"Domain": "vpc", **plain, **_tags(place, "elastic-ip", given)})
    if "Tags" in given:
        place.note("Tags", "stored")
    attributes = {"AllocationId": made["AllocationId"], "PublicIp": made["PublicIp"]}
    return CreatedResource(made["PublicIp"], attributes)


def _delete_address(place: HandlerContext, physical: str, _given: Properties) -> None:
    for found in place.ask("ec2", "DescribeAddresses", PublicIps=[physical])["Addresses"]:
        place.ask("ec2", "ReleaseAddress", AllocationId=found["AllocationId"])


def _create_nat(place: HandlerContext, given: Properties) -> CreatedResource:
    plain = {key: value for key, value in given.items() if key not in {"Tags", "MaxDrainDurationSeconds"}}
    made = place.call("ec2", "CreateNatGateway", {**plain, **_tags(place, "natgateway", given)})["NatGateway"]
    for key in ("Tags", "MaxDrainDurationSeconds"):
        if key in given:
            place.note(key, "stored")
    nat = made["NatGatewayId"]
    if given.get("ConnectivityType", "public") == "public" and not _has_gateway(place, made["SubnetId"]):
        _delete_nat(place, nat, given)
        vpc = _vpc_of(place, made["SubnetId"])
        msg = f"NatGateway {nat} is in state failed and hence failed to stabilize. Detailed failure message: Network {vpc} has no Internet gateway attached"
        raise ResourceFailedError(msg, "NotStabilized")
    return CreatedResource(nat, {"NatGatewayId": nat, "EniId": ""})


def _vpc_of(place: HandlerContext, subnet: str) -> str:
    return str(place.ask("ec2", "DescribeSubnets", SubnetIds=[subnet])["Subnets"][0]["VpcId"])


def _has_gateway(place: HandlerContext, subnet: str) -> bool:
    attached = [{"Name": "attachment.vpc-id", "Values": [_vpc_of(place, subnet)]}]
    return bool(place.ask("ec2", "DescribeInternetGateways", Filters=attached)["InternetGateways"])


def _delete_nat(place: HandlerContext, nat: str, _given: Properties) -> None:
    found = place.ask("ec2", "DescribeNatGateways", NatGatewayIds=[nat])["NatGateways"]
    place.ask("ec2", "DeleteNatGateway", NatGatewayId=nat)
    for address in found[0].get("NatGatewayAddresses", []) if found else []:
        if address.get("NetworkInterfaceId"):  # moto leaves it behind
            place.ask("ec2", "DeleteNetworkInterface", NetworkInterfaceId=address["NetworkInterfaceId"])


def _create_egress_only(place: HandlerContext, given: Properties) -> CreatedResource:
    asked = {"VpcId": given["VpcId"]}
    made = place.call("ec2", "CreateEgressOnlyInternetGateway", asked)["EgressOnlyInternetGateway"]
    gateway = made["EgressOnlyInternetGatewayId"]
    return CreatedResource(gateway, {"Id": gateway})


def _delete_egress_only(place: HandlerContext, gateway: str, _given: Properties) -> None:
    place.ask("ec2", "DeleteEgressOnlyInternetGateway", EgressOnlyInternetGatewayId=gateway)


def _create_endpoint(place: HandlerContext, given: Properties) -> CreatedResource:
    kind = given.get("VpcEndpointType") or "Gateway"
    plain = {key: value for key, value in given.items() if key not in {"Tags", "PolicyDocument"}}
    if kind == "Interface":
        plain.setdefault("PrivateDnsEnabled", False)
    if "PolicyDocument" in given:
        plain["PolicyDocument"] = json.dumps(given["PolicyDocument"], default=str)
    asked = {**plain, "VpcEndpointType": kind, **_tags(place, "vpc-endpoint", given)}
    made = place.call("ec2", "CreateVpcEndpoint", asked)["VpcEndpoint"]
    if "Tags" in given:
        place.note("Tags", "stored")
    return CreatedResource(made["VpcEndpointId"], _endpoint_attributes(made))


def _endpoint_attributes(made: dict[str, Any]) -> dict[str, Any]:
    return {
        "Id": made["VpcEndpointId"],
        "CreationTimestamp": str(made.get("CreationTimestamp", "")),
        "DnsEntries": [entry.get("DnsName", "") for entry in made.get("DnsEntries", [])],
        "NetworkInterfaceIds": made.get("NetworkInterfaceIds", []),
    }


def _delete_endpoint(place: HandlerContext, endpoint: str, _given: Properties) -> None:
    place.ask("ec2", "DeleteVpcEndpoints", VpcEndpointIds=[endpoint])


def _update_address(place: HandlerContext, physical: str, _old: Properties, new: Properties) -> CreatedResource:
    found = place.ask("ec2", "DescribeAddresses", PublicIps=[physical])["Addresses"][0]
    place.ask("ec2", "CreateTags", Resources=[found["AllocationId"]], Tags=place.all_tags(new.get("Tags")))
    return CreatedResource(physical, {"AllocationId": found["AllocationId"], "PublicIp": physical})


def _update_nat(place: HandlerContext, nat: str, _old: Properties, new: Properties) -> CreatedResource:
    place.ask("ec2", "CreateTags", Resources=[nat], Tags=place.all_tags(new.get("Tags")))
    return CreatedResource(nat, {"NatGatewayId": nat, "EniId": ""})


def _update_endpoint(place: HandlerContext, endpoint: str, old: Properties, new: Properties) -> CreatedResource:
    asked: dict[str, Any] = {"VpcEndpointId": endpoint}
    for name, add, remove in (
        ("RouteTableIds", "AddRouteTableIds", "RemoveRouteTableIds"),
        ("SubnetIds", "AddSubnetIds", "RemoveSubnetIds"),
        ("SecurityGroupIds", "AddSecurityGroupIds", "RemoveSecurityGroupIds"),
    ):
        before, after = set(old.get(name) or []), set(new.get(name) or [])
        asked |= {key: sorted(ids) for key, ids in ((add, after - before), (remove, before - after)) if ids}
    if "PolicyDocument" in new:
        asked["PolicyDocument"] = json.dumps(new["PolicyDocument"], default=str)
    if "PrivateDnsEnabled" in new:
        asked["PrivateDnsEnabled"] = new["PrivateDnsEnabled"]
    place.ask("ec2", "ModifyVpcEndpoint", **asked)
    made = place.ask("ec2", "DescribeVpcEndpoints", VpcEndpointIds=[endpoint])["VpcEndpoints"][0]
    return CreatedResource(endpoint, _endpoint_attributes(made))


TYPES = {
    "AWS::EC2::EIP": Handler(_create_address, _delete_address, _update_address, ec2_readers.address),
    "AWS::EC2::NatGateway": Handler(_create_nat, _delete_nat, _update_nat, ec2_readers.nat),
    "AWS::EC2::EgressOnlyInternetGateway": Handler(
        _create_egress_only, _delete_egress_only, None, ec2_readers.egress_only
    ),
    "AWS::EC2::VPCEndpoint": Handler(_create_endpoint, _delete_endpoint, _update_endpoint, ec2_readers.endpoint),
}
