"""The App Mesh proxy of a task definition. Pure.

Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ProxyConfiguration.html.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from preflight.rehearsal.ecs.validation import Request

REQUIRED = {
    "ProxyIngressPort": "Ingress port not found",
    "ProxyEgressPort": "Egress port not found",
    "AppPorts": "App ports not found",
    "EgressIgnoredIPs": "Egress ignored IPs not found",
}


def refusals(request: Request, containers: Sequence[Request]) -> Iterator[str]:
    """What is wrong with the proxy, where there is one."""
    proxy = request.get("proxyConfiguration")
    if not proxy:
        return
    if request.get("networkMode") != "awsvpc":
        yield "APPMESH proxy configuration is only supported in networkMode=awsvpc"
    name = proxy.get("containerName")
    if name not in [container.get("name") for container in containers]:
        yield f"Proxy container [{name}] does not exist"
    properties = {pair.get("name"): pair.get("value") for pair in proxy.get("properties") or []}
    yield from (message for key, message in REQUIRED.items() if key not in properties)
    if not properties.get("IgnoredUID") and not properties.get("IgnoredGID"):
        yield "Either IgnoredUID or IgnoredGID must be specified for the proxy configuration"
