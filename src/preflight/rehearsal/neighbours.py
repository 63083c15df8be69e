"""Lets tasks reach each other and load balancers: by address, by DNS name, by an alias of Service Connect.

Each task is alone in its network namespace. What it sends to other addresses of its VPC is led to a relay there,
which carries it on to whoever has that address, where security groups and network ACLs let it.

Sources: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-task-networking.html and
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/interconnecting-services.html.
"""

from __future__ import annotations

import contextlib
import ipaddress
import os
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass

from botocore.exceptions import ClientError

from preflight import reachability, vpc
from preflight.rehearsal import (
    aliases,
    balancers,
    endpoint,
    interfaces,
    ledger,
    namespace,
    relay,
    resolver,
    running,
    zones,
)
from preflight.rehearsal.services.ecs import state as states

PORT = 51680  # where the relay listens
_ORIGINAL = 80  # SO_ORIGINAL_DST: where a connection was going
_NUMBER = 3  # of the first address of the VPC on the loopback device: the task's and the endpoint's come before
Block = ipaddress.IPv4Network
Place = tuple[int, tuple[str, int]]  # a process in the namespace, and address and port there


@dataclass(frozen=True)
class Asker:
    """A task that looks names up and connects."""

    task: states.Task
    face: reachability.Interface
    aliases: aliases.Aliases

    @property
    def label(self) -> str:
        """How reports call it."""
        return f"a task of {self.task.service.name if self.task.service else self.task.definition.label}"


class Neighbours:
    """Every task and load balancer of the account, as tasks reach them."""

    def __init__(
        self,
        state: states.State,
        runs: running.Runs,
        doors: balancers.Balancers,
        book: ledger.Ledger,
        *,
        has_egress: bool,
    ) -> None:
        self._state = state
        self._runs = runs
        self._balancers = doors
        self._book = book
        self._has_egress = has_egress
        self._zones = zones.Zones(state.account)
        self._turn = 0

    def resolver(self, region: str, inside: str) -> str:
        """The address of the resolver of a VPC."""
        return _second(self._blocks(region, inside)[0])

    def open(self, task: states.Task, run: running.Running, face: reachability.Interface) -> Callable[[], None]:
        """Let a task reach the others; call what is returned to end that.

        Raises:
            OSError: its namespace cannot be entered.
        """
        blocks = self._blocks(task.region, face.vpc)
        if not namespace.lead(run.pid, _ways(blocks, face.address)):
            self._book.note("tasks do not reach each other here: iptables could not lead them")
            return lambda: None
        own = [(_second(block), str(block.netmask)) for block in blocks]
        for number, (address, mask) in enumerate([*own, (resolver.ADDRESS, "255.255.255.255")], _NUMBER):
            namespace.assign(run.pid, address, number=number, mask=mask)
        asker = Asker(task, face, aliases.Aliases(self._state, task))
        with contextlib.ExitStack() as opened:
            listener = namespace.listen(run.pid, endpoint.ADDRESS, PORT)
            opened.callback(relay.Relay(listener, lambda caller: self._pick(asker, caller)).close)
            asked = namespace.receive(run.pid, endpoint.ADDRESS, resolver.PORT)
            opened.callback(resolver.Resolver(asked, lambda name, kind: self._look_up(asker, name, kind)).close)
            return opened.pop_all().close

    def _blocks(self, region: str, inside: str) -> list[Block]:
        found = self._state.account.client("ec2", region).describe_vpcs(VpcIds=[inside])["Vpcs"][0]
        blocks = [a["CidrBlock"] for a in found.get("CidrBlockAssociationSet") or []]
        return [Block(block) for block in dict.fromkeys([found["CidrBlock"], *blocks])]

    def _look_up(self, asker: Asker, name: str, kind: str) -> list[str] | None:
        asked = name.removesuffix(".").lower()
        with contextlib.suppress(ClientError):  # what is asked for is being deleted
            alias = asker.aliases.address(asked)  # the proxy knows its names without the resolver
            found = [alias] if alias else self._named(asker, asked) if self._has_dns(asker) else None
            if found is not None:
                return found if kind == "A" else []
            if self._has_dns(asker):
                known = self._zones.look_up(asker.task.region, asker.face.vpc, asked, kind)
                return known if known is not None or not self._has_egress else _outside(asked, kind)
        return None

    def _named(self, asker: Asker, name: str) -> list[str] | None:
        return self._balancers.named(name, asker.face.vpc)

    def _has_dns(self, asker: Asker) -> bool:
        ec2 = self._state.account.client("ec2", asker.task.region)
        answer = ec2.describe_vpc_attribute(VpcId=asker.face.vpc, Attribute="enableDnsSupport")
        return bool(answer["EnableDnsSupport"]["Value"])

    def _pick(self, asker: Asker, caller: socket.socket) -> Place | None:
        """Whom a connection of a task was meant for; None where nobody can be reached there."""
        with contextlib.suppress(ClientError, OSError):  # something of the network is being taken away
            address, port = _meant(caller)
            alias = asker.aliases.at(address, port)
            if alias is not None:
                return self._first(asker, self._of(alias.service), alias.target)
            run = self._runs.at(address, asker.face.vpc)
            return self._first(asker, [run], port) if run is not None else self._balanced(asker, address, port)
        return None

    def _of(self, service: states.Service) -> list[running.Running]:
        """What runs of the tasks of a service, the one whose turn it is first."""
        up = [self._runs.get(task.id) for task in self._state.tasks_of(service) if task.status == "RUNNING"]
        found = [run for run in up if run is not None]
        self._turn += 1
        turn = self._turn % len(found) if found else 0
        return [*found[turn:], *found[:turn]]

    def _first(self, asker: Asker, runs: list[running.Running], port: int) -> Place | None:
        """The first of them that the task can reach."""
        for run in runs:
            if run.pid and run.face is not None and self._reaches(asker, run.face, port):
                return run.pid, (run.face.address, port)
        return None

    def _balanced(self, asker: Asker, address: str, port: int) -> Place | None:
        """The open listener of a load balancer at that address."""
        found = self._balancers.at(address, port, asker.face.vpc)
        if found is None:
            return None
        made, place = found
        if made.public is None:
            can_reach = self._reaches(asker, made.face, port)
        else:
            can_reach = self._told(asker, made.public, port, reachability.to_internet(self._network(asker), asker.face, port=port))
        return (os.getpid(), place) if can_reach else None

    def _reaches(self, asker: Asker, other: reachability.Interface, port: int) -> bool:
        missing = reachability.between(self._network(asker), asker.face, other, port)
        return self._told(asker, other.address, port, missing)

    def _network(self, asker: Asker) -> reachability.Network:
        return vpc.describe(self._state.account.client("ec2", asker.task.region), asker.face.vpc)

    def _told(self, asker: Asker, address: str, port: int, missing: reachability.Missing | None) -> bool:
        """Whether nothing is missing; if something is, the report says what."""
        if missing is not None:
            self._book.note(f"{asker.label} does not reach {address}:{port}: {missing.message}. Next: {missing.fix}")
        return missing is None


def _outside(name: str, kind: str) -> list[str] | None:
    """What the resolver of this machine says, for plans that let containers out."""
    try:
        return socket.gethostbyname_ex(name)[2] if kind == "A" else []
    except OSError:
        return None


def _second(block: Block) -> str:
    return str(block[2])


def _meant(caller: socket.socket) -> tuple[str, int]:
    """Address and port that a connection was going to before it was led to the relay."""
    port, address = struct.unpack_from("!2xH4s", caller.getsockopt(socket.SOL_IP, _ORIGINAL, 16))
    return socket.inet_ntoa(address), int(port)


def _ways(blocks: list[Block], own: str) -> list[str]:
    """Rules that lead names to the resolver, and what goes to others in the VPC, to Service Connect and to public addresses to the relay."""
    asks = f"--protocol udp --dport 53 --jump DNAT --to-destination {endpoint.ADDRESS}:{resolver.PORT}"
    goes = f"--protocol tcp --jump DNAT --to-destination {endpoint.ADDRESS}:{PORT}"
    return [
        f"--destination {own} --jump RETURN",
        *(f"--destination {address} {asks}" for address in (_second(blocks[0]), resolver.ADDRESS)),
        *(f"--destination {block} {goes}" for block in (*blocks, aliases.BLOCK, interfaces.PUBLIC)),
    ]
