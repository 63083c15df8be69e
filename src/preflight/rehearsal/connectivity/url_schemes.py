"""What a client speaks to an open port: http, https, or tcp if nothing in the deployment says that it is HTTP. Pure.

Sources: https://docs.aws.amazon.com/elasticloadbalancing/latest/network/target-group-health-checks.html and
https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_PortMapping.html (appProtocol, name).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from preflight.model import JsonObject

HTTP, HTTPS, TCP = "http", "https", "tcp"
WELL_KNOWN: Mapping[int, str] = {80: HTTP, 443: HTTPS, 8080: HTTP}
_NAME = re.compile(r"(?<![a-z])(?:https?|web)(?![a-z])")


def of_listener(protocol: str, port: int, groups: Iterable[JsonObject]) -> str:
    """Returns the scheme of a load balancer's listener that forwards to these target groups."""
    return protocol.lower() if protocol in {"HTTP", "HTTPS"} else _of_groups(groups) or WELL_KNOWN.get(port, TCP)


def of_container_port(port: int, mapping: JsonObject, groups: Iterable[JsonObject], *, is_requested: bool) -> str:
    """Returns the scheme of a container's port, whose tasks are targets of these groups; `is_requested` by a smoke test."""
    named = _NAME.search(str(mapping.get("name", "")).lower())
    if mapping.get("appProtocol") in {"http", "http2"} or named or is_requested:
        return _of_groups(groups) or WELL_KNOWN.get(port, HTTP)
    return TCP if mapping.get("appProtocol") else _of_groups(groups) or WELL_KNOWN.get(port, TCP)


def _of_groups(groups: Iterable[JsonObject]) -> str | None:
    """Returns what load balancers speak to the targets of groups: their protocol, else that of health checks at the same port."""
    for group in groups:
        checked = group.get("HealthCheckProtocol") if group.get("HealthCheckPort", "traffic-port") in {"traffic-port", str(group.get("Port"))} else None
        for protocol in (group.get("Protocol"), checked):
            if protocol in {"HTTP", "HTTPS"}:
                return str(protocol).lower()
    return None
