"""Network interfaces of tasks: an address of the subnet, and a public one where it is assigned.

A public address of the rehearsal is a loopback address of its own, of `PUBLIC`.
"""

from __future__ import annotations

import ipaddress
import random
import threading
from dataclasses import dataclass
from typing import Any

import moto.backends

from preflight.aws import partitions
from preflight.aws.reachability import Interface
from preflight.rehearsal.account import Account

PUBLIC = ipaddress.IPv4Network("127.64.0.0/10")


class NoFreeAddressError(Exception):
    """A subnet has no address left."""


@dataclass(frozen=True)
class CreatedInterface:
    """An interface that was made: its id, its public address (None: it has none), and what it is."""

    id: str
    public: str | None
    interface: Interface


class Interfaces:
    """Makes and removes elastic network interfaces through the EC2 API."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._lock = threading.Lock()
        self._random = random.SystemRandom()

    def create(self, region: str, network: dict[str, Any], *, task: str) -> CreatedInterface:
        """The interface of a task in one of its subnets, with the VPC's default group where none is named.

        Raises:
            NoFreeAddressError: none of the subnets has a free address.
        """
        return self.place(
            region,
            network["subnets"],
            network.get("securityGroups") or None,
            description=f"arn:{partitions.partition_of(region)[0]}:ecs:{region}:{self._account.id}:attachment/{task}",
            wants_public=network.get("assignPublicIp") == "ENABLED",
        )

    def place(
        self, region: str, subnets: list[str], groups: list[str] | None, *, description: str, wants_public: bool
    ) -> CreatedInterface:
        """An interface in the emptiest of the subnets; `groups` None: the default group of the VPC.

        Raises:
            NoFreeAddressError: none of the subnets has a free address.
        """
        ec2 = self._account.client("ec2", region)
        described = ec2.describe_subnets(SubnetIds=subnets)["Subnets"]
        with self._lock:
            subnet, address = self._free(ec2, described)
            own = self.default_groups(region, subnet["VpcId"]) if groups is None else groups
            made = ec2.create_network_interface(
                SubnetId=subnet["SubnetId"], PrivateIpAddress=address, Groups=own, Description=description
            )["NetworkInterface"]
        record = moto.backends.get_backend("ec2")[self._account.id][region].enis[made["NetworkInterfaceId"]]
        record.status = "in-use"
        record.public_ip = self._loopback() if wants_public else None
        interface = Interface(
            subnet["VpcId"], subnet["SubnetId"], address, tuple(own), has_public_address=wants_public
        )
        return CreatedInterface(made["NetworkInterfaceId"], record.public_ip, interface)

    def delete(self, region: str, interface: str) -> None:
        """Give the interface and its addresses back."""
        backend = moto.backends.get_backend("ec2")[self._account.id][region]
        if interface in backend.enis:
            self._account.client("ec2", region).delete_network_interface(NetworkInterfaceId=interface)

    def _free(self, ec2: Any, subnets: list[dict[str, Any]]) -> tuple[dict[str, Any], str]:
        interfaces = ec2.describe_network_interfaces()["NetworkInterfaces"]
        for subnet in sorted(subnets, key=lambda s: sum(i["SubnetId"] == s["SubnetId"] for i in interfaces)):
            taken = {i["PrivateIpAddress"] for i in interfaces if i["SubnetId"] == subnet["SubnetId"]}
            address = free_address(subnet["CidrBlock"], taken)
            if address is not None:
                return subnet, address
        raise NoFreeAddressError

    def default_groups(self, region: str, vpc: str) -> list[str]:
        """The default security group of a VPC."""
        ec2 = self._account.client("ec2", region)
        named = [{"Name": "vpc-id", "Values": [vpc]}, {"Name": "group-name", "Values": ["default"]}]
        return [group["GroupId"] for group in ec2.describe_security_groups(Filters=named)["SecurityGroups"]]

    def _loopback(self) -> str:
        return str(PUBLIC[self._random.randrange(PUBLIC.num_addresses)])


def free_address(block: str, taken: set[str]) -> str | None:
    """The first address of a subnet that is neither taken nor one of the five that AWS keeps.

    Source: https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html.
    """
    network = ipaddress.ip_network(block)
    last = network.num_addresses - 1
    return next((str(network[n]) for n in range(4, last) if str(network[n]) not in taken), None)
