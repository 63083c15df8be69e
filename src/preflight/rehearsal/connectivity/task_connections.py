"""Finds whom a connection or a DNS query of a task is meant for: a task, a load balancer, an alias of Service Connect.

Each task is alone in its network namespace. Its connections to other addresses of the VPC are redirected to a relay there,
which connects to the task or load balancer at that address if security groups and network ACLs admit it.

Sources: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-task-networking.html and
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/interconnecting-services.html.
"""

from __future__ import annotations

import contextlib
import functools
import ipaddress
import itertools
import os
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass

from botocore.exceptions import ClientError

from preflight.aws import describe_network, reachability
from preflight.aws.network import Blocker, Interface, Network
from preflight.rehearsal.connectivity import reachable_ports, service_connect
from preflight.rehearsal.connectivity.reachable_ports import ReachablePorts
from preflight.rehearsal.connectivity.service_connect import Aliases
from preflight.rehearsal.containers.runner import NamespaceContainer
from preflight.rehearsal.containers.running_task import RunningTask, RunningTasks
from preflight.rehearsal.ecs.state import Service, State, Task
from preflight.rehearsal.ledger import Ledger
from preflight.rehearsal.load_balancing.load_balancers import LoadBalancers
from preflight.rehearsal.network import dns_server, interfaces, namespace, nat_rules, private_dns_names, task_listener
from preflight.rehearsal.network.dns_server import DnsServer
from preflight.rehearsal.network.private_dns_names import PrivateDnsNames
from preflight.rehearsal.network.relay import Destination, Relay

NO_IPTABLES = (
    "tasks do not reach each other: iptables could not redirect connections. Next: install iptables and util-linux"
)
_ORIGINAL = 80  # SO_ORIGINAL_DST: the destination of a connection before it was redirected
_FIRST_VPC_ADDRESS = 3  # its number on the loopback device: the task's address and the endpoint's come before
Block = ipaddress.IPv4Network


@dataclass(frozen=True)
class Source:
    """A task that looks names up and connects."""

    task: Task
    interface: Interface
    aliases: Aliases

    @property
    def label(self) -> str:
        """How reports call it."""
        return f"a task of {self.task.service.name if self.task.service else self.task.definition.label}"


class TaskConnections:
    """The network between the tasks and load balancers of the account."""

    def __init__(
        self, state: State, running_tasks: RunningTasks, balancers: LoadBalancers, ledger: Ledger, *, has_egress: bool
    ) -> None:
        self._state = state
        self._running_tasks = running_tasks
        self._balancers = balancers
        self._ledger = ledger
        self._has_egress = has_egress
        self._reachable_ports = ReachablePorts(state.account, running_tasks, balancers, ledger)
        self._private_names = PrivateDnsNames(state.account)
        self._round_robin = itertools.count(1)
        self._reported: set[tuple[str, str]] = set()

    def start(self) -> None:
        """Start to follow what tasks reach."""
        self._reachable_ports.start()

    def open(self, task: Task, holder: NamespaceContainer, interface: Interface) -> Callable[[], None]:
        """Connect a task to its VPC, before its containers start, and return what ends that.

        Raises:
            OSError: its namespace cannot be entered.
        """
        blocks = self._blocks(task.region, interface.vpc)
        if not namespace.apply_iptables(holder.pid, _rules(blocks, interface.address)):
            self._ledger.note(NO_IPTABLES)
            return lambda: None
        _assign_addresses(holder.pid, blocks)
        source = Source(task, interface, Aliases(self._state, task))
        with contextlib.ExitStack() as stack:
            listener = namespace.listen(holder.pid, task_listener.ADDRESS, reachable_ports.PORT)
            relay = Relay(listener, functools.partial(self._destination, source))
            stack.callback(relay.close)
            relay.start()
            udp = namespace.bind_udp(holder.pid, task_listener.ADDRESS, dns_server.PORT)
            server = DnsServer(udp, functools.partial(self._look_up, source))
            stack.callback(server.close)
            server.start()
            stack.callback(self._reachable_ports.route(holder.pid, task.region, interface))
            holder.resolvers.write_text(f"nameserver {_resolver(blocks[0])}\n", encoding="ascii")
            holder.resolvers.chmod(0o644)  # containers read it as any user
            return stack.pop_all().close

    def refresh(self) -> None:
        """Let tasks reach what they now may, after rules of networks or load balancers changed."""
        self._reachable_ports.refresh()

    def close(self) -> None:
        """Stop following what tasks reach."""
        self._reachable_ports.close()

    def _blocks(self, region: str, vpc_id: str) -> list[Block]:
        vpc = self._state.account.client("ec2", region).describe_vpcs(VpcIds=[vpc_id])["Vpcs"][0]
        blocks = [association["CidrBlock"] for association in vpc.get("CidrBlockAssociationSet") or []]
        return [Block(block) for block in dict.fromkeys([vpc["CidrBlock"], *blocks])]

    # DNS queries

    def _look_up(self, source: Source, name: str, record_type: str) -> list[str] | None:
        try:
            alias = source.aliases.address(name)  # the proxy of Service Connect knows its names without DNS
            if alias is not None:
                return private_dns_names.of_type([alias], record_type)
            return self._resolve(source, name, record_type) if self._has(source, "enableDnsSupport") else None
        except ClientError:  # a zone or a service is being deleted
            return None
        except Exception as error:  # noqa: BLE001 - an internal error must not look like a name that does not exist
            self._ledger.trouble(f"internal error while looking up {name!r}: {error!r}")
            return None

    def _resolve(self, source: Source, name: str, record_type: str) -> list[str] | None:
        """Returns what the VPC's resolver answers; it knows private zones only if the VPC has DNS host names.

        https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/hosted-zone-private-considerations.html
        """
        region, vpc = source.task.region, source.interface.vpc
        public = functools.partial(self._public_addresses, source)
        if self._has(source, "enableDnsHostnames"):
            records = self._private_names.look_up(region, vpc, name, record_type, public=public)
            for address in records or () if record_type == "A" else ():
                self._report_blocked(source, address, self._reachable_ports.blocker(region, source.interface, address))
            return records
        if self._private_names.covers(region, vpc, name):
            self._ledger.note(
                f"{vpc} does not answer {name}: EnableDnsHostnames is off. Next: set EnableDnsHostnames: true"
            )
        return private_dns_names.of_type(public(name), record_type)

    def _public_addresses(self, source: Source, name: str) -> list[str] | None:
        """Returns the addresses of a name in no private zone: of a load balancer, or of the internet if the plan lets containers out."""
        addresses = self._balancers.addresses(name, source.interface.vpc)
        return _resolve_here(name) if addresses is None and self._has_egress else addresses

    def _has(self, source: Source, attribute: str) -> bool:
        ec2 = self._state.account.client("ec2", source.task.region)
        return describe_network.has_attribute(ec2, source.interface.vpc, attribute)

    # Connections

    def _destination(self, source: Source, connection: socket.socket) -> Destination | None:
        """Returns whom a connection is meant for, or None if there is nothing that the task reaches."""
        with contextlib.suppress(ClientError, OSError):  # a part of the network is being deleted
            address, port = _original_destination(connection)
            alias = source.aliases.at(address, port)
            if alias is not None:
                tasks = self._tasks_in_turn(alias.service)
                return self._first_reachable(source, tasks, alias.target, ingress=alias.ingress)
            running = self._running_tasks.at(address, source.interface.vpc)
            if running is not None:
                return self._first_reachable(source, [running], port)
            return self._load_balancer(source, address, port)
        return None

    def _tasks_in_turn(self, service: Service) -> list[RunningTask]:
        """Returns the running tasks of a service, a different one first each time."""
        number = next(self._round_robin)
        called = [t for t in self._state.tasks_of(service) if t.status == "RUNNING" and service_connect.is_called(t, number)]
        candidates = [self._running_tasks.get(task.id) for task in called]
        tasks = [running for running in candidates if running is not None]
        first = number % len(tasks) if tasks else 0
        return [*tasks[first:], *tasks[:first]]

    def _first_reachable(
        self, source: Source, tasks: list[RunningTask], port: int, *, ingress: int | None = None
    ) -> Destination | None:
        """Returns the first task that admits the source; `ingress` is the port of its proxy, if it has one."""
        for running in tasks:
            if running.pid and running.interface and self._can_reach(source, running.interface, ingress or port):
                return Destination(running.pid, (running.interface.address, port), running.in_flight)
        return None

    def _load_balancer(self, source: Source, address: str, port: int) -> Destination | None:
        """Returns the open listener of a load balancer at an address."""
        listener = self._balancers.listener_at(address, port, source.interface.vpc)
        if listener is None:
            return None
        created, local_address = listener
        if created.public is None:
            can_reach = self._can_reach(source, created.interface, port)
        else:
            blocker = reachability.to_internet(self._network(source), source.interface, port=port)
            can_reach = self._report_blocked(source, created.public, blocker)
        return Destination(os.getpid(), local_address) if can_reach else None

    def _can_reach(self, source: Source, target: Interface, port: int) -> bool:
        blocker = reachability.between(self._network(source), source.interface, target, port)
        return self._report_blocked(source, target.address, blocker)

    def _network(self, source: Source) -> Network:
        ec2 = self._state.account.client("ec2", source.task.region)
        return describe_network.describe_network(ec2, source.interface.vpc)

    def _report_blocked(self, source: Source, address: str, blocker: Blocker | None) -> bool:
        """Report what blocks a task, once for each address. Returns True if nothing does."""
        if blocker is not None and (source.label, address) not in self._reported:
            self._reported.add((source.label, address))
            self._ledger.note(f"{source.label} does not reach {address}: {blocker.message}. Next: {blocker.fix}")
        return blocker is None


def _assign_addresses(pid: int, blocks: list[Block]) -> None:
    """Make every address of the VPC, and that of its DNS server, local in a namespace."""
    addresses = [(_resolver(block), str(block.netmask)) for block in blocks]
    for number, (address, mask) in enumerate([*addresses, (dns_server.ADDRESS, "255.255.255.255")], _FIRST_VPC_ADDRESS):
        namespace.assign(pid, address, number=number, mask=mask)


def _rules(blocks: list[Block], address: str) -> nat_rules.Rules:
    return nat_rules.of_task(
        address,
        blocks,
        resolvers=[_resolver(blocks[0]), dns_server.ADDRESS],
        dns_server=f"{task_listener.ADDRESS}:{dns_server.PORT}",
        relayed=[service_connect.BLOCK, str(interfaces.PUBLIC)],
        relay=reachable_ports.RELAY,
    )


def _resolver(block: Block) -> str:
    """Returns the address of the VPC's DNS server in a block."""
    return str(block[2])


def _resolve_here(name: str) -> list[str] | None:
    """Returns what the resolver of this machine answers."""
    try:
        return socket.gethostbyname_ex(name)[2]
    except (OSError, UnicodeError):
        return None


def _original_destination(connection: socket.socket) -> tuple[str, int]:
    """Returns the address and port of a connection before it was redirected to the relay."""
    port, address = struct.unpack_from("!2xH4s", connection.getsockopt(socket.SOL_IP, _ORIGINAL, 16))
    return socket.inet_ntoa(address), int(port)
