"""What EC2 refuses of private addresses and moto does not: each is one of its subnet that nothing else takes.

https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html; moto/ec2/models/elastic_network_interfaces.py.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from typing import Any

from preflight.rehearsal.account import Account
from preflight.rehearsal.protocol import Call, Refusal

_RESERVED = 4  # at the beginning of a subnet, and the last address


def interface(account: Account, call: Call) -> None:
    """Checks the addresses of an interface: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateNetworkInterface.html."""
    listed = [item.get("PrivateIpAddress") for item in call.parameters.get("PrivateIpAddresses") or []]
    _check(account, call, [call.parameters.get("PrivateIpAddress"), *listed])


def nat_gateway(account: Account, call: Call) -> None:
    """Checks the addresses of a NAT gateway: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateNatGateway.html."""
    _check(account, call, [call.parameters.get("PrivateIpAddress"), *(call.parameters.get("SecondaryPrivateIpAddresses") or [])])


def _check(account: Account, call: Call, addresses: Iterable[Any]) -> None:
    named = [str(address) for address in addresses if address]
    if not named or not call.parameters.get("SubnetId"):
        return
    ec2: Any = account.client("ec2", call.region)
    subnet = ec2.describe_subnets(SubnetIds=[call.parameters["SubnetId"]])["Subnets"][0]
    block = ipaddress.ip_network(subnet.get("CidrBlock") or "0.0.0.0/32")  # of an IPv6-only subnet no address is free
    filters = [{"Name": "subnet-id", "Values": [subnet["SubnetId"]]}]
    interfaces = ec2.describe_network_interfaces(Filters=filters)["NetworkInterfaces"]
    taken = {item["PrivateIpAddress"] for interface in interfaces for item in interface["PrivateIpAddresses"]}
    for address in map(ipaddress.ip_address, named):
        if address not in block:
            raise Refusal("InvalidParameterValue", "Address does not fall within the subnet's address range")
        if int(address) - int(block.network_address) < _RESERVED or address == block.broadcast_address:
            raise Refusal("InvalidParameterValue", f"Address {address} is in subnet's reserved address range")
        if str(address) in taken:
            raise Refusal("InvalidIPAddress.InUse", f"Address {address} is in use.")
