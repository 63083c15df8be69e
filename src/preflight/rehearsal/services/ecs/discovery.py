"""What CreateService refuses of service discovery and Service Connect."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError

from preflight.rehearsal import account as accounts
from preflight.rehearsal import protocol
from preflight.rehearsal.services.ecs import state as states

INVALID = "InvalidParameterException"


def check(account: accounts.Account, given: dict[str, Any], definition: states.Definition, region: str) -> None:
    """Hold registries and Service Connect against Cloud Map and the task definition.

    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ServiceRegistry.html and
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-connect-concepts-deploy.html.

    Raises:
        Refusal: AWS would refuse it.
    """
    cloud_map = account.client("servicediscovery", region)
    registries = given.get("serviceRegistries") or []
    if len(registries) > 1:
        raise protocol.Refusal(INVALID, "Each service can be associated with one service registry.")
    for registry in registries:
        _check_registry(cloud_map, registry, definition)
    connect = given.get("serviceConnectConfiguration") or {}
    if connect.get("enabled"):
        _check_connect(cloud_map, connect, definition)


def _check_registry(cloud_map: Any, registry: dict[str, Any], definition: states.Definition) -> None:
    arn = str(registry.get("registryArn"))
    try:
        found = cloud_map.get_service(Id=arn.rpartition("/")[2])["Service"]
    except ClientError:
        raise protocol.Refusal(INVALID, f"Service registry {arn} does not exist.") from None
    records = {record["Type"] for record in (found.get("DnsConfig") or {}).get("DnsRecords") or []}
    has_port = registry.get("containerPort") or registry.get("port")
    if "SRV" in records and not has_port:
        msg = "When specifying a service registry of DNS type SRV, containerName and containerPort, or port, must be specified."
        raise protocol.Refusal(INVALID, msg)
    name = registry.get("containerName")
    if name and name not in [container["name"] for container in definition.api["containerDefinitions"]]:
        raise protocol.Refusal(INVALID, f"The container {name} does not exist in the task definition.")


def _check_connect(cloud_map: Any, connect: dict[str, Any], definition: states.Definition) -> None:
    namespace = str(connect.get("namespace") or "")
    known = {value for found in cloud_map.list_namespaces()["Namespaces"] for value in (found["Arn"], found["Name"])}
    if namespace and namespace not in known:
        raise protocol.Refusal("NamespaceNotFoundException", f"The specified namespace wasn't found: {namespace}")
    mappings = [m for c in definition.api["containerDefinitions"] for m in c.get("portMappings") or []]
    names = {mapping.get("name") for mapping in mappings}
    for service in connect.get("services") or []:
        if service.get("portName") not in names:
            msg = f"portName({service.get('portName')}) does not refer to any named PortMapping in the task definition."
            raise protocol.Refusal(INVALID, msg)
