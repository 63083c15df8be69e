"""Load balancers that really answer: their interfaces, and their listeners on loopback addresses.

Sources: https://docs.aws.amazon.com/elasticloadbalancing/latest/application/application-load-balancers.html and
https://docs.aws.amazon.com/elasticloadbalancing/latest/network/network-load-balancers.html.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from preflight.aws import describe_network, reachability
from preflight.aws.reachability import Blocker, Interface, Network
from preflight.rehearsal.account import Account
from preflight.rehearsal.containers.running_task import RunningTasks
from preflight.rehearsal.ledger import Ledger
from preflight.rehearsal.load_balancing import listener_rules, targets
from preflight.rehearsal.load_balancing.http_listener import HttpListener
from preflight.rehearsal.load_balancing.targets import Target
from preflight.rehearsal.network.interfaces import CreatedInterface, Interfaces
from preflight.rehearsal.network.relay import Relay

Door = HttpListener | Relay
Place = tuple[str, int, str, str]  # address, port, ARN and protocol of a listener: with any of them it is another one
SPOKEN = ("HTTP", "HTTPS")


@dataclass
class _Balancer:
    """One load balancer: its interfaces with their public addresses, and its open listeners.

    Those of an internal one are open at ports of 127.0.0.1, to which only tasks are led.
    """

    name: str
    shape: tuple[Any, ...]
    region: str
    vpc: str
    faces: list[CreatedInterface] = field(default_factory=list)
    doors: dict[Place, Door] = field(default_factory=dict)


class LoadBalancers:
    """Every load balancer of the account, kept as Elastic Load Balancing describes them."""

    def __init__(
        self,
        account: Account,
        faces: Interfaces,
        runs: RunningTasks,
        book: Ledger,
        *,
        targets: Callable[[str], list[Target]],
    ) -> None:
        self._account = account
        self._interfaces = faces
        self._runs = runs
        self._book = book
        self._lock = threading.RLock()
        self._known: dict[str, _Balancer] = {}
        self._targets = targets

    def interfaces(self, arn: str) -> tuple[Interface, ...]:
        """The interfaces of a load balancer."""
        with self._lock:
            known = self._known.get(arn)
            return tuple(made.interface for made in known.faces) if known else ()

    def refresh(self, region: str) -> None:
        """Make interfaces and listeners as they are described now, and remove those that are gone."""
        elb = self._account.client("elbv2", region)
        with self._lock:  # also while it is described: what was gone meanwhile would come back
            if self._account.closing.is_set():
                return
            described = {b["LoadBalancerArn"]: b for b in _every(elb, "describe_load_balancers", "LoadBalancers")}
            for arn in [a for a, known in self._known.items() if known.region == region]:
                if arn not in described or self._known[arn].shape != _shape(described[arn]):
                    self._remove(arn)
            for arn, balancer in described.items():
                if arn not in self._known:
                    self._add(region, balancer)
                with contextlib.suppress(ClientError):  # it was deleted meanwhile: who did that comes here next
                    self._open(region, balancer, elb)

    def close(self) -> None:
        """Close every listener."""
        with self._lock:
            for known in self._known.values():
                for door in known.doors.values():
                    door.close()
                known.doors.clear()

    def _add(self, region: str, balancer: Mapping[str, Any]) -> None:
        arn = balancer["LoadBalancerArn"]
        known = self._known[arn] = _Balancer(balancer["DNSName"].lower(), _shape(balancer), region, balancer["VpcId"])
        is_public = balancer.get("Scheme") == "internet-facing"
        groups = balancer.get("SecurityGroups") or []
        if not groups and balancer.get("Type") == "application":
            groups = self._interfaces.default_groups(region, balancer["VpcId"])
        for zone in balancer.get("AvailabilityZones") or []:
            made = self._interfaces.place(
                region,
                [zone["SubnetId"]],
                groups,
                description=f"ELB {arn.partition(':loadbalancer/')[2]}",
                wants_public=is_public,
            )
            known.faces.append(made)

    def _remove(self, arn: str) -> None:
        known = self._known.pop(arn)
        for door in known.doors.values():
            door.close()
        for made in known.faces:
            self._interfaces.delete(known.region, made.id)

    def _open(self, region: str, balancer: Mapping[str, Any], elb: Any) -> None:
        arn = balancer["LoadBalancerArn"]
        known = self._known[arn]
        listeners = {_heard(one) for one in _every(elb, "describe_listeners", "Listeners", LoadBalancerArn=arn)}
        network = (
            describe_network.describe_network(self._account.client("ec2", region), known.vpc) if known.faces else Network()
        )
        wanted = {
            (made.public or made.interface.address, *heard)
            for made in known.faces
            for heard in listeners
            if made.public is None or _from_internet(network, made.interface, heard[0]) is None
        }
        for place in set(known.doors) - wanted:
            known.doors.pop(place).close()
        for place in wanted - set(known.doors):
            self._listen(known, place)

    def _listen(self, known: _Balancer, place: Place) -> None:
        address, port, arn, spoken = place
        listener = _Listener(self, known.region, known.vpc, arn)
        here = (address, port) if any(made.public == address for made in known.faces) else ("127.0.0.1", 0)
        try:
            if spoken in SPOKEN:
                known.doors[place] = http = HttpListener(here, listener, is_encrypted=spoken == "HTTPS", port=port)
                http.start()
            elif spoken in {"TCP", "TCP_UDP"}:
                known.doors[place] = relay = Relay(here, listener.pick)
                relay.start()
            else:
                self._book.note(f"the {spoken} listener on port {port} of {_named(arn)} is not opened in a rehearsal")
        except OSError as error:
            self._book.unopened(address, port, error)

    def places(self) -> set[tuple[str, int]]:
        """Returns every public address and port at which a listener is open."""
        with self._lock:
            return {
                place[:2]
                for known in self._known.values()
                for place in known.doors
                if any(made.public == place[0] for made in known.faces)
            }

    def named(self, name: str, inside: str) -> list[str] | None:
        """The addresses of the load balancer of a DNS name, as tasks of a VPC look it up; None where there is none."""
        with self._lock:
            found = next((k for k in self._known.values() if k.name == name), None)
            if found is None or (found.vpc != inside and not any(made.public for made in found.faces)):
                return None
            return [made.public or made.interface.address for made in found.faces]

    def inside(self, inside: str) -> list[tuple[CreatedInterface, int]]:
        """The interfaces of internal load balancers in a VPC, each with a port of a listener."""
        with self._lock:
            return [
                (made, place[1])
                for known in self._known.values()
                for place in known.doors
                for made in known.faces
                if made.public is None and (made.interface.address, made.interface.vpc) == (place[0], inside)
            ]

    def at(self, address: str, port: int, inside: str) -> tuple[CreatedInterface, tuple[str, int]] | None:
        """The interface at an address, public or of a VPC, and where its listener on a port is open here."""
        with self._lock:
            for known in self._known.values():
                made = next((m for m in known.faces if _is_at(m, address, inside)), None)
                door = next((door for place, door in known.doors.items() if place[:2] == (address, port)), None)
                if made is not None and door is not None:
                    return made, door.address
        return None

    def rules(self, region: str, listener: str) -> list[dict[str, Any]]:
        """The rules of a listener; none where it was deleted."""
        elb = self._account.client("elbv2", region)
        try:
            return _every(elb, "describe_rules", "Rules", ListenerArn=listener)
        except ClientError:
            return []

    def backends(self, group: str, inside: str) -> list[tuple[int, tuple[str, int]]]:
        """Process ids of the namespaces and addresses of a group's targets: the healthy ones, else all."""
        known = self._targets(group)
        chosen = [t for t in known if t.state == targets.HEALTHY] or known
        found = []
        for target in chosen:
            run = self._runs.at(target.address, inside)
            if run is not None and run.pid:
                found.append((run.pid, (target.address, target.port)))
        return found


class _Listener:
    """What a door asks of its listener."""

    def __init__(self, balancers: LoadBalancers, region: str, inside: str, arn: str) -> None:
        self._balancers = balancers
        self._region = region
        self._vpc = inside
        self._arn = arn
        self._turn = 0

    def rules(self) -> list[dict[str, Any]]:
        """Its rules, as they are now."""
        return self._balancers.rules(self._region, self._arn)

    def backend(self, group: str) -> tuple[int, tuple[str, int]] | None:
        """The target whose turn it is; None where there is none."""
        found = self._balancers.backends(group, self._vpc)
        self._turn += 1
        return found[self._turn % len(found)] if found else None

    def pick(self, _caller: socket.socket) -> tuple[int, tuple[str, int]] | None:
        """The target of a listener that has one target group and no rules."""
        actions = [action for rule in self.rules() for action in rule.get("Actions") or []]
        arns = listener_rules.target_groups(actions[0]) if actions else []
        return self.backend(arns[0]) if arns else None


def _every(elb: Any, operation: str, key: str, **given: str) -> list[dict[str, Any]]:
    """What an operation describes, of all its pages."""
    return [one for page in elb.get_paginator(operation).paginate(**given) for one in page[key]]


def _heard(listener: Mapping[str, Any]) -> tuple[int, str, str]:
    """Port, ARN and protocol of a listener."""
    return int(listener["Port"]), str(listener["ListenerArn"]), str(listener.get("Protocol"))


def _named(arn: str) -> str:
    """How a load balancer or a listener of it is called in its ARN."""
    return "/".join(arn.rpartition(":")[2].split("/")[1:3])


def _is_at(made: CreatedInterface, address: str, inside: str) -> bool:
    if made.public is not None:
        return made.public == address
    return (made.interface.address, made.interface.vpc) == (address, inside)


def _shape(balancer: Mapping[str, Any]) -> tuple[Any, ...]:
    zones = tuple(sorted(zone["SubnetId"] for zone in balancer.get("AvailabilityZones") or []))
    return zones, tuple(balancer.get("SecurityGroups") or []), balancer.get("Scheme")


def _from_internet(
    network: Network, face: Interface, port: int
) -> Blocker | None:
    """As for a task; a load balancer without security groups admits everybody."""
    return reachability.from_internet(network, face, port, has_groups=bool(face.groups))
