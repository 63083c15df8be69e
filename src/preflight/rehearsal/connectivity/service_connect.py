"""Names of Service Connect: what a task calls, and which tasks answer.

A task knows the endpoints of services that were made before its deployment began; newer ones it learns of by
a new deployment only.

Sources: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-connect-concepts-deploy.html and
https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ServiceConnectClientAlias.html.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from preflight.rehearsal.ecs.state import Service, State, Task
from preflight.rehearsal.ecs.validation import service_connect

BLOCK = "127.255.0.0/16"  # where the addresses of the proxy are
_FIRST = 0x7FFF0001


@dataclass(frozen=True)
class Alias:
    """A name and port that clients call, and the service that answers.

    Security groups have to admit `ingress`, where the proxy of its tasks listens; `target` is the container's port.
    """

    name: str
    port: int
    service: Service
    ingress: int
    target: int


class Aliases:
    """What one task of a client service finds; each name has an address of its own there.

    Names come in lower case.
    """

    def __init__(self, state: State, task: Task) -> None:
        self._state = state
        self._task = task
        self._lock = threading.Lock()
        self._names: list[str] = []

    def address(self, name: str) -> str | None:
        """The address by which the proxy is asked for a name; None where no service has it."""
        if not any(alias.name == name for alias in self._known()):
            return None
        with self._lock:
            if name not in self._names:
                self._names.append(name)
            return _address(self._names.index(name))

    def at(self, address: str, port: int) -> Alias | None:
        """Who is meant by an address of the proxy."""
        with self._lock:
            names = {_address(n): name for n, name in enumerate(self._names)}
        return next((a for a in self._known() if (a.name, a.port) == (names.get(address), port)), None)

    def _known(self) -> Iterator[Alias]:
        own = self._task.service
        if own is None or not service_connect.is_on(own.given):
            return
        namespace = self._namespace(own)
        since = (self._task.deployment or own.primary).created
        for service in list(self._state.services.values()):
            is_known = service.status == "ACTIVE" and service.region == own.region and service.created <= since
            if is_known and service_connect.is_on(service.given) and self._namespace(service) == namespace:
                yield from self._exposed(service, namespace)

    def _exposed(self, service: Service, namespace: str) -> Iterator[Alias]:
        definition = self._state.definitions.get(service.primary.definition)
        ports = service_connect.named_ports(definition.api) if definition is not None else {}
        for exposed in service.given["serviceConnectConfiguration"].get("services") or []:
            name = str(exposed.get("portName"))
            target = int((ports.get(name) or {}).get("containerPort") or 0)
            ingress = int(exposed.get("ingressPortOverride") or target)
            for alias in exposed.get("clientAliases") or []:
                default = f"{exposed.get('discoveryName') or name}.{namespace}"
                yield Alias(str(alias.get("dnsName") or default).lower(), int(alias["port"]), service, ingress, target)

    def _namespace(self, service: Service) -> str:
        """The name of the namespace that a service is in."""
        own = service.given["serviceConnectConfiguration"].get("namespace")
        named = str(own or (service.cluster.given.get("serviceConnectDefaults") or {}).get("namespace") or "")
        cloud_map = self._state.account.client("servicediscovery", service.region)
        known: list[Mapping[str, Any]] = cloud_map.list_namespaces()["Namespaces"] if named.startswith("arn:") else []
        return next((str(one["Name"]) for one in known if one["Arn"] == named), named)


def _address(number: int) -> str:
    return ".".join(str(byte) for byte in (_FIRST + number).to_bytes(4, "big"))
