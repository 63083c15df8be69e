"""Amazon EC2: more address blocks, and flow logs."""

from __future__ import annotations

from collections.abc import Mapping

from botocore.exceptions import ClientError

from preflight.rehearsal.cloudformation.resources import ec2_readers
from preflight.rehearsal.cloudformation.resources.context import HandlerContext, Properties, Response
from preflight.rehearsal.cloudformation.resources.declarative import deleter
from preflight.rehearsal.cloudformation.resources.failure import ResourceFailedError
from preflight.rehearsal.cloudformation.resources.handler import CreatedResource, Handler


def _create_block(context: HandlerContext, properties: Properties) -> CreatedResource:
    response = context.submit("ec2", "AssociateVpcCidrBlock", properties)
    association = response.get("CidrBlockAssociation") or response.get("Ipv6CidrBlockAssociation") or {}
    return CreatedResource(association["AssociationId"], {"Id": association["AssociationId"]})


def _read_block(context: HandlerContext, association_id: str, properties: Properties) -> Response:
    vpc = context.call("ec2", "DescribeVpcs", VpcIds=[properties["VpcId"]])["Vpcs"][0]
    for block in vpc.get("CidrBlockAssociationSet", []):
        if block["AssociationId"] == association_id:
            return {"VpcId": vpc["VpcId"], "CidrBlock": block["CidrBlock"]}
    for block in vpc.get("Ipv6CidrBlockAssociationSet", []):
        if block["AssociationId"] == association_id:
            provided = bool(properties.get("AmazonProvidedIpv6CidrBlock"))
            return {
                "VpcId": vpc["VpcId"],
                "Ipv6CidrBlock": block["Ipv6CidrBlock"],
                "AmazonProvidedIpv6CidrBlock": provided,
            }
    return {}


def _create_subnet_block(context: HandlerContext, properties: Properties) -> CreatedResource:
    association = context.submit("ec2", "AssociateSubnetCidrBlock", properties)["Ipv6CidrBlockAssociation"]
    return CreatedResource(association["AssociationId"], {"Id": association["AssociationId"]})


def _read_subnet_block(context: HandlerContext, association_id: str, properties: Properties) -> Response:
    subnet = context.call("ec2", "DescribeSubnets", SubnetIds=[properties["SubnetId"]])["Subnets"][0]
    for block in subnet.get("Ipv6CidrBlockAssociationSet", []):
        if block["AssociationId"] == association_id:
            return {"SubnetId": subnet["SubnetId"], "Ipv6CidrBlock": block["Ipv6CidrBlock"]}
    return {}


_STORED = {"DeliverLogsPermissionArn", "LogDestination", "LogDestinationType", "LogFormat", "LogGroupName", "MaxAggregationInterval", "TrafficType"}  # fmt: skip


def _create_flow_log(context: HandlerContext, properties: Properties) -> CreatedResource:
    members = {key: value for key, value in properties.items() if key in _STORED | {"ResourceType"}}
    tags = [{"ResourceType": "vpc-flow-log", "Tags": context.all_tags(properties.get("Tags"))}]
    response = context.submit(
        "ec2", "CreateFlowLogs", {**members, "ResourceIds": [properties["ResourceId"]], "TagSpecifications": tags}
    )
    if response.get("Unsuccessful"):
        error = response["Unsuccessful"][0]["Error"]
        raise ResourceFailedError(f"{error['Message']} (Service: Ec2, Status Code: 400)")
    for key in properties:
        is_stored = key in _STORED | {"ResourceId", "ResourceType", "Tags"}
        context.record(key, "stored" if is_stored else "ignored", "no packet is logged")
    _note_bucket(context, properties)
    return CreatedResource(response["FlowLogIds"][0], {"Id": response["FlowLogIds"][0]})


def _note_bucket(context: HandlerContext, properties: Properties) -> None:
    """Notes a bucket that is not one of this account: it may be another account's."""
    if properties.get("LogDestinationType") != "s3":
        return
    bucket = str(properties["LogDestination"]).split(":", 5)[5].partition("/")[0]
    try:
        context.account.client("s3", context.region).head_bucket(Bucket=bucket)
    except ClientError:
        context.ledger.note(f"assumed: the bucket {bucket}, which flow logs are published to, is one of another account")


def _update_flow_log(context: HandlerContext, flow_log: str, _old: Properties, new: Properties) -> CreatedResource:
    context.call("ec2", "CreateTags", Resources=[flow_log], Tags=context.all_tags(new.get("Tags")))
    return CreatedResource(flow_log, {"Id": flow_log})


def _read_flow_log(context: HandlerContext, flow_log: str, properties: Properties) -> Response:
    description = ec2_readers.flow_log(context, flow_log, properties)
    return {**description, "ResourceType": properties["ResourceType"]}


TYPES: Mapping[str, Handler] = {
    "AWS::EC2::VPCCidrBlock": Handler(
        _create_block, deleter("ec2", "DisassociateVpcCidrBlock", "AssociationId"), None, _read_block
    ),
    "AWS::EC2::SubnetCidrBlock": Handler(
        _create_subnet_block, deleter("ec2", "DisassociateSubnetCidrBlock", "AssociationId"), None, _read_subnet_block
    ),
    "AWS::EC2::FlowLog": Handler(
        _create_flow_log, deleter("ec2", "DeleteFlowLogs", "FlowLogIds", is_list=True), _update_flow_log, _read_flow_log
    ),
}
