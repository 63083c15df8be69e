"""Namespaces and services of AWS Cloud Map."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from preflight.rehearsal.cloudformation.resources.context import HandlerContext, Properties, Response, without
from preflight.rehearsal.cloudformation.resources.declarative import tagged
from preflight.rehearsal.cloudformation.resources.handler import CreatedResource, Handler
from preflight.rehearsal.network import private_dns

MAP = "servicediscovery"
_NAMESPACES = {
    "AWS::ServiceDiscovery::PrivateDnsNamespace": "CreatePrivateDnsNamespace",
    "AWS::ServiceDiscovery::PublicDnsNamespace": "CreatePublicDnsNamespace",
    "AWS::ServiceDiscovery::HttpNamespace": "CreateHttpNamespace",
}


def _create_namespace(context: HandlerContext, properties: Properties) -> CreatedResource:
    operation = _NAMESPACES[context.resource_type]
    request = tagged(context, MAP, operation, {**properties, "CreatorRequestId": context.generate_name()})
    task = context.submit(MAP, operation, request)["OperationId"]
    namespace = context.call(MAP, "GetOperation", OperationId=task)["Operation"]["Targets"]["NAMESPACE"]
    found = context.call(MAP, "GetNamespace", Id=namespace)["Namespace"]
    return CreatedResource(namespace, {"Arn": found["Arn"], "Id": namespace, "HostedZoneId": _zone_behind(found)})


def _update_namespace(context: HandlerContext, namespace: str, _old: Properties, new: Properties) -> CreatedResource:
    operation = _NAMESPACES[context.resource_type].replace("Create", "Update")
    if "Description" in new:
        context.call(MAP, operation, Id=namespace, Namespace={"Description": new["Description"]})
    found = context.call(MAP, "GetNamespace", Id=namespace)["Namespace"]
    context.call(MAP, "TagResource", ResourceARN=found["Arn"], Tags=context.all_tags(new.get("Tags")))
    return CreatedResource(namespace, {"Arn": found["Arn"], "Id": namespace, "HostedZoneId": _zone_behind(found)})


def _zone_behind(namespace: Mapping[str, Any]) -> str:
    return private_dns.zone_of(namespace) or ""


def _delete_namespace(context: HandlerContext, namespace: str, _properties: Properties) -> None:
    context.call(MAP, "DeleteNamespace", Id=namespace)


def _read_namespace(context: HandlerContext, namespace: str, properties: Properties) -> Response:
    found = context.call(MAP, "GetNamespace", Id=namespace)["Namespace"]
    tags = context.call(MAP, "ListTagsForResource", ResourceARN=found["Arn"])["Tags"]
    vpc = properties.get("Vpc") if _zone_behind(found) else None
    return {**found, "Vpc": vpc, "Tags": tags}


def _create_service(context: HandlerContext, properties: Properties) -> CreatedResource:
    plain = without(properties, "Tags", "Type", "ServiceAttributes")
    request = {"Name": context.generate_name(max_length=64), **plain, "Tags": properties.get("Tags")}
    made = context.submit(MAP, "CreateService", tagged(context, MAP, "CreateService", request))["Service"]
    for key in properties:
        context.record(key, "stored" if key != "ServiceAttributes" else "ignored")
    return CreatedResource(made["Id"], {"Arn": made["Arn"], "Id": made["Id"], "Name": made["Name"]})


def _update_service(context: HandlerContext, service: str, _old: Properties, new: Properties) -> CreatedResource:
    changed: Response = {"Description": new.get("Description", "")}
    if "DnsConfig" in new:
        changed["DnsConfig"] = {"DnsRecords": new["DnsConfig"]["DnsRecords"]}
    context.submit(MAP, "UpdateService", {"Id": service, "Service": changed})
    found = context.call(MAP, "GetService", Id=service)["Service"]
    return CreatedResource(service, {"Arn": found["Arn"], "Id": service, "Name": found["Name"]})


def _delete_service(context: HandlerContext, service: str, _properties: Properties) -> None:
    context.call(MAP, "DeleteService", Id=service)


def _read_service(context: HandlerContext, service: str, _properties: Properties) -> Response:
    found = context.call(MAP, "GetService", Id=service)["Service"]
    return {**found, "Tags": context.call(MAP, "ListTagsForResource", ResourceARN=found["Arn"])["Tags"]}


TYPES: Mapping[str, Handler] = {
    **{kind: Handler(_create_namespace, _delete_namespace, _update_namespace, _read_namespace) for kind in _NAMESPACES},
    "AWS::ServiceDiscovery::Service": Handler(_create_service, _delete_service, _update_service, _read_service),
}
