"""Network interfaces of tasks: an address of the subnet, and a public one where it is assigned.

A public address of the rehearsal is a loopback address of its own, 127.64.0.0 to 127.127.255.255.
"""

from __future__ import annotations

import ipaddress
import random
import threading
from typing import Any

import moto.backends

from preflight import reachability
from preflight.rehearsal import account as accounts


class NoFreeAddressError(Exception):
    """A subnet has no address left."""


class Interfaces:
    """Makes and removes elastic network interfaces through the EC2 API."""

    def __init__(self, account: accounts.Account) -> None:
        self._account = account
        self._lock = threading.Lock()
        self._random = random.SystemRandom()

    def create(
        self, region: str, network: dict[str, Any], *, task: str
    ) -> tuple[str, str | None, reachability.Interface]:
        """Interface id, public address (or None) and the interface, in one of the task's subnets.

        Raises:
            NoFreeAddressError: none of the subnets has a free address.
        """
        ec2 = self._account.client("ec2", region)
        subnets = ec2.describe_subnets(SubnetIds=network["subnets"])["Subnets"]
        wants_public = network.get("assignPublicIp") == "ENABLED"
        with self._lock:
            subnet, address = self._place(ec2, subnets)
            groups = network.get("securityGroups") or self._default_groups(ec2, subnet["VpcId"])
            made = ec2.create_network_interface(
                SubnetId=subnet["SubnetId"],
                PrivateIpAddress=address,
                Groups=groups,
                Description=f"arn:aws:ecs:{region}:{self._account.id}:attachment/{task}",
            )["NetworkInterface"]
        record = moto.backends.get_backend("ec2")[self._account.id][region].enis[made["NetworkInterfaceId"]]
        record.status = "in-use"
        public = self._loopback() if wants_public else None
        record.public_ip = public
        face = reachability.Interface(
            subnet["VpcId"], subnet["SubnetId"], address, tuple(groups), has_public_address=wants_public
        )
        return made["NetworkInterfaceId"], public, face

    def delete(self, region: str, interface: str) -> None:
        """Give the interface and its addresses back."""
        backend = moto.backends.get_backend("ec2")[self._account.id][region]
        if interface in backend.enis:
            self._account.client("ec2", region).delete_network_interface(NetworkInterfaceId=interface)

    def _place(self, ec2: Any, subnets: list[dict[str, Any]]) -> tuple[dict[str, Any], str]:
        faces = ec2.describe_network_interfaces()["NetworkInterfaces"]
        for subnet in sorted(subnets, key=lambda s: sum(f["SubnetId"] == s["SubnetId"] for f in faces)):
            taken = {f["PrivateIpAddress"] for f in faces if f["SubnetId"] == subnet["SubnetId"]}
            address = free_address(subnet["CidrBlock"], taken)
            if address is not None:
                return subnet, address
        raise NoFreeAddressError

    @staticmethod
    def _default_groups(ec2: Any, vpc: str) -> list[str]:
        named = [{"Name": "vpc-id", "Values": [vpc]}, {"Name": "group-name", "Values": ["default"]}]
        return [group["GroupId"] for group in ec2.describe_security_groups(Filters=named)["SecurityGroups"]]

    def _loopback(self) -> str:
        number = self._random.randrange(1 << 22)
        return str(ipaddress.ip_address("127.64.0.0") + number)


def free_address(block: str, taken: set[str]) -> str | None:
    """The first address of a subnet that is neither taken nor one of the five that AWS keeps.

    Source: https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html.
    """
    network = ipaddress.ip_network(block)
    last = network.num_addresses - 1
    return next((str(network[n]) for n in range(4, last) if str(network[n]) not in taken), None)
