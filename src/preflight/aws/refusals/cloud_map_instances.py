"""What AWS Cloud Map refuses of the attributes of an instance of a service."""

from __future__ import annotations

from typing import Any

from preflight.aws.constraints import Constraint, address, between, has, lacks, one_of, value

_PAGE = "https://docs.aws.amazon.com/cloud-map/latest/api/API_RegisterInstance.html"
_AT = "InstanceAttributes"
_OWN = ("AWS_INSTANCE_CNAME", "AWS_INSTANCE_IPV4", "AWS_INSTANCE_IPV6", "AWS_INSTANCE_PORT")


def _row(test: Any, sentence: str, **others: Any) -> Constraint:
    return Constraint(test, "InvalidInput", sentence, _PAGE, _AT, **others)


ROWS: tuple[Constraint, ...] = (
    _row(value("AWS_INSTANCE_IPV4", address(4)), "{value} is not a valid IPv4 address"),
    _row(value("AWS_INSTANCE_IPV6", address(6)), "{value} is not a valid IPv6 address"),
    _row(value("AWS_INSTANCE_PORT", between(1, 65535)), "{value} is not a valid port"),
    _row(
        value("AWS_INIT_HEALTH_STATUS", one_of("HEALTHY", "UNHEALTHY")),
        "AWS_INIT_HEALTH_STATUS must be HEALTHY or UNHEALTHY, not {value}",
    ),
    _row(lacks(*_OWN), "An alias cannot have the attribute {value}: AWS_ALIAS_DNS_NAME is set", when=has("AWS_ALIAS_DNS_NAME")),
    _row(
        lacks(*_OWN, "AWS_ALIAS_DNS_NAME"),
        "Only AWS_INIT_HEALTH_STATUS can be specified beside AWS_EC2_INSTANCE_ID",
        when=has("AWS_EC2_INSTANCE_ID"),
    ),
)
