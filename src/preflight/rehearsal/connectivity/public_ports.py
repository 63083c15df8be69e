"""Opens the ports of running tasks to the internet of the rehearsal: loopback addresses.

A port is open if nothing blocks the way from the caller to the task: public address, route to an attached internet
gateway, network ACL and security groups (`reachability.from_internet`).
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from preflight.aws import describe_network, reachability
from preflight.aws.network import ANY_INTERNET_CALLER, Interface, Network
from preflight.rehearsal.account import Account
from preflight.rehearsal.containers.running_task import RunningTask, RunningTasks
from preflight.rehearsal.ecs.state import State, Task
from preflight.rehearsal.ledger import Ledger
from preflight.rehearsal.network.relay import Destination, Relay

MAX_RANGE = 16  # ports; longer ranges of a security group are not opened
Networks = dict[str, Network]  # by VPC


@dataclass(frozen=True)
class SmokeTarget:
    """A port of a service's tasks that a smoke test requests, and the address that it requests it from (None: any)."""

    service: str
    port: int
    caller: str | None = None


def smoke_target(text: str) -> SmokeTarget:
    """Returns the target that `service:port:caller` names; the caller may be left out."""
    service, port, caller = (*text.split(":"), "", "")[:3]
    return SmokeTarget(service, int(port or 80), caller or None)


class PublicPorts:
    """The open ports of every task."""

    def __init__(
        self,
        state: State,
        account: Account,
        running_tasks: RunningTasks,
        ledger: Ledger,
        smoke_targets: tuple[SmokeTarget, ...],
    ) -> None:
        self._state = state
        self._account = account
        self._running_tasks = running_tasks
        self._ledger = ledger
        self._smoke_targets = smoke_targets
        self._lock = threading.Lock()
        self._relays: dict[str, dict[int, Relay]] = {}

    def refresh(self, region: str, vpc: str | None) -> None:
        """Open and close ports of the tasks in a VPC (None: in the region), after routes or security groups changed."""
        networks: Networks = {}
        for task_id, running in self._running_tasks.items():
            task = self._state.tasks[task_id]
            if vpc is not None and running.interface is not None and running.interface.vpc != vpc:
                continue
            if task.region == region and task.ran_since is not None:
                self._update(task, running, networks)

    def open(self, task: Task, running: RunningTask) -> None:
        """Open the ports of a task that begins to run."""
        self._update(task, running, {})

    def close(self, task: Task) -> None:
        """Close every port of a task."""
        with self._lock:
            for relay in self._relays.pop(task.id, {}).values():
                relay.close()

    def close_all(self) -> None:
        """Close every port."""
        for task in list(self._state.tasks.values()):
            self.close(task)

    def places(self) -> set[tuple[str, int]]:
        """Returns every address and port that is open; without namespaces, those that the engine publishes."""
        with self._lock:
            places = {relay.address for relays in self._relays.values() for relay in relays.values()}
        for task_id, running in self._running_tasks.items():
            if running.holder is not None and not running.pid:
                ports = self.admitted(self._state.tasks[task_id], running)
                places |= {(running.public or "127.0.0.1", port) for port in ports}
        return places

    def is_requested(self, task: Task, port: int) -> bool:
        """Whether a smoke test requests a port of a task's service."""
        return port in self._callers(task)

    def _update(self, task: Task, running: RunningTask, networks: Networks) -> None:
        if not running.pid or running.interface is None or running.public is None:
            return
        ports = set(self.admitted(task, running, networks))
        with self._lock:
            if task.is_stopping:
                return
            relays = self._relays.setdefault(task.id, {})
            for port in set(relays) - ports:
                relays.pop(port).close()
            for port in ports - set(relays):
                receiver = Destination(running.pid, (running.interface.address, port), running.in_flight)
                relay = self._relay(receiver, running.public)
                if relay is not None:
                    relays[port] = relay

    def _relay(self, receiver: Destination, public_address: str) -> Relay | None:
        """Opens a task's port at its public address; returns None if it is taken."""
        try:
            relay = Relay((public_address, receiver.address[1]), lambda _: receiver)
        except OSError as error:
            self._ledger.unopened(public_address, receiver.address[1], error)
            return None
        relay.start()
        return relay

    def admitted(self, task: Task, running: RunningTask, networks: Networks | None = None) -> list[int]:
        """Returns the TCP ports of a task that the internet reaches."""
        interface = running.interface
        if interface is None or not interface.has_public_address:
            return []
        networks = {} if networks is None else networks
        if interface.vpc not in networks:
            ec2 = self._account.client("ec2", task.region)
            networks[interface.vpc] = describe_network.describe_network(ec2, interface.vpc)
        network, callers = networks[interface.vpc], self._callers(task)
        ports = {*_declared(running), *_opened_by_groups(network, interface), *callers}
        return sorted(port for port in ports if _is_admitted(network, interface, port, callers.get(port)))

    def _callers(self, task: Task) -> Mapping[int, set[str]]:
        """Returns the addresses that smoke tests request each port of a task from."""
        callers: dict[int, set[str]] = {}
        names = self._names(task)
        for target in self._smoke_targets:
            if not names or target.service in names:
                callers.setdefault(target.port, set()).add(target.caller or ANY_INTERNET_CALLER)
        return callers

    def _names(self, task: Task) -> set[str]:
        """Returns the names of a task's service in a plan: its own, and its logical ID in the template."""
        if task.service is None:
            return set()
        tags = {tag["key"]: tag["value"] for tag in self._state.tags.get(task.service.arn, [])}
        return {task.service.name, tags.get("aws:cloudformation:logical-id", task.service.name)}


def _is_admitted(network: Network, interface: Interface, port: int, callers: set[str] | None) -> bool:
    callers = callers or {ANY_INTERNET_CALLER}
    return all(reachability.from_internet(network, interface, port, caller=caller) is None for caller in callers)


def _declared(running: RunningTask) -> Iterator[int]:
    return (port for spec in running.spec.containers for port, protocol in spec.ports if protocol == "tcp")


def _opened_by_groups(network: Network, interface: Interface) -> Iterator[int]:
    """Returns the ports of short ranges that the security groups open."""
    rules: list[Any] = [r for group in interface.groups for r in network.group(group).get("IpPermissions", [])]
    for rule in rules:
        first, last = rule.get("FromPort", 0), rule.get("ToPort", 65535)
        if 0 < first <= last < first + MAX_RANGE:
            yield from range(first, last + 1)
