"""Port mappings of a task definition. Pure.

Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_PortMapping.html.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from preflight.rehearsal.ecs.validation import Request

Span = tuple[int, int]
MAX_PORT = 65535
MAX_RANGES = 100
SAME_ON_HOST = ("awsvpc", "host")
_NAME = re.compile(r"[a-z0-9_][a-z0-9_-]{0,63}")


def refusals(request: Request, containers: Sequence[Request]) -> Iterator[str]:
    """What is wrong with the ports of the containers, one by one and together."""
    mode = request.get("networkMode") or "bridge"
    for container in containers:
        mappings = container.get("portMappings") or []
        if mappings and mode == "none":
            yield "Port mappings are not supported when networkMode=none"
        for mapping in mappings:
            yield from _one(mapping, mode)
        if sum(1 for mapping in mappings if mapping.get("containerPortRange")) > MAX_RANGES:
            yield f"A container can have at most {MAX_RANGES} port ranges."
    yield from _shared(containers, mode)
    yield from _names(containers)


def protocol_of(mapping: Request) -> str:
    """`tcp` or `udp`; ECS takes whatever else is given as tcp."""
    return "udp" if mapping.get("protocol") == "udp" else "tcp"


def span_of(mapping: Request) -> Span | None:
    """First and last port of the range that a mapping gives, None where it gives none that can be."""
    match = re.fullmatch(r"(\d{1,5})-(\d{1,5})", str(mapping.get("containerPortRange")))
    if not match:
        return None
    first, last = int(match.group(1)), int(match.group(2))
    return (first, last) if 1 <= first < last <= MAX_PORT else None


def _one(mapping: Request, mode: str) -> Iterator[str]:
    port, host, span = mapping.get("containerPort"), mapping.get("hostPort"), mapping.get("containerPortRange")
    if span and (port is not None or host is not None):
        yield "You cannot specify both single port and port range in one port mapping."
    if span and span_of(mapping) is None:
        yield f"Invalid 'containerPortRange' setting: {span}. The first port must be less than the last, both between 1 and {MAX_PORT}."
    if span and mode not in {"awsvpc", "bridge"}:
        yield f"containerPortRange is not supported when networkMode={mode}"
    if not span and port is None:
        yield "A port mapping must specify a containerPort or a containerPortRange."
    if mode in SAME_ON_HOST and host is not None and host != port:
        yield f"When networkMode={mode}, the host ports and container ports in port mappings must match."
    if port is not None and not 1 <= port <= MAX_PORT:
        yield f"Invalid container port: {port}. A port must be between 1 and {MAX_PORT}."
    if host is not None and not 0 <= host <= MAX_PORT:
        yield f"Invalid host port: {host}. A port must be between 0 and {MAX_PORT}."


def _shared(containers: Sequence[Request], mode: str) -> Iterator[str]:
    """One port of the host for two mappings; with awsvpc all containers of a task share one interface."""
    spans: dict[str, list[Span]] = {"tcp": [], "udp": []}
    for mapping in (m for container in containers for m in container.get("portMappings") or []):
        span = _on_host(mapping, mode)
        if span is None:
            continue
        protocol = protocol_of(mapping)
        for other in spans[protocol]:
            if span[0] <= other[1] and other[0] <= span[1]:
                yield _said(protocol, span, other)
        spans[protocol].append(span)


def _said(protocol: str, span: Span, other: Span) -> str:
    if span[0] == span[1] and other[0] == other[1]:
        return f"{protocol.upper()} host port '{span[0]}' is mapped multiple times in task."
    return f"{protocol.upper()} container port is used multiple times in task: {span[0]}-{span[1]} and {other[0]}-{other[1]}."


def _on_host(mapping: Request, mode: str) -> Span | None:
    if mapping.get("containerPortRange"):
        return span_of(mapping) if mode in SAME_ON_HOST else None
    port = mapping.get("containerPort") if mode in SAME_ON_HOST else mapping.get("hostPort")
    return (port, port) if port else None


def _names(containers: Sequence[Request]) -> Iterator[str]:
    names = set()
    for mapping in (m for container in containers for m in container.get("portMappings") or []):
        name = mapping.get("name")
        if name is None:
            continue
        if not _NAME.fullmatch(name):
            yield (
                f"Invalid port mapping name '{name}': up to 64 lowercase letters, numbers, underscores and hyphens, "
                "and no hyphen first."
            )
        if name in names:
            yield f"The port mapping name is already used: {name}"
        names.add(name)
