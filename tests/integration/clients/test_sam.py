"""SAM CLI, as PyPI has it: deploy with a bucket of its own, an update, a nested application, and delete."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from preflight.system import processes
from tests.integration import emulator
from tests.integration.clients import programs
from tests.integration.emulator import REGION, Emulator

pytestmark = [pytest.mark.containers, pytest.mark.faults]
Sam = Callable[..., None]
TRANSFORM = "Transform: AWS::Serverless-2016-10-31\n"
NESTED = {
    "Transform": "AWS::Serverless-2016-10-31",
    "Resources": {"Child": {"Type": "AWS::Serverless::Application", "Properties": {"Location": "child.json"}}},
}
CHILD = {"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}


@pytest.fixture(scope="module")
def account() -> Iterator[Emulator]:
    with emulator.running() as running:
        yield running


@pytest.fixture(scope="module")
def sam(account: Emulator, tmp_path_factory: pytest.TempPathFactory) -> Sam:
    """Runs SAM CLI in a folder with the templates; it has to succeed."""
    folder = tmp_path_factory.mktemp("sam")
    program = programs.from_pypi(folder / "venv", "aws-sam-cli") / "sam"
    (folder / "web.yaml").write_text(TRANSFORM + (Path(__file__).parent / "web.yaml").read_text())
    (folder / "nested.json").write_text(json.dumps(NESTED))
    (folder / "child.json").write_text(json.dumps(CHILD))
    env = {**programs.environment(account, folder), "SAM_CLI_TELEMETRY": "0"}

    def run(*args: str) -> None:
        processes.run_checked(str(program), *args, env=env, cwd=folder, timeout=600)

    return run


@pytest.fixture
def deploy(sam: Sam) -> Callable[..., None]:
    """Runs `sam deploy --resolve-s3` for a template and the name of a stack."""

    def run(template: str, stack: str, *parameters: str) -> None:
        more = ("--parameter-overrides", f"Zones={REGION}a,{REGION}c", *parameters) if template == "web.yaml" else ()
        capabilities = ("--capabilities", "CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND")
        sam("deploy", "--resolve-s3", "--no-confirm-changeset", "--template", template, "--stack-name", stack, *capabilities, *more)

    return run


def stack_of(account: Emulator, name: str) -> dict[str, Any]:
    stack: dict[str, Any] = account.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]
    return stack


def test_a_service_is_deployed_and_deleted(deploy: Callable[..., None], sam: Sam, account: Emulator) -> None:
    deploy("web.yaml", "deployed")
    cluster = stack_of(account, "deployed")["Outputs"][0]["OutputValue"]
    running = account.client("ecs").list_tasks(cluster=cluster, desiredStatus="RUNNING")["taskArns"]
    sam("delete", "--no-prompts", "--stack-name", "deployed")

    assert len(running) == 1
    assert [name for name in account.resources() if "deployed" in name] == []


def test_parameters_update_a_stack(deploy: Callable[..., None], sam: Sam, account: Emulator) -> None:
    deploy("web.yaml", "updated")
    deploy("web.yaml", "updated", "Memory=1024")
    stack = stack_of(account, "updated")
    ecs, cluster = account.client("ecs"), stack["Outputs"][0]["OutputValue"]
    tasks = ecs.describe_tasks(cluster=cluster, tasks=ecs.list_tasks(cluster=cluster)["taskArns"])["tasks"]
    sam("delete", "--no-prompts", "--stack-name", "updated")

    assert stack["StackStatus"] == "UPDATE_COMPLETE"
    assert [task["memory"] for task in tasks] == ["1024"]


def test_a_nested_application_is_deployed(deploy: Callable[..., None], account: Emulator) -> None:
    deploy("nested.json", "nested")

    stacks = account.client("cloudformation").describe_stack_resources(StackName="nested")["StackResources"]
    assert [(stack["ResourceType"], stack["ResourceStatus"]) for stack in stacks] == [("AWS::CloudFormation::Stack", "CREATE_COMPLETE")]
