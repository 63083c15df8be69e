"""Load balancers that really answer: their interfaces, and their listeners on loopback addresses.

Sources: https://docs.aws.amazon.com/elasticloadbalancing/latest/application/application-load-balancers.html and
https://docs.aws.amazon.com/elasticloadbalancing/latest/network/network-load-balancers.html.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import moto.backends
from botocore.exceptions import ClientError

from preflight.aws import describe_network, reachability
from preflight.aws.network import Interface, Network
from preflight.model import JsonObject
from preflight.rehearsal.account import Account
from preflight.rehearsal.containers.running_task import RunningTasks
from preflight.rehearsal.ledger import Ledger
from preflight.rehearsal.load_balancing import listener_rules
from preflight.rehearsal.load_balancing.http_listener import HttpListener
from preflight.rehearsal.load_balancing.idle_connections import IdleConnections
from preflight.rehearsal.load_balancing.target import DRAINING, HEALTHY, Target
from preflight.rehearsal.network.interfaces import CreatedInterface, Interfaces
from preflight.rehearsal.network.relay import Destination, Relay
from preflight.system.http import DeadlineSocket

HTTP = ("HTTP", "HTTPS")
TCP = ("TCP", "TCP_UDP")
IDLE_TIMEOUT = "idle_timeout.timeout_seconds"


@dataclass(frozen=True)
class _Listener:
    """A listener by port, ARN and protocol: if one of them changes, it opens again."""

    port: int
    arn: str
    protocol: str


@dataclass(frozen=True)
class _Place:
    """A listener on one address of its load balancer."""

    address: str
    listener: _Listener


@dataclass
class _LoadBalancer:
    """A load balancer, its interfaces, and its open listeners.

    Those of an internal one are open on ports of 127.0.0.1, which only tasks are routed to.
    """

    dns_name: str
    settings: tuple[object, ...]
    region: str
    vpc: str
    idle_timeout: float = 60.0
    interfaces: list[CreatedInterface] = field(default_factory=list)
    open: dict[_Place, HttpListener | Relay] = field(default_factory=dict)


@dataclass(frozen=True)
class OpenListener:
    """A listener that is open: the name of its load balancer, its protocol, rules and target groups, and its address on this machine."""

    balancer: str
    protocol: str
    rules: Sequence[JsonObject]
    address: tuple[str, int]
    is_public: bool
    port: int = 0
    groups: Sequence[JsonObject] = ()


class LoadBalancers:
    """The load balancers of an account, as Elastic Load Balancing describes them."""

    def __init__(
        self,
        account: Account,
        interfaces: Interfaces,
        running_tasks: RunningTasks,
        ledger: Ledger,
        *,
        targets: Callable[[str], list[Target]],
    ) -> None:
        self._account = account
        self._interfaces = interfaces
        self._running_tasks = running_tasks
        self._ledger = ledger
        self._targets = targets
        self.idle_connections = IdleConnections(ledger.note)
        self._lock = threading.RLock()
        self._by_arn: dict[str, _LoadBalancer] = {}

    def refresh(self, region: str, is_concerned: Callable[[str, str], bool]) -> None:
        """Create and delete load balancers as described, and open and close the listeners of those that a change concerns.

        `is_concerned` gets an ARN and a VPC; to look at all others too would make each request slower than the last.
        """
        elb = self._account.client("elbv2", region)
        with self._lock:  # also during the description, so that no deleted load balancer is created again
            if self._account.closing.is_set():
                return
            arns = list(moto.backends.get_backend("elbv2")[self._account.id][region].load_balancers)
            for arn in [arn for arn, balancer in self._by_arn.items() if balancer.region == region and arn not in arns]:
                self._remove(arn)
            for arn in arns:
                if arn not in self._by_arn or is_concerned(arn, self._by_arn[arn].vpc):
                    with contextlib.suppress(ClientError):  # it is being deleted, which refreshes again
                        self._refresh(region, arn, elb)

    def _refresh(self, region: str, arn: str, elb: Any) -> None:
        description = elb.describe_load_balancers(LoadBalancerArns=[arn])["LoadBalancers"][0]
        if arn in self._by_arn and self._by_arn[arn].settings != _settings(description):
            self._remove(arn)
        if arn not in self._by_arn:
            self._add(region, description)
        self._open(arn, elb)

    def close(self) -> None:
        """Close every listener."""
        with self._lock:
            for balancer in self._by_arn.values():
                for listener in balancer.open.values():
                    listener.close()
                balancer.open.clear()

    def _add(self, region: str, description: Mapping[str, Any]) -> None:
        arn, vpc = description["LoadBalancerArn"], description["VpcId"]
        balancer = _LoadBalancer(description["DNSName"].lower(), _settings(description), region, vpc)
        self._by_arn[arn] = balancer
        groups = description.get("SecurityGroups") or []
        if not groups and description.get("Type") == "application":
            groups = self._interfaces.default_groups(region, vpc)
        for zone in description.get("AvailabilityZones") or []:
            interface = self._interfaces.place(
                region,
                [zone["SubnetId"]],
                groups,
                description=f"ELB {arn.partition(':loadbalancer/')[2]}",
                wants_public=description.get("Scheme") == "internet-facing",
            )
            balancer.interfaces.append(interface)

    def _remove(self, arn: str) -> None:
        balancer = self._by_arn.pop(arn)
        for listener in balancer.open.values():
            listener.close()
        for interface in balancer.interfaces:
            self._interfaces.delete(balancer.region, interface.id)

    def _open(self, arn: str, elb: Any) -> None:
        """Open the listeners of a load balancer that clients can reach, and close the others."""
        balancer = self._by_arn[arn]
        listeners = [
            _Listener(int(listener["Port"]), str(listener["ListenerArn"]), str(listener.get("Protocol")))
            for listener in _pages(elb, "describe_listeners", "Listeners", LoadBalancerArn=arn)
        ]
        attributes = elb.describe_load_balancer_attributes(LoadBalancerArn=arn)["Attributes"]
        idle = next((a["Value"] for a in attributes if a["Key"] == IDLE_TIMEOUT), balancer.idle_timeout)
        balancer.idle_timeout = float(idle)
        network = Network()
        if balancer.interfaces:
            ec2 = self._account.client("ec2", balancer.region)
            network = describe_network.describe_network(ec2, balancer.vpc)
        places = {
            _Place(interface.public or interface.interface.address, listener)
            for interface in balancer.interfaces
            for listener in listeners
            if interface.public is None or _is_reachable(network, interface, listener.port)
        }
        for place in set(balancer.open) - places:
            balancer.open.pop(place).close()
        for place in places - set(balancer.open):
            self._listen(balancer, place)

    def _listen(self, balancer: _LoadBalancer, place: _Place) -> None:
        arn, port, protocol = place.listener.arn, place.listener.port, place.listener.protocol
        is_public = any(interface.public == place.address for interface in balancer.interfaces)
        address = (place.address, port) if is_public else ("127.0.0.1", 0)
        routing = _Routing(self, balancer, arn)
        listener: HttpListener | Relay
        try:
            if protocol in HTTP:
                listener = HttpListener(address, routing, is_encrypted=protocol == "HTTPS", port=port)
            elif protocol in TCP:
                listener = Relay(address, routing.pick)
            else:
                name = "/".join(arn.rpartition(":")[2].split("/")[1:3])
                self._ledger.note(f"the {protocol} listener on port {port} of {name} is not opened in a rehearsal")
                return
        except OSError as error:
            self._ledger.unopened(place.address, port, error)
            return
        balancer.open[place] = listener
        listener.start()

    def interfaces(self, arn: str) -> tuple[Interface, ...]:
        """Returns the interfaces of a load balancer."""
        with self._lock:
            balancer = self._by_arn.get(arn)
            return tuple(interface.interface for interface in balancer.interfaces) if balancer else ()

    def places(self) -> set[tuple[str, int]]:
        """Returns every public address and port at which a listener is open."""
        with self._lock:
            return {
                (place.address, place.listener.port)
                for balancer in self._by_arn.values()
                for place in balancer.open
                if any(interface.public == place.address for interface in balancer.interfaces)
            }

    def listening(self) -> list[OpenListener]:
        """Returns every listener that is open, at one of its addresses."""
        with self._lock:
            places = {
                place.listener.arn: (balancer, place, listener)
                for balancer in self._by_arn.values()
                for place, listener in sorted(balancer.open.items(), key=lambda item: item[0].address)
            }
        return [self._described(*opened) for opened in places.values()]

    def _described(self, balancer: _LoadBalancer, place: _Place, opened: HttpListener | Relay) -> OpenListener:
        arn, region = place.listener.arn, balancer.region
        rules = self.rules(region, arn)
        return OpenListener(
            balancer=arn.partition(":listener/")[2].split("/")[1],
            protocol=place.listener.protocol,
            rules=rules,
            address=opened.address,
            is_public=opened.address[0] == place.address,
            port=place.listener.port,
            groups=self.target_groups(region, [g for rule in rules for a in rule.get("Actions") or [] for g in listener_rules.target_groups(a)]),
        )

    def addresses(self, dns_name: str, vpc: str) -> list[str] | None:
        """Returns the addresses of the load balancer with a DNS name, as tasks of a VPC look it up."""
        with self._lock:
            balancer = next((b for b in self._by_arn.values() if b.dns_name == dns_name), None)
            if balancer is None:
                return None
            if balancer.vpc != vpc and not any(interface.public for interface in balancer.interfaces):
                return None
            return [interface.public or interface.interface.address for interface in balancer.interfaces]

    def internal_ports(self, vpc: str) -> list[tuple[CreatedInterface, int]]:
        """Returns the interfaces of internal load balancers in a VPC, each with a port of a listener."""
        with self._lock:
            return [
                (interface, place.listener.port)
                for balancer in self._by_arn.values()
                for place in balancer.open
                for interface in balancer.interfaces
                if interface.public is None and _has_address(interface, place.address, vpc)
            ]

    def listener_at(self, address: str, port: int, vpc: str) -> tuple[CreatedInterface, tuple[str, int]] | None:
        """Returns the interface with an address, public or of a VPC, and the open address of its listener."""
        with self._lock:
            for balancer in self._by_arn.values():
                for place, listener in balancer.open.items():
                    if (place.address, place.listener.port) != (address, port):
                        continue
                    for interface in balancer.interfaces:
                        if _has_address(interface, address, vpc):
                            return interface, listener.address
        return None

    def rules(self, region: str, listener: str) -> list[JsonObject]:
        """Returns the rules of a listener; none if it was deleted."""
        elb = self._account.client("elbv2", region)
        try:
            return _pages(elb, "describe_rules", "Rules", ListenerArn=listener)
        except ClientError:
            return []

    def target_groups(self, region: str, arns: Iterable[str]) -> list[JsonObject]:
        """Returns the target groups with these ARNs as they are described, without those that were deleted."""
        elb, groups = self._account.client("elbv2", region), []
        for arn in dict.fromkeys(arns):
            with contextlib.suppress(ClientError):
                groups += _pages(elb, "describe_target_groups", "TargetGroups", TargetGroupArns=[arn])
        return groups

    def receivers(self, group: str, vpc: str) -> list[tuple[Target, Destination]]:
        """Returns the targets of a group that take new requests: the healthy ones, or all if none is healthy."""
        registered = [target for target in self._targets(group) if target.state != DRAINING]
        healthy = [target for target in registered if target.state == HEALTHY]
        receivers = []
        for target in healthy or registered:
            running = self._running_tasks.at(target.address, vpc)
            if running is not None and running.pid:
                place = Destination(running.pid, (target.address, target.port), target.in_flight)
                receivers.append((target, place))
        return receivers


class _Routing:
    """The rules of a listener, and its turns between targets."""

    def __init__(self, balancers: LoadBalancers, balancer: _LoadBalancer, arn: str) -> None:
        self._balancers = balancers
        self._balancer = balancer
        self._arn = arn
        self._forwarded = 0
        self._turn = 0
        self._chosen: dict[tuple[str, int], Target] = {}

    @property
    def idle_timeout(self) -> float:
        """The idle timeout of the load balancer as it is now."""
        return self._balancer.idle_timeout

    def rules(self) -> list[JsonObject]:
        """Returns the rules as they are now."""
        return self._balancers.rules(self._balancer.region, self._arn)

    def backend(self, action: listener_rules.Action, caller: socket.socket) -> Destination | None:
        """Returns the next target of an action, which counts the caller's request; None if no target of its group runs."""
        self._forwarded += 1
        group = listener_rules.target_group(action, self._forwarded)
        return self._target(group, caller) if group is not None else None

    def _target(self, group: str, caller: socket.socket) -> Destination | None:
        while receivers := self._balancers.receivers(group, self._balancer.vpc):
            self._turn += 1
            target, place = receivers[self._turn % len(receivers)]
            target.in_flight.begin(caller)
            if target.state != DRAINING:
                self._chosen[place.address] = target
                return place
            target.in_flight.end(caller)  # it was deregistered meanwhile
        return None

    def keep(self, receiver: Destination, connection: DeadlineSocket) -> bool:
        """Take an idle connection to a target over. Returns False if it is not needed."""
        target, idle = self._chosen[receiver.address], self._balancers.idle_connections
        return target.state == HEALTHY and idle.take(target, connection, idle_timeout=self.idle_timeout)

    def pick(self, client: socket.socket) -> Destination | None:
        """Returns the next target of a listener that has no rules."""
        actions = [action for rule in self.rules() for action in rule.get("Actions") or []]
        return self.backend(actions[0], client) if actions else None


def _pages(elb: Any, operation: str, key: str, **parameters: str | list[str]) -> list[JsonObject]:
    """Returns what an operation describes, from all its pages."""
    return [item for page in elb.get_paginator(operation).paginate(**parameters) for item in page[key]]


def _has_address(interface: CreatedInterface, address: str, vpc: str) -> bool:
    if interface.public is not None:
        return interface.public == address
    return (interface.interface.address, interface.interface.vpc) == (address, vpc)


def _settings(description: Mapping[str, Any]) -> tuple[object, ...]:
    """Returns the settings whose change replaces the interfaces."""
    subnets = tuple(sorted(zone["SubnetId"] for zone in description.get("AvailabilityZones") or []))
    return subnets, tuple(description.get("SecurityGroups") or []), description.get("Scheme")


def _is_reachable(network: Network, created: CreatedInterface, port: int) -> bool:
    """Whether the internet reaches a port, as for a task; without security groups, everything is admitted."""
    interface = created.interface
    return reachability.from_internet(network, interface, port, has_groups=bool(interface.groups)) is None
