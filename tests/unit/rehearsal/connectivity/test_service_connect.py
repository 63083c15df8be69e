from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from preflight.rehearsal.connectivity.service_connect import Alias, Aliases
from preflight.rehearsal.ecs.state import Cluster, Definition, Deployment, Service, State, Task
from preflight.rehearsal.server import Server

NOON = dt.datetime(2026, 1, 1, 12)  # noqa: DTZ001 - moments of ECS have no zone here
CONTAINERS = [{"name": "c", "portMappings": [{"name": "http", "containerPort": 8080}]}]
ON: dict[str, Any] = {"enabled": True, "namespace": "app"}


@pytest.fixture
def state(account: Server) -> State:
    state = State(account.account)
    state.definitions["f:1"] = Definition("f:1", {"family": "f", "containerDefinitions": CONTAINERS}, [])
    return state


def service(state: State, name: str, connect: dict[str, Any], created: dt.datetime = NOON) -> Service:
    cluster = Cluster("c", "c", {"serviceConnectDefaults": {"namespace": "app"}})
    settings = {"serviceConnectConfiguration": connect}
    deployment = Deployment("d", "f:1", settings, created=created)
    service = Service(name, name, cluster, "eu-west-1", settings, 1, [deployment], created=created)
    state.services[name] = service
    return service


def exposing(**alias: Any) -> dict[str, Any]:
    return {**ON, "services": [{"portName": "http", "clientAliases": [{"port": 80, **alias}]}]}


def aliases_of(state: State, client: Service | None) -> Aliases:
    cluster = Cluster("c", "c", {})
    return Aliases(state, Task("t", "t", "eu-west-1", cluster, state.definitions["f:1"], {}, {}, client))


@pytest.mark.parametrize(
    ("alias", "name"),
    [
        pytest.param({"dnsName": "Web"}, "web", id="a name of its own"),
        pytest.param({}, "http.app", id="the port's name in the namespace"),
    ],
)
def test_an_alias_leads_to_the_port_of_its_service(state: State, alias: dict[str, Any], name: str) -> None:
    web = service(state, "web", exposing(**alias))
    aliases = aliases_of(state, service(state, "client", {"enabled": True}))

    address = aliases.address(name)

    assert address == "127.255.0.1"
    assert aliases.at("127.255.0.1", 80) == Alias(name, 80, web, 8080, 8080)
    assert aliases.at("127.255.0.1", 81) is None


@pytest.mark.parametrize(
    ("client", "is_known"),
    [
        pytest.param(ON, True, id="in its namespace"),
        pytest.param({**ON, "namespace": "other"}, False, id="in another namespace"),
        pytest.param({**ON, "enabled": False}, False, id="switched off"),
    ],
)
def test_clients_of_the_namespace_know_it(state: State, client: dict[str, Any], *, is_known: bool) -> None:
    service(state, "web", exposing(dnsName="web"))

    address = aliases_of(state, service(state, "client", client)).address("web")

    assert (address is not None) is is_known


def test_a_task_without_a_service_knows_none(state: State) -> None:
    service(state, "web", exposing(dnsName="web"))

    assert aliases_of(state, None).address("web") is None


@pytest.mark.parametrize(
    ("minutes", "is_known"), [pytest.param(-1, True, id="made before"), pytest.param(1, False, id="made after")]
)
def test_a_deployment_knows_services_that_were_made_before_it(state: State, minutes: int, *, is_known: bool) -> None:
    service(state, "web", exposing(dnsName="web"), created=NOON + dt.timedelta(minutes=minutes))

    address = aliases_of(state, service(state, "client", ON)).address("web")

    assert (address is not None) is is_known


def test_an_ingress_port_is_where_the_proxy_listens(state: State) -> None:
    connect = exposing(dnsName="web")
    connect["services"][0]["ingressPortOverride"] = 9000
    web = service(state, "web", connect)
    aliases = aliases_of(state, service(state, "client", ON))

    address = aliases.address("web")

    assert aliases.at(str(address), 80) == Alias("web", 80, web, 9000, 8080)


def test_a_namespace_of_that_name_in_another_region_is_another_one(state: State) -> None:
    service(state, "web", exposing(dnsName="web")).region = "us-east-1"

    assert aliases_of(state, service(state, "client", ON)).address("web") is None
