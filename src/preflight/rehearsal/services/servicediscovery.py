"""What moto gets wrong of Cloud Map: the zones of private namespaces, names that are taken, what a namespace has no place for.

Source: https://docs.aws.amazon.com/cloud-map/latest/api/API_CreatePrivateDnsNamespace.html and
https://docs.aws.amazon.com/cloud-map/latest/api/API_CreateService.html; moto/servicediscovery/models.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import moto.backends

from preflight.aws import partitions
from preflight.rehearsal.account import Account
from preflight.rehearsal.network import private_dns_names
from preflight.rehearsal.protocol import Call, Refusal
from preflight.rehearsal.services import Check, ServiceEmulation


def _name(account: Account, call: Call) -> None:
    """A VPC has one zone of a name; moto lets it have one namespace, whatever their names.

    Raises:
        Refusal: there is one already.
    """
    route53 = account.client("route53", call.region)
    listed = route53.list_hosted_zones_by_vpc(VPCId=call.parameters["Vpc"], VPCRegion=call.region)["HostedZoneSummaries"]
    name = f"{str(call.parameters['Name']).removesuffix('.')}."
    conflict = next((zone for zone in listed if zone["Name"] == name), None)
    if conflict is not None:
        msg = f"The VPC {call.parameters['Vpc']} is already associated with a hosted zone that has the name {name}: {conflict['HostedZoneId']}"
        raise Refusal("ConflictingDomainExists", msg)


def _taken(kind: str) -> Check:
    """Returns the check that a region has no other namespace of a kind and name."""

    def check(account: Account, call: Call) -> None:
        for namespace in list(_backend(account, call.region).namespaces.values()):
            if (namespace.type, namespace.name) == (kind, call.parameters["Name"]):
                msg = f"The namespace that you're trying to create already exists: {namespace.id}"
                raise Refusal("NamespaceAlreadyExists", msg)

    return check


def _service(account: Account, call: Call) -> None:
    """A service is in a namespace that there is, has a name of its own, and what its kind of namespace has a place for.

    Raises:
        Refusal: it is not, or has not.
    """
    parameters, backend = call.parameters, _backend(account, call.region)
    identifier = _namespace_id(parameters.get("NamespaceId"), parameters.get("DnsConfig"))
    namespace = backend.namespaces.get(identifier)
    if namespace is None:
        raise Refusal("NamespaceNotFound", f"No namespace exists with the specified ID: {identifier}")
    if namespace.type == "HTTP" and parameters.get("DnsConfig"):
        raise Refusal("InvalidInput", "DnsConfig cannot be specified for a service in an HTTP namespace")
    if namespace.type == "DNS_PRIVATE" and parameters.get("HealthCheckConfig"):
        msg = "HealthCheckConfig cannot be specified for a service in a private DNS namespace: specify HealthCheckCustomConfig"
        raise Refusal("InvalidInput", msg)
    spelt = str if namespace.type == "HTTP" else str.lower  # names of DNS differ in more than case
    services = [one for one in list(backend.services.values()) if _namespace_id(one.namespace_id, one.dns_config) == identifier]
    if spelt(parameters["Name"]) in {spelt(one.name) for one in services}:
        raise Refusal("ServiceAlreadyExists", f"Service already exists: {parameters['Name']} in namespace {identifier}")


def _namespace_id(identifier: str | None, dns: Mapping[str, Any] | None) -> str:
    """Returns the ID of a service's namespace, which its DnsConfig may name instead, and an ARN ends with."""
    return str(identifier or (dns or {}).get("NamespaceId")).rpartition("/")[2]


def _backend(account: Account, region: str) -> Any:
    return moto.backends.get_backend("servicediscovery")[account.id][region]


def _zone(account: Account, call: Call) -> None:
    """The zone of a namespace goes with it, which moto leaves behind."""
    namespace = account.client("servicediscovery", call.region).get_namespace(Id=call.parameters["Id"])["Namespace"]
    zone = private_dns_names.zone_of(namespace)
    if zone is not None:
        account.client("route53", call.region).delete_hosted_zone(Id=zone)


def _place_zones(account: Account, region: str) -> None:
    """Give each new private namespace's zone the namespace's name and VPC, as AWS does and moto does not."""
    route53 = moto.backends.get_backend("route53")[account.id][partitions.partition_of(region)[0]]
    for namespace in _backend(account, region).namespaces.copy().values():
        zone = private_dns_names.zone_of(namespace.to_json())
        if not namespace.vpc or zone is None:
            continue
        record = route53.get_hosted_zone(zone)
        record.name = f"{namespace.name.removesuffix('.')}."
        vpc, namespace.vpc = namespace.vpc, None  # moto refuses another one in a VPC that it knows of
        account.client("route53", region).associate_vpc_with_hosted_zone(
            HostedZoneId=record.id, VPC={"VPCId": vpc, "VPCRegion": region}
        )


SERVICE = ServiceEmulation(
    "servicediscovery",
    checks={
        "CreateHttpNamespace": _taken("HTTP"),
        "CreatePrivateDnsNamespace": _name,
        "CreatePublicDnsNamespace": _taken("DNS_PUBLIC"),
        "CreateService": _service,
        "DeleteNamespace": _zone,
    },
    completions={"CreatePrivateDnsNamespace": _place_zones},
)
