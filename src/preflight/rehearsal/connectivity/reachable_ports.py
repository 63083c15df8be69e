"""Which addresses and ports of its VPC a task reaches, kept in its namespace as tasks and rules come and go.

What nobody listens on, or security groups and network ACLs forbid, refuses a connection there at once.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from botocore.exceptions import ClientError

from preflight.aws import describe_network, reachability
from preflight.aws.reachability import Blocker, Interface, Network
from preflight.rehearsal.account import Account
from preflight.rehearsal.containers.running_task import RunningTasks
from preflight.rehearsal.ledger import Ledger
from preflight.rehearsal.load_balancing.load_balancers import LoadBalancers
from preflight.rehearsal.network import metadata_endpoint, namespace
from preflight.system.worker import Worker

QUICK, SLOW = 0.2, 2.0  # seconds between looks, while things change and when they have not for a while
WHILE = 15.0  # seconds
PORT = 51680  # where what is reached is led to, at the endpoint's address
OURS = {PORT, metadata_endpoint.PORT, metadata_endpoint.AWS_PORT}
CHAIN = "WAYS"
Pair = tuple[str, int]
Heard = frozenset[tuple[Interface, frozenset[int]]]  # each task with its open ports
Networks = dict[tuple[str, str], Network]


@dataclass
class _RoutedTask:
    """A task whose connections are led: a process in its namespace, and what it reaches now."""

    pid: int
    region: str
    interface: Interface
    pairs: frozenset[Pair] = frozenset()


class ReachablePorts:
    """What every task of the account reaches."""

    def __init__(
        self, account: Account, runs: RunningTasks, doors: LoadBalancers, ledger: Ledger
    ) -> None:
        self._account = account
        self._runs = runs
        self._balancers = doors
        self._ledger = ledger
        self._lock = threading.Lock()
        self._led: list[_RoutedTask] = []
        self._moved = threading.Event()
        self._seen: Heard = frozenset()
        self._seen_since = time.monotonic()
        self._worker = Worker(self._look, name="reachable ports", wake=self._moved.set)

    def start(self) -> None:
        """Start the thread."""
        self._worker.start()

    def lead(self, pid: int, region: str, interface: Interface) -> Callable[[], None]:
        """Lead what the task reaches to `PORT`; call what is returned to end that. The chain is there already."""
        led = _RoutedTask(pid, region, interface)
        with self._lock:
            self._led.append(led)
            self._adapt(led, self._heard(), {})
        self._moved.set()
        return lambda: self._forget(led)

    def refresh(self) -> None:
        """Look again soon: rules of networks or load balancers have changed."""
        self._moved.set()

    def close(self) -> None:
        """Stop polling."""
        self._worker.stop()

    def missing(self, region: str, interface: Interface, address: str) -> Blocker | None:
        """What keeps a task from every open port of a task at an address; None where it reaches one, or none is open."""
        networks: Networks = {}
        links = [
            reachability.between(self._network(region, interface, networks), interface, other, port)
            for other, ports in _others(self._heard(), interface)
            if other.address == address
            for port in sorted(ports)
        ]
        return links[0] if all(links) and links else None

    def _forget(self, led: _RoutedTask) -> None:
        with self._lock:
            self._led.remove(led)

    def _look(self) -> None:
        is_calm = time.monotonic() - self._seen_since > WHILE
        has_moved = self._moved.wait(SLOW if is_calm else QUICK)
        self._moved.clear()
        heard = self._heard()
        if has_moved or heard != self._seen:
            self._seen, self._seen_since = heard, time.monotonic()
            self._adapt_all(heard)

    def _adapt_all(self, heard: Heard) -> None:
        networks: Networks = {}
        with self._lock:
            for led in self._led:
                self._adapt(led, heard, networks)

    def _adapt(self, led: _RoutedTask, heard: Heard, networks: Networks) -> None:
        try:
            pairs = frozenset(self._reached(led, heard, networks))
        except ClientError:
            return  # its network is being taken away
        except Exception as error:  # noqa: BLE001 - a fault of ours must not look like a port that is shut
            self._ledger.trouble(f"the rehearsal broke while it looked what a task reaches: {error!r}")
            return
        rules = [f":{CHAIN} - [0:0]", *(_rule(*pair) for pair in sorted(pairs))]
        if pairs != led.pairs and namespace.apply_iptables(led.pid, {"nat": rules}):
            led.pairs = pairs

    def _reached(self, led: _RoutedTask, heard: Heard, networks: Networks) -> Iterator[Pair]:
        network = self._network(led.region, led.interface, networks)
        for other, ports in _others(heard, led.interface):
            yield from _admitted(network, led.interface, other, ports)
        for made, port in self._balancers.inside(led.interface.vpc):
            yield from _admitted(network, led.interface, made.interface, [port])

    def _heard(self) -> Heard:
        up = [(run.interface, run.pid) for run in self._runs.values()]
        return frozenset((interface, frozenset(namespace.listening(pid) - OURS)) for interface, pid in up if interface and pid)

    def _network(self, region: str, interface: Interface, known: Networks) -> Network:
        key = region, interface.vpc
        if key not in known:
            known[key] = describe_network.describe_network(self._account.client("ec2", region), interface.vpc)
        return known[key]


def _others(heard: Heard, interface: Interface) -> Iterator[tuple[Interface, frozenset[int]]]:
    """The other tasks of a VPC, and their open ports."""
    return ((other, ports) for other, ports in heard if other.vpc == interface.vpc and other.address != interface.address)


def _admitted(
    network: Network, source: Interface, target: Interface, ports: Iterable[int]
) -> Iterator[Pair]:
    return ((target.address, p) for p in ports if reachability.between(network, source, target, p) is None)


def _rule(address: str, port: int) -> str:
    there = f"{metadata_endpoint.ADDRESS}:{PORT}"
    return f"--append {CHAIN} --destination {address} --protocol tcp --dport {port} --jump DNAT --to-destination {there}"
