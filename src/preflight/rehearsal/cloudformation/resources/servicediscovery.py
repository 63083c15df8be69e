"""Namespaces and services of AWS Cloud Map."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from preflight.rehearsal.cloudformation.resources.context import HandlerContext, Properties, Response, without
from preflight.rehearsal.cloudformation.resources.declarative import deleter, tagged
from preflight.rehearsal.cloudformation.resources.handler import CreatedResource, Handler
from preflight.rehearsal.network import private_dns_names

MAP = "servicediscovery"
_NAMESPACES = {
    "AWS::ServiceDiscovery::PrivateDnsNamespace": "CreatePrivateDnsNamespace",
    "AWS::ServiceDiscovery::PublicDnsNamespace": "CreatePublicDnsNamespace",
    "AWS::ServiceDiscovery::HttpNamespace": "CreateHttpNamespace",
}


def _create_namespace(context: HandlerContext, properties: Properties) -> CreatedResource:
    operation = _NAMESPACES[context.resource_type]
    request = tagged(context, MAP, operation, {**properties, "CreatorRequestId": context.generate_name()})
    operation_id = context.submit(MAP, operation, request)["OperationId"]
    namespace = context.call(MAP, "GetOperation", OperationId=operation_id)["Operation"]["Targets"]["NAMESPACE"]
    description = context.call(MAP, "GetNamespace", Id=namespace)["Namespace"]
    return CreatedResource(
        namespace, {"Arn": description["Arn"], "Id": namespace, "HostedZoneId": _zone_behind(description)}
    )


def _update_namespace(context: HandlerContext, namespace: str, _old: Properties, new: Properties) -> CreatedResource:
    operation = _NAMESPACES[context.resource_type].replace("Create", "Update")
    if "Description" in new:
        context.call(MAP, operation, Id=namespace, Namespace={"Description": new["Description"]})
    description = context.call(MAP, "GetNamespace", Id=namespace)["Namespace"]
    context.call(MAP, "TagResource", ResourceARN=description["Arn"], Tags=context.all_tags(new.get("Tags")))
    return CreatedResource(
        namespace, {"Arn": description["Arn"], "Id": namespace, "HostedZoneId": _zone_behind(description)}
    )


def _zone_behind(namespace: Mapping[str, Any]) -> str:
    return private_dns_names.zone_of(namespace) or ""


def _read_namespace(context: HandlerContext, namespace: str, properties: Properties) -> Response:
    description = context.call(MAP, "GetNamespace", Id=namespace)["Namespace"]
    tags = context.call(MAP, "ListTagsForResource", ResourceARN=description["Arn"])["Tags"]
    vpc = properties.get("Vpc") if _zone_behind(description) else None
    return {**description, "Vpc": vpc, "Tags": tags}


def _create_service(context: HandlerContext, properties: Properties) -> CreatedResource:
    members = without(properties, "Tags", "Type", "ServiceAttributes")
    request = {"Name": context.generate_name(max_length=64), **members, "Tags": properties.get("Tags")}
    service = context.submit(MAP, "CreateService", tagged(context, MAP, "CreateService", request))["Service"]
    for key in properties:
        context.record(key, "stored" if key != "ServiceAttributes" else "ignored")
    return CreatedResource(service["Id"], {"Arn": service["Arn"], "Id": service["Id"], "Name": service["Name"]})


def _update_service(context: HandlerContext, service: str, _old: Properties, new: Properties) -> CreatedResource:
    changed: Response = {"Description": new.get("Description", "")}
    if "DnsConfig" in new:
        changed["DnsConfig"] = {"DnsRecords": new["DnsConfig"]["DnsRecords"]}
    context.submit(MAP, "UpdateService", {"Id": service, "Service": changed})
    description = context.call(MAP, "GetService", Id=service)["Service"]
    return CreatedResource(service, {"Arn": description["Arn"], "Id": service, "Name": description["Name"]})


def _read_service(context: HandlerContext, service: str, _properties: Properties) -> Response:
    description = context.call(MAP, "GetService", Id=service)["Service"]
    return {**description, "Tags": context.call(MAP, "ListTagsForResource", ResourceARN=description["Arn"])["Tags"]}


TYPES: Mapping[str, Handler] = {
    **{
        kind: Handler(_create_namespace, deleter(MAP, "DeleteNamespace", "Id"), _update_namespace, _read_namespace)
        for kind in _NAMESPACES
    },
    "AWS::ServiceDiscovery::Service": Handler(
        _create_service, deleter(MAP, "DeleteService", "Id"), _update_service, _read_service
    ),
}
