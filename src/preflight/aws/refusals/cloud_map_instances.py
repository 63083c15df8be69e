"""What AWS Cloud Map refuses of the attributes of an instance of a service."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from preflight.aws import unresolved
from preflight.aws.constraints import Constraint, Fault, Object, Test, address, between, has, lacks, one_of, value

_PAGE = "https://docs.aws.amazon.com/cloud-map/latest/api/API_RegisterInstance.html"
_AT = "InstanceAttributes"
_OWN = ("AWS_INSTANCE_CNAME", "AWS_INSTANCE_IPV4", "AWS_INSTANCE_IPV6", "AWS_INSTANCE_PORT")


def _row(test: Any, sentence: str, **others: Any) -> Constraint:
    return Constraint(test, "InvalidInput", sentence, _PAGE, _AT, **others)


def _sizes(fits: Callable[[dict[str, str]], bool]) -> Test:
    """Custom attributes have sizes that fit."""

    def faults(part: Object) -> Iterator[Fault]:
        own = {key: str(value) for key, value in part.items() if not key.startswith("AWS_") and not unresolved.contains_function(value)}
        if not fits(own):
            yield Fault((), len(own))

    others = {f"{number}{'k' * 260}": "v" for number in range(31)}
    return Test(faults, ({},), ({"name": "v" * 1025, **others},))


_CUSTOM = (
    (_sizes(lambda own: len(own) <= 30), "An instance can have at most 30 custom attributes, not {value}"),
    (_sizes(lambda own: all(len(key) <= 255 for key in own)), "The name of an attribute is up to 255 characters long"),
    (_sizes(lambda own: all(len(text) <= 1024 for text in own.values())), "The value of an attribute is up to 1,024 characters long"),
    (_sizes(lambda own: sum(len(key) + len(text) for key, text in own.items()) <= 5000), "All attributes together have more than 5,000 characters"),
)
ROWS: tuple[Constraint, ...] = (
    _row(value("AWS_INSTANCE_IPV4", address(4)), "{value} is not a valid IPv4 address"),
    _row(value("AWS_INSTANCE_IPV6", address(6)), "{value} is not a valid IPv6 address"),
    _row(value("AWS_INSTANCE_PORT", between(1, 65535)), "{value} is not a valid port"),
    _row(
        value("AWS_INIT_HEALTH_STATUS", one_of("HEALTHY", "UNHEALTHY")),
        "AWS_INIT_HEALTH_STATUS must be HEALTHY or UNHEALTHY, not {value}",
    ),
    *(_row(test, sentence) for test, sentence in _CUSTOM),
    _row(lacks(*_OWN), "An alias cannot have the attribute {value}: AWS_ALIAS_DNS_NAME is set", when=has("AWS_ALIAS_DNS_NAME")),
    _row(
        lacks(*_OWN, "AWS_ALIAS_DNS_NAME"),
        "Only AWS_INIT_HEALTH_STATUS can be specified beside AWS_EC2_INSTANCE_ID",
        when=has("AWS_EC2_INSTANCE_ID"),
    ),
)
