"""What a name means in a VPC: instances of Cloud Map, and records of private zones of Route 53.

Sources: https://docs.aws.amazon.com/cloud-map/latest/dg/services-route53.html and
https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/hosted-zones-private.html.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

from preflight.rehearsal import account as accounts

MULTIVALUE = 8  # instances that one answer names at most
LINKS = 8  # CNAME records that are followed at most
CHANCE = random.SystemRandom()


class Zones:
    """Every private zone of the account."""

    def __init__(self, account: accounts.Account) -> None:
        self._account = account

    def look_up(self, region: str, vpc: str, name: str, kind: str) -> list[str] | None:
        """Records of a name as text; `kind` is A, SRV or another type, and None means that there is no such name."""
        asked = name.removesuffix(".").lower()
        for _ in range(LINKS):
            zone = self._zone(region, vpc, asked)
            if zone is None:
                return None
            namespace = self._namespace(region, zone["HostedZoneId"])
            if namespace is not None:
                return self._registered(region, namespace, asked, kind)
            found = self._records(region, zone["HostedZoneId"], asked)
            link = found.get("CNAME") if kind != "CNAME" else None
            if link is None:
                return found.get(kind, []) if found else None
            asked = link[0].removesuffix(".").lower()
        return None

    def _zone(self, region: str, vpc: str, name: str) -> Mapping[str, Any] | None:
        """The zone of a VPC that a name is in: the longest one."""
        asked = self._account.client("route53", region).list_hosted_zones_by_vpc(VPCId=vpc, VPCRegion=region)
        fitting = [z for z in asked["HostedZoneSummaries"] if f".{name}.".endswith(f".{z['Name'].lower()}")]
        return max(fitting, key=lambda zone: len(zone["Name"]), default=None)

    def _namespace(self, region: str, zone: str) -> Mapping[str, Any] | None:
        """The namespace of Cloud Map behind a zone."""
        namespaces = self._account.client("servicediscovery", region).list_namespaces()["Namespaces"]
        return next((one for one in namespaces if zone_of(one) == zone), None)

    def _registered(self, region: str, namespace: Mapping[str, Any], name: str, kind: str) -> list[str] | None:
        """What the instances of a Cloud Map service answer; a name may also be that of one instance."""
        cloud_map = self._account.client("servicediscovery", region)
        label = name.removesuffix(f".{namespace['Name'].lower()}")
        for service in cloud_map.list_services()["Services"]:
            config = service.get("DnsConfig") or {}
            own = str(service["Name"]).lower()
            is_one = label.endswith(f".{own}")
            if (config.get("NamespaceId") or service.get("NamespaceId")) != namespace["Id"] or not (label == own or is_one):
                continue
            instances = cloud_map.list_instances(ServiceId=service["Id"])["Instances"]
            named = [i for i in instances if f"{i['Id']}.{own}".lower() == label] if is_one else instances
            kinds = {record["Type"] for record in config.get("DnsRecords") or []} | ({"A"} if is_one else set())
            return _answer(named, kind if kind in kinds else "", name, config.get("RoutingPolicy"))
        return None

    def _records(self, region: str, zone: str, name: str) -> dict[str, list[str]]:
        """The records of a name by their type."""
        route53 = self._account.client("route53", region)
        pages = route53.get_paginator("list_resource_record_sets").paginate(HostedZoneId=zone)
        sets = [one for page in pages for one in page["ResourceRecordSets"] if one["Name"].lower() == f"{name}."]
        return {one["Type"]: [r["Value"] for r in one["ResourceRecords"]] for one in sets if one.get("ResourceRecords")}


def zone_of(namespace: Mapping[str, Any]) -> str | None:
    """The id of the hosted zone behind a namespace of Cloud Map; None where it is asked by API alone."""
    found = ((namespace.get("Properties") or {}).get("DnsProperties") or {}).get("HostedZoneId")
    return str(found).rpartition("/")[2] if found else None


def _answer(instances: list[dict[str, Any]], kind: str, name: str, policy: str | None) -> list[str] | None:
    """Records of that type, `""` for one that the service does not keep; None where nothing is registered."""
    if not instances:
        return None
    shown = {"A": _address, "SRV": _place}.get(kind)
    found = [shown(one, name) for one in instances] if shown else []
    return [CHANCE.choice(found)] if policy == "WEIGHTED" and found else found[:MULTIVALUE]


def _address(instance: Mapping[str, Any], _name: str) -> str:
    return str(instance["Attributes"]["AWS_INSTANCE_IPV4"])


def _place(instance: Mapping[str, Any], name: str) -> str:
    return f"1 1 {instance['Attributes'].get('AWS_INSTANCE_PORT', 0)} {instance['Id']}.{name}."
