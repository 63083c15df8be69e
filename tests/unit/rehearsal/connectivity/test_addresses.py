"""Addresses for a browser and for curl; what answers there is tested with containers."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any
from unittest import mock

import pytest
from werkzeug.wrappers import Request

from preflight.rehearsal.connectivity.addresses import Addresses
from preflight.rehearsal.load_balancing.load_balancers import OpenListener

FORWARD = {"IsDefault": True, "Actions": [{"Type": "forward"}]}
REFUSE = {"IsDefault": True, "Actions": [{"Type": "fixed-response"}]}


def asked(*listeners: OpenListener, accept: str = "*/*") -> str:
    balancers = mock.Mock(listening=lambda: list(listeners))
    running_tasks, public_ports = mock.Mock(items=lambda: iter(())), mock.Mock(places=set)
    request = Request.from_values("/_preflight/addresses", headers={"Accept": accept})
    return Addresses(mock.Mock(), running_tasks, public_ports, balancers).answer(request).get_data(as_text=True)


def listener(*rules: dict[str, Any], name: str = "web", protocol: str = "HTTP", port: int = 80, is_public: bool = True) -> OpenListener:
    return OpenListener(name, protocol, rules, ("127.1.2.3", port), is_public)


def hosts(*values: str) -> dict[str, Any]:
    return {"Conditions": [{"Field": "host-header", "HostHeaderConfig": {"Values": list(values)}}], "Actions": [{"Type": "forward"}]}


@pytest.mark.parametrize(
    ("open_", "curl"),
    [
        pytest.param(listener(FORWARD), "curl http://127.1.2.3/", id="the usual port"),
        pytest.param(listener(FORWARD, port=8080), "curl http://127.1.2.3:8080/", id="another port"),
        pytest.param(listener(FORWARD, protocol="HTTPS", port=443), "curl --insecure https://127.1.2.3/", id="a certificate of the rehearsal"),
        pytest.param(listener(hosts("*.a.example", "b.example"), REFUSE), "curl --header 'Host: b.example' http://127.1.2.3/", id="only requests for a host are forwarded"),
        pytest.param(listener(hosts("b.example"), FORWARD), "curl http://127.1.2.3/", id="every request is forwarded"),
        pytest.param(listener(hosts("*.example"), REFUSE), "curl http://127.1.2.3/", id="no host is known"),
        pytest.param(listener(hosts("x'; reboot"), REFUSE), """curl --header 'Host: x'"'"'; reboot' http://127.1.2.3/""", id="a host is no command"),
    ],
)  # fmt: skip
def test_curl_asks_for_a_page_that_is_forwarded(open_: OpenListener, curl: str) -> None:
    assert json.loads(asked(open_))[0]["curl"] == curl


def test_a_browser_gets_a_page_with_links() -> None:
    assert '<a href="http://127.1.2.3/">' in asked(listener(FORWARD), accept="text/html,*/*")


def test_the_page_says_what_is_internal_on_aws() -> None:
    assert "internal: on AWS only its VPC reaches it" in asked(listener(FORWARD, is_public=False), accept="text/html")


@pytest.mark.parametrize(
    ("change", "urls"),
    [
        pytest.param({}, ["http://127.4.5.6:8080/", "tcp://127.4.5.6:5432"], id="runs"),
        pytest.param({"is_stopping": True}, [], id="stops"),
        pytest.param({"ran_since": None}, [], id="does not run yet"),
    ],
)
def test_a_task_is_found_at_its_public_address_while_it_runs(change: dict[str, Any], urls: list[str]) -> None:
    task = mock.Mock(**{"ran_since": 1.0, "is_stopping": False, **change})
    task.service.name, task.service.request = "shop", {}
    task.definition.api = {"containerDefinitions": [{"portMappings": [{"containerPort": 8080}]}]}
    container = mock.Mock(ports=((8080, "tcp"), (5432, "tcp"), (53, "udp")))
    running = SimpleNamespace(public="127.4.5.6", pid=0, interface=None, spec=SimpleNamespace(containers=(container,)))
    public_ports = mock.Mock(places=lambda: {("127.4.5.6", 8080), ("127.4.5.6", 5432)}, is_requested=lambda *_: False)
    addresses = Addresses(mock.Mock(tasks={"t": task}), mock.Mock(items=lambda: iter([("t", running)])), public_ports, mock.Mock(listening=list, target_groups=lambda *_: []))

    answer = json.loads(addresses.answer(Request.from_values("/")).get_data())

    assert [(address["name"], address["url"]) for address in answer] == [("shop", url) for url in urls]


def test_what_speaks_no_http_is_neither_a_link_nor_a_command() -> None:
    database = listener(FORWARD, protocol="TCP", port=5432)

    assert json.loads(asked(database))[0] == {"name": "web", "url": "tcp://127.1.2.3:5432", "curl": "", "is_internal": False}
    assert "href" not in asked(database, accept="text/html")


@pytest.mark.hostile
def test_no_name_is_markup_on_the_page() -> None:
    assert "<script" not in asked(listener(FORWARD, name="<script>alert(1)</script>"), accept="text/html")
