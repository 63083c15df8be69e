from __future__ import annotations

import threading
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from preflight.aws.network import Interface
from preflight.rehearsal.connectivity import reachable_ports as module
from preflight.rehearsal.connectivity.reachable_ports import ReachablePorts
from preflight.rehearsal.containers import task_spec
from preflight.rehearsal.containers.runner import NamespaceContainer
from preflight.rehearsal.containers.running_task import RunningTask, RunningTasks
from preflight.rehearsal.ledger import Ledger
from preflight.rehearsal.load_balancing.load_balancers import LoadBalancers
from preflight.rehearsal.network import namespace
from preflight.rehearsal.network.interfaces import Interfaces
from preflight.rehearsal.server import Server
from preflight.system import waiting

REGION = "eu-west-1"
CLIENT, SERVER = 101, 102  # processes
SPEC = task_spec.from_task_definition(
    {"family": "f", "revision": 1, "containerDefinitions": [{"name": "app", "image": "i"}]}
)


class Namespaces:
    """The open ports of each process, and the rules that were applied in its namespace."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.open_ports: dict[int, set[int]] = {}
        self.rules: dict[int, list[str]] = {}
        monkeypatch.setattr(namespace, "listening", lambda pid: set(self.open_ports.get(pid, ())))
        monkeypatch.setattr(namespace, "apply_iptables", self._apply)

    def _apply(self, pid: int, tables: Mapping[str, Sequence[str]]) -> bool:
        self.rules[pid] = list(tables["nat"])
        return True

    def destinations(self, pid: int) -> list[tuple[str, str]]:
        """Addresses and ports that a process reaches."""
        words = [rule.split() for rule in self.rules.get(pid, []) if rule.startswith("--append")]
        return [(rule[rule.index("--destination") + 1], rule[rule.index("--dport") + 1]) for rule in words]


@pytest.fixture
def namespaces(monkeypatch: pytest.MonkeyPatch) -> Namespaces:
    return Namespaces(monkeypatch)


@pytest.fixture
def vpc(account: Server) -> str:
    return str(account.account.client("ec2", REGION).describe_vpcs()["Vpcs"][0]["VpcId"])


@pytest.fixture
def running_tasks() -> RunningTasks:
    return RunningTasks()


@pytest.fixture
def add_task(account: Server, vpc: str, running_tasks: RunningTasks) -> Callable[..., Interface]:
    """Adds a task with a security group that admits a port from everywhere, and returns its interface."""
    ec2 = account.account.client("ec2", REGION)
    subnet = ec2.describe_subnets()["Subnets"][0]["SubnetId"]

    def add(pid: int, *, admits: int) -> Interface:
        group = ec2.create_security_group(GroupName=f"g{pid}", Description="d", VpcId=vpc)["GroupId"]
        permission = {"IpProtocol": "tcp", "FromPort": admits, "ToPort": admits, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
        ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[permission])
        running = RunningTask(SPEC)
        running.holder = NamespaceContainer("t", "c", pid, Path())
        running.interface = Interface(vpc, subnet, f"172.31.0.{pid}", (group,), has_public_address=False)
        running_tasks.add(str(pid), running)
        return running.interface

    return add


class LateEvent(threading.Event):
    """An event during which something happens after a wait has expired, and before its caller goes on."""

    late: list[Callable[[], object]] = []  # noqa: RUF012 - the code under test creates the event

    def wait(self, timeout: float | None = None) -> bool:
        is_set = super().wait(timeout)
        if not is_set and self.late:
            self.late.pop()()
        return is_set


@pytest.fixture
def reachable_ports(account: Server, running_tasks: RunningTasks) -> Iterator[ReachablePorts]:
    ledger = Ledger()
    balancers = LoadBalancers(account.account, Interfaces(account.account), running_tasks, ledger, targets=lambda _: [])
    ports = ReachablePorts(account.account, running_tasks, balancers, ledger)
    ports.start()
    yield ports
    ports.close()


def test_a_port_is_reached_once_it_is_open_and_only_if_the_security_group_admits_it(
    namespaces: Namespaces, add_task: Callable[..., Interface], reachable_ports: ReachablePorts
) -> None:
    add_task(SERVER, admits=80)
    reachable_ports.route(CLIENT, REGION, add_task(CLIENT, admits=1))
    assert namespaces.destinations(CLIENT) == []

    namespaces.open_ports[SERVER] = {80, 8080}
    waiting.until(lambda: namespaces.destinations(CLIENT), what="a rule", timeout=10, interval=0.05)

    assert namespaces.destinations(CLIENT) == [("172.31.0.102", "80")]


def test_a_change_that_comes_when_a_poll_expires_is_not_lost(
    account: Server,
    namespaces: Namespaces,
    add_task: Callable[..., Interface],
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    monkeypatch.setattr(module, "threading", types.SimpleNamespace(Event=LateEvent, Lock=threading.Lock))
    reachable_ports: ReachablePorts = request.getfixturevalue("reachable_ports")
    namespaces.open_ports[SERVER] = {8080}
    server = add_task(SERVER, admits=80)
    reachable_ports.route(CLIENT, REGION, add_task(CLIENT, admits=1))

    def open_the_group() -> None:
        permission = {"IpProtocol": "tcp", "FromPort": 8080, "ToPort": 8080, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
        ec2 = account.account.client("ec2", REGION)
        ec2.authorize_security_group_ingress(GroupId=server.groups[0], IpPermissions=[permission])
        reachable_ports.refresh()

    monkeypatch.setattr(LateEvent, "late", [open_the_group])
    waiting.until(lambda: namespaces.destinations(CLIENT), what="a rule", timeout=10, interval=0.05)

    assert namespaces.destinations(CLIENT) == [("172.31.0.102", "8080")]


def test_a_task_that_ended_is_not_updated(
    namespaces: Namespaces, add_task: Callable[..., Interface], reachable_ports: ReachablePorts
) -> None:
    add_task(SERVER, admits=80)
    interface = add_task(CLIENT, admits=1)
    end = reachable_ports.route(CLIENT, REGION, interface)
    reachable_ports.route(103, REGION, interface)

    end()
    namespaces.open_ports[SERVER] = {80}
    waiting.until(lambda: namespaces.destinations(103), what="a rule", timeout=10, interval=0.05)

    assert namespaces.destinations(CLIENT) == []


@pytest.mark.parametrize(
    ("open_ports", "is_blocked"),
    [
        pytest.param(set(), False, id="no port is open"),
        pytest.param({8080}, True, id="no open port is admitted"),
        pytest.param({80, 8080}, False, id="the first open port is admitted"),
        pytest.param({22, 80}, False, id="another open port is admitted"),
    ],
)
def test_a_blocker_is_what_keeps_a_task_from_every_open_port(
    namespaces: Namespaces,
    add_task: Callable[..., Interface],
    reachable_ports: ReachablePorts,
    open_ports: set[int],
    *,
    is_blocked: bool,
) -> None:
    server = add_task(SERVER, admits=80)
    client = add_task(CLIENT, admits=1)
    namespaces.open_ports[SERVER] = open_ports

    assert (reachable_ports.blocker(REGION, client, server.address) is not None) is is_blocked
