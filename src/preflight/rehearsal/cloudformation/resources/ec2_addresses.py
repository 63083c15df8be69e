"""Amazon EC2: more address blocks, addresses of interfaces, and flow logs."""

from __future__ import annotations

from collections.abc import Mapping

from preflight.rehearsal.cloudformation.resources import ec2_readers
from preflight.rehearsal.cloudformation.resources.context import HandlerContext, Properties, Response
from preflight.rehearsal.cloudformation.resources.declarative import ReadSpec, ResourceSpec, by_id, call, handler
from preflight.rehearsal.cloudformation.resources.failure import ResourceFailedError
from preflight.rehearsal.cloudformation.resources.handler import CreatedResource, Handler


def _create_block(context: HandlerContext, properties: Properties) -> CreatedResource:
    answer = context.submit("ec2", "AssociateVpcCidrBlock", properties)
    kept = answer.get("CidrBlockAssociation") or answer.get("Ipv6CidrBlockAssociation") or {}
    return CreatedResource(kept["AssociationId"], {"Id": kept["AssociationId"]})


def _delete_block(context: HandlerContext, association: str, _properties: Properties) -> None:
    context.call("ec2", "DisassociateVpcCidrBlock", AssociationId=association)


def _read_block(context: HandlerContext, association: str, properties: Properties) -> Response:
    found = context.call("ec2", "DescribeVpcs", VpcIds=[properties["VpcId"]])["Vpcs"][0]
    for kept in found.get("CidrBlockAssociationSet", []):
        if kept["AssociationId"] == association:
            return {"VpcId": found["VpcId"], "CidrBlock": kept["CidrBlock"]}
    for kept in found.get("Ipv6CidrBlockAssociationSet", []):
        if kept["AssociationId"] == association:
            provided = bool(properties.get("AmazonProvidedIpv6CidrBlock"))
            return {
                "VpcId": found["VpcId"],
                "Ipv6CidrBlock": kept["Ipv6CidrBlock"],
                "AmazonProvidedIpv6CidrBlock": provided,
            }
    return {}


def _create_subnet_block(context: HandlerContext, properties: Properties) -> CreatedResource:
    kept = context.submit("ec2", "AssociateSubnetCidrBlock", properties)["Ipv6CidrBlockAssociation"]
    return CreatedResource(kept["AssociationId"], {"Id": kept["AssociationId"]})


def _delete_subnet_block(context: HandlerContext, association: str, _properties: Properties) -> None:
    context.call("ec2", "DisassociateSubnetCidrBlock", AssociationId=association)


def _read_subnet_block(context: HandlerContext, association: str, properties: Properties) -> Response:
    found = context.call("ec2", "DescribeSubnets", SubnetIds=[properties["SubnetId"]])["Subnets"][0]
    for kept in found.get("Ipv6CidrBlockAssociationSet", []):
        if kept["AssociationId"] == association:
            return {"SubnetId": found["SubnetId"], "Ipv6CidrBlock": kept["Ipv6CidrBlock"]}
    return {}


_KEPT = {"DeliverLogsPermissionArn", "LogDestination", "LogDestinationType", "LogFormat", "LogGroupName", "MaxAggregationInterval", "TrafficType"}  # fmt: skip


def _create_flow_log(context: HandlerContext, properties: Properties) -> CreatedResource:
    plain = {key: value for key, value in properties.items() if key in _KEPT | {"ResourceType"}}
    tags = [{"ResourceType": "vpc-flow-log", "Tags": context.all_tags(properties.get("Tags"))}]
    answer = context.submit(
        "ec2", "CreateFlowLogs", {**plain, "ResourceIds": [properties["ResourceId"]], "TagSpecifications": tags}
    )
    if answer.get("Unsuccessful"):
        said = answer["Unsuccessful"][0]["Error"]
        raise ResourceFailedError(f"{said['Message']} (Service: Ec2, Status Code: 400)")
    for key in properties:
        is_kept = key in _KEPT | {"ResourceId", "ResourceType", "Tags"}
        context.record(key, "stored" if is_kept else "ignored", "no packet is logged")
    return CreatedResource(answer["FlowLogIds"][0], {"Id": answer["FlowLogIds"][0]})


def _update_flow_log(context: HandlerContext, flow_log: str, _old: Properties, new: Properties) -> CreatedResource:
    context.call("ec2", "CreateTags", Resources=[flow_log], Tags=context.all_tags(new.get("Tags")))
    return CreatedResource(flow_log, {"Id": flow_log})


def _delete_flow_log(context: HandlerContext, flow_log: str, _properties: Properties) -> None:
    context.call("ec2", "DeleteFlowLogs", FlowLogIds=[flow_log])


def _read_flow_log(context: HandlerContext, flow_log: str, properties: Properties) -> Response:
    found = ec2_readers.flow_log(context, flow_log, properties)
    return {**found, "ResourceType": properties["ResourceType"]}


_ASSOCIATION = ResourceSpec(
    "ec2",
    create="AssociateAddress",
    physical_id="AssociationId",
    delete=(call("DisassociateAddress", by_id("AssociationId")),),
    reads=(
        ReadSpec(
            "DescribeAddresses",
            lambda association, _properties: {"Filters": [{"Name": "association-id", "Values": [association]}]},
            "Addresses[0]",
            {"EIP": "PublicIp"},
        ),
    ),
    renames={"EIP": "PublicIp"},
    attributes={"Id": str},
)


TYPES: Mapping[str, Handler] = {
    "AWS::EC2::VPCCidrBlock": Handler(_create_block, _delete_block, None, _read_block),
    "AWS::EC2::SubnetCidrBlock": Handler(_create_subnet_block, _delete_subnet_block, None, _read_subnet_block),
    "AWS::EC2::FlowLog": Handler(_create_flow_log, _delete_flow_log, _update_flow_log, _read_flow_log),
    "AWS::EC2::EIPAssociation": handler(_ASSOCIATION),
}
