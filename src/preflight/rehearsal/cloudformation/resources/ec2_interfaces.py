"""Amazon EC2: network interfaces, and the public addresses that are associated with them."""

from __future__ import annotations

from collections.abc import Mapping

from preflight.aws.unresolved import STANDIN
from preflight.rehearsal.cloudformation.resources.context import HandlerContext, Properties, Response
from preflight.rehearsal.cloudformation.resources.declarative import (
    ReadSpec,
    ResourceSpec,
    by_id,
    call,
    deleter,
    handler,
)
from preflight.rehearsal.cloudformation.resources.ec2_network import default_group
from preflight.rehearsal.cloudformation.resources.handler import CreatedResource, Handler
from preflight.rehearsal.cloudformation.resources.stand_in import STAND_IN

_STORED = ("Description", "GroupSet", "PrivateIpAddress", "PrivateIpAddresses", "SubnetId", "Tags")


def _create_interface(context: HandlerContext, properties: Properties) -> CreatedResource:
    members = {name: properties[name] for name in _STORED if name in properties and name != "Tags"}
    members["Groups"] = members.pop("GroupSet", [])
    tags = [{"ResourceType": "network-interface", "Tags": context.all_tags(properties.get("Tags"))}]
    interface = context.submit("ec2", "CreateNetworkInterface", {**members, "TagSpecifications": tags}, recorded=())
    for name in properties:
        context.record(name, "stored" if name in _STORED else "ignored")
    return _interface(interface["NetworkInterface"])


def _interface(description: Response) -> CreatedResource:
    name, address = description["NetworkInterfaceId"], description["PrivateIpAddress"]
    addresses = [item["PrivateIpAddress"] for item in description.get("PrivateIpAddresses") or []]
    attributes = {"Id": name, "PrimaryPrivateIpAddress": address, "VpcId": description["VpcId"]}
    return CreatedResource(name, {**attributes, "SecondaryPrivateIpAddresses": [item for item in addresses if item != address]})


def _update_interface(context: HandlerContext, interface: str, _old: Properties, new: Properties) -> CreatedResource:
    described = context.call("ec2", "DescribeNetworkInterfaces", NetworkInterfaceIds=[interface])["NetworkInterfaces"][0]
    groups = new.get("GroupSet") or [default_group(context, described["VpcId"])]
    context.call("ec2", "ModifyNetworkInterfaceAttribute", NetworkInterfaceId=interface, Groups=groups)
    description = {"Value": new.get("Description") or " "}
    context.call("ec2", "ModifyNetworkInterfaceAttribute", NetworkInterfaceId=interface, Description=description)
    return _interface(described)


def _read_interface(context: HandlerContext, interface: str, _properties: Properties) -> Response:
    description = context.call("ec2", "DescribeNetworkInterfaces", NetworkInterfaceIds=[interface])["NetworkInterfaces"][0]
    groups = [group["GroupId"] for group in description.get("Groups") or []]
    return {**description, "GroupSet": groups, "Tags": description.get("TagSet") or []}


_ASSOCIATION = handler(
    ResourceSpec(
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
)


def _associate(context: HandlerContext, properties: Properties) -> CreatedResource:
    """Associates an address; what is associated with a stand-in, such as an instance, is one, too."""
    target = properties.get("InstanceId") or properties.get("NetworkInterfaceId")
    return (STAND_IN if STANDIN in str(target) else _ASSOCIATION).create(context, properties)


def _disassociate(context: HandlerContext, association: str, properties: Properties) -> None:
    if STANDIN not in association:
        _ASSOCIATION.delete(context, association, properties)


TYPES: Mapping[str, Handler] = {
    "AWS::EC2::EIPAssociation": Handler(_associate, _disassociate, None, _ASSOCIATION.read),
    "AWS::EC2::NetworkInterface": Handler(
        _create_interface,
        deleter("ec2", "DeleteNetworkInterface", "NetworkInterfaceId"),
        _update_interface,
        _read_interface,
    ),
}
