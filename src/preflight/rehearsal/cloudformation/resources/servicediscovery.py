"""Namespaces and services of AWS Cloud Map."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from preflight.rehearsal.cloudformation.resources.declarative import tagged
from preflight.rehearsal.cloudformation.resources.handler import (
    CreatedResource,
    Handler,
    HandlerContext,
    Properties,
)
from preflight.rehearsal.network import private_dns

MAP = "servicediscovery"
_NAMESPACES = {
    "AWS::ServiceDiscovery::PrivateDnsNamespace": "CreatePrivateDnsNamespace",
    "AWS::ServiceDiscovery::PublicDnsNamespace": "CreatePublicDnsNamespace",
    "AWS::ServiceDiscovery::HttpNamespace": "CreateHttpNamespace",
}


def _create_namespace(place: HandlerContext, given: Properties) -> CreatedResource:
    operation = _NAMESPACES[place.kind]
    asked = tagged(place, MAP, operation, {**given, "CreatorRequestId": place.name()})
    task = place.call(MAP, operation, asked)["OperationId"]
    namespace = place.ask(MAP, "GetOperation", OperationId=task)["Operation"]["Targets"]["NAMESPACE"]
    found = place.ask(MAP, "GetNamespace", Id=namespace)["Namespace"]
    return CreatedResource(namespace, {"Arn": found["Arn"], "Id": namespace, "HostedZoneId": _zone_behind(found)})


def _update_namespace(place: HandlerContext, namespace: str, _old: Properties, new: Properties) -> CreatedResource:
    operation = _NAMESPACES[place.kind].replace("Create", "Update")
    if "Description" in new:
        place.ask(MAP, operation, Id=namespace, Namespace={"Description": new["Description"]})
    found = place.ask(MAP, "GetNamespace", Id=namespace)["Namespace"]
    place.ask(MAP, "TagResource", ResourceARN=found["Arn"], Tags=place.all_tags(new.get("Tags")))
    return CreatedResource(namespace, {"Arn": found["Arn"], "Id": namespace, "HostedZoneId": _zone_behind(found)})


def _zone_behind(namespace: Mapping[str, Any]) -> str:
    return private_dns.zone_of(namespace) or ""


def _delete_namespace(place: HandlerContext, namespace: str, _given: Properties) -> None:
    place.ask(MAP, "DeleteNamespace", Id=namespace)


def _read_namespace(place: HandlerContext, namespace: str, given: Properties) -> dict[str, Any]:
    found = place.ask(MAP, "GetNamespace", Id=namespace)["Namespace"]
    tags = place.ask(MAP, "ListTagsForResource", ResourceARN=found["Arn"])["Tags"]
    vpc = given.get("Vpc") if _zone_behind(found) else None
    return {**found, "Vpc": vpc, "Tags": tags}


def _create_service(place: HandlerContext, given: Properties) -> CreatedResource:
    plain = {key: value for key, value in given.items() if key not in {"Tags", "Type", "ServiceAttributes"}}
    asked = {"Name": place.name(most=64), **plain, "Tags": given.get("Tags")}
    made = place.call(MAP, "CreateService", tagged(place, MAP, "CreateService", asked))["Service"]
    for key in given:
        place.note(key, "stored" if key != "ServiceAttributes" else "ignored")
    return CreatedResource(made["Id"], {"Arn": made["Arn"], "Id": made["Id"], "Name": made["Name"]})


def _update_service(place: HandlerContext, service: str, _old: Properties, new: Properties) -> CreatedResource:
    changed: dict[str, Any] = {"Description": new.get("Description", "")}
    if "DnsConfig" in new:
        changed["DnsConfig"] = {"DnsRecords": new["DnsConfig"]["DnsRecords"]}
    place.call(MAP, "UpdateService", {"Id": service, "Service": changed})
    found = place.ask(MAP, "GetService", Id=service)["Service"]
    return CreatedResource(service, {"Arn": found["Arn"], "Id": service, "Name": found["Name"]})


def _delete_service(place: HandlerContext, service: str, _given: Properties) -> None:
    place.ask(MAP, "DeleteService", Id=service)


def _read_service(place: HandlerContext, service: str, _given: Properties) -> dict[str, Any]:
    found = place.ask(MAP, "GetService", Id=service)["Service"]
    return {**found, "Tags": place.ask(MAP, "ListTagsForResource", ResourceARN=found["Arn"])["Tags"]}


TYPES: Mapping[str, Handler] = {
    **{kind: Handler(_create_namespace, _delete_namespace, _update_namespace, _read_namespace) for kind in _NAMESPACES},
    "AWS::ServiceDiscovery::Service": Handler(_create_service, _delete_service, _update_service, _read_service),
}
