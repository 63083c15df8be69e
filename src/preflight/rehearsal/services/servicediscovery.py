"""What moto gets wrong of Cloud Map: where the zones of private namespaces are, and how many a VPC may have.

Source: https://docs.aws.amazon.com/cloud-map/latest/api/API_CreatePrivateDnsNamespace.html; moto/servicediscovery/models.py.
"""

from __future__ import annotations

import moto.backends

from preflight.aws import partitions
from preflight.rehearsal.account import Account
from preflight.rehearsal.network import private_dns
from preflight.rehearsal.protocol import Call, Refusal
from preflight.rehearsal.services import ServiceEmulation


def _name(account: Account, call: Call) -> None:
    """A VPC has one zone of a name; moto lets it have one namespace, whatever their names.

    Raises:
        Refusal: there is one already.
    """
    route53 = account.client("route53", call.region)
    listed = route53.list_hosted_zones_by_vpc(VPCId=call.given["Vpc"], VPCRegion=call.region)["HostedZoneSummaries"]
    name = f"{str(call.given['Name']).removesuffix('.')}."
    taken = next((zone for zone in listed if zone["Name"] == name), None)
    if taken is not None:
        msg = f"The VPC {call.given['Vpc']} is already associated with a hosted zone that has the name {name}: {taken['HostedZoneId']}"
        raise Refusal("ConflictingDomainExists", msg)


def _zone(account: Account, call: Call) -> None:
    """The zone of a namespace goes with it, which moto leaves behind."""
    found = account.client("servicediscovery", call.region).get_namespace(Id=call.given["Id"])["Namespace"]
    zone = private_dns.zone_of(found)
    if zone is not None:
        account.client("route53", call.region).delete_hosted_zone(Id=zone)


def _place_zones(account: Account, region: str) -> None:
    """Give each new private namespace's zone the namespace's name and VPC, as AWS does and moto does not."""
    route53 = moto.backends.get_backend("route53")[account.id][partitions.partition_of(region)[0]]
    for made in moto.backends.get_backend("servicediscovery")[account.id][region].namespaces.copy().values():
        zone = private_dns.zone_of(made.to_json())
        if not made.vpc or zone is None:
            continue
        record = route53.get_hosted_zone(zone)
        record.name = f"{made.name.removesuffix('.')}."
        vpc, made.vpc = made.vpc, None  # moto refuses another one in a VPC that it knows of
        account.client("route53", region).associate_vpc_with_hosted_zone(
            HostedZoneId=record.id, VPC={"VPCId": vpc, "VPCRegion": region}
        )


SERVICE = ServiceEmulation(
    "servicediscovery",
    checks={"CreatePrivateDnsNamespace": _name, "DeleteNamespace": _zone},
    completions={"CreatePrivateDnsNamespace": _place_zones},
)
