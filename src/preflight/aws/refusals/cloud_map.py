"""What AWS Cloud Map refuses of namespaces and services."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from preflight.aws.constraints import (
    Condition,
    Constraint,
    Fault,
    Object,
    Test,
    equal,
    get,
    items,
    known,
    lacks,
    matches,
    present,
    value,
)
from preflight.aws.refusals import cloud_map_instances

SERVICE = "servicediscovery"
_API = "https://docs.aws.amazon.com/cloud-map/latest/api"
_SERVICE = f"{_API}/API_CreateService.html"
_RECORD = f"{_API}/API_DnsRecord.html"
_CHECK = f"{_API}/API_HealthCheckConfig.html"
_PUBLIC = f"{_API}/API_CreatePublicDnsNamespace.html"
_NAMES = "https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/DomainNameFormat.html"
_INVALID = "InvalidInput"
_ALONE = "CNAME"  # CDK deploys A with SRV before each release, which the page of DnsRecord does not list


def _record_types(part: Object) -> list[Any]:
    """Returns the types of a service's DNS records, none if some are not known."""
    types = [known(record, "Type") if isinstance(record, Mapping) else None for record in items(part, "DnsConfig.DnsRecords")]
    return types if all(isinstance(kind, str) for kind in types) else []


def _has_cname(part: Object) -> bool:
    return "CNAME" in _record_types(part)


def _records(*types: str, **members: Any) -> Object:
    return {"DnsConfig": {"DnsRecords": [{"Type": kind, "TTL": 60} for kind in types], **members}}


def _combined(part: Object) -> Iterator[Fault]:
    types = _record_types(part)
    if (_ALONE in types and len(types) > 1) or len(set(types)) < len(types):
        yield Fault(("DnsConfig", "DnsRecords"), ", ".join(types))


def _routed(part: Object) -> Iterator[Fault]:
    is_other = get(part, "DnsConfig.RoutingPolicy") is None or known(part, "DnsConfig.RoutingPolicy") == "MULTIVALUE"
    if _has_cname(part) and is_other:
        yield Fault(("DnsConfig", "RoutingPolicy"), known(part, "DnsConfig.RoutingPolicy"))


_COMBINATION = Test(
    _combined,
    taken=tuple(_records(*types) for types in (("A",), ("AAAA",), ("A", "AAAA"), ("AAAA", "A"), ("SRV",), ("A", "SRV"), ("CNAME",))),
    refused=tuple(_records(*types) for types in (("A", "CNAME"), ("SRV", "CNAME"), ("A", "A"), ("SRV", "SRV"))),
)
_ROUTING = Test(
    _routed,
    taken=(_records("CNAME", RoutingPolicy="WEIGHTED"), _records("A")),
    refused=(_records("CNAME"), _records("CNAME", RoutingPolicy="MULTIVALUE")),
)
_LABELS = matches(
    r"[^.]{1,63}(\.[^.]{1,63})*\.?",
    taken=("internal", f"{'a' * 63}.local", "a.b.c."),
    refused=(f"{'a' * 64}.local", "a..local", ".local"),
)
_DOMAIN = matches(
    r"([a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?\.)+[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?",
    taken=("example.com", "a-b.example.com"),
    refused=("example", "-a.example.com", "a_b.example.com", "example.com."),
)
_SERVICES = (
    Constraint(
        present(1, 2, "NamespaceId", "DnsConfig.NamespaceId"),
        _INVALID,
        "A namespace ID must be specified for a service",
        _SERVICE,
    ),
    Constraint(
        present(0, 1, "HealthCheckConfig", "HealthCheckCustomConfig"),
        _INVALID,
        "Only one of HealthCheckConfig and HealthCheckCustomConfig can be specified",
        _SERVICE,
        cure="Remove HealthCheckConfig: services of ECS have HealthCheckCustomConfig.",
    ),
    Constraint(
        _COMBINATION,
        _INVALID,
        "The DNS record types {value} cannot be combined",
        _RECORD,
        cure="Take A, AAAA and SRV once each, or CNAME alone.",
    ),
    Constraint(
        _ROUTING,
        _INVALID,
        "The routing policy must be WEIGHTED for a CNAME record",
        _RECORD,
        cure="Set RoutingPolicy to WEIGHTED.",
    ),
    Constraint(
        lacks("HealthCheckConfig"),
        _INVALID,
        "HealthCheckConfig cannot be specified for a CNAME record",
        _RECORD,
        when=Condition(_has_cname, _records("CNAME")),
    ),
    Constraint(
        lacks("ResourcePath"),
        _INVALID,
        "ResourcePath cannot be specified for health checks of type TCP",
        _CHECK,
        "HealthCheckConfig",
        equal("Type", "TCP"),
    ),
)


TYPES: Mapping[str, tuple[Constraint, ...]] = {
    "AWS::ServiceDiscovery::Instance": cloud_map_instances.ROWS,
    "AWS::ServiceDiscovery::PrivateDnsNamespace": (
        Constraint(
            value("Name", _LABELS), _INVALID, "{value} is not a valid domain name: a label has 1 to 63 characters", _NAMES
        ),
    ),
    "AWS::ServiceDiscovery::PublicDnsNamespace": (
        Constraint(
            value("Name", _DOMAIN),
            _INVALID,
            "{value} is not a valid public domain name",
            _PUBLIC,
            cure="Write at least two labels of letters, digits and hyphens, such as example.com.",
        ),
    ),
    "AWS::ServiceDiscovery::Service": _SERVICES,
}
OPERATIONS: Mapping[str, str] = {
    "CreatePrivateDnsNamespace": "AWS::ServiceDiscovery::PrivateDnsNamespace",
    "CreatePublicDnsNamespace": "AWS::ServiceDiscovery::PublicDnsNamespace",
    "CreateService": "AWS::ServiceDiscovery::Service",
}
