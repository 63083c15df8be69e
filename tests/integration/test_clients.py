"""Any client: the AWS CLI and boto3 with its waiters run the article's commands against `preflight serve`."""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from preflight.container_engine import engine as container_engine
from preflight.container_engine.standins import Standins
from preflight.deploy import image_push, session
from preflight.system import processes, waiting
from tests.integration import emulator
from tests.integration.emulator import REGION, Emulator

ROOT = Path(__file__).parents[2]
BUCKET = "fa-018-templates"
Aws = Callable[..., Any]
pytestmark = pytest.mark.containers


@pytest.fixture(scope="module")
def account() -> Iterator[Emulator]:
    """An emulated account whose tasks are reached on port 80."""
    with emulator.running("--asked", ":80:") as running:
        yield running


@pytest.fixture(scope="module")
def aws(account: Emulator) -> Aws:
    """Runs one command of the AWS CLI and returns its answer."""
    program = shutil.which("aws", path=str(Path(sys.executable).parent)) or "aws"
    env = {
        "AWS_ENDPOINT_URL": account.endpoint,
        "AWS_ACCESS_KEY_ID": "rehearsal",
        "AWS_SECRET_ACCESS_KEY": "rehearsal",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_DEFAULT_OUTPUT": "json",
        "AWS_PAGER": "",
        "NO_PROXY": "127.0.0.1",
    }

    def run(*args: str) -> Any:
        done = processes.run(program, *args, env=env, timeout=300)
        assert done.code == 0, done.stderr
        assert done.stderr == ""
        return json.loads(done.stdout) if done.stdout.startswith(("{", "[")) else done.stdout

    return run


@pytest.fixture(scope="module")
def article(aws: Aws, account: Emulator) -> None:
    """What the article has before its stack: a bucket with the templates, a repository, and the image of task 2."""
    aws("s3", "mb", f"s3://{BUCKET}")
    aws("s3", "cp", "--recursive", str(ROOT / "cfn"), f"s3://{BUCKET}/fa-018")
    body = (ROOT / "cfn" / "fa-018-ecr.yaml").as_uri()
    aws("cloudformation", "create-stack", "--stack-name", "fa-018-ecr", "--template-body", body)
    aws("cloudformation", "wait", "stack-create-complete", "--stack-name", "fa-018-ecr")
    engine = container_engine.find()
    base = Standins(engine, {"nginx": ROOT / "docker" / "nginx-standin"})
    to_account = session.rehearsal_session(REGION, account.endpoint, "any")
    image_push.push(to_account, engine, folder=ROOT / "docker", name="fa-018:1.0.0", run=account.run, base=base, platform="linux/amd64")


def ended(client: Any, name: str) -> str:
    def probe() -> str | None:
        status = str(client.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"])
        return None if status.endswith("_IN_PROGRESS") else status

    return waiting.until(probe, what=f"stack {name}", timeout=120)


@pytest.fixture(scope="module")
def client(account: Emulator) -> Any:
    return account.client("cloudformation")


def test_the_commands_of_the_article(aws: Aws, article: None, client: Any) -> None:
    url = f"https://{BUCKET}.s3.{REGION}.amazonaws.com/fa-018/fa-018.yaml"
    options = ("--stack-name", "fa-018", "--capabilities", "CAPABILITY_IAM", "--parameters")
    bucket = f"ParameterKey=TemplateBucketName,ParameterValue={BUCKET}"
    aws("cloudformation", "create-stack", "--template-url", url, *options, bucket)
    aws("cloudformation", "wait", "stack-create-complete", "--stack-name", "fa-018")
    stack = aws("cloudformation", "describe-stacks", "--stack-name", "fa-018")["Stacks"][0]
    tasks = aws("ecs", "list-tasks", "--cluster", "fa-018-cluster")["taskArns"]
    described = aws("ecs", "describe-tasks", "--cluster", "fa-018-cluster", "--tasks", *tasks)["tasks"]
    previous = "ParameterKey=TemplateBucketName,UsePreviousValue=true"
    more = "ParameterKey=TaskMemory,ParameterValue=2048"
    aws("cloudformation", "update-stack", "--use-previous-template", *options, previous, more)
    updated = ended(client, "fa-018")
    aws("cloudformation", "wait", "stack-update-complete", "--stack-name", "fa-018")
    definitions = aws("ecs", "list-task-definitions", "--status", "ACTIVE")["taskDefinitionArns"]
    aws("cloudformation", "delete-stack", "--stack-name", "fa-018")
    aws("cloudformation", "wait", "stack-delete-complete", "--stack-name", stack["StackId"])

    assert stack["StackStatus"] == "CREATE_COMPLETE"
    assert [task["lastStatus"] for task in described] == ["RUNNING", "RUNNING"]
    assert updated == "UPDATE_COMPLETE"
    assert len(definitions) == 2
    assert aws("ecs", "list-clusters")["clusterArns"] == []


def test_the_cli_deploys_by_change_set(aws: Aws, client: Any, tmp_path: Path) -> None:
    def template(days: int) -> str:
        path = tmp_path / f"{days}.json"
        group = {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": "by-deploy", "RetentionInDays": days}}
        path.write_text(json.dumps({"Resources": {"A": group}}))
        return str(path)

    name = ("--stack-name", "by-deploy", "--template-file")
    aws("cloudformation", "deploy", *name, template(7))
    aws("cloudformation", "deploy", *name, template(14))
    begun = time.time()
    waiting.until(lambda: time.time() > begun + 1, what="the CLI to name its next change set otherwise", timeout=5)
    again = aws("cloudformation", "deploy", "--no-fail-on-empty-changeset", *name, template(14))

    groups = aws("logs", "describe-log-groups", "--log-group-name-prefix", "by-deploy")["logGroups"]
    assert "No changes to deploy" in again
    assert [group["retentionInDays"] for group in groups] == [14]


def test_the_waiters_of_boto3_end(client: Any) -> None:
    body = json.dumps({"Resources": {"A": {"Type": "AWS::SNS::Topic"}}})
    stack = client.create_stack(StackName="waited", TemplateBody=body)["StackId"]

    for waiter, act in (
        ("stack_create_complete", None),
        ("stack_exists", None),
        ("stack_delete_complete", client.delete_stack),
    ):
        if act is not None:
            act(StackName="waited")
        client.get_waiter(waiter).wait(StackName=stack, WaiterConfig={"Delay": 1, "MaxAttempts": 30})

    assert client.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"] == "DELETE_COMPLETE"
