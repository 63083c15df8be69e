"""Opens the ports of running tasks to the internet of the rehearsal: loopback addresses.

A port answers if the chain from the caller to the task is whole: public address, route to an attached
gateway, network ACL, security groups (`reachability.from_internet`).
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from preflight.aws import describe_network, reachability
from preflight.aws.reachability import Interface, Network
from preflight.rehearsal.account import Account
from preflight.rehearsal.containers.running_task import RunningTask, RunningTasks
from preflight.rehearsal.ecs.state import State, Task
from preflight.rehearsal.ledger import Ledger
from preflight.rehearsal.network.relay import Relay

PUBLISHED_RANGE = 16


@dataclass(frozen=True)
class SmokeTarget:
    """A port that the plan asks of a service's tasks, and who asks (None: anybody)."""

    service: str
    port: int
    caller: str | None = None


def question(text: str) -> SmokeTarget:
    """The question that `service:port:caller` names; the caller may be left out."""
    service, port, caller = (*text.split(":"), "", "")[:3]
    return SmokeTarget(service, int(port or 80), caller or None)


class PublicPorts:
    """The open ports of every task."""

    def __init__(
        self,
        state: State,
        account: Account,
        runs: RunningTasks,
        ledger: Ledger,
        questions: tuple[SmokeTarget, ...],
    ) -> None:
        self._state = state
        self._account = account
        self._runs = runs
        self._ledger = ledger
        self._questions = questions
        self._lock = threading.Lock()
        self._relays: dict[str, dict[int, Relay]] = {}

    def refresh(self, region: str) -> None:
        """Open and close ports of the region's tasks, as routes and security groups now have it."""
        networks: dict[str, Network] = {}
        for task_id, run in self._runs.items():
            task = self._state.tasks[task_id]
            if task.region == region and task.ran_since is not None:
                self._set(task, run, networks)

    def open(self, task: Task, run: RunningTask) -> None:
        """Open the ports of a task that has begun to run."""
        self._set(task, run, {})

    def close(self, task: Task) -> None:
        """Close every port of a task."""
        with self._lock:
            for opened in self._relays.pop(task.id, {}).values():
                opened.close()

    def close_all(self) -> None:
        """Close every port."""
        for task in list(self._state.tasks.values()):
            self.close(task)

    def _set(self, task: Task, run: RunningTask, networks: dict[str, Network]) -> None:
        if not run.pid or run.interface is None or run.public is None:
            return
        wanted = set(self.admitted(task, run, networks))
        with self._lock:
            if task.is_stopping:
                return
            opened = self._relays.setdefault(task.id, {})
            for port in set(opened) - wanted:
                opened.pop(port).close()
            for port in wanted - set(opened):
                self._open(opened, run, port)

    def _open(self, opened: dict[int, Relay], run: RunningTask, port: int) -> None:
        if run.interface is None or run.public is None:
            return
        pid, inside = run.pid, (run.interface.address, port)
        try:
            relay = opened[port] = Relay((run.public, port), lambda _: (pid, inside))
        except OSError as error:
            self._ledger.unopened(run.public, port, error)
            return
        relay.start()

    def admitted(
        self, task: Task, run: RunningTask, networks: dict[str, Network] | None = None
    ) -> list[int]:
        """The TCP ports of a task that answer from the internet."""
        interface = run.interface
        if interface is None or not interface.has_public_address:
            return []
        known = {} if networks is None else networks
        if interface.vpc not in known:
            known[interface.vpc] = describe_network.describe_network(self._account.client("ec2", task.region), interface.vpc)
        network, callers = known[interface.vpc], self._callers(task)
        ports = {*self._declared(run), *self._opened_by(network, interface), *callers}
        return sorted(p for p in ports if self._is_admitted(network, interface, p, callers.get(p)))

    @staticmethod
    def _is_admitted(
        network: Network, interface: Interface, port: int, callers: set[str] | None
    ) -> bool:
        asking = callers or {reachability.ANY_INTERNET_CALLER}
        return all(reachability.from_internet(network, interface, port, caller=caller) is None for caller in asking)

    def _callers(self, task: Task) -> Mapping[int, set[str]]:
        """Who asks which port, as the plan says."""
        found: dict[int, set[str]] = {}
        names = self._names(task)
        for asked in self._questions:
            if not names or asked.service in names:
                found.setdefault(asked.port, set()).add(asked.caller or reachability.ANY_INTERNET_CALLER)
        return found

    def _names(self, task: Task) -> set[str]:
        """What a plan may call the service of a task: its name, or its logical id in the template."""
        if task.service is None:
            return set()
        tags = {tag["key"]: tag["value"] for tag in self._state.tags.get(task.service.arn, [])}
        return {task.service.name, tags.get("aws:cloudformation:logical-id", task.service.name)}

    @staticmethod
    def _declared(run: RunningTask) -> Iterator[int]:
        return (port for spec in run.spec.containers for port, kind in spec.ports if kind == "tcp")

    @staticmethod
    def _opened_by(network: Network, interface: Interface) -> Iterator[int]:
        """Ports of short ranges that the security groups open."""
        rules: list[Any] = [r for g in interface.groups for r in network.group(g).get("IpPermissions", [])]
        for rule in rules:
            first, last = rule.get("FromPort", 0), rule.get("ToPort", 65535)
            if 0 < first <= last < first + PUBLISHED_RANGE:
                yield from range(first, last + 1)
