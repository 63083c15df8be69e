"""Fifty tasks of one service become steady, cost little while nothing changes, and stop again."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from preflight.container_engine import engine
from preflight.system import waiting
from tests.integration import emulator
from tests.integration.emulator import Emulator

RUN, TASKS = "scale", 50
MEMORY, IDLE = 600, 0.02  # MiB at most; part of a core at most
LOOK = 10.0  # seconds that the idle account is looked at
pytestmark = [pytest.mark.endurance, pytest.mark.containers]


@pytest.fixture
def account() -> Iterator[Emulator]:
    with emulator.running(run=RUN) as running:
        yield running


def resident(pid: int) -> float:
    """Resident memory of a process in MiB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:")) / 1024


def worked(pid: int) -> float:
    """Seconds that a process has worked so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def running() -> int:
    ours = ("--filter", f"label={engine.RUN_LABEL}={RUN}")
    return len(engine.find().must("ps", "--all", "--quiet", *ours).split())


def test_fifty_tasks_become_steady_and_stop_again(account: Emulator) -> None:
    pid, client = account.pid, account.client
    ecs, iam = client("ecs"), client("iam")
    role = iam.create_role(RoleName="r", AssumeRolePolicyDocument=json.dumps(emulator.TRUST))["Role"]["Arn"]
    subnet = client("ec2").describe_subnets()["Subnets"][0]["SubnetId"]
    ecs.create_cluster(clusterName="default")
    containers = [{"name": "web", "image": "nginx:1.28.0", "portMappings": [{"containerPort": 80}]}]
    sizes = {"cpu": "256", "memory": "512", "requiresCompatibilities": ["FARGATE"], "networkMode": "awsvpc"}
    ecs.register_task_definition(family="web", executionRoleArn=role, containerDefinitions=containers, **sizes)
    network = {"awsvpcConfiguration": {"subnets": [subnet], "assignPublicIp": "ENABLED"}}

    ecs.create_service(
        serviceName="web", taskDefinition="web", desiredCount=TASKS, launchType="FARGATE", networkConfiguration=network
    )
    ecs.get_waiter("services_stable").wait(
        cluster="default", services=["web"], WaiterConfig={"Delay": 2, "MaxAttempts": 150}
    )
    up, memory, before = running(), resident(pid), worked(pid)
    waiting.pause(LOOK)
    idle = (worked(pid) - before) / LOOK
    ecs.delete_service(service="web", force=True)
    ecs.get_waiter("services_inactive").wait(services=["web"], WaiterConfig={"Delay": 1, "MaxAttempts": 180})
    waiting.until(lambda: running() == 0 or None, what="the containers to stop", timeout=60)

    sys.stderr.write(
        f"\n{TASKS} tasks, {up} containers: {memory:.0f} MiB, {idle:.2%} of a core while nothing changes\n"
    )
    assert up == 2 * TASKS
    assert memory < MEMORY
    assert idle < IDLE
