"""Network interfaces of tasks and load balancers.

Their public addresses are loopback addresses of the block `PUBLIC`.
"""

from __future__ import annotations

import collections
import ipaddress
import random
import threading
from dataclasses import dataclass
from typing import Any

import moto.backends

from preflight.aws import partitions
from preflight.aws.network import Interface
from preflight.model import JsonObject
from preflight.rehearsal.account import Account

PUBLIC = ipaddress.IPv4Network("127.64.0.0/10")


class NoFreeAddressError(Exception):
    """A subnet has no free address left."""


@dataclass(frozen=True)
class CreatedInterface:
    """A new interface, with its ID and its public address, if it has one."""

    id: str
    public: str | None
    interface: Interface


class Interfaces:
    """Creates and deletes elastic network interfaces through the EC2 API."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._lock = threading.Lock()
        self._random = random.SystemRandom()

    def create(self, region: str, network: JsonObject, *, task: str) -> CreatedInterface:
        """Creates the interface of a task in one of its subnets, with the VPC's default group if the task names none.

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
        """Creates an interface in the emptiest of the subnets; `groups` None: the default group of the VPC.

        Raises:
            NoFreeAddressError: none of the subnets has a free address.
        """
        ec2 = self._account.client("ec2", region)
        descriptions = ec2.describe_subnets(SubnetIds=subnets)["Subnets"]
        with self._lock:
            subnet, address = _free_address_of(ec2, descriptions)
            groups = self.default_groups(region, subnet["VpcId"]) if groups is None else groups
            interface_id = ec2.create_network_interface(
                SubnetId=subnet["SubnetId"], PrivateIpAddress=address, Groups=groups, Description=description
            )["NetworkInterface"]["NetworkInterfaceId"]
        record = moto.backends.get_backend("ec2")[self._account.id][region].enis[interface_id]
        record.status = "in-use"
        record.public_ip = self._loopback_address() if wants_public else None
        interface = Interface(
            subnet["VpcId"], subnet["SubnetId"], address, tuple(groups), has_public_address=wants_public
        )
        return CreatedInterface(interface_id, record.public_ip, interface)

    def delete(self, region: str, interface_id: str) -> None:
        """Delete an interface, and release its addresses."""
        backend = moto.backends.get_backend("ec2")[self._account.id][region]
        if interface_id in backend.enis:
            self._account.client("ec2", region).delete_network_interface(NetworkInterfaceId=interface_id)

    def default_groups(self, region: str, vpc: str) -> list[str]:
        """Returns the default security group of a VPC."""
        ec2 = self._account.client("ec2", region)
        filters = [{"Name": "vpc-id", "Values": [vpc]}, {"Name": "group-name", "Values": ["default"]}]
        return [group["GroupId"] for group in ec2.describe_security_groups(Filters=filters)["SecurityGroups"]]

    def _loopback_address(self) -> str:
        return str(PUBLIC[self._random.randrange(PUBLIC.num_addresses)])


def _free_address_of(ec2: Any, subnets: list[JsonObject]) -> tuple[JsonObject, str]:
    """Returns the emptiest subnet that has a free address, and that address."""
    filters = [{"Name": "subnet-id", "Values": [subnet["SubnetId"] for subnet in subnets]}]
    interfaces = ec2.describe_network_interfaces(Filters=filters)["NetworkInterfaces"]
    taken: dict[str, set[str]] = collections.defaultdict(set)
    for interface in interfaces:
        taken[interface["SubnetId"]].add(interface["PrivateIpAddress"])
    for subnet in sorted(subnets, key=lambda subnet: len(taken[subnet["SubnetId"]])):
        address = free_address(subnet["CidrBlock"], taken[subnet["SubnetId"]])
        if address is not None:
            return subnet, address
    raise NoFreeAddressError


def free_address(block: str, taken: set[str]) -> str | None:
    """Returns the first address of a subnet that is neither taken nor one of the five that AWS reserves.

    Source: https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html.
    """
    network = ipaddress.ip_network(block)
    last = network.num_addresses - 1
    return next((str(network[n]) for n in range(4, last) if str(network[n]) not in taken), None)
