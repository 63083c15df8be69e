"""What CreateService refuses of service discovery and Service Connect."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from botocore.exceptions import ClientError

from preflight.model import JsonObject
from preflight.rehearsal.account import Account
from preflight.rehearsal.ecs import request_checks
from preflight.rehearsal.ecs.state import Definition
from preflight.rehearsal.ecs.validation import load_balancers
from preflight.rehearsal.protocol import Refusal

INVALID = "InvalidParameterException"


def check(account: Account, request: JsonObject, definition: Definition, region: str) -> None:
    """Check registries and Service Connect against Cloud Map and the task definition.

    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ServiceRegistry.html and
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-connect-concepts-deploy.html.

    Raises:
        Refusal: AWS would refuse it.
    """
    cloud_map = account.client("servicediscovery", region)
    registries = request.get("serviceRegistries") or []
    if len(registries) > 1:
        raise Refusal(INVALID, "service registries can have at most 1 items.")
    for registry in registries:
        _check_registry(cloud_map, registry, definition)
    connect = request.get("serviceConnectConfiguration") or {}
    if connect.get("enabled"):
        _check_connect(cloud_map, connect)


def ensure_namespace(account: Account, request: JsonObject, region: str) -> None:
    """Create the HTTP namespace that a cluster names as its default for Service Connect, if there is none of that name.

    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ClusterServiceConnectDefaultsRequest.html.
    """
    name = str((request.get("serviceConnectDefaults") or {}).get("namespace") or "")
    cloud_map = account.client("servicediscovery", region)
    if name and not name.startswith("arn:") and name not in _names(cloud_map):
        cloud_map.create_http_namespace(Name=name)


def _names(cloud_map: Any) -> set[str]:
    """Returns the names and ARNs of all namespaces."""
    return {value for namespace in cloud_map.list_namespaces()["Namespaces"] for value in (namespace["Arn"], namespace["Name"])}


def _check_registry(cloud_map: Any, registry: JsonObject, definition: Definition) -> None:
    arn = str(registry.get("registryArn"))
    try:
        service = cloud_map.get_service(Id=arn.rpartition("/")[2])["Service"]
    except ClientError:
        raise Refusal(INVALID, f"Service registry {arn} does not exist.") from None
    records = {record["Type"] for record in (service.get("DnsConfig") or {}).get("DnsRecords") or []}
    request_checks.refuse(_ports(registry, definition.api, records))


def _ports(registry: JsonObject, definition: JsonObject, records: set[str]) -> Iterator[str]:
    is_srv = "SRV" in records
    has_pair = registry.get("containerName") is not None or registry.get("containerPort") is not None
    if has_pair and registry.get("port") is not None:
        yield "Specify either a containerName and containerPort combination or a port value for a service registry, but not both."
    needless = [name for name in ("containerPort", "port") if registry.get(name) is not None]
    if needless and records and not is_srv and definition.get("networkMode") == "awsvpc":
        yield (
            f"The values specified for serviceRegistries do not require a value for '{needless[-1]}'. "
            f"Remove the value and retry. {registry.get('registryArn')}"
        )
    if has_pair and (is_srv or not records or definition.get("networkMode") != "awsvpc" or registry.get("containerPort") is not None):
        yield from load_balancers.container(registry, definition)
    elif is_srv and registry.get("port") is None:
        yield "When specifying a service registry of DNS type SRV, containerName and containerPort, or port, must be specified."
    if definition.get("networkMode") != "awsvpc" and not has_pair:
        yield "A service registry needs a containerName and containerPort combination with the network modes bridge and host."


def _check_connect(cloud_map: Any, connect: JsonObject) -> None:
    namespace = str(connect.get("namespace") or "")
    if namespace and namespace not in _names(cloud_map):
        raise Refusal("NamespaceNotFoundException", f"The specified namespace wasn't found: {namespace}")
