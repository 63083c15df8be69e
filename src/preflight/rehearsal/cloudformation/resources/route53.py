"""Hosted zones and records of Route 53."""

from __future__ import annotations

from collections.abc import Mapping

from preflight.rehearsal.cloudformation.resources.context import HandlerContext, Properties, Response, only
from preflight.rehearsal.cloudformation.resources.declarative import deleter
from preflight.rehearsal.cloudformation.resources.failure import ResourceFailedError
from preflight.rehearsal.cloudformation.resources.handler import CreatedResource, Handler

# https://docs.aws.amazon.com/Route53/latest/APIReference/API_ResourceRecordSet.html
_MAX_TTL = 2_147_483_647


def _create_zone(context: HandlerContext, properties: Properties) -> CreatedResource:
    """Creates a hosted zone and associates its VPCs.

    Raises:
        ResourceFailedError: it has no name, which the schema of the type does not ask for.
    """
    if properties.get("Name") is None:
        raise ResourceFailedError("Invalid request provided: Name must not be null")
    name = str(properties["Name"]).removesuffix(".") + "."
    vpcs = properties.get("VPCs") or []
    config = {**(properties.get("HostedZoneConfig") or {}), "PrivateZone": bool(vpcs)}
    first = {"VPC": {"VPCId": vpcs[0]["VPCId"], "VPCRegion": vpcs[0]["VPCRegion"]}} if vpcs else {}
    response = context.call(
        "route53",
        "CreateHostedZone",
        Name=name,
        CallerReference=context.generate_name(),
        HostedZoneConfig=config,
        **first,
    )
    zone = response["HostedZone"]["Id"].rpartition("/")[2]
    for vpc in vpcs[1:]:
        context.call("route53", "AssociateVPCWithHostedZone", HostedZoneId=zone, VPC=dict(vpc))
    for key in properties:
        is_stored = key in {"Name", "VPCs", "HostedZoneConfig"}
        context.record(key, "stored" if is_stored else "ignored")
    servers = (response.get("DelegationSet") or {}).get("NameServers", [])
    return CreatedResource(zone, {"Id": zone, "NameServers": servers})


def _update_zone(context: HandlerContext, zone: str, _old: Properties, new: Properties) -> CreatedResource:
    comment = (new.get("HostedZoneConfig") or {}).get("Comment", "")
    context.call("route53", "UpdateHostedZoneComment", Id=zone, Comment=comment)
    response = context.call("route53", "GetHostedZone", Id=zone)
    return CreatedResource(
        zone, {"Id": zone, "NameServers": (response.get("DelegationSet") or {}).get("NameServers", [])}
    )


def _read_zone(context: HandlerContext, zone: str, properties: Properties) -> Response:
    response = context.call("route53", "GetHostedZone", Id=zone)
    name = response["HostedZone"]["Name"]
    return {
        "Name": name if str(properties["Name"]).endswith(".") else name.removesuffix("."),
        "VPCs": response.get("VPCs", []),
        "HostedZoneConfig": response["HostedZone"].get("Config", {}),
    }


def _zone_of(context: HandlerContext, properties: Properties) -> str:
    if properties.get("HostedZoneId"):
        return str(properties["HostedZoneId"])
    name = str(properties.get("HostedZoneName", "")).removesuffix(".") + "."
    for zone in context.call("route53", "ListHostedZones")["HostedZones"]:
        if zone["Name"] == name:
            return str(zone["Id"].rpartition("/")[2])
    msg = f"No hosted zone found for {properties.get('HostedZoneName')}"
    raise ResourceFailedError(msg, "NotFound")


def _record(properties: Properties) -> Response:
    """Returns a record as the API takes it."""
    names = ("Type", "SetIdentifier", "Weight", "Region", "Failover", "HealthCheckId", "GeoLocation")
    record = only(properties, *names)
    record["Name"] = str(properties["Name"]).removesuffix(".") + "."
    if "Weight" in record:
        record["Weight"] = int(record["Weight"])
    if properties.get("ResourceRecords"):
        record["TTL"] = _ttl(properties.get("TTL") or "300")
        record["ResourceRecords"] = [{"Value": value} for value in properties["ResourceRecords"]]
    if properties.get("AliasTarget"):
        record["AliasTarget"] = {"EvaluateTargetHealth": False, **properties["AliasTarget"]}
    return record


def _ttl(value: object) -> int:
    """Returns the seconds of a record's time to live.

    Raises:
        ResourceFailedError: it is no number of seconds.
    """
    if not str(value).isdecimal() or int(str(value)[:11]) > _MAX_TTL:
        msg = f"Invalid request provided: TTL is a number of seconds from 0 to {_MAX_TTL}, not {value}"
        raise ResourceFailedError(msg)
    return int(str(value))


def _change(context: HandlerContext, zone: str, *changes: tuple[str, Properties]) -> None:
    """Makes changes to records, all of them or none."""
    if changes:
        batch = {"Changes": [{"Action": action, "ResourceRecordSet": _record(record)} for action, record in changes]}
        context.call("route53", "ChangeResourceRecordSets", HostedZoneId=zone, ChangeBatch=batch)


def _create_record(context: HandlerContext, properties: Properties) -> CreatedResource:
    zone = _zone_of(context, properties)
    name = _checked_name(context, zone, properties)
    _change(context, zone, ("CREATE", properties))
    for key in properties:
        context.record(key, "stored", "no name is looked up")
    return CreatedResource(name)


def _checked_name(context: HandlerContext, zone: str, properties: Properties) -> str:
    """Returns the name of a record that may be in a zone.

    Raises:
        ResourceFailedError: the zone is of another domain.
    """
    name = str(properties["Name"]).removesuffix(".")
    top = context.call("route53", "GetHostedZone", Id=zone)["HostedZone"]["Name"].removesuffix(".")
    if name != top and not name.endswith(f".{top}"):
        msg = f"[RRSet with DNS name {name}. is not permitted in zone {top}.]"
        raise ResourceFailedError(msg)
    return name


def _update_record(context: HandlerContext, name: str, _old: Properties, new: Properties) -> CreatedResource:
    _change(context, _zone_of(context, new), ("UPSERT", new))
    return CreatedResource(name)


def _delete_record(context: HandlerContext, _name: str, properties: Properties) -> None:
    _change(context, _zone_of(context, properties), ("DELETE", properties))


def _read_record(context: HandlerContext, _name: str, properties: Properties) -> Response:
    record = _record(properties)
    records = context.call("route53", "ListResourceRecordSets", HostedZoneId=_zone_of(context, properties))[
        "ResourceRecordSets"
    ]
    description: Response = next(
        (
            r
            for r in records
            if (r["Name"], r["Type"], r.get("SetIdentifier"))
            == (record["Name"], record["Type"], record.get("SetIdentifier"))
        ),
        {},
    )
    zone = {key: properties[key] for key in ("HostedZoneId", "HostedZoneName") if key in properties and description}
    return {
        **description,
        **zone,
        "Name": properties["Name"] if description else None,
        "ResourceRecords": [value["Value"] for value in description.get("ResourceRecords", [])],
    }


def _create_group(context: HandlerContext, properties: Properties) -> CreatedResource:
    zone, records = _zone_of(context, properties), properties.get("RecordSets") or []
    for record in records:
        _checked_name(context, zone, record)
    _change(context, zone, *(("CREATE", record) for record in records))
    for key in properties:
        context.record(key, "stored", "no name is looked up")
    name = context.generate_name()
    return CreatedResource(name, {"Id": name})


def _update_group(context: HandlerContext, name: str, old: Properties, new: Properties) -> CreatedResource:
    records, former = new.get("RecordSets") or [], old.get("RecordSets") or []
    keys = {_key(record) for record in records}
    gone = [("DELETE", record) for record in former if _key(record) not in keys]
    _change(context, _zone_of(context, new), *gone, *(("UPSERT", record) for record in records))
    return CreatedResource(name, {"Id": name})


def _delete_group(context: HandlerContext, _name: str, properties: Properties) -> None:
    records = properties.get("RecordSets") or []
    _change(context, _zone_of(context, properties), *(("DELETE", record) for record in records))


def _key(record: Properties) -> tuple[str, str, str]:
    return str(record["Name"]).removesuffix("."), str(record["Type"]), str(record.get("SetIdentifier"))


def _read_group(context: HandlerContext, name: str, properties: Properties) -> Response:
    zone = {key: properties[key] for key in ("HostedZoneId", "HostedZoneName", "Comment") if key in properties}
    records = [_read_record(context, name, {**zone, **record}) for record in properties.get("RecordSets") or []]
    return {**zone, "RecordSets": records}


TYPES: Mapping[str, Handler] = {
    "AWS::Route53::HostedZone": Handler(
        _create_zone, deleter("route53", "DeleteHostedZone", "Id"), _update_zone, _read_zone
    ),
    "AWS::Route53::RecordSet": Handler(_create_record, _delete_record, _update_record, _read_record),
    "AWS::Route53::RecordSetGroup": Handler(_create_group, _delete_group, _update_group, _read_group),
}
