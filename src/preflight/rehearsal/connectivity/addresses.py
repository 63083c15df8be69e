"""Where a person finds the services and load balancers of an account: an address of this machine for each, also for internal ones.

What is internal on AWS is open here on a port of 127.0.0.1 of its own, from when it is asked for until its task stops.
"""

from __future__ import annotations

import html
import json
import shlex
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from werkzeug.wrappers import Request, Response

from preflight import model
from preflight.rehearsal.connectivity import url_schemes
from preflight.rehearsal.connectivity.public_ports import PublicPorts
from preflight.rehearsal.containers.running_task import RunningTask, RunningTasks
from preflight.rehearsal.ecs.state import State, Task
from preflight.rehearsal.iam import request_filter
from preflight.rehearsal.load_balancing.load_balancers import LoadBalancers, OpenListener
from preflight.rehearsal.network.relay import Destination, Relay

LOOPBACK = "127.0.0.1"
USUAL = {url_schemes.HTTP: 80, url_schemes.HTTPS: 443}
HEADERS = {"Content-Security-Policy": "default-src 'none'", "Referrer-Policy": "no-referrer"}


@dataclass(frozen=True)
class OpenAddress:
    """An address of a service or load balancer: for a browser, and as a command of curl that asks for its page.

    What does not speak HTTP has the scheme tcp, and no command.
    """

    name: str
    url: str
    curl: str
    is_internal: bool


class Addresses:
    """The addresses of one account; asking for them opens those of what is internal."""

    def __init__(self, state: State, running_tasks: RunningTasks, public_ports: PublicPorts, balancers: LoadBalancers) -> None:
        self._state = state
        self._running_tasks = running_tasks
        self._public_ports = public_ports
        self._balancers = balancers
        self._lock = threading.Lock()
        self._relays: dict[tuple[str, int], Relay] = {}

    def answer(self, request: Request) -> Response:
        """Returns the addresses: to a browser a page with links, to everybody else JSON."""
        addresses = [*map(_of_listener, self._balancers.listening()), *self._of_tasks()]
        if "text/html" in request.headers.get("Accept", ""):
            return Response(_page(addresses), content_type="text/html; charset=utf-8", headers=HEADERS)
        return Response(json.dumps([asdict(address) for address in addresses]), content_type="application/json", headers=HEADERS)

    def _of_tasks(self) -> Iterator[OpenAddress]:
        public = self._public_ports.places()
        for task_id, running in self._running_tasks.items():
            task = self._state.tasks[task_id]
            if task.ran_since is None or task.is_stopping:
                continue
            name = task.service.name if task.service is not None else task.definition.family
            for port in dict.fromkeys(port for spec in running.spec.containers for port, protocol in spec.ports if protocol == "tcp"):
                place = running.public or LOOPBACK, port
                if place in public:
                    yield _address(name, self._scheme(task, port), place, is_internal=False)
                elif (internal := self._internal(task, running, port)) is not None:
                    yield _address(name, self._scheme(task, port), internal, is_internal=True)

    def _scheme(self, task: Task, port: int) -> str:
        containers = task.definition.api.get("containerDefinitions") or []
        mappings = [mapping for container in containers for mapping in container.get("portMappings") or [] if mapping.get("containerPort") == port]
        entries = task.service.request.get("loadBalancers") or [] if task.service is not None else []
        arns = [entry["targetGroupArn"] for entry in entries if entry.get("containerPort") == port and entry.get("targetGroupArn")]
        groups = self._balancers.target_groups(task.region, arns)
        return url_schemes.of_container_port(port, mappings[0] if mappings else {}, groups, is_requested=self._public_ports.is_requested(task, port))

    def _internal(self, task: Task, running: RunningTask, port: int) -> tuple[str, int] | None:
        """Returns the address of a port that only the task's VPC reaches on AWS; None if its network cannot be entered."""
        if not running.pid or running.interface is None:
            return None
        with self._lock:
            relay = self._relays.get((task.id, port))
            if relay is None:
                receiver = Destination(running.pid, (running.interface.address, port), running.in_flight)
                relay = self._relays[task.id, port] = Relay((LOOPBACK, 0), lambda _: receiver)
                relay.start()
                running.closers.append(relay.close)
        return relay.address


def page_url(endpoint: str, administrator: str | None) -> str:
    """Returns where a browser finds the page; its token is good for nothing else."""
    token = f"?token={request_filter.page_token(administrator)}" if administrator is not None else ""
    return f"{endpoint}{request_filter.ADDRESSES}{token}"


def _of_listener(listener: OpenListener) -> OpenAddress:
    scheme = url_schemes.of_listener(listener.protocol, listener.port, listener.groups)
    return _address(listener.balancer, scheme, listener.address, is_internal=not listener.is_public, host=_host(listener.rules))


def _host(rules: Sequence[Mapping[str, Any]]) -> str | None:
    """Returns a host that a listener's rules ask for, if no other request is forwarded."""
    if any(action.get("Type") == "forward" for rule in rules if rule.get("IsDefault") for action in rule.get("Actions") or []):
        return None
    conditions = [condition for rule in rules for condition in rule.get("Conditions") or [] if condition.get("Field") == "host-header"]
    hosts = [host for c in conditions for host in (c.get("HostHeaderConfig") or {}).get("Values") or c.get("Values") or []]
    return next((str(host) for host in hosts if not set(host) & set("*?")), None)


def _address(name: str, scheme: str, place: tuple[str, int], *, is_internal: bool, host: str | None = None) -> OpenAddress:
    if scheme not in USUAL:
        return OpenAddress(name, f"{scheme}://{place[0]}:{place[1]}", "", is_internal)
    url = f"{scheme}://{place[0]}{'' if USUAL[scheme] == place[1] else f':{place[1]}'}/"
    options = [*(["--insecure"] if scheme == "https" else []), *(["--header", f"Host: {host}"] if host is not None else [])]
    return OpenAddress(name, url, shlex.join(["curl", *options, url]), is_internal)


def _page(addresses: Sequence[OpenAddress]) -> str:
    rows = "".join(
        f"<tr><td>{_shown(a.name)}<td>{_link(a)}<td><code>{_shown(a.curl)}</code>"
        f"<td>{'internal: on AWS only its VPC reaches it' if a.is_internal else 'public'}"
        for a in addresses
    )
    body = f"<table>{rows}</table>" if rows else "<p>No container runs yet: load this page again later."
    return f'<!doctype html><html lang="en"><meta charset="utf-8"><title>preflight</title><h1>What runs</h1>{body}'


def _link(address: OpenAddress) -> str:
    url = _shown(address.url)
    return f'<a href="{url}">{url}</a>' if address.curl else url


def _shown(text: str) -> str:
    return html.escape(model.visible(text))
