"""What EC2 refuses of managed prefix lists."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from typing import Any

from preflight.aws import unresolved
from preflight.aws.constraints import (
    Constraint,
    Fault,
    Object,
    Predicate,
    Test,
    as_number,
    count,
    get,
    items,
    known,
    length,
    matches,
    needs,
    network,
    no,
    one_of,
    value,
)

SERVICE = "ec2"
_API = "https://docs.aws.amazon.com/AWSEC2/latest/APIReference"
_LIST = f"{_API}/API_CreateManagedPrefixList.html"
_ENTRY = f"{_API}/API_AddPrefixListEntry.html"


def _beyond_maximum(part: Object) -> Iterator[Fault]:
    most, entries = as_number(known(part, "MaxEntries")), items(part, "Entries")
    if most is not None and len(entries) > most and not any(map(unresolved.is_function, entries)):
        yield Fault(("Entries",), len(entries))


_A, _B = {"Cidr": "10.0.0.0/8"}, {"Cidr": "172.16.0.0/12"}
_FITS = Test(_beyond_maximum, ({"MaxEntries": 2, "Entries": [_A, _B]},), ({"MaxEntries": 1, "Entries": [_A, _B]},))


def _again(part: Object) -> Iterator[Fault]:
    seen: list[Any] = []
    for number, entry in enumerate(items(part, "Entries")):
        text = known(entry, "Cidr") if isinstance(entry, Mapping) else None
        try:
            block: Any = ipaddress.ip_network(str(text), strict=False)
        except ValueError:
            continue
        if block in seen:
            yield Fault(("Entries", number, "Cidr"), text)
        seen.append(block)


_UNLIKE = Test(_again, ({"Entries": [_A, _B]},), ({"Entries": [_A, {"Cidr": "10.1.0.0/8"}]},))


def _other_family(part: Object) -> Iterator[Fault]:
    version = {"IPv4": 4, "IPv6": 6}.get(str(get(part, "AddressFamily")))
    for number, entry in enumerate(items(part, "Entries")):
        text = known(entry, "Cidr") if isinstance(entry, Mapping) else None
        fits = network(version, 0, 32 if version == 4 else 128).fits if version else None
        if text is not None and fits is not None and not fits(text):
            yield Fault(("Entries", number, "Cidr"), text)


_FAMILY = Test(
    _other_family,
    ({"AddressFamily": "IPv4", "Entries": [_A]}, {"AddressFamily": "IPv6", "Entries": [{"Cidr": "2001:db8::/32"}]}),
    ({"AddressFamily": "IPv6", "Entries": [_A]}, {"AddressFamily": "IPv4", "Entries": [{"Cidr": "10.0.0.0"}]}),
)
# AWS can raise the quota of 1,000 entries: https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html#vpc-limits-prefix-lists.
_AT_LEAST_ONE = Predicate(lambda actual: (as_number(actual) or 0) >= 1, (1, "1000", 1001), (0, "-1"))
_LIST_ROWS = (
    Constraint(
        value("PrefixListName", no(matches(r"com\.(amazonaws|amazon|aws)\..*", taken=("com.amazonaws.a", "com.aws.a"), refused=("com.example", "aws")))),
        "InvalidParameterValue",
        "The prefix list name cannot begin with (com.amazonaws., com.amazon., com.aws.).",
        _LIST,
    ),
    Constraint(
        value("PrefixListName", length(1, 255)),
        "InvalidParameterValue",
        "The name of a prefix list is up to 255 characters long",
        _LIST,
    ),
    Constraint(
        value("AddressFamily", one_of("IPv4", "IPv6")),
        "InvalidParameterValue",
        "Value ({value}) for parameter addressFamily is invalid. It must be IPv4 or IPv6.",
        _LIST,
    ),
    Constraint(needs("MaxEntries"), "MissingParameter", "The request must contain the parameter MaxEntries", _LIST),
    Constraint(
        value("MaxEntries", _AT_LEAST_ONE),
        "InvalidParameterValue",
        "The maximum number of entries {value} is not valid: a prefix list has room for at least 1",
        _LIST,
    ),
    Constraint(count("Entries", 0, 100), "InvalidParameterValue", "A request can add up to 100 entries", _LIST),
    Constraint(_FITS, "PrefixListMaxEntriesExceeded", "You've reached the maximum number of entries for the prefix list.", _LIST),
    Constraint(_UNLIKE, "InvalidParameterValue", "The entry {value} appears more than once", _LIST),
    Constraint(_FAMILY, "InvalidParameterValue", "The CIDR {value} is not valid for the address family", _ENTRY),
    Constraint(
        value("Description", length(0, 255)),
        "InvalidParameterValue",
        "The description of an entry is up to 255 characters long",
        _ENTRY,
        at="Entries[]",
    ),
)

TYPES: Mapping[str, tuple[Constraint, ...]] = {"AWS::EC2::PrefixList": _LIST_ROWS}
OPERATIONS: Mapping[str, str] = {"CreateManagedPrefixList": "AWS::EC2::PrefixList"}
