"""Amazon EC2: the network.

Each operation names the kind of resource that it creates, and the members of its input that name
resources which exist.
Source: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from preflight.rehearsal.iam.actions.request import (
    ApiRequest,
    Permissions,
    RequiredPermission,
    for_resources,
    tag_context,
    tags_of,
    with_pass_role,
    with_tag_changes,
)

FLOW_LOGS = "vpc-flow-logs.amazonaws.com"
KINDS: Mapping[str, str] = {  # the beginning of an id: the kind of the resource
    "acl": "network-acl",
    "eigw": "egress-only-internet-gateway",
    "eipalloc": "elastic-ip",
    "eni": "network-interface",
    "fl": "vpc-flow-log",
    "igw": "internet-gateway",
    "nat": "natgateway",
    "pl": "prefix-list",
    "rtb": "route-table",
    "rtbassoc": "route-table-association",  # no resource of IAM: the gate asks on table and subnet
    "sg": "security-group",
    "sgr": "security-group-rule",
    "subnet": "subnet",
    "vgw": "vpn-gateway",
    "vpc": "vpc",
    "vpce": "vpc-endpoint",
}
# Operations that describe something by its id, on which IAM asks; all others describe on `*`.
_NARROWED = re.compile(
    r"(Image|Instance|Snapshot|Volume|FpgaImage)Attribute$|ClientVpn(Auth|Conn|Routes|Target)|Fleet(History|Instances)$"
    r"|SpotFleetRequestHistory$|SecurityGroupReferences$|EndpointServicePermissions$|ExtensionOfferings$"
)
_CREATED: Mapping[str, tuple[str, str]] = {  # operation: what it makes, and what that is made in or of
    "CreateVpc": ("vpc", ""),
    "CreateSubnet": ("subnet", "VpcId"),
    "CreateInternetGateway": ("internet-gateway", ""),
    "CreateEgressOnlyInternetGateway": ("egress-only-internet-gateway", "VpcId"),
    "CreateRouteTable": ("route-table", "VpcId"),
    "CreateSecurityGroup": ("security-group", "VpcId"),
    "CreateNetworkAcl": ("network-acl", "VpcId"),
    "CreateNetworkInterface": ("network-interface", "SubnetId Groups"),
    "CreateNatGateway": ("natgateway", "SubnetId AllocationId"),
    "CreateVpcEndpoint": ("vpc-endpoint", "VpcId RouteTableIds SubnetIds SecurityGroupIds"),
    "CreateFlowLogs": ("vpc-flow-log", "ResourceIds"),
    "AllocateAddress": ("elastic-ip", ""),
}
_CHANGED: Mapping[str, str] = {  # operation: the members that name what it changes, or what it reads
    "DeleteVpc": "VpcId",
    "ModifyVpcAttribute": "VpcId",
    "DescribeVpcAttribute": "VpcId",
    "AssociateVpcCidrBlock": "VpcId",
    "DeleteSubnet": "SubnetId",
    "ModifySubnetAttribute": "SubnetId",
    "AssociateSubnetCidrBlock": "SubnetId",
    "DeleteInternetGateway": "InternetGatewayId",
    "AttachInternetGateway": "InternetGatewayId VpcId",
    "DetachInternetGateway": "InternetGatewayId VpcId",
    "DeleteEgressOnlyInternetGateway": "EgressOnlyInternetGatewayId",
    "AttachVpnGateway": "VpcId VpnGatewayId",
    "DetachVpnGateway": "VpcId VpnGatewayId",
    "DeleteRouteTable": "RouteTableId",
    "CreateRoute": "RouteTableId",
    "ReplaceRoute": "RouteTableId",
    "DeleteRoute": "RouteTableId",
    "AssociateRouteTable": "RouteTableId SubnetId GatewayId",
    "DisassociateRouteTable": "AssociationId",
    "ReplaceRouteTableAssociation": "AssociationId RouteTableId",
    "DeleteSecurityGroup": "GroupId",
    "AuthorizeSecurityGroupIngress": "GroupId",
    "AuthorizeSecurityGroupEgress": "GroupId",
    "RevokeSecurityGroupIngress": "GroupId",
    "RevokeSecurityGroupEgress": "GroupId",
    "DeleteNetworkAcl": "NetworkAclId",
    "CreateNetworkAclEntry": "NetworkAclId",
    "ReplaceNetworkAclEntry": "NetworkAclId",
    "DeleteNetworkAclEntry": "NetworkAclId",
    "DeleteNetworkInterface": "NetworkInterfaceId",
    "DeleteNatGateway": "NatGatewayId",
    "DeleteVpcEndpoints": "VpcEndpointIds",
    "ModifyVpcEndpoint": "VpcEndpointId",
    "DeleteFlowLogs": "FlowLogIds",
    "ReleaseAddress": "AllocationId",
    "AssociateAddress": "AllocationId NetworkInterfaceId",
}


def arn_of(request: ApiRequest, resource: str) -> str:
    """The ARN of a resource of EC2 by its id."""
    return request.arn(f"{KINDS.get(resource.partition('-')[0], '*')}/{resource}")


def _named(members: str) -> Permissions:
    """The action on every resource that these members of the input name."""
    names = members.split()
    return for_resources(lambda request: [arn_of(request, r) for name in names for r in request.texts(name)])


def _created(kind: str, members: str) -> Permissions:
    """The action on what it makes, and on what that is made in; ec2:CreateTags too where the request has tags."""

    def ask(request: ApiRequest) -> Iterator[RequiredPermission]:
        tags = tags_of(request)
        resource = request.arn(f"{kind}/*")
        yield RequiredPermission(request.action, resource, tag_context(tags))
        if members:
            yield from (target for target in _named(members)(request) if target.resource != "*")
        if tags:
            yield RequiredPermission("ec2:CreateTags", resource, {**tag_context(tags), "ec2:createaction": request.name})

    return ask


def of(name: str) -> Permissions | None:
    """Returns the permissions an operation needs, or None if its resources are unknown."""
    if name in _CREATED:
        permissions = _created(*_CREATED[name])
        return with_pass_role(permissions, FLOW_LOGS, "deliverLogsPermissionArn") if name == "CreateFlowLogs" else permissions
    if name in _CHANGED:
        return _named(_CHANGED[name])
    if name in {"CreateTags", "DeleteTags"}:
        return with_tag_changes(for_resources(lambda request: [arn_of(request, r) for r in request.texts("resources")]))
    return for_resources() if name.startswith("Describe") and not _NARROWED.search(name) else None
