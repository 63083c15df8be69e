"""What Elastic Load Balancing refuses of the attributes of a target group."""

from __future__ import annotations

from dataclasses import replace

from preflight.aws.constraints import Constraint, begins, between, equal, no, one_of, setting, unequal
from preflight.aws.refusals.attributes import Attributes

_PAGE = "https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_TargetGroupAttribute.html"
_ATTRIBUTES = Attributes("TargetGroupAttributes", "Target group", _PAGE)
NETWORK_PROTOCOLS = ("TCP", "TLS", "UDP", "TCP_UDP", "QUIC", "TCP_QUIC")
_DATAGRAMS = ("UDP", "TCP_UDP", "QUIC", "TCP_QUIC")
_WEEK = 604800

_DELAY = "deregistration_delay.timeout_seconds"
_STICKY, _STICKINESS = "stickiness.enabled", "stickiness.type"
_CROSS_ZONE = "load_balancing.cross_zone.enabled"
_ALGORITHM, _ANOMALY = "load_balancing.algorithm.type", "load_balancing.algorithm.anomaly_mitigation"
_SLOW_START = "slow_start.duration_seconds"
_COOKIE, _COOKIE_SECONDS = "stickiness.app_cookie.cookie_name", "stickiness.app_cookie.duration_seconds"
_BALANCER_COOKIE_SECONDS = "stickiness.lb_cookie.duration_seconds"
_INSPECTION, _RESET = "waf.http2.traffic_inspection_behavior", "routing.http2.rst_stream_error_forwarding.enabled"
_FAILOVER = "target_group_health.dns_failover.minimum_healthy_targets."
_ROUTING = "target_group_health.unhealthy_state_routing.minimum_healthy_targets."
_PRESERVE, _TERMINATION = "preserve_client_ip.enabled", "target_health_state.unhealthy.connection_termination.enabled"
_DRAINING = "target_health_state.unhealthy.draining_interval_seconds"
_ON_DEREGISTRATION, _ON_UNHEALTHY = "target_failover.on_deregistration", "target_failover.on_unhealthy"
_MULTIPLE = "lambda.multi_value_headers.enabled"

_MOST_TARGETS = 10_000  # more than a target group can have

_OF_INSTANCES = (
    _ALGORITHM, _ANOMALY, _SLOW_START, _COOKIE, _COOKIE_SECONDS, _BALANCER_COOKIE_SECONDS, _INSPECTION, _RESET,
)
_OF_APPLICATION = (*_OF_INSTANCES, _MULTIPLE)
_OF_NETWORK = (
    *(
        "deregistration_delay.connection_termination.enabled",
        _PRESERVE,
        "proxy_protocol_v2.enabled",
        _TERMINATION,
        _DRAINING,
    ),
)
_TCP_RESETS = ("send_tcp_reset.on_unhealthy.enabled", "send_tcp_reset.on_deregistration.enabled")
_OF_GATEWAY = (_ON_DEREGISTRATION, _ON_UNHEALTHY, *_TCP_RESETS)
_OF_BOTH = (_CROSS_ZONE, *(f"{kind}{unit}" for kind in (_FAILOVER, _ROUTING) for unit in ("count", "percentage")))
_HEALTHY = "You must set 'target_failover.on_deregistration' and 'target_failover.on_unhealthy' to the same value"
_NOT_OF_PROTOCOL = "Target group attribute key '{value}' is not recognized"

ROWS: tuple[Constraint, ...] = (
    _ATTRIBUTES.once(),
    *_ATTRIBUTES.keys(_DELAY, _STICKY, _STICKINESS, *_OF_BOTH, *_OF_APPLICATION, *_OF_NETWORK, *_OF_GATEWAY),
    _ATTRIBUTES.unsupported(
        "A target group with target type 'lambda' does not support the attribute {value}",
        *(_DELAY, *_OF_INSTANCES, *_OF_NETWORK, *_OF_GATEWAY),
        where=equal("TargetType", "lambda"),
        code="InvalidConfigurationRequest",
    ),
    _ATTRIBUTES.unsupported(
        _NOT_OF_PROTOCOL, *_OF_NETWORK, *_OF_GATEWAY, _MULTIPLE, where=equal("Protocol", "HTTP", "HTTPS")
    ),
    _ATTRIBUTES.unsupported(
        _NOT_OF_PROTOCOL, *_OF_APPLICATION, *_OF_GATEWAY, where=equal("Protocol", *NETWORK_PROTOCOLS)
    ),
    _ATTRIBUTES.unsupported(
        _NOT_OF_PROTOCOL, *_OF_BOTH, *_OF_APPLICATION, *_OF_NETWORK, where=equal("Protocol", "GENEVE")
    ),
    _ATTRIBUTES.unsupported(
        "Target group attribute key '{value}' is supported only with the protocol version HTTP2",
        _INSPECTION,
        where=unequal("ProtocolVersion", "HTTP2", default="HTTP1"),
    ),
    _ATTRIBUTES.unsupported(
        "Target group attribute key '{value}' is supported only with the protocol versions HTTP2 and GRPC",
        _RESET,
        where=unequal("ProtocolVersion", "HTTP2", "GRPC", default="HTTP1"),
    ),
    *_ATTRIBUTES.flags(
        *(
            _STICKY,
            _MULTIPLE,
            _RESET,
            _OF_NETWORK[0],
            _PRESERVE,
            "proxy_protocol_v2.enabled",
            _TERMINATION,
            *_TCP_RESETS,
        )
    ),
    _ATTRIBUTES.number(_DELAY, 0, 3600),
    _ATTRIBUTES.number(_SLOW_START, 30, 900, "0"),
    _ATTRIBUTES.number(_COOKIE_SECONDS, 1, _WEEK),
    _ATTRIBUTES.number(_BALANCER_COOKIE_SECONDS, 1, _WEEK),
    _ATTRIBUTES.number(_DRAINING, 0, 360000),
    *(_ATTRIBUTES.number(f"{kind}percentage", 1, 100, "off") for kind in (_FAILOVER, _ROUTING)),
    *(_ATTRIBUTES.number(f"{kind}count", 1, _MOST_TARGETS, "off") for kind in (_FAILOVER, _ROUTING)),
    *(
        _ATTRIBUTES.ordered(
            f"{_ROUTING}{unit}",
            f"{_FAILOVER}{unit}",
            f"The {unit} for DNS failover cannot be lower than the {unit} for unhealthy state routing, {{value}}",
            page="https://docs.aws.amazon.com/elasticloadbalancing/latest/application/target-group-health.html",
        )
        for unit in ("count", "percentage")
    ),
    _ATTRIBUTES.choice(_CROSS_ZONE, "true", "false", "use_load_balancer_configuration"),
    _ATTRIBUTES.choice(_ALGORITHM, "round_robin", "least_outstanding_requests", "weighted_random"),
    _ATTRIBUTES.choice(_ANOMALY, "on", "off"),
    _ATTRIBUTES.choice(_INSPECTION, "inspect_immediately", "inspect_after_sufficient_data"),
    _ATTRIBUTES.choice(_ON_DEREGISTRATION, "rebalance", "no_rebalance"),
    _ATTRIBUTES.choice(_ON_UNHEALTHY, "rebalance", "no_rebalance"),
    _ATTRIBUTES.choice(
        _STICKINESS, "lb_cookie", "app_cookie", "source_ip", "source_ip_dest_ip", "source_ip_dest_ip_proto"
    ),
    _ATTRIBUTES.choice(_STICKINESS, "lb_cookie", "app_cookie", where=equal("Protocol", "HTTP", "HTTPS")),
    _ATTRIBUTES.choice(_STICKINESS, "source_ip", where=equal("Protocol", *NETWORK_PROTOCOLS)),
    _ATTRIBUTES.choice(_STICKINESS, "source_ip_dest_ip", "source_ip_dest_ip_proto", where=equal("Protocol", "GENEVE")),
    Constraint(
        setting("TargetGroupAttributes", _STICKY, no(one_of("true"))),
        "InvalidConfigurationRequest",
        "You cannot enable stickiness on target groups with the TLS protocol",
        "https://docs.aws.amazon.com/elasticloadbalancing/latest/network/edit-target-group-attributes.html",
        where=equal("Protocol", "TLS"),
    ),
    Constraint(
        setting("TargetGroupAttributes", _COOKIE, no(begins("AWSALB"))),
        "ValidationError",
        "The application cookie name '{value}' begins with 'AWSALB', which is reserved for use by the load balancer",
        _PAGE,
        cure="Choose another name.",
    ),
    Constraint(
        setting("TargetGroupAttributes", _PRESERVE, no(one_of("false"))),
        "InvalidConfigurationRequest",
        "preserve_client_ip.enabled cannot be false if the target group protocol is UDP or TCP_UDP",
        _PAGE,
        where=equal("Protocol", *_DATAGRAMS),
    ),
    Constraint(
        setting("TargetGroupAttributes", _TERMINATION, no(one_of("true"))),
        "InvalidConfigurationRequest",
        f"{_TERMINATION} cannot be true if the target group protocol is UDP or TCP_UDP",
        _PAGE,
        where=equal("Protocol", "UDP", "TCP_UDP"),
    ),
    _ATTRIBUTES.required(
        _STICKINESS,
        "app_cookie",
        _COOKIE,
        "You must set an application cookie name to enable stickiness of type 'app_cookie'",
    ),
    _ATTRIBUTES.together(
        _ANOMALY,
        one_of("on"),
        _ALGORITHM,
        one_of("weighted_random"),
        "Anomaly mitigation can be enabled only with the load balancing algorithm 'weighted_random'",
        default="round_robin",
    ),
    _ATTRIBUTES.together(
        _STICKY,
        one_of("true"),
        _ALGORITHM,
        replace(no(one_of("weighted_random")), taken=("round_robin",)),
        "You cannot have both stickiness and weighted random algorithm enabled on the same target group.",
    ),
    _ATTRIBUTES.together(
        _SLOW_START,
        between(30, 900),
        _ALGORITHM,
        one_of("round_robin"),
        "Slow start can be enabled only with the load balancing algorithm 'round_robin', not with '{value}'",
        default="round_robin",
    ),
    _ATTRIBUTES.together(
        _DRAINING,
        between(1, 360000),
        _TERMINATION,
        one_of("false"),
        f"{_DRAINING} can be set only if {_TERMINATION} is false",
        default="true",
    ),
    *(
        _ATTRIBUTES.together(one, one_of("rebalance"), other, one_of("rebalance"), _HEALTHY, default="no_rebalance")
        for one, other in ((_ON_DEREGISTRATION, _ON_UNHEALTHY), (_ON_UNHEALTHY, _ON_DEREGISTRATION))
    ),
)
