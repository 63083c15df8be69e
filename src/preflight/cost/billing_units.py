"""What AWS bills by the hour, and how much of it.

Sources: https://aws.amazon.com/fargate/pricing/ (vCPU, memory and ephemeral storage above 20 GB, by the second
and for one minute at least), https://aws.amazon.com/vpc/pricing/ (public IPv4 addresses, NAT gateways),
https://aws.amazon.com/elasticloadbalancing/pricing/ and https://aws.amazon.com/privatelink/pricing/.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

X86, ARM, WINDOWS = "X86_64", "ARM64", "Windows"


@dataclass(frozen=True)
class Unit:
    """Something that has a price for an hour, by what one and several of it are called."""

    one: str
    many: str


@dataclass(frozen=True)
class Amount:
    """So many of a unit."""

    unit: Unit
    number: Decimal

    @property
    def text(self) -> str:
        """As bills say it: `2 public IPv4 addresses`."""
        return f"{plain(self.number)} {self.unit.one if self.number == 1 else self.unit.many}"


def plain(number: Decimal) -> str:
    """A number without zeros at its end and without an exponent."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _of_fargate(what: str) -> dict[tuple[str, bool], Unit]:
    kinds = {(X86, False): "", (ARM, False): " (ARM64)", (WINDOWS, False): " (Windows)"}
    kinds |= {(X86, True): " (Spot)", (ARM, True): " (ARM64, Spot)"}
    return {kind: Unit(f"{what}{shown}", f"{what}{shown}") for kind, shown in kinds.items()}


# by platform, and whether it is Fargate Spot
VCPU = _of_fargate("vCPU")
MEMORY = _of_fargate("GB of memory")
STORAGE = Unit("GB of ephemeral storage above 20", "GB of ephemeral storage above 20")
ADDRESS = Unit("public IPv4 address", "public IPv4 addresses")
NAT = Unit("NAT gateway", "NAT gateways")
APPLICATION = Unit("Application Load Balancer", "Application Load Balancers")
NETWORK = Unit("Network Load Balancer", "Network Load Balancers")
GATEWAY = Unit("Gateway Load Balancer", "Gateway Load Balancers")
CLASSIC = Unit("Classic Load Balancer", "Classic Load Balancers")
ENDPOINT = Unit("interface endpoint in one zone", "interface endpoints, each in one zone")
GATEWAY_ENDPOINT = Unit("Gateway Load Balancer endpoint", "Gateway Load Balancer endpoints")
ORDER = (
    *VCPU.values(), *MEMORY.values(), STORAGE, ADDRESS, NAT, APPLICATION, NETWORK, GATEWAY, CLASSIC, ENDPOINT,
    GATEWAY_ENDPOINT,
)  # fmt: skip
