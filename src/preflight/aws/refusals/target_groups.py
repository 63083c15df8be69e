"""What Elastic Load Balancing refuses of a target group."""

from __future__ import annotations

from collections.abc import Mapping

from preflight.aws.constraints import (
    Constraint,
    between,
    either,
    equal,
    lacks,
    length,
    matches,
    needs,
    no,
    one_of,
    unequal,
    value,
)
from preflight.aws.refusals import target_group_attributes, target_group_health_checks, target_group_targets

SERVICE = "elasticloadbalancing"
_API = "https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference"
_PAGE, _TARGET = f"{_API}/API_CreateTargetGroup.html", f"{_API}/API_TargetDescription.html"
_APPLICATION, _NETWORK = (f"https://docs.aws.amazon.com/elasticloadbalancing/latest/{kind}" for kind in ("application", "network"))

_IS_LAMBDA = equal("TargetType", "lambda")
_IS_INSTANCE, _IS_IP, _IS_ALB = (equal("TargetType", kind, default="instance") for kind in ("instance", "ip", "alb"))
_IS_WEB = equal("Protocol", "HTTP", "HTTPS")
_QUIC = ("QUIC", "TCP_QUIC")
_IS_GENEVE = equal("Protocol", "GENEVE")


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
_ADDRESSES = (
    *(
        Constraint(
            value("IpAddressType", no(one_of("ipv6"))),
            "ValidationError",
            f"The IP address type '{{value}}' is not supported for target groups with {what}",
            page,
            when=when,
        )
        for what, page, when in (
            ("target type 'lambda'", _PAGE, _IS_LAMBDA),
            ("the QUIC or TCP_QUIC protocol", f"{_NETWORK}/load-balancer-target-groups.html", equal("Protocol", *_QUIC)),
        )
    ),
    *(
        Constraint(
            lacks("TargetControlPort"),
            "ValidationError",
            "A target control port can be specified only for HTTP and HTTPS target groups with target type 'instance' or 'ip'",
            f"{_APPLICATION}/load-balancer-target-groups.html#target-optimizer",
            when=when,
        )
        for when in (either(_IS_LAMBDA, _IS_ALB), unequal("Protocol", "HTTP", "HTTPS", example="TCP"))
    ),
)
TYPES: Mapping[str, tuple[Constraint, ...]] = {
    "AWS::ElasticLoadBalancingV2::TargetGroup": (
        *_NAME,
        *_TARGETED,
        *_ADDRESSES,
        *target_group_health_checks.ROWS,
        *target_group_targets.ROWS,
        *target_group_attributes.ROWS,
    )
}
OPERATIONS: Mapping[str, str] = {"CreateTargetGroup": "AWS::ElasticLoadBalancingV2::TargetGroup"}
