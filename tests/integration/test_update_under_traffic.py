"""Requests while tasks are exchanged: an application that ends at once on SIGTERM loses some, its corrected twin none."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from preflight.deploy import session
from preflight.model import JsonObject
from preflight.plan.traffic_settings import TrafficSettings
from preflight.traffic import drills
from preflight.traffic.drills import DrilledService
from tests.integration import emulator
from tests.integration.emulator import Emulator
from tests.integration.web_service import AT_ONCE, GRACEFUL, LONG, Web

pytestmark = [pytest.mark.containers, pytest.mark.faults]
TIMES = 3


@pytest.fixture(scope="module")
def fargate(account: Emulator) -> Emulator:
    """An account with a cluster and a role that may do everything."""
    account.client("iam").create_role(RoleName="all", AssumeRolePolicyDocument=json.dumps(emulator.TRUST))
    account.client("iam").attach_role_policy(RoleName="all", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    account.client("ecs").create_cluster(clusterName="default")
    return account


@pytest.fixture
def web(fargate: Emulator) -> Iterator[Web]:
    """The service whose application ends gracefully, not created yet."""
    created = Web(fargate, session.rehearsal_session(emulator.REGION, fargate.endpoint, "any"), GRACEFUL)
    yield created
    created.delete()


def test_an_application_that_ends_at_once_loses_requests_in_flight(web: Web) -> None:
    web.command = AT_ONCE
    web.create()

    for record, found in [web.exchanged(LONG, web.places) for _ in range(TIMES)]:
        assert record.failed > 0
        assert "ended at SIGTERM with requests in flight" in found[0].message


def test_its_corrected_twin_loses_none(web: Web) -> None:
    web.create()

    for record, found in [web.exchanged(LONG, web.places) for _ in range(TIMES)]:
        assert record.sent > 100
        assert record.failures == ()
        assert [finding.check for finding in found] == ["TRAFFIC_ADDRESS"]


def test_a_load_balancer_drains_even_an_application_that_ends_at_once(web: Web) -> None:
    web.command = AT_ONCE
    places = web.behind_balancer("application", deregistration_delay__timeout_seconds="30")
    web.create()

    record, found = web.exchanged(LONG, places)

    assert record.failures == ()
    assert found == []


@pytest.mark.parametrize(
    ("kind", "attributes", "configuration", "said"),
    [
        pytest.param("application", {"deregistration_delay__timeout_seconds": "1"}, {}, "deregistration delay of 1 s was over", id="a delay shorter than a request"),
        pytest.param("network", {"deregistration_delay__timeout_seconds": "1"}, {}, "ended at SIGTERM with requests in flight", id="a network load balancer, which breaks no connection"),
        pytest.param("application", {}, {"minimumHealthyPercent": 0, "maximumPercent": 100}, "MinimumHealthyPercent 0 of 1", id="one task and no room for a second"),
    ],
)  # fmt: skip
def test_an_update_behind_a_load_balancer_loses_requests(
    web: Web, kind: str, attributes: dict[str, str], configuration: JsonObject, said: str
) -> None:
    web.command = AT_ONCE
    places = web.behind_balancer(kind, **attributes)
    web.service["deploymentConfiguration"] = configuration
    web.create()

    record, found = web.exchanged(LONG, places)

    assert record.failed > 0
    assert any(said in finding.message for finding in found)


@pytest.mark.parametrize(
    "drill", [pytest.param(name, id=name) for name in ("task-lost", "zone-lost", "bad-image")]
)
def test_a_service_that_is_ready_for_it_answers_through_a_drill(web: Web, drill: str) -> None:
    places = web.behind_balancer("application")
    breaker = {"enable": True, "rollback": True}
    web.service |= {"desiredCount": 2, "deploymentConfiguration": {"deploymentCircuitBreaker": breaker}}
    web.create()
    service, results = DrilledService(web.session, "default", web.name), []

    record, found = web.exchanged(TrafficSettings(), places, lambda: results.append(drills.run(drill, service)))

    assert results[0].problem is None
    assert record.failures == ()
    assert found == []


def test_the_only_task_of_a_service_is_missed(web: Web) -> None:
    places = web.behind_balancer("application")
    web.create()
    service = DrilledService(web.session, "default", web.name)

    record, found = web.exchanged(TrafficSettings(), places, lambda: drills.run("task-lost", service))

    assert record.failed > 0
    assert "no other of the 1 tasks" in found[0].message


def test_a_broken_version_stays_without_a_circuit_breaker(web: Web) -> None:
    web.create()

    result = drills.run("bad-image", DrilledService(web.session, "default", web.name))

    assert "it has no circuit breaker" in str(result.problem)
