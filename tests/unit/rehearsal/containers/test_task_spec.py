"""The pure parts of running a task."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from werkzeug.wrappers import Request

from preflight.aws import iam_policy
from preflight.aws.iam_policy import RequestContext
from preflight.aws.reachability import Interface
from preflight.container_engine import pause_image
from preflight.errors import ToolBrokeError
from preflight.rehearsal.connectivity import inside_requests, public_ports
from preflight.rehearsal.connectivity.public_ports import SmokeTarget
from preflight.rehearsal.containers import oom_kills, task_spec
from preflight.rehearsal.containers import runner as containers
from preflight.rehearsal.containers.runner import ContainerRunner, NamespaceContainer
from preflight.rehearsal.containers.running_task import RunningTask, RunningTasks
from preflight.rehearsal.containers.stubs import Stubs
from preflight.rehearsal.containers.task_spec import FileSystem, Mount, TaskSpec
from preflight.rehearsal.ecs.validation import runtime_platform
from preflight.rehearsal.network import namespace
from preflight.rehearsal.tasks import awslogs, container_environment, container_start, metadata
from preflight.rehearsal.tasks.image_pull import Pulls
from preflight.rehearsal.tasks.launch_calls.caller import LaunchFailedError


def spec(*given: dict[str, Any], **more: Any) -> TaskSpec:
    named = [{"image": "i", **container} for container in given]
    return task_spec.from_task_definition(
        {"family": "f", "revision": 3, "cpu": "256", "memory": "512", "containerDefinitions": named, **more}
    )


def test_mounts_of_another_container_come_after_its_own() -> None:
    mounts = [{"sourceVolume": "v", "containerPath": "/v"}]
    found = spec(
        {"name": "a", "mountPoints": mounts}, {"name": "b", "volumesFrom": [{"sourceContainer": "a", "readOnly": True}]}
    )

    assert found.containers[1].mounts == (Mount("v", "/v", is_read_only=True),)


@pytest.mark.parametrize(
    ("code", "ran", "applies"),
    [
        pytest.param(1, 61, True, id="it ran long enough"),
        pytest.param(1, 59, False, id="it did not"),
        pytest.param(3, 61, False, id="a code that is ignored"),
    ],
)
def test_a_restart_policy(code: int, ran: float, *, applies: bool) -> None:
    policy = {"enabled": True, "restartAttemptPeriod": 60, "ignoredExitCodes": [3]}
    restart = spec({"name": "a", "restartPolicy": policy}).containers[0].restart

    assert restart is not None
    assert restart.applies(code=code, ran=ran) is applies


def test_a_policy_that_is_not_enabled_restarts_nothing() -> None:
    assert spec({"name": "a", "restartPolicy": {"enabled": False}}).containers[0].restart is None


def test_volumes_on_efs_are_told_apart() -> None:
    efs = {"fileSystemId": "fs-1", "authorizationConfig": {"accessPointId": "fsap-1", "iam": "ENABLED"}}
    found = spec({"name": "a"}, volumes=[{"name": "own"}, {"name": "shared", "efsVolumeConfiguration": efs}])

    assert found.file_systems == {"shared": FileSystem("fs-1", "/", "fsap-1", has_iam=True)}


def test_containers_stop_after_those_that_depend_on_them() -> None:
    on = {"dependsOn": [{"containerName": "db", "condition": "START"}]}
    found = spec({"name": "web", **on}, {"name": "db"}, {"name": "worker", **on})

    assert [c.name for c in container_start.stopping_order(found.containers)] == ["worker", "web", "db"]


def test_a_circle_stops_all_the_same() -> None:
    def on(name: str) -> dict[str, Any]:
        return {"dependsOn": [{"containerName": name, "condition": "START"}]}

    found = spec({"name": "a", **on("b")}, {"name": "b", **on("a")})

    assert len(container_start.stopping_order(found.containers)) == 2


@pytest.mark.parametrize(
    ("pattern", "image", "has"),
    [
        pytest.param("datadog/agent", "datadog/agent:7", True, id="without its tag"),
        pytest.param("*/agent", "public.ecr.aws/datadog/agent:7", True, id="by a wildcard"),
        pytest.param("agent:7", "agent:8", False, id="another tag"),
        pytest.param("agent", "my/agent:1", False, id="another repository"),
        pytest.param("agent", "agent@sha256:00", True, id="by digest"),
    ],
)
def test_which_images_are_stubbed(pattern: str, image: str, *, has: bool) -> None:
    assert Stubs((pattern,)).has(image) is has


def test_a_stub_ends_where_another_container_waits_for_its_end() -> None:
    given = spec(
        {"name": "waits", "image": "x"},
        {"name": "init", "image": "x"},
        {"name": "app", "dependsOn": [{"containerName": "init", "condition": "SUCCESS"}]},
    )

    found = Stubs(("x",)).stubbed(given)

    assert [(c.image, c.command, c.is_stub) for c in found.containers] == [
        (pause_image.IMAGE, ("/pause",), True),
        (pause_image.IMAGE, ("/pause", "stub"), True),
        ("i", None, False),
    ]


@pytest.mark.parametrize(
    ("platform", "wanted"),
    [
        pytest.param({}, "linux/amd64", id="nothing said"),
        pytest.param({"cpuArchitecture": "ARM64", "operatingSystemFamily": "LINUX"}, "linux/arm64", id="ARM64"),
        pytest.param({"operatingSystemFamily": "WINDOWS_SERVER_2022_CORE"}, "windows/amd64", id="Windows"),
    ],
)
def test_the_platform_of_a_task(platform: dict[str, str], wanted: str) -> None:
    assert runtime_platform.wanted({"runtimePlatform": platform}) == wanted


def test_log_lines_are_joined_and_kept_in_order() -> None:
    text = (
        "2026-01-02T03:04:05.000000001Z stdout F one\n"
        "2026-01-02T03:04:06Z stdout P begun \n"
        "2026-01-02T03:04:07Z stderr F between\n"
        "2026-01-02T03:04:08Z stdout F ended\n"
        "2026-01-02T03:04:09Z stdout P open\n"
    )

    assert [line for _, line in containers.log_lines(text)] == ["one", "between", "begun ended", "open"]


@pytest.mark.parametrize(
    ("moment", "found"),
    [
        pytest.param("1970-01-01T00:00:01.234567890Z", 1234, id="nanoseconds, Zulu"),
        pytest.param("1970-01-01T01:00:01.5+01:00", 1500, id="another zone"),
    ],
)
def test_the_moment_of_a_log_line(moment: str, found: int) -> None:
    assert awslogs.milliseconds(moment) == found


def test_kills_for_memory_are_counted(tmp_path: Path) -> None:
    counter = tmp_path / "memory.events"
    counter.write_text("low 0\noom 1\noom_kill 1\n")

    assert (oom_kills.kills(counter), oom_kills.kills(tmp_path / "gone"), oom_kills.kills(None)) == (1, 0, 0)


@pytest.mark.parametrize(
    ("text", "question"),
    [
        pytest.param("web:8080:203.0.113.5", SmokeTarget("web", 8080, "203.0.113.5"), id="whole"),
        pytest.param("web:80:", SmokeTarget("web", 80), id="anybody"),
        pytest.param(":80:", SmokeTarget("", 80), id="any service"),
    ],
)
def test_a_question_of_the_plan(text: str, question: SmokeTarget) -> None:
    assert public_ports.smoke_target(text) == question


@pytest.mark.parametrize(
    ("at_80", "name", "value"),
    [
        pytest.param(True, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/v2/credentials/x", id="as on Fargate"),
        pytest.param(
            False, "AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://169.254.170.2:51678/v2/credentials/x", id="by its port"
        ),
    ],
)
def test_where_a_container_asks_for_credentials(name: str, value: str, *, at_80: bool) -> None:
    found = container_environment.variables("c", "/v2/credentials/x", "eu-west-1", can_reach_aws=False, is_at_port_80=at_80)

    assert (found[name], "AWS_ENDPOINT_URL" in found) == (value, False)


def test_the_metadata_of_a_container_names_its_stream() -> None:
    options = {"awslogs-group": "g", "awslogs-region": "r", "awslogs-stream-prefix": "p"}
    given = spec({"name": "a", "logConfiguration": {"logDriver": "awslogs", "options": options}})
    shown = {
        "clusterArn": "c",
        "taskArn": "arn:task/x/0123",
        "desiredStatus": "RUNNING",
        "containers": [{"name": "a", "containerArn": "arn:container/x/0123/" + "ab" * 16, "lastStatus": "RUNNING"}],
    }

    found = metadata.container_metadata(shown, given, {}, "a", block="10.0.1.0/24")

    assert found["LogOptions"] == {"awslogs-group": "g", "awslogs-region": "r", "awslogs-stream": "p/a/0123"}
    assert found["Labels"]["com.amazonaws.ecs.task-definition-version"] == "3"


ROLE = "arn:aws:iam::123456789012:role/r"
PULL = RequestContext("ecr:BatchGetImage", "arn:aws:ecr:eu-west-1:123456789012:repository/a")


@pytest.mark.parametrize(
    ("principal", "denied"),
    [
        pytest.param("*", True, id="everybody"),
        pytest.param({"AWS": ROLE}, True, id="the role"),
        pytest.param({"AWS": "arn:aws:iam::123456789012:root"}, True, id="the account"),
        pytest.param({"AWS": "arn:aws:iam::999999999999:root"}, False, id="another account"),
        pytest.param({"Service": "ecs.amazonaws.com"}, False, id="a service"),
    ],
)
def test_who_a_repository_denies(principal: Any, *, denied: bool) -> None:
    policy = {"Statement": [{"Effect": "Deny", "Principal": principal, "Action": "ecr:*"}]}

    assert iam_policy.denies(policy, {ROLE, "123456789012"}, PULL) is denied


def test_a_document_that_cannot_be_read_is_none() -> None:
    assert (iam_policy.document("{"), iam_policy.document(None), iam_policy.document({"a": 1})) == (
        None,
        None,
        {"a": 1},
    )


def test_only_a_line_feed_ends_a_line_of_a_log() -> None:
    said = "10%\r2020-01-01T00:00:00Z stdout F forged\x0c\u2028end"

    assert containers.log_lines(f"2026-01-02T03:04:05Z stdout F {said}\n") == [("2026-01-02T03:04:05Z", said)]


def test_a_container_path_is_no_option_of_the_engine(tmp_path: Path) -> None:
    """podman's overlay volumes may write to any folder of the machine."""
    engine = mock.MagicMock(program="podman", env={})
    runner = ContainerRunner(engine, run="r", folder=tmp_path)
    mounts = [{"sourceVolume": "v", "containerPath": "/x:O,upperdir=/etc,workdir=/w"}]
    given = spec({"name": "a", "mountPoints": mounts}, volumes=[{"name": "v"}])
    holder = NamespaceContainer("t", "c", 0, tmp_path)

    with pytest.raises(ToolBrokeError, match="has a colon"):
        runner.start(holder, given.containers[0], image="i", task=given, environment={})

    assert [call.args[0] for call in engine.run.call_args_list if call.args[0] == "run"] == []


def test_an_image_name_is_no_option_of_the_engine() -> None:
    runner = mock.MagicMock()
    found = Pulls(mock.MagicMock(), runner, mock.MagicMock(), port=1, standins=None)

    with pytest.raises(LaunchFailedError, match="invalid reference format: --privileged"):
        found.image("--privileged", "eu-west-1")


def test_what_breaks_in_a_namespace_breaks_where_it_was_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(namespace, "enter", lambda _pid: None)

    def act() -> None:
        raise KeyError

    with pytest.raises(KeyError):
        namespace.within(0, act)


@pytest.mark.parametrize(
    "port",
    [
        pytest.param("70000", id="beyond the last"),
        pytest.param("0", id="before the first"),
        pytest.param("-1", id="below nothing"),
        pytest.param("²", id="no digit of ours"),
        pytest.param("80 ", id="with a space"),
        pytest.param("1" * 5000, id="endless"),
    ],
)
def test_a_port_that_is_none_is_not_asked(port: str) -> None:
    runs = RunningTasks()
    runs.add("t", run := RunningTask(spec({"name": "a"})))
    run.holder = NamespaceContainer("t", "c", 1, Path())
    run.interface = Interface("v", "s", "10.0.0.4", (), has_public_address=False)
    request = Request.from_values(inside_requests.PATH, query_string={"task": "t", "port": port})

    assert json.loads(inside_requests.answer(request, runs).get_data())["trouble"] == f"no port: {port[:20]!r}"
