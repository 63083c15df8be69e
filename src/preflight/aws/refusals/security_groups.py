"""What EC2 refuses of security groups and their rules."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Iterator, Mapping
from typing import Any

from preflight.aws import unresolved
from preflight.aws.constraints import (
    ALWAYS,
    Condition,
    Constraint,
    Fault,
    Object,
    Predicate,
    Test,
    as_number,
    begins,
    between,
    equal,
    get,
    items,
    known,
    length,
    matches,
    needs,
    network,
    no,
    one_of,
    present,
    value,
)

SERVICE = "ec2"
_API = "https://docs.aws.amazon.com/AWSEC2/latest/APIReference"
_GROUP = f"{_API}/API_CreateSecurityGroup.html"
_RULE = f"{_API}/API_IpPermission.html"
_RANGE = f"{_API}/API_IpRange.html"
_AUTHORIZE = f"{_API}/API_AuthorizeSecurityGroupIngress.html"
_TEMPLATES = "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference"
_TEXT = r"[a-zA-Z0-9. _\-:/()#,@\[\]+=&;{}!$*]*"

_TCP_UDP = ("tcp", "udp", "6", "17", "TCP", "UDP")
_ICMP = ("icmp", "icmpv6", "1", "58", "ICMP", "ICMPV6")
_NUMBERS = {"1": "icmp", "6": "tcp", "17": "udp", "58": "icmpv6"}


def _is_protocol(value: Any) -> bool:
    number = as_number(value)
    return -1 <= number <= 255 if number is not None else str(value).lower() in {"tcp", "udp", "icmp", "icmpv6"}


PROTOCOL = Predicate(_is_protocol, ("tcp", "-1", 6, "icmpv6"), ("http", "all", "256"))


def reversed_ports(start: str, end: str) -> Test:
    """The first port of a range is not above the last one."""

    def faults(part: Object) -> Iterator[Fault]:
        first, last = as_number(known(part, start)), as_number(known(part, end))
        if first is not None and last is not None and first > last:
            yield Fault(tuple(start.split(".")), f"{first:.0f}:{last:.0f}")

    def ports(first: int, last: int) -> Object:
        if "." not in start:
            return {start: first, end: last}
        name, _, key = start.partition(".")
        return {name: {key: first, end.partition(".")[2]: last}}

    return Test(faults, (ports(80, 80), ports(0, 65535)), (ports(443, 80),))


def _all_types_one_code(rule: Object) -> Iterator[Fault]:
    if as_number(known(rule, "FromPort")) == -1 and as_number(known(rule, "ToPort")) not in {None, -1}:
        yield Fault(("ToPort",), known(rule, "ToPort"))


_ALL_TYPES = Test(
    _all_types_one_code,
    ({"FromPort": -1, "ToPort": -1}, {"FromPort": 8, "ToPort": 0}),
    ({"FromPort": -1, "ToPort": 0},),
)
_PEERS = {
    "Ingress": (("CidrIp",), ("CidrIpv6",), ("SourcePrefixListId",), ("SourceSecurityGroupId", "SourceSecurityGroupName")),
    "Egress": (("CidrIp",), ("CidrIpv6",), ("DestinationPrefixListId",), ("DestinationSecurityGroupId",)),
}


def _one_peer(direction: str) -> Test:
    def faults(rule: Object) -> Iterator[Fault]:
        there = [names[0] for names in _PEERS[direction] if any(get(rule, name) is not None for name in names)]
        if len(there) != 1:
            yield Fault((there[-1],) if there else (), ", ".join(there))

    last = _PEERS[direction][-1][0]
    return Test(
        faults, ({"CidrIp": "10.0.0.0/8"}, {last: "sg-1"}), ({}, {"CidrIp": "0.0.0.0/0", "CidrIpv6": "::/0"})
    )


def identity(rule: Object) -> tuple[Any, ...]:
    """Returns what makes two rules of a group the same: all but the description, and addresses as networks."""
    protocol = _NUMBERS.get(str(get(rule, "IpProtocol")).lower(), str(get(rule, "IpProtocol")).lower())
    ports = () if protocol == "-1" else (str(get(rule, "FromPort")), str(get(rule, "ToPort")))
    names = sorted(name for kinds in _PEERS.values() for peers in kinds for name in peers)
    return protocol, ports, tuple(_canonical(get(rule, name)) for name in dict.fromkeys(names))


def _canonical(value: Any) -> str:
    if not isinstance(value, str) or unresolved.is_function(value):
        return json.dumps(value, sort_keys=True, default=str)
    try:
        return str(ipaddress.ip_network(value, strict=False))
    except ValueError:
        return value


def _unlike(name: str) -> Test:
    def faults(group: Object) -> Iterator[Fault]:
        seen = set()
        for number, rule in enumerate(items(group, name)):
            if isinstance(rule, Mapping) and not unresolved.is_function(rule):
                if identity(rule) in seen:
                    yield Fault((name, number))
                seen.add(identity(rule))

    web = {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "CidrIp": "10.0.0.0/16"}
    again = {**web, "IpProtocol": "6", "FromPort": "80", "CidrIp": "10.0.1.2/16", "Description": "again"}
    return Test(faults, ({name: [web, {**web, "ToPort": 81}]},), ({name: [web, again]},))


def _peer_ids(direction: str) -> Iterator[tuple[str, str]]:
    side = "Source" if direction == "Ingress" else "Destination"
    yield f"{side}SecurityGroupId", "sg-"
    yield f"{side}PrefixListId", "pl-"


def _rules(direction: str, at: str = "") -> tuple[Constraint, ...]:
    """The rows of one direction's rules, which are objects of a list or a resource of their own."""
    page = f"{_TEMPLATES}/aws-{'properties' if at else 'resource'}-ec2-securitygroup{'-' if at else ''}{direction.lower()}.html"
    side = "source" if direction == "Ingress" else "destination"
    kinds = ", ".join(name for names in _PEERS[direction] for name in names)

    def row(test: Test, sentence: str, link: str, when: Condition = ALWAYS, code: str = "InvalidParameterValue") -> Constraint:
        return Constraint(test, code, sentence, link, at=at, when=when)

    is_tcp, is_icmp = equal("IpProtocol", *_TCP_UDP), equal("IpProtocol", *_ICMP)
    ports = "Invalid value for portRange. Must specify both from and to ports with TCP/UDP."
    set_of_texts = "a-zA-Z0-9. _-:/()#,@[]+=&;{}!$*"
    described = f"Invalid rule description. Valid descriptions are strings less than 256 characters from the following set:  {set_of_texts}"
    text = matches(f"(?s:(?=.{{0,255}}$)){_TEXT}", taken=("", "a" * 255, "from web."), refused=("a" * 256, "from → web", "it's"))
    return (
        row(value("IpProtocol", PROTOCOL), "Invalid value '{value}' for IP protocol. Unknown protocol.", _RULE),
        row(needs("FromPort", "ToPort"), ports, _RULE, is_tcp),
        row(needs("FromPort", "ToPort"), ports.replace("TCP/UDP", "ICMP"), _RULE, equal("IpProtocol", "icmp", "1", "ICMP")),
        row(value("FromPort", between(0, 65535)), "TCP/UDP (from) port ({value}) out of range", _RULE, is_tcp),
        row(value("ToPort", between(0, 65535)), "TCP/UDP (to) port ({value}) out of range", _RULE, is_tcp),
        row(reversed_ports("FromPort", "ToPort"), "Invalid TCP/UDP port range ({value})", _RULE, is_tcp),
        row(value("FromPort", between(-1, 255)), "ICMP type ({value}) out of range", _RULE, is_icmp),
        row(value("ToPort", between(-1, 255)), "ICMP code ({value}) out of range", _RULE, is_icmp),
        row(_ALL_TYPES, "ICMP code ({value}) cannot be specified for all ICMP types", _RULE, is_icmp),
        row(_one_peer(direction), f"A rule has exactly one {side}: one of {kinds}", page),
        row(value("CidrIp", network(4, 0, 32)), "CIDR block {value} is malformed", _RANGE),
        row(value("CidrIpv6", network(6, 0, 128)), "CIDR block {value} is malformed", f"{_API}/API_Ipv6Range.html"),
        *(
            row(
                value(name, matches(rf"(\d{{12}}/)?{start}.+", taken=(f"{start}1",), refused=("web", "10.0.0.0/8"))),
                f'Invalid id: "{{value}}" (expecting "{start}...")',
                page,
                code="InvalidGroupId.Malformed" if start == "sg-" else "InvalidPrefixListId.Malformed",
            )
            for name, start in _peer_ids(direction)
        ),
        row(value("Description", text), described, _RANGE),
    )


_ALIKE = "The same permission must not appear multiple times"
_GROUP_ROWS = (
    Constraint(
        value("GroupName", no(one_of("default"))),
        "InvalidParameterValue",
        "Cannot use reserved security group name: {value}",
        f"{_TEMPLATES}/aws-resource-ec2-securitygroup.html",
    ),
    Constraint(
        value("GroupName", no(begins("sg-"))),
        "InvalidParameterValue",
        "Value ({value}) for parameter GroupName is invalid. Group names may not be in the format sg-*.",
        _GROUP,
    ),
    Constraint(
        value("GroupName", length(0, 255)),
        "InvalidParameterValue",
        "Value ({value}) for parameter GroupName is invalid. Group names are up to 255 characters long.",
        _GROUP,
    ),
    *(
        Constraint(
            value(name, Predicate(lambda actual: str(actual).isascii(), ("web",), ("wéb",))),
            "InvalidParameterValue",
            f"Value ({{value}}) for parameter {name} is invalid. Character sets beyond ASCII are not supported.",
            _GROUP,
        )
        for name in ("GroupName", "GroupDescription")
    ),
    Constraint(
        value("GroupName", matches(_TEXT, taken=("web (1)",), refused=("web's", "a|b"))),
        "InvalidParameterValue",
        "Value ({value}) for parameter GroupName is invalid. Valid characters are a-zA-Z0-9. _-:/()#,@[]+=&;{}!$*",
        _GROUP,
    ),
    Constraint(
        value("GroupDescription", matches(f"(?s:(?=.{{1,255}}$)){_TEXT}", taken=("web",), refused=("", "a" * 256, "it's"))),
        "InvalidParameterValue",
        "Invalid security group description. Valid descriptions are strings less than 256 characters from the following set:  a-zA-Z0-9. _-:/()#,@[]+=&;{}!$*: {value}",
        _GROUP,
    ),
    *_rules("Ingress", "SecurityGroupIngress[]"),
    *_rules("Egress", "SecurityGroupEgress[]"),
    Constraint(_unlike("SecurityGroupIngress"), "InvalidParameterValue", _ALIKE, _AUTHORIZE, cure="Remove one of the rules."),
    Constraint(_unlike("SecurityGroupEgress"), "InvalidParameterValue", _ALIKE, _AUTHORIZE, cure="Remove one of the rules."),
)

TYPES: Mapping[str, tuple[Constraint, ...]] = {
    "AWS::EC2::SecurityGroup": _GROUP_ROWS,
    "AWS::EC2::SecurityGroupIngress": (
        *_rules("Ingress"),
        Constraint(
            present(1, 2, "GroupId", "GroupName"),
            "MissingParameter",
            "The request must contain the parameter groupName or groupId",
            _AUTHORIZE,
        ),
    ),
    "AWS::EC2::SecurityGroupEgress": _rules("Egress"),
}
OPERATIONS: Mapping[str, str] = {}
