"""What Elastic Load Balancing refuses of a load balancer."""

from __future__ import annotations

from collections.abc import Mapping

from preflight.aws.constraints import (
    Constraint,
    Predicate,
    address,
    begins,
    equal,
    every,
    lacks,
    length,
    matches,
    no,
    one_of,
    present,
    unequal,
    unique,
    value,
    without,
)
from preflight.aws.refusals import load_balancer_attributes

SERVICE = "elasticloadbalancing"
_API = "https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference"
_PAGE = f"{_API}/API_CreateLoadBalancer.html"
_GUIDE = "https://docs.aws.amazon.com/elasticloadbalancing/latest/application"

_IS_NETWORK = equal("Type", "network")
_IS_GATEWAY = equal("Type", "gateway")
_IS_NO_NETWORK = unequal("Type", "network", default="application", example="application")
_IS_INTERNAL = equal("Scheme", "internal")
_IS_NOT_DUALSTACK = unequal("IpAddressType", "dualstack", default="ipv4", example="ipv4")
_CHARACTERS = matches(r"[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?", taken=("a", "a-1"), refused=("-a", "a-", "a_b"))

_NAME = (
    Constraint(
        value("Name", length(1, 32)),
        "ValidationError",
        "The load balancer name '{value}' cannot be longer than '32' characters",
        _PAGE,
    ),
    Constraint(
        value("Name", _CHARACTERS),
        "ValidationError",
        "The load balancer name '{value}' can only contain characters that are alphanumeric characters and hyphens(-), and cannot begin or end with a hyphen",
        _PAGE,
    ),
    Constraint(
        value("Name", Predicate(no(begins("internal-")).fits, ("internal", "my-internal-a"), ("internal-a",))),
        "ValidationError",
        "The load balancer name '{value}' cannot begin with 'internal-'",
        _PAGE,
    ),
)
_SUBNETS = (
    Constraint(
        present(1, 2, "Subnets", "SubnetMappings"),
        "ValidationError",
        "You must specify either subnets or subnet mappings",
        _PAGE,
    ),
    Constraint(
        present(0, 1, "Subnets", "SubnetMappings"),
        "ValidationError",
        "You cannot specify both subnets and subnet mappings",
        _PAGE,
        cure="Remove one of them.",
    ),
    *(
        Constraint(
            unique(*names),
            "InvalidConfigurationRequest",
            "A load balancer cannot be attached to multiple subnets in the same Availability Zone",
            _PAGE,
            cure="Name one subnet of each Availability Zone, and each only once.",
        )
        for names in (("Subnets",), ("SubnetMappings", "SubnetId"))
    ),
    *(
        Constraint(
            lacks("AllocationId"),
            "InvalidConfigurationRequest",
            f"Elastic IPs are not supported for load balancers with type '{kind}'",
            _PAGE,
            at="SubnetMappings[]",
            where=equal("Type", kind, default="application"),
        )
        for kind in ("application", "gateway")
    ),
    Constraint(
        lacks("AllocationId"),
        "InvalidConfigurationRequest",
        "Elastic IPs are not supported for load balancers with scheme 'internal'",
        _PAGE,
        at="SubnetMappings[]",
        where=every(_IS_NETWORK, _IS_INTERNAL),
    ),
    *(
        Constraint(
            lacks("PrivateIPv4Address"),
            "InvalidConfigurationRequest",
            "You can only specify private IPv4 addresses for Network Load Balancers with scheme 'internal'.",
            _PAGE,
            at="SubnetMappings[]",
            where=where,
        )
        for where in (
            _IS_NO_NETWORK,
            unequal("Scheme", "internal", default="internet-facing", example="internet-facing"),
        )
    ),
    *(
        Constraint(
            lacks("IPv6Address"),
            "InvalidConfigurationRequest",
            "You can only specify IPv6 addresses for Network Load Balancers with IP address type 'dualstack'",
            _PAGE,
            at="SubnetMappings[]",
            where=where,
        )
        for where in (_IS_NO_NETWORK, _IS_NOT_DUALSTACK)
    ),
    Constraint(
        value("PrivateIPv4Address", address(4)),
        "ValidationError",
        "The IP address '{value}' is not a valid IPv4 address",
        f"{_API}/API_SubnetMapping.html",
        at="SubnetMappings[]",
    ),
    Constraint(
        lacks("IPv6Address"),
        "InvalidConfigurationRequest",
        "You can only specify IPv6 addresses for Network Load Balancers with scheme 'internet-facing'",
        _PAGE,
        at="SubnetMappings[]",
        where=_IS_INTERNAL,
    ),
    Constraint(
        lacks("SourceNatIpv6Prefix"),
        "InvalidConfigurationRequest",
        "'SourceNatIpv6Prefix' can only be specified when 'EnablePrefixForIpv6SourceNat' is 'on'",
        f"{_API}/API_SubnetMapping.html",
        at="SubnetMappings[]",
        where=unequal("EnablePrefixForIpv6SourceNat", "on", default="off", example="off"),
    ),
    Constraint(
        value(
            "SourceNatIpv6Prefix",
            matches(
                r"auto_assigned|[\da-fA-F:]+/80", taken=("auto_assigned", "2001:db8::/80"), refused=("2001:db8::/64",)
            ),
        ),
        "ValidationError",
        "'SourceNatIpv6Prefix' value '{value}' must be 'auto_assigned' or an IPv6 prefix with a /80 netmask",
        f"{_API}/API_SubnetMapping.html",
        at="SubnetMappings[]",
    ),
)
_NETWORK = (
    Constraint(
        lacks("SecurityGroups"),
        "InvalidConfigurationRequest",
        "Security Groups are not supported for Gateway Load Balancers.",
        _PAGE,
        when=_IS_GATEWAY,
        cure="Remove SecurityGroups.",
    ),
    Constraint(
        lacks("Scheme"),
        "ValidationError",
        "A scheme cannot be specified for load balancers with type 'gateway'",
        _PAGE,
        when=_IS_GATEWAY,
        cure="Remove Scheme.",
    ),
    Constraint(
        value("IpAddressType", no(one_of("dualstack-without-public-ipv4"))),
        "InvalidConfigurationRequest",
        "The specified IP address type is not supported on load balancers with type 'network' or 'gateway'.",
        _PAGE,
        when=equal("Type", "network", "gateway"),
    ),
    Constraint(
        value("IpAddressType", no(one_of("dualstack-without-public-ipv4"))),
        "InvalidConfigurationRequest",
        "The IP address type '{value}' is not supported on load balancers with scheme 'internal'",
        f"{_GUIDE}/application-load-balancers.html",
        when=_IS_INTERNAL,
    ),
    Constraint(
        lacks("EnablePrefixForIpv6SourceNat"),
        "ValidationError",
        "'EnablePrefixForIpv6SourceNat' can only be specified for LoadBalancer type 'network'.",
        _PAGE,
        when=_IS_NO_NETWORK,
    ),
    Constraint(
        value("EnablePrefixForIpv6SourceNat", Predicate(no(one_of("on")).fits, ("off",), ("on",))),
        "ValidationError",
        "'EnablePrefixForIpv6SourceNat' can only be specified when using IpAddressType 'dualstack'.",
        _PAGE,
        when=every(_IS_NETWORK, _IS_NOT_DUALSTACK),
    ),
    Constraint(
        lacks("EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic"),
        "ValidationError",
        "'EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic' can only be specified for LoadBalancer type 'network'.",
        f"{_API}/API_SetSecurityGroups.html",
        when=_IS_NO_NETWORK,
    ),
    Constraint(
        lacks("EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic"),
        "InvalidConfigurationRequest",
        "'EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic' can only be specified for load balancers with security groups",
        f"{_API}/API_SetSecurityGroups.html",
        when=every(_IS_NETWORK, without("SecurityGroups")),
    ),
    Constraint(
        value("EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic", one_of("on", "off")),
        "ValidationError",
        "'EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic' value '{value}' must be one of 'on, off'",
        f"{_API}/API_SetSecurityGroups.html",
    ),
    *(
        Constraint(
            lacks(name),
            "ValidationError",
            "An IPAM pool can only be specified for LoadBalancer type 'application'.",
            _PAGE,
            when=equal("Type", "network", "gateway"),
        )
        for name in ("Ipv4IpamPoolId", "IpamPools")
    ),
)

TYPES: Mapping[str, tuple[Constraint, ...]] = {
    "AWS::ElasticLoadBalancingV2::LoadBalancer": (*_NAME, *_SUBNETS, *_NETWORK, *load_balancer_attributes.ROWS)
}
OPERATIONS: Mapping[str, str] = {"CreateLoadBalancer": "AWS::ElasticLoadBalancingV2::LoadBalancer"}
