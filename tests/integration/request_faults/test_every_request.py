"""Every request of a run goes wrong in every way: the run heals, or says what it could not do, and nothing is left.

Run by `tox -e request-faults`.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from preflight.system.processes import CompletedProcess
from tests.integration import emulator
from tests.integration.emulator import Emulator
from tests.integration.request_faults.fault import Fault, Kind

if TYPE_CHECKING:
    from tests.integration.request_faults.proxy import Proxy

# The requests of a run, and how many of each at least; a test checks them against a clean run.
CALLS = {
    "sts:GetCallerIdentity": 1,
    "pricing:GetProducts": 1,
    "s3:CreateBucket": 1,
    "s3:PutPublicAccessBlock": 1,
    "s3:PutBucketEncryption": 1,
    "s3:PutBucketPolicy": 1,
    "s3:PutObject": 4,
    "cloudformation:CreateChangeSet": 2,
    "cloudformation:DescribeChangeSet": 2,
    "cloudformation:DescribeStackEvents": 30,
    "cloudformation:ExecuteChangeSet": 2,
    "cloudformation:DescribeStacks": 15,
    "cloudformation:ListStackResources": 25,
    "cloudformation:DeleteStack": 2,
    "ecr:GetAuthorizationToken": 1,
    "registry:GET base": 2,
    "registry:HEAD blobs": 3,
    "registry:POST blobs/uploads": 3,
    "registry:PATCH blobs/uploads": 3,
    "registry:PUT blobs/uploads": 3,
    "registry:PUT manifests": 1,
    "ecr:DescribeImages": 1,
    "ecr:DescribeRepositories": 1,
    "ecr:ListTagsForResource": 1,
    "ecr:ListImages": 1,
    "ecr:BatchDeleteImage": 1,
    "ecs:DescribeClusters": 1,
    "ecs:DescribeServices": 4,
    "ecs:DescribeTaskDefinition": 2,
    "ecs:ListTasks": 6,
    "ecs:DescribeTasks": 2,
    "ec2:DescribeNetworkInterfaces": 4,
    "ec2:DescribeVpcs": 1,
    "ec2:DescribeSubnets": 2,
    "ec2:DescribeRouteTables": 2,
    "ec2:DescribeInternetGateways": 2,
    "ec2:DescribeNatGateways": 2,
    "ec2:DescribeSecurityGroups": 2,
    "ec2:DescribeNetworkAcls": 2,
    "ec2:DescribeVpcEndpoints": 2,
    "ec2:DescribeVpcAttribute": 2,
    "logs:CreateLogGroup": 1,
    "logs:DescribeLogGroups": 2,
    "logs:TagResource": 1,
    "logs:ListTagsForResource": 1,
    "logs:DeleteLogGroup": 1,
    "s3:GetBucketTagging": 1,
    "s3:ListObjectVersions": 1,
    "s3:DeleteObjects": 1,
    "s3:DeleteBucket": 1,
}
BOUND = 120.0  # seconds that a run may take with any fault
PATIENT = {
    "s3:CreateBucket",
    "cloudformation:CreateChangeSet",
    "cloudformation:ExecuteChangeSet",
    "cloudformation:DeleteStack",
    "cloudformation:DescribeStacks",
    "registry:PUT manifests",
}  # requests whose answer is once too late, which takes half a minute each
HEALS = {Kind.THROTTLED, Kind.THROTTLED_MORE, Kind.BROKEN, Kind.DROPPED, Kind.LOST, Kind.SLOW, Kind.TIMED_OUT}
pytestmark = [pytest.mark.request_faults, pytest.mark.containers]


def cases() -> Iterator[Fault]:
    """Each request by each kind; lost answers and expired credentials at a later request of that name as well."""
    for call, count in CALLS.items():
        for kind in Kind:
            if kind is not Kind.TIMED_OUT or call in PATIENT:
                yield Fault(kind, call)
        if count > 1:
            yield from (Fault(kind, call, count) for kind in (Kind.EXPIRED, Kind.LOST))


def sweep_after(account: Emulator, done: CompletedProcess, env: dict[str, str]) -> CompletedProcess:
    """Returns the sweep of what a run left, by the run's id if it printed one."""
    run = re.search(r"as run ([0-9a-f]{8})", done.stderr)
    options = ("--run", run[1]) if run else ("--older-than", "0s")
    return emulator.run(account.endpoint, *emulator.SWEEP, *options, env=env)


def test_a_clean_run_sends_every_request(account: Emulator, between: Proxy) -> None:
    between.arm(None)

    done = emulator.run(between.address, *emulator.CHECK)

    counts = {call: between.requests.count(call) for call in between.requests}
    few = {call: counts.get(call, 0) for call, least in CALLS.items() if counts.get(call, 0) < least}
    assert done.code == 0
    assert set(counts) == set(CALLS)
    assert few == {}
    assert account.resources() == []


@pytest.mark.parametrize("case", [pytest.param(c, id=f"{c.call} {c.nth} {c.kind.value}") for c in cases()])
def test_a_run_with_a_fault_ends_and_leaves_nothing(
    account: Emulator, between: Proxy, tmp_path: Path, case: Fault
) -> None:
    env = {"TMPDIR": str(tmp_path), "AWS_MAX_ATTEMPTS": "4"}
    before = set(account.resources())
    between.arm(case)
    started = time.monotonic()

    done = emulator.run(between.address, *emulator.CHECK, env=env)
    seconds = time.monotonic() - started
    left = set(account.resources()) - before
    sweep = sweep_after(account, done, env)

    output = done.stdout + done.stderr
    assert between.faults > 0
    assert done.code in ({0} if case.kind in HEALS else {0, 1, 2}), output
    assert "Traceback" not in output
    assert "internal error" not in output
    assert done.code == 0 or any(word in output for word in (case.call.partition(":")[2], "credentials", "push")), output
    assert not left or done.code != 0, f"left {left}\n{output}"
    assert not left or "preflight sweep --target aws" in output
    assert seconds < BOUND
    assert sweep.code == 0, sweep
    assert set(account.resources()) <= before
