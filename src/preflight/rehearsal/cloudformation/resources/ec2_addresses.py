"""Amazon EC2: more address blocks, addresses of interfaces, and flow logs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from preflight.rehearsal.cloudformation.resources import ec2_readers
from preflight.rehearsal.cloudformation.resources.handler import (
    CreatedResource,
    Handler,
    HandlerContext,
    Properties,
    ResourceFailedError,
)


def _create_block(place: HandlerContext, given: Properties) -> CreatedResource:
    answer = place.call("ec2", "AssociateVpcCidrBlock", given)
    kept = answer.get("CidrBlockAssociation") or answer.get("Ipv6CidrBlockAssociation") or {}
    return CreatedResource(kept["AssociationId"], {"Id": kept["AssociationId"]})


def _delete_block(place: HandlerContext, association: str, _given: Properties) -> None:
    place.ask("ec2", "DisassociateVpcCidrBlock", AssociationId=association)


def _read_block(place: HandlerContext, association: str, given: Properties) -> dict[str, Any]:
    found = place.ask("ec2", "DescribeVpcs", VpcIds=[given["VpcId"]])["Vpcs"][0]
    for kept in found.get("CidrBlockAssociationSet", []):
        if kept["AssociationId"] == association:
            return {"VpcId": found["VpcId"], "CidrBlock": kept["CidrBlock"]}
    for kept in found.get("Ipv6CidrBlockAssociationSet", []):
        if kept["AssociationId"] == association:
            provided = bool(given.get("AmazonProvidedIpv6CidrBlock"))
            return {
                "VpcId": found["VpcId"],
                "Ipv6CidrBlock": kept["Ipv6CidrBlock"],
                "AmazonProvidedIpv6CidrBlock": provided,
            }
    return {}


def _create_subnet_block(place: HandlerContext, given: Properties) -> CreatedResource:
    kept = place.call("ec2", "AssociateSubnetCidrBlock", given)["Ipv6CidrBlockAssociation"]
    return CreatedResource(kept["AssociationId"], {"Id": kept["AssociationId"]})


def _delete_subnet_block(place: HandlerContext, association: str, _given: Properties) -> None:
    place.ask("ec2", "DisassociateSubnetCidrBlock", AssociationId=association)


def _read_subnet_block(place: HandlerContext, association: str, given: Properties) -> dict[str, Any]:
    found = place.ask("ec2", "DescribeSubnets", SubnetIds=[given["SubnetId"]])["Subnets"][0]
    for kept in found.get("Ipv6CidrBlockAssociationSet", []):
        if kept["AssociationId"] == association:
            return {"SubnetId": found["SubnetId"], "Ipv6CidrBlock": kept["Ipv6CidrBlock"]}
    return {}


_KEPT = {"DeliverLogsPermissionArn", "LogDestination", "LogDestinationType", "LogFormat", "LogGroupName", "MaxAggregationInterval", "TrafficType"}  # fmt: skip


def _create_flow_log(place: HandlerContext, given: Properties) -> CreatedResource:
    plain = {key: value for key, value in given.items() if key in _KEPT | {"ResourceType"}}
    tags = [{"ResourceType": "vpc-flow-log", "Tags": place.all_tags(given.get("Tags"))}]
    answer = place.call(
        "ec2", "CreateFlowLogs", {**plain, "ResourceIds": [given["ResourceId"]], "TagSpecifications": tags}
    )
    if answer.get("Unsuccessful"):
        said = answer["Unsuccessful"][0]["Error"]
        raise ResourceFailedError(f"{said['Message']} (Service: Ec2, Status Code: 400)")
    for key in given:
        is_kept = key in _KEPT | {"ResourceId", "ResourceType", "Tags"}
        place.note(key, "stored" if is_kept else "ignored", "no packet is logged")
    return CreatedResource(answer["FlowLogIds"][0], {"Id": answer["FlowLogIds"][0]})


def _update_flow_log(place: HandlerContext, flow_log: str, _old: Properties, new: Properties) -> CreatedResource:
    place.ask("ec2", "CreateTags", Resources=[flow_log], Tags=place.all_tags(new.get("Tags")))
    return CreatedResource(flow_log, {"Id": flow_log})


def _delete_flow_log(place: HandlerContext, flow_log: str, _given: Properties) -> None:
    place.ask("ec2", "DeleteFlowLogs", FlowLogIds=[flow_log])


def _read_flow_log(place: HandlerContext, flow_log: str, given: Properties) -> dict[str, Any]:
    found = ec2_readers.flow_log(place, flow_log, given)
    return {**found, "ResourceType": given["ResourceType"]}


def _associate(place: HandlerContext, given: Properties) -> CreatedResource:
    asked = {{"EIP": "PublicIp"}.get(key, key): value for key, value in given.items()}
    made = place.call("ec2", "AssociateAddress", asked)
    for key in given:
        place.note(key, "stored")
    return CreatedResource(made["AssociationId"], {"Id": made["AssociationId"]})


def _dissociate(place: HandlerContext, association: str, _given: Properties) -> None:
    place.ask("ec2", "DisassociateAddress", AssociationId=association)


def _read_association(place: HandlerContext, association: str, _given: Properties) -> dict[str, Any]:
    within = [{"Name": "association-id", "Values": [association]}]
    found = place.ask("ec2", "DescribeAddresses", Filters=within)["Addresses"]
    return {**found[0], "EIP": found[0].get("PublicIp")} if found else {}


TYPES: Mapping[str, Handler] = {
    "AWS::EC2::VPCCidrBlock": Handler(_create_block, _delete_block, None, _read_block),
    "AWS::EC2::SubnetCidrBlock": Handler(_create_subnet_block, _delete_subnet_block, None, _read_subnet_block),
    "AWS::EC2::FlowLog": Handler(_create_flow_log, _delete_flow_log, _update_flow_log, _read_flow_log),
    "AWS::EC2::EIPAssociation": Handler(_associate, _dissociate, None, _read_association),
}
