"""The small decisions of the rehearsal, one by one."""

from __future__ import annotations

import errno
import threading
import time
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from preflight.rehearsal.cloudformation import creation_order
from preflight.rehearsal.cloudformation import dependencies as graph
from preflight.rehearsal.cloudformation.resources import ecs
from preflight.rehearsal.cloudformation.resources.ecs import _Failing
from preflight.rehearsal.containers import dependencies, health_checks, task_spec
from preflight.rehearsal.containers.task_spec import ContainerSpec, Health
from preflight.rehearsal.ledger import Ledger
from preflight.rehearsal.load_balancing.targets import Target, Targets
from preflight.rehearsal.network import interfaces
from preflight.rehearsal.tasks import service_scheduler
from preflight.rehearsal.tasks.launch_calls import images


@pytest.mark.parametrize(
    ("desired", "threshold"),
    [
        pytest.param(1, 3, id="one task"),
        pytest.param(25, 13, id="half of them"),
        pytest.param(1000, 200, id="at most 200"),
    ],
)
def test_the_circuit_breaker_trips_after(desired: int, threshold: int) -> None:
    assert service_scheduler.threshold(desired) == threshold


def test_five_addresses_of_a_subnet_are_kept_by_aws() -> None:
    taken: set[str] = set()
    while (address := interfaces.free_address("10.0.0.0/28", taken)) is not None:
        taken.add(address)

    assert (len(taken), min(taken, key=lambda a: int(a.split(".")[3])), "10.0.0.15" in taken) == (11, "10.0.0.4", False)


@pytest.mark.parametrize(
    ("name", "full"),
    [
        pytest.param("nginx", "docker.io/library/nginx:latest", id="official"),
        pytest.param("me/app:1", "docker.io/me/app:1", id="of a user"),
        pytest.param("public.ecr.aws/nginx/nginx:1", "public.ecr.aws/nginx/nginx:1", id="of another registry"),
        pytest.param("nginx@sha256:ab", "docker.io/library/nginx@sha256:ab", id="by digest"),
    ],
)
def test_full_names_of_images(name: str, full: str) -> None:
    assert images.full_name(name) == full


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        pytest.param("123456789012.dkr.ecr.eu-west-1.amazonaws.com/a/b:1", ("eu-west-1", "a/b", "1"), id="tag"),
        pytest.param("123456789012.dkr.ecr.eu-west-1.amazonaws.com/a", ("eu-west-1", "a", "latest"), id="no tag"),
        pytest.param(
            "123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn/a@sha256:ab",
            ("cn-north-1", "a", "sha256:ab"),
            id="digest",
        ),
    ],
)
def test_parts_of_an_ecr_image(name: str, parts: tuple[str, str, str]) -> None:
    image = images.ecr_image(name)

    assert image is not None
    assert (image.region, image.repository, image.reference) == parts


def spec(**change: Any) -> ContainerSpec:
    definition = {"family": "f", "revision": 1, "containerDefinitions": [{"name": "app", "image": "i", **change}]}
    return task_spec.from_task_definition(definition).containers[0]


@pytest.mark.parametrize(
    ("condition", "shown", "started", "answer"),
    [
        pytest.param("START", {"lastStatus": "PENDING"}, set(), "wait", id="not started"),
        pytest.param("START", {"lastStatus": "STOPPED"}, {"db"}, "start", id="started, whatever came then"),
        pytest.param(
            "COMPLETE", {"lastStatus": "STOPPED", "exitCode": 9}, {"db"}, "start", id="complete with any code"
        ),
        pytest.param("SUCCESS", {"lastStatus": "STOPPED", "exitCode": 0}, {"db"}, "start", id="success"),
        pytest.param("SUCCESS", {"lastStatus": "STOPPED", "exitCode": 1}, {"db"}, "never", id="failure"),
        pytest.param("HEALTHY", {"lastStatus": "RUNNING", "healthStatus": "HEALTHY"}, {"db"}, "start", id="healthy"),
        pytest.param(
            "HEALTHY", {"lastStatus": "RUNNING", "healthStatus": "UNHEALTHY"}, {"db"}, "never", id="unhealthy"
        ),
    ],
)
def test_when_a_container_may_start(condition: str, shown: dict[str, Any], started: set[str], answer: str) -> None:
    waiting = spec(dependsOn=[{"containerName": "db", "condition": condition}])
    whole = {"db": {"healthStatus": "UNKNOWN", **shown}}

    assert dependencies.may_start(waiting, whole, dict.fromkeys(started, 0.0), set()).value == answer


def test_a_dependency_that_takes_too_long_is_given_up() -> None:
    slow, waiting = spec(startTimeout=5), spec(dependsOn=[{"containerName": "app", "condition": "COMPLETE"}])
    shown = {"app": {"lastStatus": "RUNNING", "healthStatus": "UNKNOWN"}}

    answers = [
        dependencies.may_start(waiting, shown, {"app": 0.0}, dependencies.overdue([slow], {"app": 0.0}, now)).value
        for now in (4.0, 6.0)
    ]

    assert answers == ["wait", "never"]


CHECK = Health(("CMD", "x"), interval=30, timeout=5, retries=3, start_period=10)


@pytest.mark.parametrize(
    ("code", "failures", "elapsed", "former", "status"),
    [
        pytest.param(0, 0, 1, "UNKNOWN", "HEALTHY", id="the first success"),
        pytest.param(1, 3, 5, "UNKNOWN", "UNKNOWN", id="failing within the time that AWS gives"),
        pytest.param(1, 80, 41, "UNKNOWN", "UNHEALTHY", id="failing beyond it"),
        pytest.param(127, 3, 2, "UNKNOWN", "UNHEALTHY", id="no such command"),
        pytest.param(1, 2, 99, "HEALTHY", "HEALTHY", id="fewer failures than retries"),
        pytest.param(1, 3, 99, "HEALTHY", "UNHEALTHY", id="as many failures as retries"),
    ],
)
def test_health(code: int, failures: int, elapsed: float, former: str, status: str) -> None:
    assert health_checks.verdict(CHECK, code=code, failures=failures, elapsed=elapsed, former=former) == status


def test_a_service_is_given_up_after_three_failures_and_a_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ecs, "GRACE", 3.0)
    clock = iter([10.0, 12.9, 13.0])
    monkeypatch.setattr(time, "monotonic", lambda: next(clock))
    failing = _Failing()

    assert [failing.is_hopeless(failed) for failed in (0, 1, 3, 5)] == [False, False, False, True]


def client_error(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": ""}}, "DescribeTargetGroups")


@pytest.mark.parametrize(
    ("code", "asked"),
    [
        pytest.param("TargetGroupNotFound", 1, id="the group is gone"),
        pytest.param("InternalFailure", 3, id="nobody could tell"),
    ],
)
def test_a_target_is_checked_until_its_group_goes(code: str, asked: int) -> None:
    asks: list[str] = []
    target = Target("group", "10.0.0.4", 80, "vpc", 80)

    def describe(**_given: Any) -> Any:
        asks.append(code)
        if len(asks) == 3:
            target.over.set()
        raise client_error(code)

    elb = SimpleNamespace(describe_target_groups=describe)
    account = SimpleNamespace(closing=threading.Event(), client=lambda _service, _region: elb)
    state = SimpleNamespace(changed=threading.Condition())
    watching = Targets(state, account, None, None)  # type: ignore[arg-type]
    watching._watch(SimpleNamespace(region="eu-west-1", service=None, targets={}), None, target)  # type: ignore[arg-type]

    assert len(asks) == asked


def test_a_port_that_is_taken_is_told_with_what_to_do() -> None:
    ledger = Ledger()
    ledger.unopened("127.64.0.1", 80, OSError(errno.EADDRINUSE, "Address already in use"))
    why, following = ledger.troubles[0].split(". Next: ")

    assert (why, following) == (
        "port 80 of 127.64.0.1 cannot be opened: Address already in use",
        "stop what listens on port 80 of all addresses here",
    )


def test_a_cycle_names_only_its_members() -> None:
    assert graph.cycle({"A": {"B"}, "B": {"C"}, "C": {"B"}, "D": {"A"}}) == ["B", "C"]


def test_no_cycle_is_empty() -> None:
    assert graph.cycle({"A": {"B"}, "B": set()}) == []


@pytest.mark.parametrize(
    "reference",
    [
        pytest.param({"Ref": "B"}, id="Ref"),
        pytest.param({"Fn::GetAtt": ["B", "Arn"]}, id="GetAtt"),
        pytest.param({"Fn::Sub": "after ${B}"}, id="Sub"),
    ],
)
def test_a_reference_in_metadata_orders(reference: dict[str, Any]) -> None:
    resources: dict[str, dict[str, Any]] = {"A": {"Type": "T", "Metadata": {"After": reference}}, "B": {"Type": "T"}}

    assert graph.edges(resources) == {"A": {"B"}, "B": set()}


ROUTE = {"Type": "AWS::EC2::Route", "Properties": {"GatewayId": {"Ref": "G"}}}
ATTACHMENT = {"Type": "AWS::EC2::VPCGatewayAttachment", "Properties": {"InternetGatewayId": {"Ref": "G"}}}


def test_an_unordered_attachment_waits_for_the_route() -> None:
    ordered = creation_order.with_undeclared_dependencies({"R": ROUTE, "A": ATTACHMENT}, {"R": set(), "A": set()})

    assert ordered == {"R": set(), "A": {"R"}}


def test_an_ordered_route_is_left_alone() -> None:
    needs = {"R": {"X"}, "X": {"A"}, "A": set()}

    assert creation_order.with_undeclared_dependencies({"R": ROUTE, "A": ATTACHMENT, "X": {"Type": "T"}}, needs) == needs


PROVIDERS = {"Type": "AWS::ECS::ClusterCapacityProviderAssociations", "Properties": {"Cluster": {"Ref": "C"}}}
NONE = {"Ref": "AWS::NoValue"}


@pytest.mark.parametrize(
    ("given", "needs"),
    [
        pytest.param({"CapacityProviderStrategy": [{"CapacityProvider": "FARGATE_SPOT"}]}, {"S"}, id="a strategy"),
        pytest.param({"LaunchType": NONE}, {"S"}, id="the default strategy"),
        pytest.param({"LaunchType": "FARGATE"}, set(), id="a launch type"),
        pytest.param({"Cluster": {"Ref": "D"}, "LaunchType": NONE}, set(), id="another cluster"),
    ],
)
def test_unordered_capacity_providers_wait_for_the_service(given: dict[str, Any], needs: set[str]) -> None:
    service = {"Type": "AWS::ECS::Service", "Properties": {"Cluster": {"Ref": "C"}, **given}}
    ordered = creation_order.with_undeclared_dependencies({"S": service, "P": PROVIDERS}, {"S": set(), "P": set()})

    assert ordered == {"S": set(), "P": needs}


def test_options_of_a_container() -> None:
    options = spec(
        readonlyRootFilesystem=True,
        user="101",
        linuxParameters={
            "initProcessEnabled": True,
            "capabilities": {"drop": ["ALL"]},
            "tmpfs": [{"containerPath": "/t", "size": 8}],
        },
    ).options

    assert options == ("--read-only", "--user=101", "--init", "--cap-drop=ALL", "--tmpfs=/t:size=8m")
