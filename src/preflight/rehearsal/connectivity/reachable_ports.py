"""Which addresses and ports of its VPC a task reaches.

A program that waits for a port of another task has to see refused connections until something listens there, as on AWS.
A relay accepts a connection before it knows that, so only ports that are open, and that security groups and network ACLs
admit, are redirected to it; all others refuse. The kernel does not report when a program begins to listen, so a thread
polls the open ports of every task and rewrites these rules when they change.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from botocore.exceptions import ClientError

from preflight.aws import describe_network, reachability
from preflight.aws.network import Blocker, Interface, Network
from preflight.rehearsal.account import Account
from preflight.rehearsal.containers.running_task import RunningTasks
from preflight.rehearsal.ledger import Ledger
from preflight.rehearsal.load_balancing.load_balancers import LoadBalancers
from preflight.rehearsal.network import namespace, nat_rules, task_listener
from preflight.system.worker import Worker

QUICK, SLOW = 0.2, 2.0  # seconds between two polls: after a change, and once nothing changed for a while
CALM_AFTER = 15.0  # seconds
PORT = 51680  # of the relay in each namespace, at the metadata endpoint's address
RELAY = f"{task_listener.ADDRESS}:{PORT}"
OWN_PORTS = {PORT, task_listener.PORT, task_listener.AWS_PORT}
AddressPort = tuple[str, int]
Networks = dict[tuple[str, str], Network]  # by region and VPC


@dataclass(frozen=True)
class _ListeningTask:
    """A task and its open ports."""

    interface: Interface
    ports: frozenset[int]


@dataclass
class _RoutedTask:
    """A task whose connections are redirected: a process in its namespace, and what it reaches now."""

    pid: int
    region: str
    interface: Interface
    reachable: frozenset[AddressPort] = frozenset()


class ReachablePorts:
    """The ports that each task of the account reaches."""

    def __init__(self, account: Account, running_tasks: RunningTasks, balancers: LoadBalancers, ledger: Ledger) -> None:
        self._account = account
        self._running_tasks = running_tasks
        self._balancers = balancers
        self._ledger = ledger
        self._lock = threading.Lock()
        self._routed_tasks: list[_RoutedTask] = []
        self._wakes = threading.Event()
        self._last_change = self._known_change = object()
        self._listening: frozenset[_ListeningTask] = frozenset()
        self._changed_at = time.monotonic()
        self._worker = Worker(self._poll, name="reachable ports", wake=self._wakes.set)

    def start(self) -> None:
        """Start polling."""
        self._worker.start()

    def route(self, pid: int, region: str, interface: Interface) -> Callable[[], None]:
        """Redirect what a task reaches to `PORT`, and return what ends that. The chain exists already."""
        task = _RoutedTask(pid, region, interface)
        with self._lock:
            self._routed_tasks.append(task)
            self._update(task, self._listening_ports(), {})
        self.refresh()
        return lambda: self._forget(task)

    def refresh(self) -> None:
        """Poll soon: rules of networks or load balancers have changed."""
        self._last_change = object()
        self._wakes.set()

    def close(self) -> None:
        """Stop polling."""
        self._worker.stop()

    def blocker(self, region: str, interface: Interface, address: str) -> Blocker | None:
        """Returns what keeps a task from every open port at an address, or None if it reaches one or none is open."""
        networks: Networks = {}
        blockers = [
            reachability.between(self._network(region, interface, networks), interface, task.interface, port)
            for task in _others(self._listening_ports(), interface)
            if task.interface.address == address
            for port in sorted(task.ports)
        ]
        return blockers[0] if all(blockers) and blockers else None

    def _forget(self, task: _RoutedTask) -> None:
        with self._lock:
            self._routed_tasks.remove(task)

    def _poll(self) -> None:
        is_calm = time.monotonic() - self._changed_at > CALM_AFTER
        self._wakes.wait(SLOW if is_calm else QUICK)
        self._wakes.clear()
        change = self._last_change  # not what `wait` returned: a change may come between its timeout and `clear`
        listening = self._listening_ports()
        if change is not self._known_change or listening != self._listening:
            self._known_change, self._listening, self._changed_at = change, listening, time.monotonic()
            self._update_all(listening)

    def _update_all(self, listening: frozenset[_ListeningTask]) -> None:
        networks: Networks = {}
        with self._lock:
            for task in self._routed_tasks:
                self._update(task, listening, networks)

    def _update(self, task: _RoutedTask, listening: frozenset[_ListeningTask], networks: Networks) -> None:
        try:
            reachable = frozenset(self._reachable(task, listening, networks))
        except ClientError:
            return  # its network is being deleted
        except Exception as error:  # noqa: BLE001 - an internal error must not look like a closed port
            self._ledger.trouble(f"internal error while looking for the ports that a task reaches: {error!r}")
            return
        if reachable != task.reachable and namespace.apply_iptables(
            task.pid, nat_rules.of_reachable_ports(reachable, relay=RELAY)
        ):
            task.reachable = reachable

    def _reachable(
        self, task: _RoutedTask, listening: frozenset[_ListeningTask], networks: Networks
    ) -> Iterator[AddressPort]:
        network = self._network(task.region, task.interface, networks)
        for other in _others(listening, task.interface):
            yield from _admitted(network, task.interface, other.interface, other.ports)
        for created, port in self._balancers.internal_ports(task.interface.vpc):
            yield from _admitted(network, task.interface, created.interface, [port])

    def _listening_ports(self) -> frozenset[_ListeningTask]:
        return frozenset(
            _ListeningTask(running.interface, frozenset(namespace.listening(running.pid) - OWN_PORTS))
            for running in self._running_tasks.values()
            if running.interface is not None and running.pid
        )

    def _network(self, region: str, interface: Interface, networks: Networks) -> Network:
        key = region, interface.vpc
        if key not in networks:
            networks[key] = describe_network.describe_network(self._account.client("ec2", region), interface.vpc)
        return networks[key]


def _others(listening: frozenset[_ListeningTask], interface: Interface) -> Iterator[_ListeningTask]:
    """Returns the other tasks in the VPC of an interface."""
    return (
        task
        for task in listening
        if task.interface.vpc == interface.vpc and task.interface.address != interface.address
    )


def _admitted(network: Network, source: Interface, target: Interface, ports: Iterable[int]) -> Iterator[AddressPort]:
    return ((target.address, p) for p in ports if reachability.between(network, source, target, p) is None)
