"""Lets tasks reach each other and load balancers: by address, by DNS name, by an alias of Service Connect.

Each task is alone in its network namespace. What it sends to other addresses of its VPC is led to a relay there,
which carries it on to whoever has that address, where security groups and network ACLs let it.

Sources: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-task-networking.html and
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/interconnecting-services.html.
"""

from __future__ import annotations

import contextlib
import functools
import ipaddress
import os
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass

from botocore.exceptions import ClientError

from preflight.aws import describe_network, reachability
from preflight.aws.reachability import Blocker, Interface, Network
from preflight.rehearsal.connectivity import reachable_ports, service_connect
from preflight.rehearsal.connectivity.reachable_ports import ReachablePorts
from preflight.rehearsal.connectivity.service_connect import Aliases
from preflight.rehearsal.containers.runner import NamespaceContainer
from preflight.rehearsal.containers.running_task import RunningTask, RunningTasks
from preflight.rehearsal.ecs.state import Service, State, Task
from preflight.rehearsal.ledger import Ledger
from preflight.rehearsal.load_balancing.load_balancers import LoadBalancers
from preflight.rehearsal.network import dns_server, interfaces, metadata_endpoint, namespace, private_dns
from preflight.rehearsal.network.dns_server import DnsServer
from preflight.rehearsal.network.private_dns import PrivateDns
from preflight.rehearsal.network.relay import Relay

NOT_LED = "tasks do not reach each other here: iptables could not lead them. Next: install iptables and util-linux"
_ORIGINAL = 80  # SO_ORIGINAL_DST: where a connection was going
_NUMBER = 3  # of the first address of the VPC on the loopback device: the task's and the endpoint's come before
Block = ipaddress.IPv4Network
Place = tuple[int, tuple[str, int]]  # a process in the namespace, and address and port there


@dataclass(frozen=True)
class Asker:
    """A task that looks names up and connects."""

    task: Task
    interface: Interface
    aliases: Aliases

    @property
    def label(self) -> str:
        """How reports call it."""
        return f"a task of {self.task.service.name if self.task.service else self.task.definition.label}"


class VpcTraffic:
    """Every task and load balancer of the account, as tasks reach them."""

    def __init__(
        self,
        state: State,
        runs: RunningTasks,
        doors: LoadBalancers,
        ledger: Ledger,
        *,
        has_egress: bool,
    ) -> None:
        self._state = state
        self._runs = runs
        self._balancers = doors
        self._ledger = ledger
        self._has_egress = has_egress
        self._ways = ReachablePorts(state.account, runs, doors, ledger)
        self._zones = PrivateDns(state.account)
        self._turn = 0
        self._told_of: set[tuple[str, str]] = set()

    def start(self) -> None:
        """Start to follow what tasks reach."""
        self._ways.start()

    def open(self, task: Task, holder: NamespaceContainer, interface: Interface) -> Callable[[], None]:
        """Let a task reach the others, before its containers start; call what is returned to end that.

        Raises:
            OSError: its namespace cannot be entered.
        """
        blocks = self._blocks(task.region, interface.vpc)
        if not namespace.apply_iptables(holder.pid, _rules(blocks, interface.address)):
            self._ledger.note(NOT_LED)
            return lambda: None
        own = [(_second(block), str(block.netmask)) for block in blocks]
        for number, (address, mask) in enumerate([*own, (dns_server.ADDRESS, "255.255.255.255")], _NUMBER):
            namespace.assign(holder.pid, address, number=number, mask=mask)
        asker = Asker(task, interface, Aliases(self._state, task))
        with contextlib.ExitStack() as opened:
            listener = namespace.listen(holder.pid, metadata_endpoint.ADDRESS, reachable_ports.PORT)
            relay = Relay(listener, lambda caller: self._pick(asker, caller))
            opened.callback(relay.close)
            relay.start()
            asked = namespace.bind_udp(holder.pid, metadata_endpoint.ADDRESS, dns_server.PORT)
            server = DnsServer(asked, lambda name, kind: self._look_up(asker, name, kind))
            opened.callback(server.close)
            server.start()
            opened.callback(self._ways.lead(holder.pid, task.region, interface))
            holder.resolvers.write_text(f"nameserver {_second(blocks[0])}\n", encoding="ascii")
            holder.resolvers.chmod(0o644)  # containers read it as whoever they run as
            return opened.pop_all().close

    def refresh(self) -> None:
        """Rules of networks or load balancers have changed."""
        self._ways.refresh()

    def close(self) -> None:
        """Keep no task's ways any more."""
        self._ways.close()

    def _blocks(self, region: str, inside: str) -> list[Block]:
        found = self._state.account.client("ec2", region).describe_vpcs(VpcIds=[inside])["Vpcs"][0]
        blocks = [a["CidrBlock"] for a in found.get("CidrBlockAssociationSet") or []]
        return [Block(block) for block in dict.fromkeys([found["CidrBlock"], *blocks])]

    def _look_up(self, asker: Asker, name: str, kind: str) -> list[str] | None:
        try:
            alias = asker.aliases.address(name)  # the proxy knows its names without the resolver
            if alias is not None:
                return private_dns.of_kind([alias], kind)
            return self._resolved(asker, name, kind) if self._has(asker, "enableDnsSupport") else None
        except ClientError:  # what is asked for is being deleted
            return None
        except Exception as error:  # noqa: BLE001 - a fault of ours must not look like a name that nobody has
            self._ledger.trouble(f"the rehearsal broke while it looked up {name!r}: {error!r}")
            return None

    def _resolved(self, asker: Asker, name: str, kind: str) -> list[str] | None:
        """What the VPC's resolver says; private zones it knows only where the VPC has DNS host names.

        https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/hosted-zone-private-considerations.html
        """
        region, inside = asker.task.region, asker.interface.vpc
        beyond = functools.partial(self._beyond, asker)
        if self._has(asker, "enableDnsHostnames"):
            known = self._zones.look_up(region, inside, name, kind, beyond=beyond)
            for address in known or () if kind == "A" else ():
                self._told(asker, address, self._ways.missing(region, asker.interface, address))
            return known
        if self._zones.covers(region, inside, name):
            self._ledger.note(f"{inside} does not answer {name}: EnableDnsHostnames is off. Next: set EnableDnsHostnames: true")
        return private_dns.of_kind(beyond(name), kind)

    def _beyond(self, asker: Asker, name: str) -> list[str] | None:
        """The addresses of a name in no private zone: of a load balancer, or of the internet for specs that let containers out."""
        found = self._balancers.named(name, asker.interface.vpc)
        return _outside(name) if found is None and self._has_egress else found

    def _has(self, asker: Asker, attribute: str) -> bool:
        return describe_network.has_attribute(self._state.account.client("ec2", asker.task.region), asker.interface.vpc, attribute)

    def _pick(self, asker: Asker, caller: socket.socket) -> Place | None:
        """Whom a connection of a task was meant for; None where nobody can be reached there."""
        with contextlib.suppress(ClientError, OSError):  # something of the network is being taken away
            address, port = _meant(caller)
            alias = asker.aliases.at(address, port)
            if alias is not None:
                return self._first(asker, self._of(alias.service), alias.target, ingress=alias.ingress)
            run = self._runs.at(address, asker.interface.vpc)
            return self._first(asker, [run], port) if run is not None else self._balanced(asker, address, port)
        return None

    def _of(self, service: Service) -> list[RunningTask]:
        """What runs of the tasks of a service, the one whose turn it is first."""
        up = [self._runs.get(task.id) for task in self._state.tasks_of(service) if task.status == "RUNNING"]
        found = [run for run in up if run is not None]
        self._turn += 1
        turn = self._turn % len(found) if found else 0
        return [*found[turn:], *found[:turn]]

    def _first(
        self, asker: Asker, runs: list[RunningTask], port: int, *, ingress: int | None = None
    ) -> Place | None:
        """The first of them that the task can reach, at another port where a proxy listens for it."""
        for run in runs:
            if run.pid and run.interface is not None and self._reaches(asker, run.interface, ingress or port):
                return run.pid, (run.interface.address, port)
        return None

    def _balanced(self, asker: Asker, address: str, port: int) -> Place | None:
        """The open listener of a load balancer at that address."""
        found = self._balancers.at(address, port, asker.interface.vpc)
        if found is None:
            return None
        made, place = found
        if made.public is None:
            can_reach = self._reaches(asker, made.interface, port)
        else:
            missing = reachability.to_internet(self._network(asker), asker.interface, port=port)
            can_reach = self._told(asker, made.public, missing)
        return (os.getpid(), place) if can_reach else None

    def _reaches(self, asker: Asker, other: Interface, port: int) -> bool:
        missing = reachability.between(self._network(asker), asker.interface, other, port)
        return self._told(asker, other.address, missing)

    def _network(self, asker: Asker) -> Network:
        return describe_network.describe_network(self._state.account.client("ec2", asker.task.region), asker.interface.vpc)

    def _told(self, asker: Asker, address: str, missing: Blocker | None) -> bool:
        """Whether nothing is missing; if something is, the report says what."""
        if missing is not None and (asker.label, address) not in self._told_of:  # a scan of ports is told of once
            self._told_of.add((asker.label, address))
            self._ledger.note(f"{asker.label} does not reach {address}: {missing.message}. Next: {missing.fix}")
        return missing is None


def _outside(name: str) -> list[str] | None:
    """What the resolver of this machine says."""
    try:
        return socket.gethostbyname_ex(name)[2]
    except (OSError, UnicodeError):
        return None


def _second(block: Block) -> str:
    return str(block[2])


def _meant(caller: socket.socket) -> tuple[str, int]:
    """Address and port that a connection was going to before it was led to the relay."""
    port, address = struct.unpack_from("!2xH4s", caller.getsockopt(socket.SOL_IP, _ORIGINAL, 16))
    return socket.inet_ntoa(address), int(port)


def _rules(blocks: list[Block], own: str) -> dict[str, list[str]]:
    """Rules that lead names to the resolver, and to the relay what goes to Service Connect and to public addresses.

    What goes to others in the VPC takes the ways that there are; all else is refused.
    """
    asks = f"--protocol udp --dport 53 --jump DNAT --to-destination {metadata_endpoint.ADDRESS}:{dns_server.PORT}"
    goes = f"--protocol tcp --jump DNAT --to-destination {metadata_endpoint.ADDRESS}:{reachable_ports.PORT}"
    return {
        "nat": [
            f":{reachable_ports.CHAIN} - [0:0]",
            f"--append OUTPUT --destination {own} --jump RETURN",
            *(f"--append OUTPUT --destination {address} {asks}" for address in (_second(blocks[0]), dns_server.ADDRESS)),
            *(f"--append OUTPUT --destination {block} {goes}" for block in (service_connect.BLOCK, interfaces.PUBLIC)),
            f"--append OUTPUT --protocol tcp --jump {reachable_ports.CHAIN}",
        ],
        "filter": [
            "--append OUTPUT --match conntrack --ctstate ESTABLISHED,RELATED --jump ACCEPT",
            f"--append OUTPUT --destination {own} --jump ACCEPT",
            *(f"--append OUTPUT --destination {b} --protocol tcp --jump REJECT --reject-with tcp-reset" for b in blocks),
            *(f"--append OUTPUT --destination {block} --jump REJECT" for block in blocks),
        ],
    }
