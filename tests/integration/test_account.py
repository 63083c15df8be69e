"""The code path of a real account, over an endpoint on this machine: guard rails, tags, teardown, sweep."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from preflight import engine as engines
from preflight import pipeline, process

ROOT = Path(__file__).parents[2]
COMMAND = (sys.executable, "-m", "preflight")
ACCOUNT = "123456789012"
REGION = "ap-northeast-1"
TARGET = ("--target", "aws", "--account", ACCOUNT)
pytestmark = pytest.mark.containers


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    """A pretended account that stays, as a real one does, while runs come and go."""
    run = pipeline.new_run()
    standin = f"nginx={ROOT / 'docker' / 'nginx-standin'}"
    service = process.Service(*COMMAND, "serve", "--until-eof", "--run", run, "--standin", standin)
    yield json.loads(service.first_line(timeout=60))["endpoint"]
    if not service.stop(timeout=120):
        engines.remove_run(engines.find(), run)


def run(endpoint: str, *args: str, timeout: float = 300) -> process.Done:
    return process.run(*args, env={"AWS_ENDPOINT_URL": endpoint}, cwd=ROOT, timeout=timeout)


def client(endpoint: str, service: str, region: str = REGION) -> Any:
    return boto3.client(service, region_name=region, endpoint_url=endpoint)


def left(endpoint: str, region: str = REGION) -> list[str]:
    """Everything in the account that a run may have made, by the services' own lists."""
    stacks = client(endpoint, "cloudformation", region).describe_stacks()["Stacks"]
    buckets = client(endpoint, "s3", region).list_buckets()["Buckets"]
    repositories = client(endpoint, "ecr", region).describe_repositories()["repositories"]
    groups = client(endpoint, "logs", region).describe_log_groups()["logGroups"]
    roles = client(endpoint, "iam", region).list_roles()["Roles"]
    clusters = client(endpoint, "ecs", region).list_clusters()["clusterArns"]
    vpcs = client(endpoint, "ec2", region).describe_vpcs(Filters=[{"Name": "is-default", "Values": ["false"]}])["Vpcs"]
    return [
        *(stack["StackName"] for stack in stacks),
        *(bucket["Name"] for bucket in buckets),
        *(repository["repositoryName"] for repository in repositories),
        *(group["logGroupName"] for group in groups),
        *(role["RoleName"] for role in roles),
        *clusters,
        *(vpc["VpcId"] for vpc in vpcs),
    ]


def test_the_live_suite_passes_on_the_account_and_leaves_nothing(endpoint: str) -> None:
    options = ("--preflight-target", "aws", "--preflight-account", ACCOUNT, "--preflight-yes", "--preflight-no-skips")

    done = run(endpoint, sys.executable, "-m", "pytest", "-q", "tests/integration", *options)

    assert (done.code, left(endpoint)) == (0, []), done.stdout
