"""What units cost an hour, by AWS's price list. Nothing is estimated: what it does not tell is not known.

It is asked in one of the regions that answer for all those of the partition `aws`. A product is known by its usage
type, which has a short name of the region in front outside of some regions (`APN1-Fargate-GB-Hours`). The price of
Fargate Spot changes, and is not in the list.

Sources: https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_pricing_GetProducts.html,
https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/using-price-list-query-api.html and
https://docs.aws.amazon.com/vpc/latest/userguide/vpc-public-ipv4-insights.html.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from preflight.aws import partitions
from preflight.cost import billing_units
from preflight.cost.billing_units import Amount, Unit
from preflight.deploy.session import Session

REGION = "us-east-1"
PATIENCE = 5.0  # seconds that a run waits for prices
ANSWER = 2.0  # seconds for one answer
_PREFIX = r"(?:[A-Z0-9]+-)?"
_NO_ANSWER = (ClientError, BotoCoreError, ValueError, KeyError, TypeError, AttributeError, InvalidOperation)


@dataclass(frozen=True)
class Product:
    """A product of the price list; `operation` tells apart those that share a usage type."""

    service: str
    usage: str
    operation: str | None = None

    def is_named(self, attributes: Mapping[str, Any], region: str) -> bool:
        """Whether the attributes of an item of the list are those of this product in a region."""
        return (
            attributes.get("regionCode") == region
            and re.fullmatch(_PREFIX + re.escape(self.usage), str(attributes.get("usagetype"))) is not None
            and self.operation in {None, attributes.get("operation")}
        )


@dataclass(frozen=True)
class Money:
    """What an hour costs in US dollars, without taxes and discounts, and the amounts whose price is not known."""

    dollars: Decimal
    unpriced: tuple[Amount, ...] = ()

    @property
    def text(self) -> str:
        """As bills say it: `USD 0.0716`."""
        total = f"USD {self.dollars.quantize(Decimal('0.0001')):f}"
        missing = ", ".join(amount.text for amount in self.unpriced)
        return f"{total}, and what the price list does not have: {missing}" if missing else total


def _balancer(operation: str) -> tuple[Product, ...]:
    return (Product("AWSELB", "LoadBalancerUsage", operation),)


PRODUCTS: Mapping[Unit, tuple[Product, ...]] = {
    billing_units.VCPU[billing_units.X86, False]: (Product("AmazonECS", "Fargate-vCPU-Hours:perCPU"),),
    billing_units.VCPU[billing_units.ARM, False]: (Product("AmazonECS", "Fargate-ARM-vCPU-Hours:perCPU"),),
    billing_units.VCPU[billing_units.WINDOWS, False]: (
        Product("AmazonECS", "Fargate-Windows-vCPU-Hours:perCPU"),
        Product("AmazonECS", "Fargate-Windows-OS-Hours:perCPU"),
    ),
    billing_units.MEMORY[billing_units.X86, False]: (Product("AmazonECS", "Fargate-GB-Hours"),),
    billing_units.MEMORY[billing_units.ARM, False]: (Product("AmazonECS", "Fargate-ARM-GB-Hours"),),
    billing_units.MEMORY[billing_units.WINDOWS, False]: (Product("AmazonECS", "Fargate-Windows-GB-Hours"),),
    billing_units.STORAGE: (Product("AmazonECS", "Fargate-EphemeralStorage-GB-Hours"),),
    billing_units.ADDRESS: (Product("AmazonVPC", "PublicIPv4:InUseAddress"),),
    billing_units.NAT: (Product("AmazonEC2", "NatGateway-Hours"),),
    billing_units.APPLICATION: _balancer("LoadBalancing:Application"),
    billing_units.NETWORK: _balancer("LoadBalancing:Network"),
    billing_units.GATEWAY: _balancer("LoadBalancing:Gateway"),
    billing_units.CLASSIC: _balancer("LoadBalancing"),
    billing_units.ENDPOINT: (Product("AmazonVPC", "VpcEndpoint-Hours"),),
    billing_units.GATEWAY_ENDPOINT: (Product("AmazonVPC", "VpcEndpoint-GWLBE-Hours"),),
}


def money(session: Session, amounts: Sequence[Amount]) -> Money | None:
    """What amounts cost an hour in the session's region.

    None where the price list does not answer, in time or at all, or has no prices in US dollars for the region.
    """
    if partitions.partition_of(session.region)[0] != "aws":
        return None
    totals: list[Money] = []

    def ask() -> None:
        try:
            totals.append(_added(session, amounts))
        except _NO_ANSWER:
            return  # prices are good to know, and nothing depends on them

    asking = threading.Thread(target=ask, daemon=True, name="prices")  # looking up a name has no timeout of its own
    asking.start()
    asking.join(PATIENCE)
    return totals[0] if totals else None


def _added(session: Session, amounts: Sequence[Amount]) -> Money:
    dollars, unpriced = Decimal(0), []
    for amount in amounts:
        prices = [_price(session, product) for product in PRODUCTS.get(amount.unit, ())]
        listed = [price for price in prices if price is not None]
        if not listed or len(listed) < len(prices):
            unpriced.append(amount)
        dollars += sum(listed, Decimal(0)) * amount.number if len(listed) == len(prices) else 0
    return Money(dollars, tuple(unpriced))


def _price(session: Session, product: Product) -> Decimal | None:
    """The price of a product, None where the list has none, or more than one, as by tiers."""
    client = session.client("pricing", REGION, timeout=ANSWER)
    terms = {"regionCode": ("TERM_MATCH", session.region), "usagetype": ("CONTAINS", product.usage)}
    filters = [{"Field": field, "Type": kind, "Value": value} for field, (kind, value) in terms.items()]
    prices = {
        price
        for page in client.get_paginator("get_products").paginate(ServiceCode=product.service, Filters=filters)
        for item in map(json.loads, page["PriceList"])
        if product.is_named(item["product"]["attributes"], session.region)
        for price in _on_demand(item)
    }
    return prices.pop() if len(prices) == 1 and min(prices) > 0 else None


def _on_demand(item: Mapping[str, Any]) -> Iterator[Decimal]:
    for term in item["terms"]["OnDemand"].values():
        for dimension in term["priceDimensions"].values():
            yield Decimal(dimension["pricePerUnit"]["USD"])
