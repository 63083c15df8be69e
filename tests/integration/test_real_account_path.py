"""The code path of a real account, over an endpoint on this machine: guard rails, tags, teardown, sweep."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Iterator

import pytest

from preflight.deploy import run_tags
from preflight.system import processes
from tests.integration import emulator
from tests.integration.emulator import Emulator

TEMPLATE = {"Resources": {"Group": {"Type": "AWS::Logs::LogGroup"}}}
OURS = {run_tags.RUN: "deadbeef", run_tags.EXPIRES: "2020-01-01T00:00:00Z", run_tags.PLAN: "fa-018"}
pytestmark = pytest.mark.containers


def aws_tags(tags: dict[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


@pytest.fixture
def foreign(account: Emulator, request: pytest.FixtureRequest) -> Iterator[list[str]]:
    """Resources that are not ours, with names like ours and those of our tags that the case names."""
    tags: dict[str, str] = request.param
    stacks, s3, ecr, logs = (account.client(service) for service in ("cloudformation", "s3", "ecr", "logs"))
    name = "fa-018-preflight-deadbeef"
    stacks.create_stack(StackName="fa-018-deadbeef", TemplateBody=json.dumps(TEMPLATE), Tags=aws_tags(tags))
    stacks.get_waiter("stack_create_complete").wait(StackName="fa-018-deadbeef", WaiterConfig={"Delay": 1})
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": emulator.REGION})
    s3.put_object(Bucket=name, Key="templates/fa-018.yaml", Body=b"theirs")
    if tags:
        s3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": aws_tags(tags)})
    ecr.create_repository(repositoryName=name, tags=aws_tags(tags))
    logs.create_log_group(logGroupName=name, **({"tags": tags} if tags else {}))
    yield account.resources()
    stacks.delete_stack(StackName="fa-018-deadbeef")
    stacks.get_waiter("stack_delete_complete").wait(StackName="fa-018-deadbeef", WaiterConfig={"Delay": 1})
    with contextlib.suppress(s3.exceptions.NoSuchBucket):  # swept already, perhaps
        s3.delete_object(Bucket=name, Key="templates/fa-018.yaml")
        s3.delete_bucket(Bucket=name)
    with contextlib.suppress(ecr.exceptions.RepositoryNotFoundException):
        ecr.delete_repository(repositoryName=name)
    with contextlib.suppress(logs.exceptions.ResourceNotFoundException):
        logs.delete_log_group(logGroupName=name)


@pytest.mark.parametrize(
    "foreign",
    [
        pytest.param({}, id="without tags"),
        *(
            pytest.param({key: value}, id=f"with {key} alone", marks=pytest.mark.request_faults)
            for key, value in OURS.items()
        ),
        *(
            pytest.param(
                {k: v for k, v in OURS.items() if k != missing},
                id=f"with all but {missing}",
                marks=() if missing == run_tags.RUN else pytest.mark.request_faults,
            )
            for missing in OURS
        ),
        pytest.param({**OURS, run_tags.EXPIRES: "tomorrow"}, id="with an expiry that is no date"),
    ],
    indirect=True,
)
def test_resources_that_are_not_ours_survive_every_sweep(account: Emulator, foreign: list[str]) -> None:
    options = (("--older-than", "0s"), ("--run", "deadbeef"), ())

    codes = [emulator.run(account.endpoint, *emulator.SWEEP, *option).code for option in options]

    assert codes == [0, 0, 0]
    assert len(foreign) == 5
    assert account.resources() == foreign


@pytest.mark.parametrize("foreign", [pytest.param({run_tags.RUN: "deadbeef"}, id="with one of our tags")], indirect=True)
def test_resources_that_are_not_ours_survive_a_run(account: Emulator, foreign: list[str]) -> None:
    done = emulator.run(account.endpoint, *emulator.CHECK)

    assert done.code == 0, done.stderr
    assert account.resources() == foreign


@pytest.mark.parametrize("foreign", [pytest.param(OURS, id="with all of our tags")], indirect=True)
def test_resources_with_all_our_tags_are_swept(account: Emulator, foreign: list[str]) -> None:
    swept = emulator.run(account.endpoint, *emulator.SWEEP)

    assert swept.code == 0, swept.stderr
    assert len(foreign) == 5
    assert account.resources() == []


def test_the_live_suite_passes_on_the_account_and_leaves_nothing(account: Emulator) -> None:
    options = ("--preflight-target", "aws", "--preflight-account", emulator.ACCOUNT, "--preflight-yes", "--preflight-no-skips")
    command = (sys.executable, "-m", "pytest", "-q", "tests/integration", *options)

    done = processes.run(*command, env=emulator.environment(account.endpoint), cwd=emulator.ROOT, timeout=300)

    assert done.code == 0, done.stdout
    assert account.resources() == []
