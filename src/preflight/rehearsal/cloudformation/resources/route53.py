"""Hosted zones and records of Route 53."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from preflight.rehearsal.cloudformation.resources.handler import (
    CreatedResource,
    Handler,
    HandlerContext,
    Properties,
    ResourceFailedError,
)


def _create_zone(place: HandlerContext, given: Properties) -> CreatedResource:
    name = str(given["Name"]).removesuffix(".") + "."
    vpcs = given.get("VPCs") or []
    config = {**(given.get("HostedZoneConfig") or {}), "PrivateZone": bool(vpcs)}
    first = {"VPC": {"VPCId": vpcs[0]["VPCId"], "VPCRegion": vpcs[0]["VPCRegion"]}} if vpcs else {}
    made = place.ask(
        "route53", "CreateHostedZone", Name=name, CallerReference=place.name(), HostedZoneConfig=config, **first
    )
    zone = made["HostedZone"]["Id"].rpartition("/")[2]
    for vpc in vpcs[1:]:
        place.ask("route53", "AssociateVPCWithHostedZone", HostedZoneId=zone, VPC=dict(vpc))
    for key in given:
        is_kept = key in {"Name", "VPCs", "HostedZoneConfig"}
        place.note(key, "stored" if is_kept else "ignored")
    servers = (made.get("DelegationSet") or {}).get("NameServers", [])
    return CreatedResource(zone, {"Id": zone, "NameServers": servers})


def _update_zone(place: HandlerContext, zone: str, _old: Properties, new: Properties) -> CreatedResource:
    comment = (new.get("HostedZoneConfig") or {}).get("Comment", "")
    place.ask("route53", "UpdateHostedZoneComment", Id=zone, Comment=comment)
    found = place.ask("route53", "GetHostedZone", Id=zone)
    return CreatedResource(zone, {"Id": zone, "NameServers": (found.get("DelegationSet") or {}).get("NameServers", [])})


def _delete_zone(place: HandlerContext, zone: str, _given: Properties) -> None:
    place.ask("route53", "DeleteHostedZone", Id=zone)


def _read_zone(place: HandlerContext, zone: str, given: Properties) -> dict[str, Any]:
    found = place.ask("route53", "GetHostedZone", Id=zone)
    name = found["HostedZone"]["Name"]
    return {
        "Name": name if str(given["Name"]).endswith(".") else name.removesuffix("."),
        "VPCs": found.get("VPCs", []),
        "HostedZoneConfig": found["HostedZone"].get("Config", {}),
    }


def _zone_of(place: HandlerContext, given: Properties) -> str:
    if given.get("HostedZoneId"):
        return str(given["HostedZoneId"])
    wanted = str(given.get("HostedZoneName", "")).removesuffix(".") + "."
    for zone in place.ask("route53", "ListHostedZones")["HostedZones"]:
        if zone["Name"] == wanted:
            return str(zone["Id"].rpartition("/")[2])
    msg = f"No hosted zone found for {given.get('HostedZoneName')}"
    raise ResourceFailedError(msg, "NotFound")


def _record(given: Properties) -> dict[str, Any]:
    """A record as the API takes it."""
    plain = ("Type", "SetIdentifier", "Weight", "Region", "Failover", "HealthCheckId", "GeoLocation")
    record = {key: given[key] for key in plain if key in given}
    record["Name"] = str(given["Name"]).removesuffix(".") + "."
    if "Weight" in record:
        record["Weight"] = int(record["Weight"])
    if given.get("ResourceRecords"):
        record["TTL"] = int(given.get("TTL") or 300)
        record["ResourceRecords"] = [{"Value": value} for value in given["ResourceRecords"]]
    if given.get("AliasTarget"):
        record["AliasTarget"] = {"EvaluateTargetHealth": False, **given["AliasTarget"]}
    return record


def _change(place: HandlerContext, zone: str, action: str, given: Properties) -> None:
    batch = {"Changes": [{"Action": action, "ResourceRecordSet": _record(given)}]}
    place.ask("route53", "ChangeResourceRecordSets", HostedZoneId=zone, ChangeBatch=batch)


def _create_record(place: HandlerContext, given: Properties) -> CreatedResource:
    zone = _zone_of(place, given)
    name = str(given["Name"]).removesuffix(".")
    top = place.ask("route53", "GetHostedZone", Id=zone)["HostedZone"]["Name"].removesuffix(".")
    if name != top and not name.endswith(f".{top}"):
        msg = f"[RRSet with DNS name {name}. is not permitted in zone {top}.]"
        raise ResourceFailedError(msg)
    _change(place, zone, "CREATE", given)
    for key in given:
        place.note(key, "stored", "no name is looked up")
    return CreatedResource(name)


def _update_record(place: HandlerContext, name: str, _old: Properties, new: Properties) -> CreatedResource:
    _change(place, _zone_of(place, new), "UPSERT", new)
    return CreatedResource(name)


def _delete_record(place: HandlerContext, _name: str, given: Properties) -> None:
    _change(place, _zone_of(place, given), "DELETE", given)


def _read_record(place: HandlerContext, _name: str, given: Properties) -> dict[str, Any]:
    wanted = _record(given)
    listed = place.ask("route53", "ListResourceRecordSets", HostedZoneId=_zone_of(place, given))["ResourceRecordSets"]
    found: dict[str, Any] = next(
        (
            r
            for r in listed
            if (r["Name"], r["Type"], r.get("SetIdentifier"))
            == (wanted["Name"], wanted["Type"], wanted.get("SetIdentifier"))
        ),
        {},
    )
    zone = {key: given[key] for key in ("HostedZoneId", "HostedZoneName") if key in given and found}
    return {
        **found,
        **zone,
        "Name": given["Name"] if found else None,
        "ResourceRecords": [record["Value"] for record in found.get("ResourceRecords", [])],
    }


TYPES: Mapping[str, Handler] = {
    "AWS::Route53::HostedZone": Handler(_create_zone, _delete_zone, _update_zone, _read_zone),
    "AWS::Route53::RecordSet": Handler(_create_record, _delete_record, _update_record, _read_record),
}
