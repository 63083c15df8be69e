"""What runs after the plan was deployed: pages, ports, files, and a task that comes back."""

from __future__ import annotations

import shutil
import urllib.error
import urllib.request
from pathlib import Path

import pytest
import testinfra

from preflight import fetching, live, waiting
from preflight.aws import tasks

pytestmark = pytest.mark.containers
SERVICES = [
    pytest.param("fa-018-service1", "Welcome to nginx!", id="stock nginx"),
    pytest.param("fa-018-service2", "fa-018 index.html", id="our page"),
]


def the_task(deployed: live.Live, service: str) -> tasks.Running:
    found = deployed.deployment.tasks.running("fa-018-cluster", service)
    assert len(found) == 1
    return found[0]


def container(deployed: live.Live, task: tasks.Running) -> str:
    """The engine's id of the task's own container."""
    assert deployed.engine is not None
    labels = ("--filter", f"label=preflight.task={task.id}")
    names = deployed.engine.must("ps", "--quiet", "--no-trunc", *labels).split()
    return next(
        n
        for n in names
        if "pause" not in deployed.engine.must("inspect", "--format", "{{.Config.Image}} {{.ImageName}}", n)
    )


@pytest.mark.parametrize(("service", "page"), SERVICES)
def test_each_task_serves_its_page(preflight_deployment: live.Live, service: str, page: str) -> None:
    task = the_task(preflight_deployment, service)

    answer = fetching.fetch(f"http://{task.public}/")

    assert (answer.status, page in answer.text) == (200, True)


@pytest.mark.parametrize(("service", "page"), SERVICES)
def test_port_80_is_reachable_and_no_other(preflight_deployment: live.Live, service: str, page: str) -> None:
    if shutil.which("nc") is None:
        pytest.skip("testinfra asks `nc`: apt-get install netcat-openbsd")
    host = testinfra.get_host("local://")
    task = the_task(preflight_deployment, service)
    address = host.addr(task.public)

    assert (address.port(80).is_reachable, address.port(443).is_reachable, address.port(8080).is_reachable) == (
        True,
        False,
        False,
    )


@pytest.mark.parametrize(("service", "page"), SERVICES)
def test_inside_the_container_nginx_runs_on_a_read_only_root(
    preflight_deployment: live.Live, service: str, page: str
) -> None:
    engine = preflight_deployment.engine
    assert engine is not None
    with pytest.MonkeyPatch.context() as patch:
        for name, value in engine.env.items():
            patch.setenv(name, value)
        host = testinfra.get_host(
            f"{engine.program}://{container(preflight_deployment, the_task(preflight_deployment, service))}"
        )
        command = host.file("/proc/1/cmdline").content_string
        index = host.file("/usr/share/nginx/html/index.html")

        found = (
            "nginx" in command,
            index.contains(page),
            host.run("touch /usr/share/nginx/html/x").rc != 0,
            host.run("touch /tmp/x").rc,
        )

    assert found == (True, True, True, 0)


def test_the_task_has_the_address_of_its_interface(preflight_deployment: live.Live) -> None:
    task = the_task(preflight_deployment, "fa-018-service1")
    engine = preflight_deployment.engine
    assert engine is not None

    listing = engine.must("exec", container(preflight_deployment, task), "cat", "/proc/net/fib_trie")

    assert (task.private.startswith("10.0.1."), task.private in listing) == (True, True)


def test_containers_write_to_their_log_stream(preflight_deployment: live.Live) -> None:
    task = the_task(preflight_deployment, "fa-018-service2")
    fetching.fetch(f"http://{task.public}/look-for-me")
    logs = preflight_deployment.deployment.session.client("logs")

    events = logs.get_log_events(
        logGroupName="/ecs/fa-018-task2", logStreamName=f"nginx/fa-018-task2-container/{task.id}"
    )["events"]

    assert [e for e in events if "look-for-me" in e["message"]] != []


def test_a_killed_container_is_replaced_by_a_task_that_serves_again(preflight_deployment: live.Live) -> None:
    engine = preflight_deployment.engine
    assert engine is not None
    old = the_task(preflight_deployment, "fa-018-service2")
    engine.must("kill", "--signal", "KILL", container(preflight_deployment, old))

    def replaced() -> str | None:
        found = preflight_deployment.deployment.tasks.running("fa-018-cluster", "fa-018-service2")
        new = [task for task in found if task.arn != old.arn]
        page = fetching.fetch(f"http://{new[0].public}/") if new else None
        return page.text if page is not None and page.status == 200 else None

    page = waiting.until(replaced, what="a new task that serves", timeout=60)

    assert "fa-018 index.html" in page


def test_an_immutable_tag_cannot_be_pushed_again(preflight_deployment: live.Live, tmp_path: Path) -> None:
    from preflight import standins  # noqa: PLC0415 - one test needs it
    from preflight.aws import images  # noqa: PLC0415 - as above

    engine, deployment = preflight_deployment.engine, preflight_deployment.deployment
    assert engine is not None
    name = f"fa-018:{preflight_deployment.values['run']}"
    order = deployment._order
    changed = tmp_path / "docker"
    shutil.copytree(Path(__file__).parents[2] / "docker", changed)
    (changed / "index.html").write_text("another page")

    with pytest.raises(images.PushRefusedError, match="already exists"):
        images.push(
            deployment.session,
            engine,
            folder=changed,
            name=name,
            run="another",
            base=standins.Standins(engine, order.plan.standins),
        )


def test_the_registry_admits_nobody_without_a_token(preflight_deployment: live.Live) -> None:
    endpoint = preflight_deployment.deployment.session.endpoint
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    with pytest.raises(urllib.error.HTTPError) as caught:
        opener.open(f"{endpoint}/v2/fa-018/tags/list")

    with caught.value as answer:
        assert answer.code == 401
