"""Resolves names in a VPC: instances of Cloud Map, and records of private hosted zones of Route 53.

Sources: https://docs.aws.amazon.com/cloud-map/latest/dg/services-route53.html and
https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/hosted-zones-private.html.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from preflight.model import JsonObject
from preflight.rehearsal.account import Account

MULTIVALUE = 8  # instances in one answer at most
MAX_LINKS = 8  # CNAME records that are followed at most
ADDRESS = "AWS_INSTANCE_IPV4"
RANDOM = random.SystemRandom()
PublicLookUp = Callable[[str], "list[str] | None"]


class PrivateDnsNames:
    """Every private zone of the account."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def look_up(
        self, region: str, vpc: str, name: str, record_type: str, *, public: PublicLookUp = lambda _: None
    ) -> list[str] | None:
        """Returns the records of a name as text, or None if there is no such name; the type is A, SRV or another.

        `public` returns the addresses of names that no zone of the VPC covers, also of those that a record leads to.
        """
        for _ in range(MAX_LINKS):
            zone = self._zone(region, vpc, name)
            if zone is None:
                return of_type(public(name), record_type)
            namespace = self._namespace(region, zone["HostedZoneId"])
            if namespace is not None:
                return self._instances(region, namespace, name, record_type)
            record_sets = self._record_sets(region, zone["HostedZoneId"], name)
            link = _link(record_sets, record_type)
            if link is None:
                records = record_sets.get(record_type, {}).get("ResourceRecords", [])
                return [record["Value"] for record in records] if record_sets else None
            name = link.removesuffix(".").lower()
        return None

    def covers(self, region: str, vpc: str, name: str) -> bool:
        """Whether a name is in a zone of a VPC."""
        return self._zone(region, vpc, name) is not None

    def _zone(self, region: str, vpc: str, name: str) -> JsonObject | None:
        """Returns the zone of a VPC that a name is in: the longest one."""
        response = self._account.client("route53", region).list_hosted_zones_by_vpc(VPCId=vpc, VPCRegion=region)
        zones = [z for z in response["HostedZoneSummaries"] if f".{name}.".endswith(f".{z['Name'].lower()}")]
        return max(zones, key=lambda zone: len(zone["Name"]), default=None)

    def _namespace(self, region: str, zone: str) -> JsonObject | None:
        """Returns the namespace of Cloud Map behind a zone."""
        namespaces = self._account.client("servicediscovery", region).list_namespaces()["Namespaces"]
        return next((namespace for namespace in namespaces if zone_of(namespace) == zone), None)

    def _instances(self, region: str, namespace: JsonObject, name: str, record_type: str) -> list[str] | None:
        """Returns the records of a Cloud Map service, or of one instance if the name is an instance's."""
        cloud_map = self._account.client("servicediscovery", region)
        label = name.removesuffix(f".{namespace['Name'].lower()}")
        services = {str(s["Name"]).lower(): s for s in cloud_map.list_services()["Services"] if _is_in(s, namespace)}
        instance_id, _, service_name = label.partition(".")
        service = services.get(label) or services.get(service_name)
        if service is None:
            return None
        instances = cloud_map.list_instances(ServiceId=service["Id"])["Instances"]
        config = service.get("DnsConfig") or {}
        types = {record["Type"] for record in config.get("DnsRecords") or []}
        if label not in services:
            instances, types = [i for i in instances if str(i["Id"]).lower() == instance_id], {*types, "A"}
        return _records(instances, record_type if record_type in types else "", name, config.get("RoutingPolicy"))

    def _record_sets(self, region: str, zone: str, name: str) -> dict[str, JsonObject]:
        """Returns the record sets of a name by their type."""
        route53 = self._account.client("route53", region)
        pages = route53.get_paginator("list_resource_record_sets").paginate(HostedZoneId=zone)
        record_sets = [record_set for page in pages for record_set in page["ResourceRecordSets"]]
        return {
            record_set["Type"]: record_set for record_set in record_sets if record_set["Name"].lower() == f"{name}."
        }


def of_type(addresses: list[str] | None, record_type: str) -> list[str] | None:
    """Returns the records of that type of a name that has addresses only, or None if there is no such name."""
    return addresses if record_type == "A" or addresses is None else []


def _link(record_sets: Mapping[str, JsonObject], record_type: str) -> str | None:
    """Returns the other name that a name stands for, by an alias of that type or by a CNAME record."""
    alias = record_sets.get(record_type, {}).get("AliasTarget")
    if alias:
        return str(alias["DNSName"]).removeprefix("dualstack.")
    canonical = record_sets.get("CNAME", {}).get("ResourceRecords") if record_type != "CNAME" else None
    return str(canonical[0]["Value"]) if canonical else None


def _is_in(service: JsonObject, namespace: JsonObject) -> bool:
    namespace_id = (service.get("DnsConfig") or {}).get("NamespaceId") or service.get("NamespaceId")
    return bool(namespace_id == namespace["Id"])


def zone_of(namespace: Mapping[str, Any]) -> str | None:
    """Returns the ID of the hosted zone behind a namespace of Cloud Map, or None if only API calls discover it."""
    zone = ((namespace.get("Properties") or {}).get("DnsProperties") or {}).get("HostedZoneId")
    return str(zone).rpartition("/")[2] if zone else None


def _records(instances: Sequence[JsonObject], record_type: str, name: str, policy: str | None) -> list[str] | None:
    """Returns the records of instances, of no type for `""`, or None if no instance is registered."""
    if not instances:
        return None
    render = {"A": _address, "SRV": _service_record}.get(record_type)
    records = [render(i, name) for i in instances if ADDRESS in i["Attributes"]] if render else []
    return RANDOM.sample(records, min(len(records), 1 if policy == "WEIGHTED" else MULTIVALUE))


def _address(instance: JsonObject, _name: str) -> str:
    return str(instance["Attributes"][ADDRESS])


def _service_record(instance: JsonObject, name: str) -> str:
    return f"1 1 {instance['Attributes'].get('AWS_INSTANCE_PORT', 0)} {instance['Id']}.{name}."
