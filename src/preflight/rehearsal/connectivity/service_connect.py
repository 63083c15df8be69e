"""Names of Service Connect: the aliases that a task can call, and the services that answer.

A task knows the aliases of services that were created before its deployment; it learns of newer ones by a new deployment
only.

Sources: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-connect-concepts-deploy.html and
https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ServiceConnectClientAlias.html.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass

from preflight.rehearsal.ecs.state import Service, State, Task
from preflight.rehearsal.ecs.validation import service_connect
from preflight.rehearsal.load_balancing import listener_rules

BLOCK = "127.255.0.0/16"  # the proxy's addresses
_FIRST = 0x7FFF0001


@dataclass(frozen=True)
class Alias:
    """A name and port that clients call, and the service that answers.

    Security groups have to admit `ingress`, the port of the proxy of its tasks; `target` is the container's port.
    """

    name: str
    port: int
    service: Service
    ingress: int
    target: int


class Aliases:
    """The aliases that one task of a client service knows; each name has an address of its own there.

    Names are in lower case.
    """

    def __init__(self, state: State, task: Task) -> None:
        self._state = state
        self._task = task
        self._lock = threading.Lock()
        self._names: list[str] = []

    def address(self, name: str) -> str | None:
        """Returns the proxy's address for a name, or None if no service has it."""
        if not any(alias.name == name for alias in self._aliases()):
            return None
        with self._lock:
            if name not in self._names:
                self._names.append(name)
            return _address(self._names.index(name))

    def at(self, address: str, port: int) -> Alias | None:
        """Returns the alias behind an address of the proxy."""
        with self._lock:
            names = {_address(number): name for number, name in enumerate(self._names)}
        return next((a for a in self._aliases() if (a.name, a.port) == (names.get(address), port)), None)

    def _aliases(self) -> Iterator[Alias]:
        client = self._task.service
        if client is None or not service_connect.is_on(client.request):
            return
        namespace = self._namespace(client)
        since = (self._task.deployment or client.primary).created
        for service in list(self._state.services.values()):
            is_older = service.status == "ACTIVE" and service.region == client.region and service.created <= since
            if is_older and service_connect.is_on(service.request) and self._namespace(service) == namespace:
                yield from self._aliases_of(service, namespace)

    def _aliases_of(self, service: Service, namespace: str) -> Iterator[Alias]:
        definition = self._state.definitions.get(service.primary.definition)
        ports = service_connect.named_ports(definition.api) if definition is not None else {}
        for connect_service in service.request["serviceConnectConfiguration"].get("services") or []:
            name = str(connect_service.get("portName"))
            target = int((ports.get(name) or {}).get("containerPort") or 0)
            ingress = int(connect_service.get("ingressPortOverride") or target)
            for alias in connect_service.get("clientAliases") or []:
                default = f"{connect_service.get('discoveryName') or name}.{namespace}"
                yield Alias(str(alias.get("dnsName") or default).lower(), int(alias["port"]), service, ingress, target)

    def _namespace(self, service: Service) -> str:
        """Returns the name of a service's namespace."""
        configured = service.request["serviceConnectConfiguration"].get("namespace")
        default = (service.cluster.request.get("serviceConnectDefaults") or {}).get("namespace")
        name = str(configured or default or "")
        if not name.startswith("arn:"):
            return name
        namespaces = self._state.account.client("servicediscovery", service.region).list_namespaces()["Namespaces"]
        return next((str(namespace["Name"]) for namespace in namespaces if namespace["Arn"] == name), name)


def is_called(task: Task, turn: int) -> bool:
    """Whether the proxy may send the `turn`-th connection to a task: to any, unless traffic is shifted between deployments.

    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-connect-blue-green.html.
    """
    service = task.service
    if service is None or service.production is None or not any(d.is_shifting for d in service.deployments):
        return True
    place = turn * listener_rules.GOLDEN % 1 * 100
    for deployment in service.deployments:
        place -= service.share(deployment)
        if place < 0:
            return task.deployment is deployment
    return task.deployment is service.production


def _address(number: int) -> str:
    return ".".join(str(byte) for byte in (_FIRST + number).to_bytes(4, "big"))
