"""The command on an account, with the credentials that a workflow gets: the role of cfn/fa-018-ci.yaml, by a token."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from preflight.system import processes, waiting
from preflight.system.processes import CompletedProcess
from tests.integration import emulator
from tests.unit.rehearsal.iam import callers

ROOT = Path(__file__).parents[2]
WITHOUT_KEYS = ("-u", "AWS_ACCESS_KEY_ID", "-u", "AWS_SECRET_ACCESS_KEY")  # keys of the environment would come before the token
pytestmark = pytest.mark.containers


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    """The address of an emulated account."""
    with emulator.running() as running:
        yield running.endpoint


@pytest.fixture(scope="module")
def client(endpoint: str) -> Callable[[str], Any]:
    return lambda service: boto3.client(service, region_name=callers.REGION, endpoint_url=endpoint)


@pytest.fixture(scope="module")
def role(client: Callable[[str], Any]) -> str:
    """The ARN of the role, deployed by the account's administrator."""
    provider = client("iam").create_open_id_connect_provider(Url=callers.ISSUER, ClientIDList=["sts.amazonaws.com"])
    values = {"OIDCProviderArn": provider["OpenIDConnectProviderArn"], "Repository": "owner/name"}
    cloudformation = client("cloudformation")
    cloudformation.create_stack(
        StackName="fa-018-ci",
        TemplateBody=(ROOT / "cfn" / "fa-018-ci.yaml").read_text(),
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in values.items()],
        Capabilities=["CAPABILITY_IAM"],
    )

    def role_arn() -> str | None:
        stack = cloudformation.describe_stacks(StackName="fa-018-ci")["Stacks"][0]
        return str(stack["Outputs"][0]["OutputValue"]) if stack["StackStatus"] == "CREATE_COMPLETE" else None

    return waiting.until(role_arn, what="the role", timeout=60, interval=0.1)


@pytest.fixture
def check(endpoint: str, role: str, tmp_path: Path) -> Callable[[], CompletedProcess]:
    """Run the command as a workflow does."""
    (tmp_path / "token").write_text(callers.token(exp=4_000_000_000))
    workflow = {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ROLE_ARN": role,
        "AWS_ROLE_SESSION_NAME": "run",
        "AWS_WEB_IDENTITY_TOKEN_FILE": str(tmp_path / "token"),
    }
    command = ("check", "--allow-standins", "--target", "aws", "--account", emulator.ACCOUNT, "--yes")

    def run() -> CompletedProcess:
        return processes.run("env", *WITHOUT_KEYS, sys.executable, "-m", "preflight", *command, env=workflow, cwd=ROOT, timeout=300)

    return run


@pytest.mark.request_faults
def test_the_command_passes_with_the_role_of_the_workflow(check: Callable[[], CompletedProcess]) -> None:
    done = check()

    assert done.code == 0, done.stdout


@pytest.mark.request_faults
def test_the_command_names_the_action_that_was_denied(
    check: Callable[[], CompletedProcess], client: Callable[[str], Any], role: str
) -> None:
    iam, name = client("iam"), role.rpartition("/")[2]
    document = iam.get_role_policy(RoleName=name, PolicyName="run")["PolicyDocument"]
    for statement in document["Statement"]:
        if statement["Sid"] == "PushAndRemoveImages":
            statement["Action"].remove("ecr:InitiateLayerUpload")
    iam.put_role_policy(RoleName=name, PolicyName="run", PolicyDocument=json.dumps(document))

    done = check()

    assert done.code in {1, 2}
    assert "ecr:InitiateLayerUpload" in done.stdout
