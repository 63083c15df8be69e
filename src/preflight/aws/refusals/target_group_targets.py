"""What Elastic Load Balancing refuses of the targets of a target group."""

from __future__ import annotations

from preflight.aws.constraints import (
    Constraint,
    address,
    between,
    count,
    either,
    equal,
    every,
    lacks,
    matches,
    needs,
    one_of,
    unequal,
    value,
)

_API = "https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference"
_PAGE, _TARGET = f"{_API}/API_CreateTargetGroup.html", f"{_API}/API_TargetDescription.html"
_IS_INSTANCE, _IS_IP, _IS_ALB = (equal("TargetType", kind, default="instance") for kind in ("instance", "ip", "alb"))
_IS_LAMBDA = equal("TargetType", "lambda")
_IS_GENEVE = equal("Protocol", "GENEVE")
_QUIC = ("QUIC", "TCP_QUIC")


ROWS: tuple[Constraint, ...] = (
    *(
        Constraint(value("Id", predicate), "ValidationError", sentence, _TARGET, at="Targets[]", where=where)
        for predicate, sentence, where in (
            (
                matches(r"i-[0-9a-f]+", taken=("i-0123456789abcdef0",), refused=("10.0.0.1",)),
                "Instance ID '{value}' is not valid",
                _IS_INSTANCE,
            ),
            (
                address(4),
                "The IP address '{value}' is not a valid IPv4 address",
                every(_IS_IP, equal("IpAddressType", "ipv4", default="ipv4")),
            ),
            (
                address(6),
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
        where=equal("Protocol", *_QUIC),
    ),
    Constraint(
        lacks("QuicServerId"),
        "ValidationError",
        "A QUIC server ID can be specified only for targets of target groups with the QUIC or TCP_QUIC protocol",
        _TARGET,
        at="Targets[]",
        where=unequal("Protocol", *_QUIC, example="TCP"),
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
