"""The log group of Container Insights: there for a cluster that is measured, once a task of it runs."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from preflight.system import waiting

Client = Callable[[str], Any]
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}


def groups_after_a_task(client: Client, value: str) -> list[str]:
    """Names of log groups once a task runs in a cluster whose containerInsights is `value`."""
    ecs, iam = client("ecs"), client("iam")
    role = iam.create_role(RoleName="r", AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
    iam.attach_role_policy(
        RoleName="r", PolicyArn="arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy"
    )
    ecs.create_cluster(clusterName="measured", settings=[{"name": "containerInsights", "value": value}])
    ecs.register_task_definition(
        family="web",
        requiresCompatibilities=["FARGATE"],
        networkMode="awsvpc",
        cpu="256",
        memory="512",
        executionRoleArn=role,
        containerDefinitions=[{"name": "web", "image": "nginx:1.28.0"}],
    )
    subnet = client("ec2").describe_subnets()["Subnets"][0]["SubnetId"]
    network = {"awsvpcConfiguration": {"subnets": [subnet], "assignPublicIp": "ENABLED"}}
    task = ecs.run_task(
        cluster="measured", taskDefinition="web", launchType="FARGATE", networkConfiguration=network
    )["tasks"][0]["taskArn"]

    def runs() -> bool:
        return bool(ecs.describe_tasks(cluster="measured", tasks=[task])["tasks"][0]["lastStatus"] == "RUNNING")

    waiting.until(runs, what="a running task", timeout=30)
    return [group["logGroupName"] for group in client("logs").describe_log_groups()["logGroups"]]


@pytest.mark.parametrize("value", [pytest.param("enabled", id="enabled"), pytest.param("enhanced", id="enhanced")])
def test_a_cluster_that_is_measured_gets_a_log_group(client: Client, value: str) -> None:
    assert groups_after_a_task(client, value) == ["/aws/ecs/containerinsights/measured/performance"]


def test_a_cluster_that_is_not_measured_gets_none(client: Client) -> None:
    assert groups_after_a_task(client, "disabled") == []
