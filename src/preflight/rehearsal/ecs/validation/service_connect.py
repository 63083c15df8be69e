"""Service Connect, and other uses of named ports. Pure.

Sources: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ServiceConnectService.html,
https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ServiceConnectClientAlias.html and
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-connect-concepts-deploy.html.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from preflight.rehearsal.ecs.validation import Request, log_configuration

_DISCOVERY = re.compile(r"[a-z0-9_][a-z0-9_-]{0,63}")
_DNS = re.compile(r"[a-z0-9_][a-z0-9_.-]{0,126}")


def named_ports(definition: Request) -> dict[str, Request]:
    """The port mappings of a task definition that have a name, by it."""
    mappings = (m for c in definition["containerDefinitions"] for m in c.get("portMappings") or [])
    return {mapping["name"]: mapping for mapping in mappings if mapping.get("name")}


def refusals(request: Request, definition: Request, cluster: Request, *, is_on_fargate: bool) -> Iterator[str]:
    """What is wrong with the Service Connect configuration of a service, and with its other named ports."""
    connect, ports = request.get("serviceConnectConfiguration") or {}, named_ports(definition)
    if connect.get("enabled"):
        yield from _connect(connect, ports, cluster, is_on_fargate=is_on_fargate)
    for key in ("vpcLatticeConfigurations", "gatewayConnectors"):
        for use in request.get(key) or []:
            yield from _known(str(use.get("portName")), ports)


def _known(name: str, ports: Mapping[str, Request]) -> Iterator[str]:
    if name not in ports:
        yield f"portName({name}) does not refer to any named PortMapping in the container definitions"


def _connect(connect: Request, ports: Mapping[str, Request], cluster: Request, *, is_on_fargate: bool) -> Iterator[str]:
    if not connect.get("namespace") and not (cluster.get("serviceConnectDefaults") or {}).get("namespace"):
        yield "Namespace is missing"
    services = connect.get("services") or []
    for service in services:
        yield from _known(str(service.get("portName")), ports)
        yield from _service(service, ports.get(str(service.get("portName"))) or {})
    yield from _unique(services)
    yield from log_configuration.refusals(connect.get("logConfiguration") or {}, is_on_fargate=is_on_fargate)
    settings = [key for item in connect.get("containerConfigurations") or [] for key in item]
    if len(set(settings)) < len(settings) or len(settings) < len(connect.get("containerConfigurations") or []):
        yield "Each object of containerConfigurations sets exactly one setting, and each setting can appear only once."


def _service(service: Request, mapping: Request) -> Iterator[str]:
    aliases = service.get("clientAliases") or []
    name = service.get("discoveryName")
    if len(aliases) > 1:
        yield f"{len(aliases)} clientAliases exceeds the max limit of 1"
    if name is not None and not _DISCOVERY.fullmatch(name):
        yield f"The discoveryName '{name}' is invalid: up to 64 lowercase letters, numbers, underscores and hyphens, and no hyphen first."
    for alias in aliases:
        if alias.get("dnsName") is not None and not _DNS.fullmatch(alias["dnsName"]):
            yield "The DNS name that you provided is invalid"
        if (alias.get("port") or 0) < 1:
            yield "The port of a client alias must be between 1 and 65535."
    if (service.get("timeout") or {}).get("perRequestTimeoutSeconds") is not None and not mapping.get("appProtocol"):
        yield "perRequestTimeout can only be set if the Service Connect appProtocol isn't TCP."


def _unique(services: Sequence[Request]) -> Iterator[str]:
    names = [service.get("discoveryName") or service.get("portName") for service in services]
    if len(set(names)) < len(names):
        yield "Each discoveryName of a Service Connect configuration must be unique within the namespace."
    aliases = [
        (alias.get("dnsName") or name, alias.get("port"))
        for name, service in zip(names, services, strict=True)
        for alias in service.get("clientAliases") or []
    ]
    if len(set(aliases)) < len(aliases):
        yield "Each name and port of a client alias must be unique within the namespace."


def is_on(request: Request) -> bool:
    """Whether a service takes part in Service Connect."""
    return bool((request.get("serviceConnectConfiguration") or {}).get("enabled"))


def exposed(request: Request) -> set[str]:
    """The names of the ports that a service exposes by Service Connect."""
    return {str(s.get("portName")) for s in request["serviceConnectConfiguration"].get("services") or []} if is_on(request) else set()
