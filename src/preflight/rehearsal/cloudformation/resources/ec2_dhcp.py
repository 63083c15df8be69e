"""DHCP options of VPCs: stored. Tasks resolve names as with AmazonProvidedDNS, whatever they say."""

from __future__ import annotations

from collections.abc import Mapping

from preflight.rehearsal.cloudformation.resources.context import HandlerContext, Properties, Response
from preflight.rehearsal.cloudformation.resources.declarative import deleter
from preflight.rehearsal.cloudformation.resources.handler import CreatedResource, Handler

_KEYS = {
    "DomainName": "domain-name",
    "DomainNameServers": "domain-name-servers",
    "NetbiosNameServers": "netbios-name-servers",
    "NetbiosNodeType": "netbios-node-type",
    "NtpServers": "ntp-servers",
}


def _create_options(context: HandlerContext, properties: Properties) -> CreatedResource:
    values = {
        key: properties[name] if isinstance(properties[name], list) else [str(properties[name])]
        for name, key in _KEYS.items()
        if properties.get(name) not in (None, [])
    }
    configurations = [{"Key": key, "Values": value} for key, value in values.items()]
    response = context.call("ec2", "CreateDhcpOptions", DhcpConfigurations=configurations)
    options = str(response["DhcpOptions"]["DhcpOptionsId"])
    context.identify(options)
    _tag(context, options, properties)
    for name in properties:
        context.record(name, "stored" if name in {*_KEYS, "Tags"} else "ignored")
    return CreatedResource(options, {"DhcpOptionsId": options})


def _tag(context: HandlerContext, options: str, properties: Properties) -> None:
    context.call("ec2", "CreateTags", Resources=[options], Tags=context.all_tags(properties.get("Tags")))


def _update_options(context: HandlerContext, options: str, old: Properties, new: Properties) -> CreatedResource:
    gone = {tag["Key"] for tag in old.get("Tags") or []} - {tag["Key"] for tag in new.get("Tags") or []}
    if gone:
        context.call("ec2", "DeleteTags", Resources=[options], Tags=[{"Key": key} for key in sorted(gone)])
    _tag(context, options, new)
    return CreatedResource(options, {"DhcpOptionsId": options})


def _read_options(context: HandlerContext, options: str, properties: Properties) -> Response:
    description = context.call("ec2", "DescribeDhcpOptions", DhcpOptionsIds=[options])["DhcpOptions"][0]
    values = {c["Key"]: [value["Value"] for value in c["Values"]] for c in description["DhcpConfigurations"]}
    tags = context.call("ec2", "DescribeTags", Filters=[{"Name": "resource-id", "Values": [options]}])["Tags"]
    lists = {name: values.get(key) or [] for name, key in _KEYS.items()}
    texts = {name: " ".join(lists[name]) for name in lists if not isinstance(properties.get(name), list)}
    return {**lists, **texts, "Tags": tags}


def _associate(context: HandlerContext, properties: Properties) -> CreatedResource:
    options, vpc = str(properties["DhcpOptionsId"]), str(properties["VpcId"])
    context.submit("ec2", "AssociateDhcpOptions", {"DhcpOptionsId": options, "VpcId": vpc})
    return CreatedResource(f"{options}|{vpc}")


def _disassociate(context: HandlerContext, _id: str, properties: Properties) -> None:
    context.call("ec2", "AssociateDhcpOptions", DhcpOptionsId="default", VpcId=properties["VpcId"])


def _read_association(context: HandlerContext, _id: str, properties: Properties) -> Response:
    vpc: Response = context.call("ec2", "DescribeVpcs", VpcIds=[properties["VpcId"]])["Vpcs"][0]
    return vpc


TYPES: Mapping[str, Handler] = {
    "AWS::EC2::DHCPOptions": Handler(
        _create_options, deleter("ec2", "DeleteDhcpOptions", "DhcpOptionsId"), _update_options, _read_options
    ),
    "AWS::EC2::VPCDHCPOptionsAssociation": Handler(
        _associate, _disassociate, lambda context, _id, _old, new: _associate(context, new), _read_association
    ),
}
