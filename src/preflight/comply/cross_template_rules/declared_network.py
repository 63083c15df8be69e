"""The network that templates declare, in the form of EC2's descriptions, so that `reachability` can judge it.

Only what is fully known becomes part of it: whatever cannot be traced makes the whole undecided, because a
route, an attachment or an endpoint that is not seen could be the missing one.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from typing import Any

from preflight.aws.network import Described, Network
from preflight.plan import resolved_stacks
from preflight.plan.cross_stack_references import ReferencedResource, ReferenceTracer, UnknownError
from preflight.plan.resolved_stacks import ResolvedStacks, ResolvedTemplate
from preflight.templates import intrinsic_functions, language_extensions, serverless

ELSEWHERE = "elsewhere"  # a way out that is another network's affair
ANY = "sg-any"
_PREFIXES = {
    "AWS::EC2::VPC": "vpc",
    "AWS::EC2::Subnet": "subnet",
    "AWS::EC2::RouteTable": "rtb",
    "AWS::EC2::InternetGateway": "igw",
    "AWS::EC2::NatGateway": "nat",
}
_ATTRIBUTES = {None, "VpcId", "SubnetId", "RouteTableId", "InternetGatewayId", "NatGatewayId"}
_OTHER_TARGETS = (
    "TransitGatewayId", "VpcPeeringConnectionId", "NetworkInterfaceId", "InstanceId", "LocalGatewayId",
    "CarrierGatewayId", "CoreNetworkArn", "VpcEndpointId",
)  # fmt: skip
STACK_SET = "AWS::CloudFormation::StackSet"
_OPAQUE = (
    "Custom::", "AWS::CloudFormation::CustomResource", STACK_SET,
    "AWS::ServiceCatalog::CloudFormationProvisionedProduct",
)  # fmt: skip
_OPEN = [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]


class DeclaredNetwork:
    """The declared network of an estate, and the ids that stand for its resources."""

    def __init__(self, stacks: ResolvedStacks) -> None:
        """Collect it.

        Raises:
            UnknownError: a part of it is not known.
        """
        self._stacks = stacks
        self._tracer = ReferenceTracer(stacks)
        self._ids: list[tuple[ReferencedResource, str]] = []
        if any(map(_is_opaque, stacks.documents)):
            raise UnknownError
        for kind in _PREFIXES:
            for document, logical, _ in self._of(kind):
                self._name(ReferencedResource(document, logical), kind)
        self.described = self._described()

    def _of(self, kind: str) -> Iterator[tuple[ResolvedTemplate, str, Mapping[str, Any]]]:
        for document in self._stacks.documents:
            for logical, properties in document.of_type(kind):
                yield document, logical, properties

    def _name(self, resource: ReferencedResource, kind: str) -> None:
        self._ids.append((resource, f"{_PREFIXES[kind]}-{len(self._ids):08d}"))

    def id_of(self, document: ResolvedTemplate, value: Any, kind: str) -> str:
        """The id of the resource that a value refers to.

        Raises:
            UnknownError: it is none of this type, or not known.
        """
        resource = self._tracer.one(document, value)
        if resource.kind != kind or resource.attribute not in _ATTRIBUTES:
            raise UnknownError
        return self._id(resource)

    def _id(self, resource: ReferencedResource) -> str:
        return next(name for known, name in self._ids if known.is_same(resource))

    def subnets(self, document: ResolvedTemplate, value: Any) -> list[tuple[str, ReferencedResource]]:
        """The declared subnets in a list, by id; those from elsewhere left out."""
        items = value if isinstance(value, list) else [value]
        subnets: list[tuple[str, ReferencedResource]] = []
        for item in items:
            try:
                traced = self._tracer.all(document, item)
            except UnknownError:
                continue
            subnets += [(self._id(one), one) for one in traced if one.kind == "AWS::EC2::Subnet"]
        return subnets

    def vpc_of(self, subnet: ReferencedResource) -> str:
        """The VPC of a subnet.

        Raises:
            UnknownError: it is not declared here.
        """
        return self.id_of(subnet.document, subnet.properties.get("VpcId"), "AWS::EC2::VPC")

    def with_logical_ids(self, text: str) -> str:
        """Returns a text with logical ids instead of ids."""
        for resource, name in self._ids:
            text = text.replace(name, resource.logical)
        return text

    def _described(self) -> Network:
        return Network(
            subnets=tuple(self._subnets()),
            route_tables=tuple(self._tables()),
            internet_gateways=tuple(self._gateways()),
            nat_gateways=tuple(self._nats()),
            security_groups=({"GroupId": ANY, "IpPermissions": _OPEN, "IpPermissionsEgress": _OPEN},),
            endpoints=tuple(self._endpoints()),
        )

    def _subnets(self) -> Iterator[Described]:
        for document, logical, _ in self._of("AWS::EC2::Subnet"):
            yield {"SubnetId": self._id(ReferencedResource(document, logical)), "CidrBlock": "10.0.0.0/16"}

    def _tables(self) -> Iterator[Described]:
        associations, routes = self._associations(), self._routes()
        for document, logical, properties in self._of("AWS::EC2::RouteTable"):
            name = self._id(ReferencedResource(document, logical))
            yield {
                "RouteTableId": name,
                "VpcId": self.id_of(document, properties.get("VpcId"), "AWS::EC2::VPC"),
                "Associations": [{"SubnetId": subnet} for subnet, table in associations if table == name],
                "Routes": [route for table, route in routes if table == name],
            }
        for document, logical, _ in self._of("AWS::EC2::VPC"):
            name = self._id(ReferencedResource(document, logical))
            yield {"RouteTableId": None, "VpcId": name, "Associations": [{"Main": True}], "Routes": []}

    def _associations(self) -> list[tuple[str, str]]:
        kind = "AWS::EC2::SubnetRouteTableAssociation"
        return [
            (
                self.id_of(document, properties.get("SubnetId"), "AWS::EC2::Subnet"),
                self.id_of(document, properties.get("RouteTableId"), "AWS::EC2::RouteTable"),
            )
            for document, _, properties in self._of(kind)
        ]

    def _routes(self) -> list[tuple[str, Described]]:
        return [
            (self.id_of(document, properties.get("RouteTableId"), "AWS::EC2::RouteTable"), self._route(document, properties))
            for document, _, properties in self._of("AWS::EC2::Route")
        ]

    def _route(self, document: ResolvedTemplate, properties: Mapping[str, Any]) -> Described:
        block = properties.get("DestinationCidrBlock")
        if not isinstance(block, str) or not _is_block(block):
            raise UnknownError  # by a prefix list, for IPv6, or not known
        route: dict[str, Any] = {"DestinationCidrBlock": block}
        if "GatewayId" in properties:
            route["GatewayId"] = self.id_of(document, properties["GatewayId"], "AWS::EC2::InternetGateway")
        elif "NatGatewayId" in properties:
            route["NatGatewayId"] = self.id_of(document, properties["NatGatewayId"], "AWS::EC2::NatGateway")
        elif any(key in properties for key in _OTHER_TARGETS):
            route["TransitGatewayId"] = ELSEWHERE
        else:
            raise UnknownError
        return route

    def _gateways(self) -> Iterator[Described]:
        attached = [
            (
                self.id_of(document, properties["InternetGatewayId"], "AWS::EC2::InternetGateway"),
                self.id_of(document, properties.get("VpcId"), "AWS::EC2::VPC"),
            )
            for document, _, properties in self._of("AWS::EC2::VPCGatewayAttachment")
            if "InternetGatewayId" in properties
        ]
        for document, logical, _ in self._of("AWS::EC2::InternetGateway"):
            name = self._id(ReferencedResource(document, logical))
            yield {"InternetGatewayId": name, "Attachments": [{"VpcId": v} for gateway, v in attached if gateway == name]}

    def _nats(self) -> Iterator[Described]:
        for document, logical, properties in self._of("AWS::EC2::NatGateway"):
            kind = properties.get("ConnectivityType", "public")
            if not isinstance(kind, str):
                raise UnknownError
            yield {
                "NatGatewayId": self._id(ReferencedResource(document, logical)),
                "SubnetId": self.id_of(document, properties.get("SubnetId"), "AWS::EC2::Subnet"),
                "State": "available",
                "ConnectivityType": kind,
            }

    def _endpoints(self) -> Iterator[Described]:
        for document, logical, properties in self._of("AWS::EC2::VPCEndpoint"):
            service, kind = properties.get("ServiceName"), properties.get("VpcEndpointType", "Gateway")
            private = intrinsic_functions.as_text(properties.get("PrivateDnsEnabled", False)).lower()
            tables = properties.get("RouteTableIds", [])
            if not isinstance(service, str) or not isinstance(kind, str) or private not in {"true", "false"}:
                raise UnknownError
            traced = self._tracer.all(document, tables)
            yield {
                "VpcEndpointId": logical,
                "VpcId": self.id_of(document, properties.get("VpcId"), "AWS::EC2::VPC"),
                "ServiceName": service,
                "VpcEndpointType": kind,
                "PrivateDnsEnabled": private == "true",
                "RouteTableIds": [self._id(table) for table in traced if table.kind == "AWS::EC2::RouteTable"],
            }


def _is_opaque(document: ResolvedTemplate) -> bool:
    """Whether a stack may make more of a network than its document shows."""
    harmless = {language_extensions.NAME} | (set() if serverless.changes(document.source.data) else {serverless.NAME})
    macros = set(language_extensions.transforms(document.source.data)) - harmless
    return bool(macros) or not document.is_expanded or any(_is_hidden(document, *r) for r in document.resources.items())


def _is_hidden(document: ResolvedTemplate, logical: str, resource: Mapping[str, Any]) -> bool:
    """Whether it is unknown what a resource makes, or whether it exists at all.

    A stack set with permissions that the service manages makes nothing in the organization's management account, which is
    its own account unless CallAs says that it is a delegated administrator's, a member as the others:
    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/stacksets-orgs-associate-stackset-with-org.html.
    """
    kind, condition = str(resource.get("Type")), resource.get("Condition")
    if kind == STACK_SET and _is_of_management_account(resolved_stacks.properties(resource)):
        return False
    if kind.startswith(_OPAQUE) or kind.endswith("::MODULE") or (kind == resolved_stacks.STACK and logical not in document.children):
        return True
    return kind.startswith("AWS::EC2::") and isinstance(condition, str) and document.resolver.is_undecided(condition)


def _is_of_management_account(stack_set: Mapping[str, Any]) -> bool:
    return stack_set.get("PermissionModel") == "SERVICE_MANAGED" and stack_set.get("CallAs", "SELF") == "SELF"


def _is_block(text: str) -> bool:
    try:
        ipaddress.IPv4Network(text, strict=False)
    except ValueError:
        return False
    return True
