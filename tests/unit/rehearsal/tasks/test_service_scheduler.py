"""Services that are updated, scaled, stuck and rolled back, as ECS does it; by its own API and waiters."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from preflight.system import waiting

TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
EXECUTION = "arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy"
NOWHERE = "123456789012.dkr.ecr.ap-northeast-1.amazonaws.com/nowhere:1"
Client = Callable[[str], Any]


class World:
    """One cluster with a service `web`."""

    def __init__(self, client: Client) -> None:
        self.ecs = client("ecs")
        iam = client("iam")
        self.role = iam.create_role(RoleName="r", AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
        iam.attach_role_policy(RoleName="r", PolicyArn=EXECUTION)
        self.subnet = client("ec2").describe_subnets()["Subnets"][0]["SubnetId"]
        self.ecs.create_cluster(clusterName="default")

    def define(self, image: str = "nginx:1.28.0") -> str:
        arn: str = self.ecs.register_task_definition(
            family="web",
            requiresCompatibilities=["FARGATE"],
            networkMode="awsvpc",
            cpu="256",
            memory="512",
            executionRoleArn=self.role,
            containerDefinitions=[{"name": "web", "image": image}],
        )["taskDefinition"]["taskDefinitionArn"]
        return arn

    def create(self, desired: int, **settings: Any) -> None:
        self.define()
        network = {"awsvpcConfiguration": {"subnets": [self.subnet], "assignPublicIp": "ENABLED"}}
        self.ecs.create_service(
            serviceName="web",
            taskDefinition="web",
            desiredCount=desired,
            launchType="FARGATE",
            networkConfiguration=network,
            **settings,
        )
        self.wait_until_stable()

    def update(self, **settings: Any) -> None:
        self.ecs.update_service(service="web", **settings)

    def wait_until_stable(self) -> None:
        self.ecs.get_waiter("services_stable").wait(services=["web"], WaiterConfig={"Delay": 1, "MaxAttempts": 30})

    @property
    def service(self) -> dict[str, Any]:
        service: dict[str, Any] = self.ecs.describe_services(services=["web"])["services"][0]
        return service

    def wait_for_event(self, words: str) -> str:
        """Waits for an event with these words and returns it."""

        def probe() -> str | None:
            return next((e["message"] for e in self.service["events"] if words in e["message"]), None)

        return waiting.until(probe, what=f"an event with {words!r}", timeout=30, interval=0.1)

    def tasks(self, status: str = "RUNNING") -> list[dict[str, Any]]:
        arns = self.ecs.list_tasks(serviceName="web", desiredStatus=status)["taskArns"]
        tasks: list[dict[str, Any]] = self.ecs.describe_tasks(tasks=arns)["tasks"] if arns else []
        return tasks


@pytest.fixture
def world(client: Client) -> World:
    return World(client)


def test_a_new_definition_is_rolled_out(world: World) -> None:
    world.create(2)

    world.update(taskDefinition=world.define())
    world.wait_until_stable()

    running, stopped = world.tasks(), world.tasks("STOPPED")
    assert [t["taskDefinitionArn"].rpartition(":")[2] for t in running] == ["2", "2"]
    assert {t["stopCode"] for t in stopped} == {"ServiceSchedulerInitiated"}
    assert [(d["status"], d["rolloutState"]) for d in world.service["deployments"]] == [("PRIMARY", "COMPLETED")]


def test_a_service_is_scaled_out_and_in(world: World) -> None:
    world.create(1)

    world.update(desiredCount=3)
    world.wait_until_stable()
    assert len(world.tasks()) == 3

    world.update(desiredCount=1)
    world.wait_until_stable()
    assert len(world.tasks()) == 1
    assert world.tasks("STOPPED")[0]["stoppedReason"].startswith("Scaling activity initiated by (deployment ecs-svc/")


def test_a_deployment_that_may_neither_start_nor_stop_a_task_adds_an_event(world: World) -> None:
    bounds = {"minimumHealthyPercent": 100, "maximumPercent": 125}
    world.create(3, deploymentConfiguration=bounds)

    world.update(taskDefinition=world.define())
    event = world.wait_for_event("unable to stop or start tasks during a deployment")
    world.update(deploymentConfiguration={**bounds, "maximumPercent": 200})
    world.wait_until_stable()

    assert event.endswith("Update the minimumHealthyPercent or maximumPercent value and try again.")
    assert {t["taskDefinitionArn"].rpartition(":")[2] for t in world.tasks()} == {"2"}


def test_the_circuit_breaker_rolls_back_to_the_deployment_that_ran(world: World) -> None:
    world.create(1, deploymentConfiguration={"deploymentCircuitBreaker": {"enable": True, "rollback": True}})
    before = world.service["deployments"][0]["id"]

    world.update(taskDefinition=world.define(NOWHERE))
    event = world.wait_for_event("rolling back to deployment")
    world.wait_until_stable()

    assert before in event
    assert world.service["deployments"][0]["taskDefinition"].endswith("web:1")
    messages = [event["message"] for event in world.service["events"]]
    assert "(service web) is unable to consistently start tasks successfully." in messages


def test_a_stopped_task_is_replaced(world: World) -> None:
    world.create(1)
    old = world.tasks()[0]["taskArn"]

    world.ecs.stop_task(task=old, reason="by hand")
    world.ecs.get_waiter("tasks_stopped").wait(tasks=[old], WaiterConfig={"Delay": 1, "MaxAttempts": 20})
    world.wait_until_stable()

    stopped = world.ecs.describe_tasks(tasks=[old])["tasks"][0]
    assert stopped["stopCode"] == "UserInitiated"
    assert stopped["stoppedReason"] == "by hand"
    assert len(world.tasks()) == 1
    assert world.tasks()[0]["taskArn"] != old
