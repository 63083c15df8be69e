"""What a name means in a VPC: instances of Cloud Map, and records of private zones of Route 53.

Sources: https://docs.aws.amazon.com/cloud-map/latest/dg/services-route53.html and
https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/hosted-zones-private.html.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import Any

from preflight.rehearsal.account import Account

MULTIVALUE = 8  # instances that one answer names at most
LINKS = 8  # CNAME records that are followed at most
ADDRESS = "AWS_INSTANCE_IPV4"
CHANCE = random.SystemRandom()
Beyond = Callable[[str], "list[str] | None"]


class PrivateDns:
    """Every private zone of the account."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def look_up(self, region: str, vpc: str, name: str, kind: str, *, beyond: Beyond = lambda _: None) -> list[str] | None:
        """Records of a name as text; `kind` is A, SRV or another type, and None means that there is no such name.

        The addresses of names that no zone of the VPC covers, also of those that a record leads to, `beyond` knows.
        """
        for _ in range(LINKS):
            zone = self._zone(region, vpc, name)
            if zone is None:
                return of_kind(beyond(name), kind)
            namespace = self._namespace(region, zone["HostedZoneId"])
            if namespace is not None:
                return self._registered(region, namespace, name, kind)
            records = self._records(region, zone["HostedZoneId"], name)
            link = _link(records, kind)
            if link is None:
                return [r["Value"] for r in records.get(kind, {}).get("ResourceRecords", [])] if records else None
            name = link.removesuffix(".").lower()
        return None

    def covers(self, region: str, vpc: str, name: str) -> bool:
        """Whether a name is in a zone of a VPC."""
        return self._zone(region, vpc, name) is not None

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
        services = {str(s["Name"]).lower(): s for s in cloud_map.list_services()["Services"] if _is_in(s, namespace)}
        one, _, rest = label.partition(".")
        service = services.get(label) or services.get(rest)
        if service is None:
            return None
        instances = cloud_map.list_instances(ServiceId=service["Id"])["Instances"]
        config = service.get("DnsConfig") or {}
        kinds = {record["Type"] for record in config.get("DnsRecords") or []}
        if label not in services:
            instances, kinds = [i for i in instances if str(i["Id"]).lower() == one], {*kinds, "A"}
        return _answer(instances, kind if kind in kinds else "", name, config.get("RoutingPolicy"))

    def _records(self, region: str, zone: str, name: str) -> dict[str, dict[str, Any]]:
        """The record sets of a name by their type."""
        route53 = self._account.client("route53", region)
        pages = route53.get_paginator("list_resource_record_sets").paginate(HostedZoneId=zone)
        return {one["Type"]: one for page in pages for one in page["ResourceRecordSets"] if one["Name"].lower() == f"{name}."}


def of_kind(addresses: list[str] | None, kind: str) -> list[str] | None:
    """Records of a name that has nothing but addresses; None where there is no such name."""
    return addresses if kind == "A" or addresses is None else []


def _link(records: Mapping[str, Mapping[str, Any]], kind: str) -> str | None:
    """The other name that a name stands for: by an alias of that type, or by a CNAME record."""
    alias = records.get(kind, {}).get("AliasTarget")
    if alias:
        return str(alias["DNSName"]).removeprefix("dualstack.")
    canonical = records.get("CNAME", {}).get("ResourceRecords") if kind != "CNAME" else None
    return str(canonical[0]["Value"]) if canonical else None


def _is_in(service: Mapping[str, Any], namespace: Mapping[str, Any]) -> bool:
    own = (service.get("DnsConfig") or {}).get("NamespaceId") or service.get("NamespaceId")
    return bool(own == namespace["Id"])


def zone_of(namespace: Mapping[str, Any]) -> str | None:
    """The id of the hosted zone behind a namespace of Cloud Map; None where it is asked by API alone."""
    found = ((namespace.get("Properties") or {}).get("DnsProperties") or {}).get("HostedZoneId")
    return str(found).rpartition("/")[2] if found else None


def _answer(instances: list[dict[str, Any]], kind: str, name: str, policy: str | None) -> list[str] | None:
    """Records of that type, `""` for one that the service does not keep; None where nothing is registered."""
    if not instances:
        return None
    shown = {"A": _address, "SRV": _place}.get(kind)
    found = [shown(one, name) for one in instances if ADDRESS in one["Attributes"]] if shown else []
    return CHANCE.sample(found, min(len(found), 1 if policy == "WEIGHTED" else MULTIVALUE))


def _address(instance: Mapping[str, Any], _name: str) -> str:
    return str(instance["Attributes"][ADDRESS])


def _place(instance: Mapping[str, Any], name: str) -> str:
    return f"1 1 {instance['Attributes'].get('AWS_INSTANCE_PORT', 0)} {instance['Id']}.{name}."
