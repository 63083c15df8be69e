"""What Elastic Load Balancing refuses of the health checks of a target group."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from preflight.aws import constraints
from preflight.aws.constraints import (
    Constraint,
    Fault,
    Object,
    Predicate,
    Test,
    begins,
    between,
    either,
    equal,
    every,
    lacks,
    one_of,
    present,
    unequal,
    value,
    without,
)
from preflight.aws.refusals.target_group_attributes import NETWORK_PROTOCOLS

_API = "https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference"
_PAGE, _MATCHER = f"{_API}/API_CreateTargetGroup.html", f"{_API}/API_Matcher.html"

_IS_WEB = equal("Protocol", "HTTP", "HTTPS")
_IS_GENEVE = equal("Protocol", "GENEVE")
_HAS_30_SECONDS = equal("Protocol", "HTTP", "HTTPS", *NETWORK_PROTOCOLS)
_IS_GRPC = equal("ProtocolVersion", "GRPC")
_CHECKS_BY_TCP = either(
    equal("HealthCheckProtocol", "TCP"),
    every(
        equal("Protocol", *NETWORK_PROTOCOLS, "GENEVE"),
        without("HealthCheckProtocol"),
        unequal("TargetType", "alb", default="instance"),
    ),
)


def _timeout(part: Object) -> Iterator[Fault]:
    """The timeout of health checks is under their interval; with a network load balancer it can be equal."""
    timeout = constraints.as_number(constraints.known(part, "HealthCheckTimeoutSeconds"))
    interval = constraints.as_number(constraints.known(part, "HealthCheckIntervalSeconds"))
    if constraints.get(part, "HealthCheckIntervalSeconds") is None and _HAS_30_SECONDS.holds(part):
        interval = 30
    if timeout is None or interval is None:
        return
    if timeout > interval or (timeout == interval and _IS_WEB.holds(part)):
        yield Fault(("HealthCheckTimeoutSeconds",), constraints.get(part, "HealthCheckTimeoutSeconds"))


def _codes(low: int, high: int) -> Predicate:
    """Codes and ranges of codes in a text, each from `low` to `high`."""

    def fits(value: Any) -> bool:
        ranges = [part.strip().split("-") for part in str(value).split(",")]
        return all(
            len(ends) <= 2
            and all(end.strip().isdecimal() and len(end) < 10 and low <= int(end) <= high for end in ends)
            and int(ends[0]) <= int(ends[-1])
            for ends in ranges
        )

    return Predicate(
        fits, (str(low), f"{low},{high}", f"{low}-{high}"), (str(high + 1), f"{low}-{high + 1}", f"{high}-{low}", "x")
    )


ROWS: tuple[Constraint, ...] = (
    Constraint(
        value("HealthCheckEnabled", one_of("true")),
        "ValidationError",
        "Health check enabled must be true for target groups with target type 'instance', 'ip' or 'alb'",
        _PAGE,
        when=unequal("TargetType", "lambda", default="instance"),
    ),
    Constraint(
        value("HealthCheckProtocol", one_of("HTTP", "HTTPS")),
        "ValidationError",
        "Health check protocol '{value}' must be one of 'HTTP, HTTPS'",
        _PAGE,
        when=either(_IS_WEB, equal("TargetType", "alb")),
    ),
    Constraint(
        value("HealthCheckProtocol", one_of("HTTP", "HTTPS", "TCP")),
        "ValidationError",
        "Health check protocol '{value}' must be one of 'HTTP, HTTPS, TCP'",
        _PAGE,
    ),
    Constraint(
        lacks("HealthCheckPath"),
        "ValidationError",
        "Health check path cannot be specified for health checks with the TCP protocol",
        _PAGE,
        when=_CHECKS_BY_TCP,
        cure="Set HealthCheckProtocol to HTTP or HTTPS, or remove HealthCheckPath.",
    ),
    Constraint(
        value("HealthCheckPath", begins("/")),
        "ValidationError",
        "Health check path '{value}' must begin with a '/' character",
        _PAGE,
    ),
    Constraint(
        value(
            "HealthCheckPort",
            Predicate(
                lambda port: port == "traffic-port" or between(1, 65535).fits(port), ("traffic-port", "1", "65535"), ("0", "65536", "http")
            ),
        ),
        "ValidationError",
        "Health check port '{value}' must be 'traffic-port' or a number between 1 and 65535",
        _PAGE,
    ),
    Constraint(
        value("HealthCheckIntervalSeconds", between(5, 300)),
        "ValidationError",
        "Health check interval must be between 5 and 300 seconds",
        _PAGE,
    ),
    Constraint(
        Test(
            _timeout,
            (
                {"Protocol": "HTTP", "HealthCheckTimeoutSeconds": 9, "HealthCheckIntervalSeconds": 10},
                {"Protocol": "TCP", "HealthCheckTimeoutSeconds": 10, "HealthCheckIntervalSeconds": 10},
            ),
            (
                {"Protocol": "HTTP", "HealthCheckTimeoutSeconds": 10, "HealthCheckIntervalSeconds": 10},
                {"Protocol": "TCP", "HealthCheckTimeoutSeconds": 11, "HealthCheckIntervalSeconds": 10},
                {"Protocol": "HTTP", "HealthCheckTimeoutSeconds": 30},
            ),
        ),
        "ValidationError",
        "Health check timeout '{value}' must be smaller than the interval",
        _PAGE,
    ),
    Constraint(
        lacks("Matcher"),
        "InvalidConfigurationRequest",
        "Custom health check matchers are not supported for health checks for target groups with the TCP protocol",
        _PAGE,
        when=_CHECKS_BY_TCP,
        cure="Set HealthCheckProtocol to HTTP or HTTPS, or remove Matcher.",
    ),
    Constraint(
        present(1, 2, "HttpCode", "GrpcCode"),
        "ValidationError",
        "Health check matcher HTTP code cannot be empty",
        _MATCHER,
        at="Matcher",
    ),
    Constraint(
        lacks("GrpcCode"),
        "ValidationError",
        "Health check matcher gRPC code cannot be specified unless the protocol version is GRPC",
        _MATCHER,
        at="Matcher",
        where=unequal("ProtocolVersion", "GRPC", default="HTTP1"),
    ),
    Constraint(
        lacks("HttpCode"),
        "ValidationError",
        "Health check matcher HTTP code cannot be specified if the protocol version is GRPC",
        _MATCHER,
        at="Matcher",
        where=_IS_GRPC,
    ),
    *(
        Constraint(
            value(f"Matcher.{name}", _codes(low, high)),
            "ValidationError",
            f"Health check matcher {shown} code '{{value}}' must be within '{low}-{high}' inclusive",
            _MATCHER,
            when=when,
        )
        for name, shown, low, high, when in (
            ("HttpCode", "HTTP", 200, 499, either(_IS_WEB, equal("TargetType", "lambda"))),
            ("HttpCode", "HTTP", 200, 599, equal("Protocol", *NETWORK_PROTOCOLS)),
            ("HttpCode", "HTTP", 200, 399, _IS_GENEVE),
            ("GrpcCode", "gRPC", 0, 99, _IS_GRPC),
        )
    ),
)
