"""Which VPC a request of EC2 changes: what runs in others need not be looked at."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import moto.backends

from preflight.rehearsal.account import Account


def of(account: Account, region: str, parameters: Mapping[str, str]) -> str | None:
    """Returns the VPC that a request names, or that of what it names; None if that is not known."""
    if parameters.get("VpcId"):
        return parameters["VpcId"]
    ec2: Any = moto.backends.get_backend("ec2")[account.id][region]
    named = (
        ec2.get_security_group_from_id(parameters.get("GroupId")),
        ec2.route_tables.get(parameters.get("RouteTableId")),
        ec2.network_acls.get(parameters.get("NetworkAclId")),
        ec2.nat_gateways.get(parameters.get("NatGatewayId")),
        next((zone[parameters.get("SubnetId")] for zone in list(ec2.subnets.values()) if parameters.get("SubnetId") in zone), None),
        next((table for table in list(ec2.route_tables.values()) if parameters.get("AssociationId") in table.all_associations_ids), None),
    )
    return next((item.vpc_id for item in named if item is not None), None)
