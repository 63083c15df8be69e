"""What the account knows of a service, read over its API."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from preflight.traffic import account_facts
from preflight.traffic.account_facts import ServiceFacts

Api = dict[str, Any]
SERVICE = "arn:aws:ecs:eu-west-1:1:service/c/web"


class FakeSession:
    """Clients of one service behind one load balancer; `api` has the answers by operation."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def client(self, _service: str) -> FakeSession:
        return self

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        return lambda **_given: self._api[operation]

    def get_paginator(self, _operation: str) -> FakeSession:
        return self

    def paginate(self, **given: Any) -> list[Api]:
        return [{"taskArns": ["arn:t"] if given["desiredStatus"] == "STOPPED" else []}]


@pytest.fixture
def api() -> Api:
    return {
        "describe_services": {
            "services": [
                {
                    "desiredCount": 3,
                    "status": "ACTIVE",
                    "deploymentConfiguration": {"minimumHealthyPercent": 50, "maximumPercent": 150},
                    "loadBalancers": [{"targetGroupArn": "arn:g"}],
                }
            ]
        },
        "describe_tasks": {"tasks": [{"taskArn": "arn:t", "taskDefinitionArn": "f:1", "containers": [{"exitCode": 137}]}]},
        "describe_task_definition": {"taskDefinition": {"containerDefinitions": [{"stopTimeout": 60}]}},
        "describe_target_groups": {"TargetGroups": [{"Protocol": "HTTP", "LoadBalancerArns": ["arn:lb"]}]},
        "describe_target_group_attributes": {"Attributes": [{"Key": account_facts.DELAY, "Value": "20"}]},
        "describe_load_balancer_attributes": {"Attributes": [{"Key": account_facts.IDLE, "Value": "40"}]},
    }


def read(api: Api) -> list[ServiceFacts]:
    session: Any = FakeSession(api)
    return account_facts.read(session, {SERVICE: "c"})


def test_percentages_become_numbers_of_tasks(api: Api) -> None:
    service = read(api)[0]

    assert service.lower == 2
    assert service.upper == 4


def test_a_stopped_task_has_its_exit_codes_and_its_time_to_stop(api: Api) -> None:
    task = read(api)[0].tasks[0]

    assert task.exit_codes == (137,)
    assert task.stop_timeout == 60


def test_the_load_balancers_times_are_known(api: Api) -> None:
    service = read(api)[0]

    assert service.delay == 20
    assert service.idle_timeout == 40


@pytest.mark.parametrize(
    ("value", "delay"),
    [pytest.param("false", None, id="keeps them"), pytest.param("true", 300, id="breaks them if it is told to")],
)
def test_a_network_load_balancer_and_its_connections_after_the_delay(api: Api, value: str, delay: float | None) -> None:
    api["describe_target_groups"] = {"TargetGroups": [{"Protocol": "TCP"}]}
    api["describe_target_group_attributes"] = {"Attributes": [{"Key": account_facts.ENDS_CONNECTIONS, "Value": value}]}

    assert read(api)[0].delay == delay


def test_a_service_that_is_gone_is_left_out(api: Api) -> None:
    class Gone(FakeSession):
        def describe_services(self, **_given: Any) -> Api:
            raise ClientError({"Error": {"Code": "ClusterNotFoundException"}}, "DescribeServices")

    session: Any = Gone(api)
    assert account_facts.read(session, {SERVICE: "c"}) == []
