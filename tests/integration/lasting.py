"""A pretended account that lasts, as a real one does, while runs come and go; and all that it holds."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3

from preflight.container_engine import engine
from preflight.pipeline.request import new_run
from preflight.system import processes
from preflight.system.processes import CompletedProcess, ServerProcess

ROOT = Path(__file__).parents[2]
COMMAND = (sys.executable, "-m", "preflight")
ACCOUNT = "123456789012"
REGION = "ap-northeast-1"
CHECK = ("check", str(ROOT), "--target", "aws", "--account", ACCOUNT, "--yes", "--stage", "rehearse,smoke")
SWEEP = ("sweep", "--target", "aws", "--account", ACCOUNT)
OWN = [{"Name": "is-default", "Values": ["false"]}]


@dataclass(frozen=True)
class Account:
    """The account behind an endpoint."""

    endpoint: str

    def client(self, service: str, region: str = REGION) -> Any:
        """A boto3 client of it."""
        return boto3.client(service, region_name=region, endpoint_url=self.endpoint)

    def held(self, *regions: str) -> list[str]:
        """All in it that a run may have made, by the services' own lists."""
        named = regions or (REGION,)
        roles = [f"role {role['RoleName']}" for role in self.client("iam").list_roles()["Roles"]]
        policies = [f"policy {p['PolicyName']}" for p in self.client("iam").list_policies(Scope="Local")["Policies"]]
        return sorted({*roles, *policies, *(one for region in named for one in self._in(region))})

    def _in(self, region: str) -> Iterator[str]:
        yield from self._stacks(region)
        yield from self._tasks(region)
        yield from self._network(region)
        for bucket in self.client("s3", region).list_buckets()["Buckets"]:
            yield f"bucket {bucket['Name']}"
        for repository in self.client("ecr", region).describe_repositories()["repositories"]:
            yield f"repository {repository['repositoryName']}"
        for group in self.client("logs", region).describe_log_groups()["logGroups"]:
            yield f"log group {group['logGroupName']}"

    def _stacks(self, region: str) -> Iterator[str]:
        """Stacks in every state but deleted; their change sets go with them."""
        pages = self.client("cloudformation", region).get_paginator("list_stacks").paginate()
        for stack in (stack for page in pages for stack in page["StackSummaries"]):
            if stack["StackStatus"] != "DELETE_COMPLETE":
                yield f"stack {stack['StackName']} {stack['StackStatus']}"

    def _tasks(self, region: str) -> Iterator[str]:
        ecs = self.client("ecs", region)
        for definition in ecs.list_task_definitions(status="ACTIVE")["taskDefinitionArns"]:
            yield f"task definition {definition}"
        for cluster in ecs.list_clusters()["clusterArns"]:
            yield f"cluster {cluster}"
            for service in ecs.list_services(cluster=cluster)["serviceArns"]:
                yield f"service {service}"
            for task in ecs.list_tasks(cluster=cluster)["taskArns"]:
                yield f"task {task}"

    def _network(self, region: str) -> Iterator[str]:
        ec2, elb = self.client("ec2", region), self.client("elbv2", region)
        for vpc in ec2.describe_vpcs(Filters=OWN)["Vpcs"]:
            yield f"vpc {vpc['VpcId']}"
        for face in ec2.describe_network_interfaces()["NetworkInterfaces"]:
            yield f"interface {face['NetworkInterfaceId']}"
        for address in ec2.describe_addresses()["Addresses"]:
            yield f"address {address['PublicIp']}"
        for group in ec2.describe_security_groups()["SecurityGroups"]:
            if group["GroupName"] != "default":
                yield f"security group {group['GroupId']}"
        for gateway in ec2.describe_internet_gateways()["InternetGateways"]:
            if not gateway["Attachments"]:
                yield f"internet gateway {gateway['InternetGatewayId']}"
        for balancer in elb.describe_load_balancers()["LoadBalancers"]:
            yield f"load balancer {balancer['LoadBalancerName']}"
        for group in elb.describe_target_groups()["TargetGroups"]:
            yield f"target group {group['TargetGroupName']}"


@contextlib.contextmanager
def serving() -> Iterator[Account]:
    """A fresh account of that kind, until the block ends."""
    run = new_run()
    standin = f"nginx={ROOT / 'docker' / 'nginx-standin'}"
    service = ServerProcess(*COMMAND, "serve", "--until-eof", "--run", run, "--standin", standin)
    try:
        yield Account(json.loads(service.first_line(timeout=60))["endpoint"])
    finally:
        if not service.stop(timeout=120):
            engine.remove_run(engine.find(), run)


def environment(endpoint: str, more: Mapping[str, str] | None = None) -> dict[str, str]:
    """What the environment of a client of the account behind an endpoint has besides, and `more`."""
    return {"AWS_ENDPOINT_URL": endpoint, **(more or {})}


def run(endpoint: str, *args: str, timeout: float = 300, env: Mapping[str, str] | None = None) -> CompletedProcess:
    """What one of the program's commands brings, with the account behind an endpoint."""
    return processes.run(*COMMAND, *args, env=environment(endpoint, env), cwd=ROOT, timeout=timeout)
