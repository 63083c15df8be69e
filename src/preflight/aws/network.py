"""What EC2 describes of the networks of a region, and what blocks a connection in them. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

Described = Mapping[str, Any]
ANY_INTERNET_CALLER = "198.51.100.7"  # an address for documentation: any caller on the internet
EPHEMERAL = 49152  # a port that replies go to
HTTPS = 443


@dataclass(frozen=True)
class Blocker:
    """What blocks a connection: what is wrong, in which resource (physical id), and how to fix it."""

    message: str
    resource: str | None
    property: str | None
    fix: str


@dataclass(frozen=True)
class Interface:
    """A task's network interface."""

    vpc: str
    subnet: str
    address: str
    groups: tuple[str, ...]
    has_public_address: bool


@dataclass(frozen=True)
class Network:
    """What EC2 describes of one region."""

    subnets: tuple[Described, ...] = ()
    route_tables: tuple[Described, ...] = ()
    internet_gateways: tuple[Described, ...] = ()
    nat_gateways: tuple[Described, ...] = ()
    security_groups: tuple[Described, ...] = ()
    network_acls: tuple[Described, ...] = ()
    endpoints: tuple[Described, ...] = ()
    has_dns: Mapping[str, bool] = field(default_factory=dict)

    def group(self, group_id: str) -> Described:
        """Returns the security group with that id, or an empty one."""
        return next((g for g in self.security_groups if g["GroupId"] == group_id), {})

    def route_table(self, subnet: str, vpc: str) -> Described:
        """Returns the route table of a subnet: its own, else the main one of the VPC."""
        own = [t for t in self._tables(vpc) if any(a.get("SubnetId") == subnet for a in t["Associations"])]
        main = [t for t in self._tables(vpc) if any(a.get("Main") for a in t["Associations"])]
        return next(iter([*own, *main]), {"Routes": [], "RouteTableId": None})

    def _tables(self, vpc: str) -> Iterator[Described]:
        return (table for table in self.route_tables if table["VpcId"] == vpc)

    def acl(self, subnet: str, vpc: str) -> Described | None:
        """Returns the network ACL of a subnet: its own, else the default one of the VPC."""
        acls = [a for a in self.network_acls if a["VpcId"] == vpc]
        own = [a for a in acls if any(s.get("SubnetId") == subnet for s in a["Associations"])]
        default = [a for a in acls if a.get("IsDefault")]
        return next(iter([*own, *default]), None)
