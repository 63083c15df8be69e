from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import boto3
import pytest

from preflight.cost import billing_units, hourly_prices
from preflight.cost.billing_units import Amount, Unit
from preflight.cost.hourly_prices import Money
from preflight.deploy import session as sessions
from preflight.deploy.session import Session
from preflight.rehearsal import server

REGION = "ap-northeast-1"
VCPU, MEMORY = billing_units.VCPU[billing_units.X86, False], billing_units.MEMORY[billing_units.X86, False]
Item = dict[str, Any]
Serve = Callable[..., Session]


def item(usage: str, *dollars: str, region: str = REGION, **more: str) -> Item:
    """An item of the price list, as GetProducts gives it; by more than one price, in tiers."""
    dimensions = {
        f"SKU.TERM.{n}": {"unit": "Hrs", "beginRange": str(n), "endRange": "Inf", "pricePerUnit": {"USD": price}}
        for n, price in enumerate(dollars)
    }
    attributes = {"regionCode": region, "usagetype": usage, "operation": "", **more}
    return {
        "product": {"productFamily": "Compute", "sku": "SKU", "attributes": attributes},
        "terms": {"OnDemand": {"SKU.TERM": {"priceDimensions": dimensions}}},
    }


LIST = [
    item("APN1-Fargate-vCPU-Hours:perCPU", "0.0505600000"),
    item("APN1-Fargate-GB-Hours", "0.0055300000"),
    item("APN1-Fargate-ARM-vCPU-Hours:perCPU", "0.0404500000"),
    item("APN1-Fargate-EphemeralStorage-GB-Hours", "0.0001330000"),
    item("APN1-Fargate-Windows-vCPU-Hours:perCPU", "0.0581440000"),
    item("APN1-Fargate-Windows-OS-Hours:perCPU", "0.0460000000"),
    item("APN1-PublicIPv4:InUseAddress", "0.0050000000"),
    item("APN1-PublicIPv4:IdleAddress", "0.0070000000"),
    item("APN1-LoadBalancerUsage", "0.0243000000", operation="LoadBalancing:Application"),
    item("APN1-LoadBalancerUsage", "0.0270000000", operation="LoadBalancing"),
    item("APN1-Outposts-LoadBalancerUsage", "0.9000000000", operation="LoadBalancing:Application"),
    item("APN1-VpcEndpoint-Hours", "0.0140000000"),
]


class Server(ThreadingHTTPServer):
    """A price list on loopback, one item a page, that filters as AWS documents it."""

    def __init__(self, items: list[Item], *, status: int, delay: float) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.items = items
        self.status = status
        self.delay = delay
        self.requests = 0


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        self.server.requests += 1
        time.sleep(self.server.delay)  # noqa: TID251 - a server that is slow
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        found = [one for one in self.server.items if all(matches(one, f) for f in asked["Filters"])]
        at = int(asked.get("NextToken", "0"))
        answer: Item = {"FormatVersion": "aws_v1", "PriceList": [json.dumps(one) for one in found[at : at + 1]]}
        if at + 1 < len(found):
            answer["NextToken"] = str(at + 1)
        refusal = {"__type": "AccessDeniedException", "message": "not authorized to perform: pricing:GetProducts"}
        body = json.dumps(answer if self.server.status == 200 else refusal).encode()
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_args: Any) -> None:
        """Nobody reads it."""


def matches(one: Item, asked: Item) -> bool:
    value = one["product"]["attributes"].get(asked["Field"], "")
    return bool(asked["Value"] in value if asked["Type"] == "CONTAINS" else asked["Value"] == value)


@pytest.fixture
def servers() -> Iterator[list[Server]]:
    found: list[Server] = []
    yield found
    for one in found:
        one.shutdown()
        one.server_close()


@pytest.fixture
def serve(servers: list[Server]) -> Serve:
    """A session whose price list is on loopback."""

    def make(items: list[Item] | None = None, *, region: str = REGION, status: int = 200, delay: float = 0) -> Session:
        made = Server(LIST if items is None else items, status=status, delay=delay)
        servers.append(made)
        threading.Thread(target=made.serve_forever, daemon=True).start()
        return sessions.rehearsal_session(region, f"http://127.0.0.1:{made.server_port}", "any")

    return make


def amounts(*wanted: tuple[Unit, str]) -> list[Amount]:
    return [Amount(unit, Decimal(number)) for unit, number in wanted]


@pytest.mark.parametrize(
    ("wanted", "text"),
    [
        pytest.param([(VCPU, "1"), (MEMORY, "2"), (billing_units.ADDRESS, "2")], "USD 0.0716", id="our own deployment"),
        pytest.param([(billing_units.VCPU[billing_units.ARM, False], "0.5")], "USD 0.0202", id="half of a vCPU of ARM64"),
        pytest.param([(billing_units.VCPU[billing_units.WINDOWS, False], "1")], "USD 0.1041", id="Windows, with its licence"),
        pytest.param([(billing_units.STORAGE, "30")], "USD 0.0040", id="storage"),
        pytest.param([(billing_units.APPLICATION, "1")], "USD 0.0243", id="a load balancer, not that of another kind"),
        pytest.param([(billing_units.CLASSIC, "1")], "USD 0.0270", id="a classic load balancer"),
        pytest.param([(billing_units.ENDPOINT, "4")], "USD 0.0560", id="endpoints"),
        pytest.param([], "USD 0.0000", id="nothing"),
        pytest.param(
            [(billing_units.ADDRESS, "2"), (billing_units.VCPU[billing_units.X86, True], "0.5"), (billing_units.NAT, "1")],
            "USD 0.0100, and what the price list does not have: 0.5 vCPU (Spot), 1 NAT gateway",
            id="what it does not tell is named",
        ),
    ],
)
def test_amounts_cost_what_the_price_list_says(serve: Serve, wanted: list[tuple[Unit, str]], text: str) -> None:
    found = hourly_prices.money(serve(), amounts(*wanted))

    assert found is not None
    assert found.text == text


@pytest.mark.parametrize(
    "items",
    [
        pytest.param([], id="no such product"),
        pytest.param([item("USE1-PublicIPv4:InUseAddress", "0.005", region="us-east-1")], id="only in another region"),
        pytest.param([item("APN1-PublicIPv4:InUseAddress", "0.005", "0.004")], id="tiers"),
        pytest.param([item("APN1-PublicIPv4:InUseAddress", "0.005"), item("APN1-PublicIPv4:InUseAddress", "0.006")], id="two products"),
        pytest.param([item("APN1-PublicIPv4:InUseAddress", "0.0000000000")], id="nothing is free"),
        pytest.param([item("APN1-Other-PublicIPv4:InUseAddress", "0.005")], id="a product of another name"),
    ],
)  # fmt: skip
def test_a_price_that_the_list_does_not_tell_is_not_made_up(serve: Serve, items: list[Item]) -> None:
    wanted = amounts((billing_units.ADDRESS, "2"))

    assert hourly_prices.money(serve(items), wanted) == Money(Decimal(0), tuple(wanted))


def test_a_usage_type_may_have_no_region_in_front(serve: Serve) -> None:
    session = serve([item("PublicIPv4:InUseAddress", "0.005", region="us-east-1")], region="us-east-1")

    assert hourly_prices.money(session, amounts((billing_units.ADDRESS, "1"))) == Money(Decimal("0.005"))


@pytest.mark.parametrize(
    "given",
    [
        pytest.param({"status": 400}, id="it refuses"),
        pytest.param({"status": 500}, id="it breaks"),
        pytest.param({"items": [{"product": {"attributes": {"regionCode": REGION, "usagetype": "PublicIPv4:InUseAddress"}}}]}, id="it answers something else"),
    ],
)  # fmt: skip
def test_without_an_answer_there_is_no_money_and_no_second_question(
    serve: Serve, servers: list[Server], given: dict[str, Any]
) -> None:
    found = hourly_prices.money(serve(**given), amounts((billing_units.ADDRESS, "1")))

    assert found is None
    assert servers[0].requests == 1


def test_a_price_list_that_is_slow_does_not_hold_up_a_run(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hourly_prices, "PATIENCE", 0.05)
    began = time.monotonic()

    found = hourly_prices.money(serve(delay=1), amounts((billing_units.ADDRESS, "1")))

    assert found is None
    assert time.monotonic() - began < 0.9


def test_where_nobody_listens_there_is_no_money() -> None:
    session = sessions.rehearsal_session(REGION, "http://127.0.0.1:9", "any")

    assert hourly_prices.money(session, amounts((billing_units.ADDRESS, "1"))) is None


@pytest.mark.parametrize("region", [pytest.param("cn-north-1", id="China"), pytest.param("us-gov-west-1", id="GovCloud")])
def test_other_partitions_are_not_in_the_list(serve: Serve, servers: list[Server], region: str) -> None:
    found = hourly_prices.money(serve(region=region), amounts((billing_units.ADDRESS, "1")))

    assert found is None
    assert servers[0].requests == 0


def test_the_price_list_is_asked_where_it_answers_and_only_once() -> None:
    boto = boto3.Session(aws_access_key_id="a", aws_secret_access_key="b", region_name=REGION)  # noqa: S106 - opens nothing
    client = Session(REGION, boto).client("pricing", hourly_prices.REGION, timeout=hourly_prices.ANSWER)

    config = client.meta.config
    assert client.meta.endpoint_url == "https://api.pricing.us-east-1.amazonaws.com"
    assert config.read_timeout == hourly_prices.ANSWER
    assert config.retries["total_max_attempts"] == 1


def test_only_spot_has_no_product() -> None:
    spot = {sort[kind] for sort in (billing_units.VCPU, billing_units.MEMORY) for kind in sort if kind[1]}

    assert set(billing_units.ORDER) - set(hourly_prices.PRODUCTS) == spot


def test_the_pretended_account_tells_no_prices_and_takes_the_question_for_no_trouble(account: server.Server) -> None:
    found = hourly_prices.money(sessions.rehearsal_session(REGION, account.address, "any"), amounts((billing_units.ADDRESS, "1")))

    assert found is None
    assert account.ledger.observations().problems == ()
