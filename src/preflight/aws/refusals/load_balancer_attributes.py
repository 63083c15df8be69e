"""What Elastic Load Balancing refuses of the attributes of a load balancer."""

from __future__ import annotations

from preflight.aws.constraints import Constraint, equal, matches, no, one_of, setting
from preflight.aws.refusals.attributes import Attributes

_PAGE = "https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_LoadBalancerAttribute.html"
_ATTRIBUTES = Attributes("LoadBalancerAttributes", "Load balancer", _PAGE)

_LOGS = ("access_logs.s3", "connection_logs.s3", "health_check_logs.s3")
_OF_ALL = ("deletion_protection.enabled", "load_balancing.cross_zone.enabled")
_DENY = "ipv6.deny_all_igw_traffic"
_OF_BOTH = (
    "access_logs.s3.enabled",
    "access_logs.s3.bucket",
    "access_logs.s3.prefix",
    _DENY,
    "zonal_shift.config.enabled",
)
_FLAGS = (
    "routing.http.drop_invalid_header_fields.enabled", "routing.http.preserve_host_header.enabled",
    "routing.http.x_amzn_tls_version_and_cipher_suite.enabled", "routing.http.x_amzn_tls_kx.enabled",
    "routing.http.xff_client_port.enabled", "routing.http2.enabled", "waf.fail_open.enabled",
)
_DESYNC, _FORWARDED = "routing.http.desync_mitigation_mode", "routing.http.xff_header_processing.mode"
_IDLE, _KEEP_ALIVE = "idle_timeout.timeout_seconds", "client_keep_alive.seconds"
_OF_APPLICATION = (
    *(f"{logs}.{part}" for logs in _LOGS[1:] for part in ("enabled", "bucket", "prefix")),
    *(_DESYNC, _FORWARDED, _IDLE, _KEEP_ALIVE, *_FLAGS),
)
_ROUTING_POLICY, _SECONDARY = "dns_record.client_routing_policy", "secondary_ips.auto_assigned.per_subnet"
_OF_NETWORK = (_ROUTING_POLICY, _SECONDARY)
KEYS = (*_OF_ALL, *_OF_BOTH, *_OF_APPLICATION, *_OF_NETWORK)


def _unsupported(kind: str, *keys: str) -> Constraint:
    sentence = f"Load balancer attribute key '{{value}}' is not supported on load balancers with type '{kind}'"
    where = equal("Type", kind, default="application")
    return _ATTRIBUTES.unsupported(sentence, *keys, where=where, code="InvalidConfigurationRequest")


ROWS: tuple[Constraint, ...] = (
    _ATTRIBUTES.once(),
    *_ATTRIBUTES.keys(*KEYS),
    _unsupported("application", *_OF_NETWORK),
    _unsupported("network", *_OF_APPLICATION),
    _unsupported("gateway", *_OF_BOTH, *_OF_APPLICATION, *_OF_NETWORK),
    _ATTRIBUTES.unsupported(
        "Load balancer attribute key '{value}' is not supported on load balancers with IP address type 'ipv4'",
        _DENY,
        where=equal("IpAddressType", "ipv4", default="ipv4"),
        code="InvalidConfigurationRequest",
    ),
    *_ATTRIBUTES.flags(*_OF_ALL, *(f"{logs}.enabled" for logs in _LOGS), _DENY, "zonal_shift.config.enabled", *_FLAGS),
    _ATTRIBUTES.number(_IDLE, 1, 4000),
    _ATTRIBUTES.number(_KEEP_ALIVE, 60, 604800),
    _ATTRIBUTES.number(_SECONDARY, 0, 7),
    _ATTRIBUTES.choice(_DESYNC, "monitor", "defensive", "strictest"),
    _ATTRIBUTES.choice(_FORWARDED, "append", "preserve", "remove"),
    _ATTRIBUTES.choice(
        _ROUTING_POLICY, "availability_zone_affinity", "partial_availability_zone_affinity", "any_availability_zone"
    ),
    Constraint(
        setting("LoadBalancerAttributes", "load_balancing.cross_zone.enabled", no(one_of("false"))),
        "InvalidConfigurationRequest",
        "Cross-zone load balancing cannot be turned off for load balancers with type 'application'",
        _PAGE,
        where=equal("Type", "application", default="application"),
        cure="Turn it off by the target group's attribute load_balancing.cross_zone.enabled.",
    ),
    *(
        _ATTRIBUTES.required(
            f"{logs}.enabled",
            "true",
            f"{logs}.bucket",
            f"The key '{logs}.bucket' must set in order to enable {logs.partition('.')[0].replace('_', ' ')}",
        )
        for logs in _LOGS
    ),
    *(
        Constraint(
            setting(
                "LoadBalancerAttributes",
                f"{logs}.prefix",
                matches(r"(?!.*AWSLogs).*", taken=("web",), refused=("AWSLogs", "a/AWSLogs/b")),
            ),
            "InvalidConfigurationRequest",
            "The prefix '{value}' cannot include 'AWSLogs'",
            "https://docs.aws.amazon.com/elasticloadbalancing/latest/application/enable-access-logging.html",
        )
        for logs in _LOGS
    ),
)
