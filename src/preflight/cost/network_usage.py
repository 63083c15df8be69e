"""Addresses, gateways, load balancers and endpoints of an estate, as what is billed for them. Pure.

Sources: https://aws.amazon.com/vpc/pricing/ (public IPv4 addresses, NAT gateways),
https://docs.aws.amazon.com/vpc/latest/userguide/vpc-public-ipv4-insights.html,
https://docs.aws.amazon.com/elasticloadbalancing/latest/userguide/how-elastic-load-balancing-works.html (one node,
and one address, in each zone), https://aws.amazon.com/privatelink/pricing/ (interface endpoints by zone).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from preflight.aws import unresolved
from preflight.cost import billing_units
from preflight.cost.billing_units import Amount

Given = Mapping[str, Any]
Entry = Amount | str  # an amount, or what is not known
ONE = Decimal(1)
BALANCERS = {"application": billing_units.APPLICATION, "network": billing_units.NETWORK, "gateway": billing_units.GATEWAY}


def entries(kind: str, properties: Given) -> Iterator[Entry]:
    """What a resource of a type costs, and what of it is not known; nothing where it is none of these."""
    billed = _BY_KIND.get(kind)
    if billed is not None:
        yield from billed(properties)


def _elastic_address(_given: Given) -> Iterator[Entry]:
    yield Amount(billing_units.ADDRESS, ONE)


def _nat(properties: Given) -> Iterator[Entry]:
    """A NAT gateway in one zone; its public addresses are Elastic IP addresses, which are counted as such.

    Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-ec2-natgateway.html.
    """
    yield Amount(billing_units.NAT, ONE)
    mode = properties.get("AvailabilityMode", "zonal")
    if mode != "zonal":
        yield "it may be in several zones and have addresses of its own; one zone and no address is counted"


def _balancer(properties: Given) -> Iterator[Entry]:
    kind = properties.get("Type", "application")
    unit = BALANCERS.get(kind) if isinstance(kind, str) else None
    if unit is None:
        yield "its Type is not known, and neither it nor its addresses are counted"
        return
    yield Amount(unit, ONE)
    has_none = properties.get("IpAddressType") == "dualstack-without-public-ipv4"
    if unit is not billing_units.GATEWAY and not has_none:
        yield from _public_addresses(properties, "Subnets" if "Subnets" in properties else "SubnetMappings")


def _classic(properties: Given) -> Iterator[Entry]:
    yield Amount(billing_units.CLASSIC, ONE)
    yield from _public_addresses(properties, "Subnets" if "Subnets" in properties else "AvailabilityZones")


def _public_addresses(properties: Given, key: str) -> Iterator[Entry]:
    """One public address in each zone of a load balancer that faces the internet, but for Elastic IP addresses."""
    scheme = properties.get("Scheme", "internet-facing")
    if scheme == "internal":
        return
    zones = properties.get(key)
    if scheme != "internet-facing" or not isinstance(zones, list) or not _are_known(zones):
        yield "its public addresses are not known, and not counted"
        return
    own = [zone for zone in zones if isinstance(zone, dict) and "AllocationId" in zone]
    if len(zones) > len(own):
        yield Amount(billing_units.ADDRESS, Decimal(len(zones) - len(own)))


def _are_known(items: list[Any]) -> bool:
    """Whether a list is as long as it looks: none of its items may turn out to be a list, or nothing."""
    return all(unresolved.function_of(item) not in {"Fn::If", "Fn::Split", "Fn::GetAZs"} for item in items)


def _endpoint(properties: Given) -> Iterator[Entry]:
    """An endpoint: those of type Gateway are free, interface endpoints are billed in each zone.

    Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-ec2-vpcendpoint.html.
    """
    kind, zones = properties.get("VpcEndpointType", "Gateway"), properties.get("SubnetIds", [])
    if kind == "Gateway":
        return
    if kind == "GatewayLoadBalancer":
        yield Amount(billing_units.GATEWAY_ENDPOINT, ONE)
    elif kind != "Interface" or not isinstance(zones, list) or not _are_known(zones):
        yield "its type or its zones are not known, and it is not counted"
    elif zones:
        yield Amount(billing_units.ENDPOINT, Decimal(len(zones)))


_BY_KIND: Mapping[str, Callable[[Given], Iterator[Entry]]] = {
    "AWS::EC2::EIP": _elastic_address,
    "AWS::EC2::NatGateway": _nat,
    "AWS::ElasticLoadBalancingV2::LoadBalancer": _balancer,
    "AWS::ElasticLoadBalancing::LoadBalancer": _classic,
    "AWS::EC2::VPCEndpoint": _endpoint,
}
