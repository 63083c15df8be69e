"""What runs after the plan was deployed, on either target: pages, ports, a task that comes back, and an update.

Tests that look into containers need the emulated account: a real one does not show them.
"""

from __future__ import annotations

import shutil
import urllib.error
import urllib.request
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import testinfra

from preflight.deploy import image_push, lifecycle
from preflight.deploy.image_push import PushRefusedError
from preflight.deploy.lifecycle import Live
from preflight.deploy.options import DeploymentOptions
from preflight.deploy.tasks import ServiceTask
from preflight.plan.plan import ImageStep, Plan
from preflight.pytest_plugin.deployment import PreflightDeployment
from preflight.system import http, waiting

pytestmark = [pytest.mark.containers, pytest.mark.live]
SERVICES = [
    pytest.param("service1", "Welcome to nginx!", id="stock nginx"),
    pytest.param("service2", "fa-018 index.html", id="our page"),
]


@pytest.fixture(scope="module")
def deployed(preflight_deployment: PreflightDeployment) -> Live:
    """What the deployment is inside; tests of others have its public interface only."""
    assert preflight_deployment.live is not None
    return preflight_deployment.live


def running(deployed: Live, service: str) -> list[ServiceTask]:
    prefix = deployed.values["prefix"]
    return deployed.deployment.tasks.running(f"{prefix}-cluster", f"{prefix}-{service}")


def the_task(deployed: Live, service: str) -> ServiceTask:
    tasks = running(deployed, service)
    assert len(tasks) == 1
    return tasks[0]


def page_of_another(deployed: Live, service: str, old: ServiceTask) -> str:
    """Returns the page of the one task that runs instead of `old`, once it serves."""

    def replaced() -> str | None:
        tasks = running(deployed, service)
        if len(tasks) != 1 or tasks[0].arn == old.arn:
            return None
        response = http.fetch(f"http://{tasks[0].public}/")
        return response.text if response.status == 200 else None

    return waiting.until(replaced, what="a new task that serves", timeout=300, interval=deployed.deployment.session.interval)


def container(deployed: Live, task: ServiceTask) -> str:
    """Returns the engine's id of the task's container."""
    assert deployed.engine is not None
    labels = ("--filter", f"label=preflight.task={task.id}")
    names = deployed.engine.must("ps", "--quiet", "--no-trunc", *labels).split()
    return next(
        n
        for n in names
        if "pause" not in deployed.engine.must("inspect", "--format", "{{.Config.Image}} {{.ImageName}}", n)
    )


@pytest.mark.parametrize(("service", "page"), SERVICES)
def test_each_task_serves_its_page(deployed: Live, service: str, page: str) -> None:
    task = the_task(deployed, service)

    response = http.fetch(f"http://{task.public}/")

    assert response.status == 200
    assert page in response.text


@pytest.mark.parametrize(("service", "page"), SERVICES)
def test_port_80_is_reachable_and_no_other(deployed: Live, service: str, page: str) -> None:
    if shutil.which("nc") is None:
        pytest.skip("testinfra asks `nc`: apt-get install netcat-openbsd")
    host = testinfra.get_host("local://")
    task = the_task(deployed, service)
    address = host.addr(task.public)

    assert address.port(80).is_reachable
    assert not address.port(443).is_reachable
    assert not address.port(8080).is_reachable


@pytest.mark.rehearsal
@pytest.mark.parametrize(("service", "page"), SERVICES)
def test_inside_the_container_nginx_runs_on_a_read_only_root(
    deployed: Live, service: str, page: str
) -> None:
    engine = deployed.engine
    assert engine is not None
    with pytest.MonkeyPatch.context() as patch:
        for name, value in engine.env.items():
            patch.setenv(name, value)
        host = testinfra.get_host(
            f"{engine.program}://{container(deployed, the_task(deployed, service))}"
        )

        assert "nginx" in host.file("/proc/1/cmdline").content_string
        assert host.file("/usr/share/nginx/html/index.html").contains(page)
        assert host.run("touch /usr/share/nginx/html/x").rc != 0
        assert host.run("touch /tmp/x").rc == 0


@pytest.mark.rehearsal
def test_the_task_has_the_address_of_its_interface(deployed: Live) -> None:
    task = the_task(deployed, "service1")
    engine = deployed.engine
    assert engine is not None

    listing = engine.must("exec", container(deployed, task), "cat", "/proc/net/fib_trie")

    assert task.private.startswith("10.0.1.")
    assert task.private in listing


def test_containers_write_to_their_log_stream(deployed: Live) -> None:
    task = the_task(deployed, "service2")
    http.fetch(f"http://{task.public}/look-for-me")
    logs = deployed.deployment.session.client("logs")

    prefix = deployed.values["prefix"]

    def lines() -> list[Any]:
        events = logs.get_log_events(
            logGroupName=f"/ecs/{prefix}-task2", logStreamName=f"nginx/{prefix}-task2-container/{task.id}"
        )["events"]
        return [event for event in events if "look-for-me" in event["message"]]

    assert waiting.until(lines, what="a line in the log", timeout=60)


@pytest.mark.rehearsal
def test_a_killed_container_is_replaced_by_a_task_that_serves_again(deployed: Live) -> None:
    engine = deployed.engine
    assert engine is not None
    old = the_task(deployed, "service2")
    engine.must("kill", "--signal", "KILL", container(deployed, old))

    page = page_of_another(deployed, "service2", old)

    assert "fa-018 index.html" in page


def test_an_immutable_tag_cannot_be_pushed_again(deployed: Live, tmp_path: Path) -> None:
    engine, deployment = deployed.engine, deployed.deployment
    assert engine is not None
    name = f"{deployed.values['prefix']}:{deployed.values['run']}"
    changed = tmp_path / "docker"
    shutil.copytree(Path(__file__).parents[2] / "docker", changed)
    (changed / "index.html").write_text("another page")

    with pytest.raises(PushRefusedError, match="already exists"):
        image_push.push(
            deployment.session,
            engine,
            folder=changed,
            name=name,
            platform="linux/amd64",
            run="another",
            base=deployment._images._standins,
        )


@pytest.mark.rehearsal
def test_the_registry_refuses_a_request_without_a_token(deployed: Live) -> None:
    endpoint = deployed.deployment.session.endpoint
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    with pytest.raises(urllib.error.HTTPError) as caught:
        opener.open(f"{endpoint}/v2/fa-018/tags/list")

    with caught.value as answer:
        assert answer.code == 401


def test_a_stopped_task_is_replaced_by_one_that_serves(deployed: Live) -> None:
    old = the_task(deployed, "service1")
    ecs = deployed.deployment.session.client("ecs")
    ecs.stop_task(cluster=f"{deployed.values['prefix']}-cluster", task=old.arn)

    page = page_of_another(deployed, "service1", old)

    assert "Welcome to nginx!" in page


def test_an_update_serves_the_new_page_and_the_same_again_changes_nothing(
    deployed: Live, preflight_plan: Plan, tmp_path: Path
) -> None:
    old, other = the_task(deployed, "service2"), the_task(deployed, "service1")
    changed = tmp_path / "docker"
    shutil.copytree(Path(__file__).parents[2] / "docker", changed)
    (changed / "index.html").write_text("the second page")
    run = f"{deployed.values['run']}-2"
    steps = tuple(replace(step, build=changed) if isinstance(step, ImageStep) else step for step in preflight_plan.steps)
    plan = replace(preflight_plan, steps=steps)
    options = DeploymentOptions(plan, deployed.values["run"], deployed.engine, {})

    first = lifecycle.update(deployed, options, run=run)
    page = page_of_another(deployed, "service2", old)
    again = lifecycle.update(deployed, options, run=run)

    assert first == ["TaskDefinition2", "Service2"]
    assert "the second page" in page
    assert again == []
    assert the_task(deployed, "service1").arn == other.arn
