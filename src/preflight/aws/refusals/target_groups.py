"""What Elastic Load Balancing refuses of a target group."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any

from preflight.aws.constraints import (
    Constraint,
    Predicate,
    between,
    count,
    either,
    equal,
    every,
    lacks,
    length,
    matches,
    needs,
    one_of,
    unequal,
    value,
)
from preflight.aws.refusals import target_group_attributes, target_group_health_checks

SERVICE = "elasticloadbalancing"
_API = "https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference"
_PAGE, _TARGET = f"{_API}/API_CreateTargetGroup.html", f"{_API}/API_TargetDescription.html"
_NETWORK = "https://docs.aws.amazon.com/elasticloadbalancing/latest/network"

_IS_LAMBDA = equal("TargetType", "lambda")
_IS_INSTANCE, _IS_IP, _IS_ALB = (equal("TargetType", kind, default="instance") for kind in ("instance", "ip", "alb"))
_IS_WEB = equal("Protocol", "HTTP", "HTTPS")
_IS_GENEVE = equal("Protocol", "GENEVE")


def _address(version: int, example: str) -> Predicate:
    """An address of a version of IP."""

    def fits(value: Any) -> bool:
        try:
            return ipaddress.ip_address(str(value)).version == version
        except ValueError:
            return False

    return Predicate(fits, (example,), ("i-0123456789abcdef0", "::1" if version == 4 else "10.0.0.1"))


_NAME = (
    Constraint(
        value("Name", length(1, 32)),
        "ValidationError",
        "The target group name '{value}' cannot be longer than '32' characters",
        _PAGE,
    ),
    Constraint(
        value(
            "Name", matches(r"[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?", taken=("a", "a-1"), refused=("-a", "a-", "a_b"))
        ),
        "ValidationError",
        "The target group name '{value}' can only contain characters that are alphanumeric characters and hyphens(-), and cannot begin or end with a hyphen",
        _PAGE,
    ),
)
_TARGETED = (
    *(
        Constraint(
            lacks(name),
            "ValidationError",
            f"{shown} cannot be specified for target groups with target type 'lambda'",
            _PAGE,
            when=_IS_LAMBDA,
            cure=f"Remove {name}.",
        )
        for name, shown in (("Protocol", "Protocol"), ("Port", "Port"), ("VpcId", "VPC ID"))
    ),
    *(
        Constraint(
            needs(name),
            "ValidationError",
            f"A {shown} must be specified",
            _PAGE,
            when=unequal("TargetType", "lambda", default="instance"),
        )
        for name, shown in (("Protocol", "protocol"), ("Port", "port"), ("VpcId", "VPC ID"))
    ),
    Constraint(
        value("Port", between(6081, 6081)),
        "ValidationError",
        "Port '{value}' must be '6081' for target groups with the GENEVE protocol",
        _PAGE,
        when=_IS_GENEVE,
    ),
    Constraint(
        value("Protocol", one_of("TCP", "TLS")),
        "ValidationError",
        "Protocol '{value}' is not supported for target groups with target type 'alb'",
        f"{_NETWORK}/application-load-balancer-target.html",
        when=_IS_ALB,
        cure="Set Protocol to TCP.",
    ),
    Constraint(
        value("ProtocolVersion", one_of("HTTP1", "HTTP2", "GRPC")),
        "ValidationError",
        "Protocol version '{value}' must be one of 'HTTP1, HTTP2, GRPC'",
        _PAGE,
    ),
    Constraint(
        lacks("ProtocolVersion", shows="Protocol"),
        "ValidationError",
        "Protocol version cannot be specified for target groups with the {value} protocol",
        _PAGE,
        when=unequal("Protocol", "HTTP", "HTTPS", example="TCP"),
        cure="Remove ProtocolVersion.",
    ),
)
_TARGETS = (
    *(
        Constraint(value("Id", predicate), "ValidationError", sentence, _TARGET, at="Targets[]", where=where)
        for predicate, sentence, where in (
            (
                matches(r"i-[0-9a-f]+", taken=("i-0123456789abcdef0",), refused=("10.0.0.1",)),
                "Instance ID '{value}' is not valid",
                _IS_INSTANCE,
            ),
            (
                _address(4, "10.0.0.1"),
                "The IP address '{value}' is not a valid IPv4 address",
                every(_IS_IP, equal("IpAddressType", "ipv4", default="ipv4")),
            ),
            (
                _address(6, "2001:db8::1"),
                "The IP address '{value}' is not a valid IPv6 address",
                every(_IS_IP, equal("IpAddressType", "ipv6")),
            ),
            (
                matches(
                    r"arn:[\w-]+:lambda:.+",
                    taken=("arn:aws:lambda:eu-west-1:123456789012:function:f",),
                    refused=("f", "10.0.0.1"),
                ),
                "'{value}' is not a valid Lambda function ARN",
                _IS_LAMBDA,
            ),
            (
                matches(
                    r"arn:[\w-]+:elasticloadbalancing:[\w-]*:\d*:loadbalancer/app/.+",
                    taken=("arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/app/a/0123456789abcdef",),
                    refused=(
                        "arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/net/a/0123456789abcdef",
                    ),
                ),
                "'{value}' is not a valid application load balancer ARN",
                _IS_ALB,
            ),
        )
    ),
    *(
        Constraint(
            count("Targets", 0, 1),
            "TooManyTargets",
            f"A target group with target type '{kind}' can have only one target",
            _PAGE,
            when=equal("TargetType", kind),
        )
        for kind in ("lambda", "alb")
    ),
    Constraint(
        lacks("AvailabilityZone"),
        "ValidationError",
        "An Availability Zone cannot be specified for targets of target groups with target type 'instance' or 'alb'",
        _TARGET,
        at="Targets[]",
        where=either(_IS_INSTANCE, _IS_ALB),
        cure="Remove AvailabilityZone.",
    ),
    Constraint(
        value("AvailabilityZone", one_of("all")),
        "ValidationError",
        "Availability Zone '{value}' must be 'all' for targets of target groups with target type 'lambda'",
        _TARGET,
        at="Targets[]",
        where=_IS_LAMBDA,
    ),
    Constraint(
        value("Port", between(6081, 6081)),
        "ValidationError",
        "Port '{value}' must be '6081' for targets of target groups with the GENEVE protocol",
        _TARGET,
        at="Targets[]",
        where=_IS_GENEVE,
    ),
    Constraint(
        needs("QuicServerId"),
        "ValidationError",
        "A QUIC server ID must be specified for targets of target groups with the QUIC or TCP_QUIC protocol",
        _TARGET,
        at="Targets[]",
        where=equal("Protocol", "QUIC", "TCP_QUIC"),
    ),
    Constraint(
        lacks("QuicServerId"),
        "ValidationError",
        "A QUIC server ID can be specified only for targets of target groups with the QUIC or TCP_QUIC protocol",
        _TARGET,
        at="Targets[]",
        where=unequal("Protocol", "QUIC", "TCP_QUIC", example="TCP"),
    ),
    Constraint(
        value(
            "QuicServerId",
            matches(r"0x[0-9a-f]{16}", taken=("0x0123456789abcdef",), refused=("0x0123456789ABCDEF", "0x01")),
        ),
        "ValidationError",
        "QUIC server ID '{value}' must be '0x' followed by 16 lowercase hexadecimal characters",
        _TARGET,
        at="Targets[]",
    ),
)

TYPES: Mapping[str, tuple[Constraint, ...]] = {
    "AWS::ElasticLoadBalancingV2::TargetGroup": (
        *_NAME,
        *_TARGETED,
        *target_group_health_checks.ROWS,
        *_TARGETS,
        *target_group_attributes.ROWS,
    )
}
OPERATIONS: Mapping[str, str] = {"CreateTargetGroup": "AWS::ElasticLoadBalancingV2::TargetGroup"}
