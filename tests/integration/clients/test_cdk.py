"""CDK, as npm has it: bootstrap, deploy with an image asset, diff, an update, and destroy."""

from __future__ import annotations

import shutil
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from preflight.container_engine import engine as engines
from preflight.container_engine.standins import Standins
from preflight.system import processes
from preflight.system.processes import CompletedProcess
from tests.integration import emulator
from tests.integration.clients import programs
from tests.integration.emulator import ROOT, Emulator

pytestmark = [pytest.mark.containers, pytest.mark.faults]
Cdk = Callable[..., CompletedProcess]
MORE_MEMORY = ("--context", "memory=1024")


@dataclass(frozen=True)
class Story:
    """What was seen of the stack in the account, and what CDK said, from its deployment to its end."""

    pages: list[str]
    diff: CompletedProcess
    same: CompletedProcess
    memory: str
    left: list[str]


@pytest.fixture(scope="module")
def account() -> Iterator[Emulator]:
    with emulator.running() as running:
        yield running


@pytest.fixture(scope="module")
def cdk(account: Emulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cdk]:
    """Runs CDK in a copy of the app, whose account is bootstrapped."""
    folder = tmp_path_factory.mktemp("cdk")
    modules = programs.from_npm(folder / "npm", "aws-cdk", "aws-cdk-lib", "constructs")
    app = shutil.copytree(Path(__file__).parent / "cdk_app", folder / "app")
    engine = engines.find()
    base = Standins(engine, {"nginx": ROOT / "docker" / "nginx-standin"}).image("nginx:1.28.0")
    env = {**programs.environment(account, folder), "CDK_DISABLE_CLI_TELEMETRY": "true", "NODE_PATH": str(modules), "BASE": base}

    def run(*args: str) -> CompletedProcess:
        command = (str(modules / ".bin" / "cdk"), *args, "--no-notices")
        return processes.run(*command, env=env, cwd=app, timeout=600)

    done = run("bootstrap")
    assert done.code == 0, done.stderr
    yield run
    names = engine.must("images", "--format", "{{.Repository}}:{{.Tag}}").split()
    for name in names:
        if "cdkasset-" in name or "cdk-hnb659fds-container-assets" in name:
            engine.run("rmi", name)


@pytest.fixture(scope="module")
def story(cdk: Cdk, account: Emulator) -> Story:
    def deploy(*options: str) -> None:
        done = cdk("deploy", "--require-approval", "never", *options)
        assert done.code == 0, done.stderr

    deploy()
    pages = list(_pages(account))
    diff = cdk("diff", "--fail", *MORE_MEMORY)
    deploy(*MORE_MEMORY)
    same = cdk("diff", "--fail", *MORE_MEMORY)
    memory = str(_task(account)["memory"])
    assert cdk("destroy", "--force").code == 0
    return Story(pages, diff, same, memory, account.resources())


def _pages(account: Emulator) -> Iterator[str]:
    """Yields the page at each address of the load balancer."""
    for interface in account.client("ec2").describe_network_interfaces()["NetworkInterfaces"]:
        if interface["Description"].startswith("ELB "):
            with urllib.request.urlopen(f"http://{interface['Association']['PublicIp']}", timeout=30) as response:
                yield response.read().decode()


def _task(account: Emulator) -> dict[str, Any]:
    ecs = account.client("ecs")
    cluster = ecs.list_clusters()["clusterArns"][0]
    task: dict[str, Any] = ecs.describe_tasks(cluster=cluster, tasks=ecs.list_tasks(cluster=cluster)["taskArns"])["tasks"][0]
    return task


def test_bootstrap_leaves_a_stack_with_its_version(cdk: Cdk, account: Emulator) -> None:
    stack = account.client("cloudformation").describe_stacks(StackName="CDKToolkit")["Stacks"][0]

    assert stack["StackStatus"] == "CREATE_COMPLETE"
    assert "BootstrapVersion" in [output["OutputKey"] for output in stack["Outputs"]]


def test_the_image_asset_answers_through_the_load_balancer(story: Story) -> None:
    assert story.pages == ["<h1>Deployed by CDK</h1>\n"] * 2


def test_diff_knows_from_a_change_set_what_is_replaced(story: Story) -> None:
    said = story.diff.stdout + story.diff.stderr
    assert story.diff.code == 1
    assert "AWS::ECS::TaskDefinition" in said
    assert "replace" in said


def test_an_update_reaches_the_tasks(story: Story) -> None:
    assert story.memory == "1024"


def test_after_an_update_there_is_no_difference(story: Story) -> None:
    assert story.same.code == 0, story.same.stderr


def test_destroy_leaves_what_cdk_retains(story: Story) -> None:
    left = {name.partition(" Web-")[0] for name in story.left if "Web" in name}
    assert left == {"log group"}
    assert [name for name in story.left if name.startswith(("vpc", "interface", "task", "load balancer"))] == []
