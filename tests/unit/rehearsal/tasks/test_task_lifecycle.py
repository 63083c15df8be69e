"""The life of a task, by ECS's own API; only its containers and its network are fakes."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from preflight.errors import ToolBrokeError
from preflight.rehearsal import server
from preflight.rehearsal.connectivity.public_ports import PublicPorts
from preflight.rehearsal.load_balancing.targets import Targets
from preflight.rehearsal.server import Server
from preflight.system import waiting
from tests.unit.rehearsal.tasks.fake_containers import FakeNetwork, FakeRunner

WEB = {"name": "web", "image": "nginx:1.28.0"}
NEVER_HEALTHY = {"name": "db", "image": "postgres:17", "healthCheck": {"command": ["CMD", "x"]}}
WAITING = {**WEB, "dependsOn": [{"containerName": "db", "condition": "HEALTHY"}]}
Client = Callable[[str], Any]
RunTask = Callable[..., str]


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> FakeNetwork:
    return FakeNetwork(monkeypatch)


@pytest.fixture
def runner(tmp_path: Path) -> FakeRunner:
    return FakeRunner(tmp_path)


@pytest.fixture
def lifetime() -> Iterator[contextlib.ExitStack]:
    """Closed at the end of a test, or by the test itself."""
    with contextlib.ExitStack() as stack:
        yield stack


@pytest.fixture
def account(tmp_path: Path, runner: FakeRunner, network: FakeNetwork, lifetime: contextlib.ExitStack) -> Server:
    return lifetime.enter_context(server.running(folder=tmp_path, runner=runner))


@pytest.fixture
def run_task(client: Client) -> RunTask:
    """Runs a task with these containers and returns its ARN."""

    def run(*containers: dict[str, Any]) -> str:
        ecs = client("ecs")
        ecs.create_cluster(clusterName="default")
        ecs.register_task_definition(
            family="f",
            requiresCompatibilities=["FARGATE"],
            networkMode="awsvpc",
            cpu="256",
            memory="512",
            containerDefinitions=list(containers),
        )
        subnet = client("ec2").describe_subnets()["Subnets"][0]["SubnetId"]
        network = {"awsvpcConfiguration": {"subnets": [subnet], "assignPublicIp": "ENABLED"}}
        return str(
            ecs.run_task(taskDefinition="f", launchType="FARGATE", networkConfiguration=network)["tasks"][0]["taskArn"]
        )

    return run


@pytest.fixture
def wait_for(client: Client) -> Callable[[str, str], dict[str, Any]]:
    """Waits until a task has a status and returns its description."""

    def wait(arn: str, status: str) -> dict[str, Any]:
        def probe() -> dict[str, Any] | None:
            task: dict[str, Any] = client("ecs").describe_tasks(tasks=[arn])["tasks"][0]
            return task if task["lastStatus"] == status else None

        return waiting.until(probe, what=f"the status {status}", timeout=20, interval=0.05)

    return wait


WaitFor = Callable[[str, str], dict[str, Any]]


def interface_of(task: dict[str, Any]) -> str:
    details = {detail["name"]: detail["value"] for detail in task["attachments"][0]["details"]}
    return str(details["networkInterfaceId"])


def close(lifetime: contextlib.ExitStack) -> bool:
    """Closes the account; whether that took less than ten seconds."""
    closing = threading.Thread(target=lifetime.close, daemon=True)
    closing.start()
    closing.join(10)
    return not closing.is_alive()


def test_a_container_finds_the_metadata_endpoint_in_its_environment(
    run_task: RunTask, wait_for: WaitFor, runner: FakeRunner
) -> None:
    task = wait_for(run_task({**WEB, "environment": [{"name": "A", "value": "1"}]}), "RUNNING")

    container_id = task["containers"][0]["containerArn"].rpartition("/")[2]
    environment = runner.environments["web"]
    assert environment["ECS_CONTAINER_METADATA_URI_V4"] == f"http://169.254.170.2/v4/{container_id}"
    assert environment["AWS_ENDPOINT_URL"] == "http://169.254.170.2:51679"


def test_the_account_closes_while_a_container_waits_for_another(
    run_task: RunTask, runner: FakeRunner, lifetime: contextlib.ExitStack
) -> None:
    run_task(NEVER_HEALTHY, WAITING)
    waiting.until(lambda: runner.started == ["db"], what="the first container", timeout=10)

    assert close(lifetime)


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(ToolBrokeError("the engine did not end"), id="the engine"),
        pytest.param(KeyError("x"), id="an internal error"),
    ],
)
def test_a_task_stops_and_gives_back_its_network_although_its_containers_remain(
    run_task: RunTask,
    wait_for: WaitFor,
    client: Client,
    runner: FakeRunner,
    network: FakeNetwork,
    account: Server,
    error: Exception,
) -> None:
    def fail() -> None:
        raise error

    runner.before_remove = fail
    arn = run_task(WEB)
    interface = interface_of(wait_for(arn, "RUNNING"))

    client("ecs").stop_task(task=arn)
    wait_for(arn, "STOPPED")

    assert network.closed == ["metadata endpoint", "VPC"]
    with pytest.raises(ClientError, match=r"InvalidNetworkInterfaceID\.NotFound"):
        client("ec2").describe_network_interfaces(NetworkInterfaceIds=[interface])
    assert account.ledger.observations().problems == (f"task {arn.rpartition('/')[2]} could not be stopped: {error}",)


def test_nothing_of_a_task_goes_on_after_the_account_closed(
    run_task: RunTask,
    network: FakeNetwork,
    runner: FakeRunner,
    lifetime: contextlib.ExitStack,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Targets, "close", lambda _: network.closed.append("targets"))
    run_task(NEVER_HEALTHY)
    waiting.until(lambda: "health check" in threads(), what="the health check", timeout=10)

    close(lifetime)

    assert sorted(network.closed) == ["VPC", "metadata endpoint", "targets"]
    waiting.until(lambda: "health check" not in threads(), what="the end of the health check", timeout=10)


def threads() -> set[str]:
    return {thread.name for thread in threading.enumerate()}


def test_a_container_is_removed_once_its_exit_code_is_noted(
    run_task: RunTask, wait_for: WaitFor, client: Client, runner: FakeRunner
) -> None:
    exit_codes: list[int | None] = []
    arn = run_task(WEB)
    wait_for(arn, "RUNNING")
    runner.before_remove = lambda: exit_codes.append(
        client("ecs").describe_tasks(tasks=[arn])["tasks"][0]["containers"][0].get("exitCode")
    )

    client("ecs").stop_task(task=arn)
    wait_for(arn, "STOPPED")

    assert exit_codes == [143]


def test_a_task_stops_when_its_essential_container_ends(
    run_task: RunTask, wait_for: WaitFor, runner: FakeRunner
) -> None:
    arn = run_task(WEB, {**NEVER_HEALTHY, "essential": False})
    wait_for(arn, "RUNNING")

    runner.end("web", 3)
    task = wait_for(arn, "STOPPED")

    exit_codes = {container["name"]: container["exitCode"] for container in task["containers"]}
    assert task["stopCode"] == "EssentialContainerExited"
    assert exit_codes == {"web": 3, "db": 143}
    assert runner.stopped == ["db"]


def test_a_task_is_reachable_until_its_containers_have_stopped(
    run_task: RunTask, wait_for: WaitFor, client: Client, runner: FakeRunner, account: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_at: list[str] = []
    monkeypatch.setattr(PublicPorts, "close", lambda *_: open_at.append("the ports close"))
    runner.before_stop = lambda: open_at.append("the containers stop")
    runner.before_remove = lambda: open_at.append("the containers are removed")
    arn = run_task(WEB)
    wait_for(arn, "RUNNING")

    client("ecs").stop_task(task=arn)
    wait_for(arn, "STOPPED")

    assert open_at == ["the containers stop", "the ports close", "the containers are removed"]
