"""An emulated account in a process of its own, which stays, as a real one does, while runs come and go."""

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
from preflight.system import processes, run_folders
from preflight.system.processes import CompletedProcess, ServerProcess

ROOT = Path(__file__).parents[2]
COMMAND = (sys.executable, "-m", "preflight")
ACCOUNT = "123456789012"
REGION = "ap-northeast-1"
CHECK = ("check", str(ROOT), "--allow-standins", "--target", "aws", "--account", ACCOUNT, "--yes", "--stage", "rehearse,smoke")
SWEEP = ("sweep", "--target", "aws", "--account", ACCOUNT)
NOT_DEFAULT = [{"Name": "is-default", "Values": ["false"]}]
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}


@dataclass(frozen=True)
class Emulator:
    """The process, the run that it is, its address, and the program that clients use for docker."""

    pid: int
    run: str
    endpoint: str
    docker: str

    def client(self, service: str, region: str = REGION) -> Any:
        """Returns a boto3 client of one of its services."""
        return boto3.client(
            service,
            region_name=region,
            endpoint_url=self.endpoint,
            aws_access_key_id="rehearsal",
            aws_secret_access_key="rehearsal",  # noqa: S106 - opens nothing
        )

    def resources(self, *regions: str) -> list[str]:
        """Returns everything in the account that a run may have created, by the services' own lists."""
        roles = [f"role {role['RoleName']}" for role in self.client("iam").list_roles()["Roles"]]
        policies = [f"policy {p['PolicyName']}" for p in self.client("iam").list_policies(Scope="Local")["Policies"]]
        return sorted({*roles, *policies, *(resource for region in regions or (REGION,) for resource in self._in(region))})

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
        for vpc in ec2.describe_vpcs(Filters=NOT_DEFAULT)["Vpcs"]:
            yield f"vpc {vpc['VpcId']}"
        for interface in ec2.describe_network_interfaces()["NetworkInterfaces"]:
            yield f"interface {interface['NetworkInterfaceId']}"
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
def running(*options: str, run: str | None = None) -> Iterator[Emulator]:
    """Start an account, and remove what it has not cleaned up two minutes after the block."""
    run, standin = run or new_run(), f"nginx={ROOT / 'docker' / 'nginx-standin'}"
    process = ServerProcess.start(*COMMAND, "serve", "--any-credentials", "--run", run, "--until-eof", "--standin", standin, *options)
    try:
        announced = json.loads(process.first_line(timeout=60))
        yield Emulator(process.pid, run, announced["endpoint"], announced["docker"])
    finally:
        if not process.stop(timeout=120):
            engine.remove_run(engine.find(), run)
            run_folders.remove(run_folders.runs() / run)


def environment(endpoint: str, more: Mapping[str, str] | None = None) -> dict[str, str]:
    """Returns the environment of a client of the account at an endpoint, with `more`."""
    return {"AWS_ENDPOINT_URL": endpoint, **(more or {})}


def run(endpoint: str, *args: str, timeout: float = 300, env: Mapping[str, str] | None = None) -> CompletedProcess:
    """Run one of the program's commands on the account at an endpoint."""
    return processes.run(*COMMAND, *args, env=environment(endpoint, env), cwd=ROOT, timeout=timeout)
