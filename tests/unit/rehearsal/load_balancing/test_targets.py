"""Health of targets, and the services that depend on it."""

from __future__ import annotations

import copy
import json
import socket
import threading
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from preflight.rehearsal.ecs.state import Cluster, Deployment, Service, State
from preflight.rehearsal.ledger import Ledger
from preflight.rehearsal.load_balancing import target_health_check, targets
from preflight.rehearsal.load_balancing.load_balancers import LoadBalancers
from preflight.rehearsal.load_balancing.target_health_check import CheckResult, HealthCheck
from preflight.rehearsal.load_balancing.targets import Target, Targets, _Checker
from preflight.system import waiting

CHECK = HealthCheck("HTTP", 80, "/", "200", interval=10, timeout=5, unhealthy_threshold=2)
SUCCESS, FAILURE = CheckResult(is_healthy=True), CheckResult(is_healthy=False)
WRONG_PAGE = CheckResult(is_healthy=False, is_permanent=True)
UNREACHABLE = CheckResult(is_healthy=False, can_recover=False)


@pytest.mark.parametrize(
    ("result", "failures", "elapsed", "grace", "current", "state"),
    [
        pytest.param(SUCCESS, 0, 1, 0, "initial", "healthy", id="the first success"),
        pytest.param(FAILURE, 9, 19, 0, "initial", "initial", id="within the time of the threshold"),
        pytest.param(FAILURE, 9, 21, 0, "initial", "unhealthy", id="after the time of the threshold"),
        pytest.param(FAILURE, 9, 20, 0, "initial", "unhealthy", id="exactly the time of the threshold"),
        pytest.param(FAILURE, 9, 21, 10, "initial", "initial", id="within the grace period"),
        pytest.param(FAILURE, 9, 49, 99, "initial", "initial", id="within the longest grace period"),
        pytest.param(FAILURE, 9, 50, 99, "initial", "unhealthy", id="after the longest grace period"),
        pytest.param(WRONG_PAGE, 9, 2, 0, "initial", "initial", id="a wrong page for a moment"),
        pytest.param(WRONG_PAGE, 9, 4, 0, "initial", "unhealthy", id="a wrong page for some seconds"),
        pytest.param(UNREACHABLE, 1, 0, 60, "initial", "unhealthy", id="a failure that cannot recover"),
        pytest.param(FAILURE, 1, 99, 0, "healthy", "healthy", id="one failure of a healthy target"),
        pytest.param(FAILURE, 2, 99, 0, "healthy", "unhealthy", id="as many failures as the threshold"),
    ],
)
def test_a_check_decides_the_state_of_a_target(
    result: CheckResult, failures: int, elapsed: float, grace: float, current: str, state: str
) -> None:
    assert state == targets.next_state(
        CHECK, result, failures=failures, elapsed=elapsed, grace=grace, current=current
    )


@pytest.mark.parametrize(
    ("codes", "status", "is_match"),
    [
        pytest.param("200", 200, True, id="the code"),
        pytest.param("200,204", 204, True, id="one of a list"),
        pytest.param("200-299", 250, True, id="within a range"),
        pytest.param("200-299", 300, False, id="above a range"),
        pytest.param("x", 200, False, id="no code at all"),
    ],
)
def test_a_matcher_names_healthy_codes(codes: str, status: int, *, is_match: bool) -> None:
    assert target_health_check.matches(status, codes) is is_match


def test_a_check_has_the_defaults_of_aws() -> None:
    assert target_health_check.of_target_group({"Protocol": "HTTP"}, 8080) == HealthCheck("HTTP", 8080, "/", "200", 30.0, 5.0, 2)


def behind(fargate: dict[str, Any]) -> dict[str, Any]:
    """The deployment behind a load balancer in both zones."""
    changed = copy.deepcopy(fargate)
    resources = changed["Resources"]
    ingress = [{"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "CidrIp": "0.0.0.0/0"}]
    resources["BalancerGroup"] = {
        "Type": "AWS::EC2::SecurityGroup",
        "Properties": {"GroupDescription": "b", "VpcId": {"Ref": "Vpc"}, "SecurityGroupIngress": ingress},
    }
    resources["Balancer"] = {
        "Type": "AWS::ElasticLoadBalancingV2::LoadBalancer",
        "DependsOn": "Attachment",
        "Properties": {
            "Subnets": [{"Ref": "SubnetA"}, {"Ref": "SubnetB"}],
            "SecurityGroups": [{"Ref": "BalancerGroup"}],
        },
    }
    resources["Targets"] = {
        "Type": "AWS::ElasticLoadBalancingV2::TargetGroup",
        "Properties": {"TargetType": "ip", "Protocol": "HTTP", "Port": 80, "VpcId": {"Ref": "Vpc"}},
    }
    forward = {"Type": "forward", "TargetGroupArn": {"Ref": "Targets"}}
    resources["Listener"] = {
        "Type": "AWS::ElasticLoadBalancingV2::Listener",
        "Properties": {
            "LoadBalancerArn": {"Ref": "Balancer"},
            "Port": 80,
            "Protocol": "HTTP",
            "DefaultActions": [forward],
        },
    }
    resources["Service"]["DependsOn"].append("Listener")
    balanced = {"ContainerName": "web", "ContainerPort": 80, "TargetGroupArn": {"Ref": "Targets"}}
    resources["Service"]["Properties"]["LoadBalancers"] = [balanced]
    return changed


def use_third_zone(template: dict[str, Any]) -> None:
    """A third subnet in a zone that the load balancer does not serve, and the tasks in it."""
    resources = template["Resources"]
    third = copy.deepcopy(resources["SubnetB"])
    third["Properties"] |= {"CidrBlock": "10.0.3.0/24", "AvailabilityZone": {"Fn::Select": [2, {"Fn::GetAZs": ""}]}}
    resources["SubnetC"] = third
    association = copy.deepcopy(resources["AssociationB"])
    association["Properties"]["SubnetId"] = {"Ref": "SubnetC"}
    resources["AssociationC"] = association
    resources["Service"]["DependsOn"].append("AssociationC")
    network = resources["Service"]["Properties"]["NetworkConfiguration"]["AwsvpcConfiguration"]
    network["Subnets"] = [{"Ref": "SubnetC"}]


def admit_other_port(template: dict[str, Any]) -> None:
    template["Resources"]["Group"]["Properties"]["SecurityGroupIngress"][0].update(FromPort=81, ToPort=81)


def close_egress(template: dict[str, Any]) -> None:
    egress = [{"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "CidrIp": "0.0.0.0/0"}]
    template["Resources"]["BalancerGroup"]["Properties"]["SecurityGroupEgress"] = egress


def check_other_port(template: dict[str, Any]) -> None:
    template["Resources"]["Targets"]["Properties"]["HealthCheckPort"] = "8081"


Client = Callable[[str], Any]


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(admit_other_port, id="the tasks admit another port"),
        pytest.param(close_egress, id="the load balancer may not connect to them"),
        pytest.param(check_other_port, id="the port of the check is closed"),
        pytest.param(use_third_zone, id="a zone that the load balancer does not serve"),
    ],
)
def test_a_service_whose_targets_cannot_be_reached_never_becomes_steady(
    fargate: dict[str, Any],
    deploy: Callable[..., dict[str, Any]],
    reasons: Callable[[dict[str, Any]], list[str]],
    change: Callable[[dict[str, Any]], None],
) -> None:
    template = behind(fargate)
    change(template)

    stack = deploy(json.dumps(template), Capabilities=["CAPABILITY_IAM"])

    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert any("did not stabilize" in reason for reason in reasons(stack))


def test_a_service_behind_a_load_balancer_becomes_steady_and_leaves_nothing(
    fargate: dict[str, Any], deploy: Callable[..., dict[str, Any]], client: Client
) -> None:
    stack = deploy(json.dumps(behind(fargate)), Capabilities=["CAPABILITY_IAM"])
    elb, ec2 = client("elbv2"), client("ec2")
    group = elb.describe_target_groups()["TargetGroups"][0]["TargetGroupArn"]
    health = elb.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
    interfaces = [i["Description"] for i in ec2.describe_network_interfaces()["NetworkInterfaces"]]

    client("cloudformation").delete_stack(StackName=stack["StackId"])
    client("cloudformation").get_waiter("stack_delete_complete").wait(
        StackName=stack["StackId"], WaiterConfig={"Delay": 1, "MaxAttempts": 60}
    )

    assert stack["StackStatus"] == "CREATE_COMPLETE"
    assert [h["TargetHealth"]["State"] for h in health] == ["healthy"]
    assert sum(description.startswith("ELB app/") for description in interfaces) == 2
    assert ec2.describe_network_interfaces()["NetworkInterfaces"] == []


def test_the_port_of_the_check_is_described(
    fargate: dict[str, Any], deploy: Callable[..., dict[str, Any]], client: Client
) -> None:
    template = behind(fargate)
    check_other_port(template)
    everything = {"FromPort": 0, "ToPort": 65535}
    template["Resources"]["Group"]["Properties"]["SecurityGroupIngress"][0].update(everything)

    deploy(json.dumps(template), Capabilities=["CAPABILITY_IAM"])
    elb = client("elbv2")
    group = elb.describe_target_groups()["TargetGroups"][0]["TargetGroupArn"]
    target = elb.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"][0]

    assert target["Target"]["Port"] == 80
    assert target["HealthCheckPort"] == "8081"


@pytest.mark.filterwarnings("error::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_target_whose_group_was_deleted_is_not_healthy_any_more(
    fargate: dict[str, Any], deploy: Callable[..., dict[str, Any]], client: Client
) -> None:
    template = behind(fargate)
    check = {"HealthCheckIntervalSeconds": 5, "HealthCheckTimeoutSeconds": 2}
    template["Resources"]["Targets"]["Properties"].update(check)
    deploy(json.dumps(template), Capabilities=["CAPABILITY_IAM"])
    elb, ecs = client("elbv2"), client("ecs")
    cluster = ecs.list_clusters()["clusterArns"][0]
    service = ecs.list_services(cluster=cluster)["serviceArns"][0]
    elb.delete_listener(ListenerArn=_listener(elb))

    elb.delete_target_group(TargetGroupArn=elb.describe_target_groups()["TargetGroups"][0]["TargetGroupArn"])

    def event() -> str | None:
        events = ecs.describe_services(cluster=cluster, services=[service])["services"][0]["events"]
        return next((e["message"] for e in events if "Target group is gone" in e["message"]), None)

    assert waiting.until(event, what="an event of the service", timeout=20)


def _listener(elb: Any) -> str:
    arn = elb.describe_load_balancers()["LoadBalancers"][0]["LoadBalancerArn"]
    return str(elb.describe_listeners(LoadBalancerArn=arn)["Listeners"][0]["ListenerArn"])


def client_error(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": ""}}, "DescribeTargetGroups")


@pytest.mark.parametrize(
    ("code", "requests"),
    [
        pytest.param("TargetGroupNotFound", 1, id="the group is gone"),
        pytest.param("InternalFailure", 3, id="an internal failure"),
    ],
)
def test_a_target_is_checked_until_its_group_is_deleted(code: str, requests: int) -> None:
    codes: list[str] = []
    target = Target("group", "10.0.0.4", 80, "vpc", 80)

    def describe(**_given: Any) -> Any:
        codes.append(code)
        if len(codes) == 3:
            target.deregistered.set()
        raise client_error(code)

    elb = SimpleNamespace(describe_target_groups=describe)
    account = SimpleNamespace(closing=threading.Event(), client=lambda _service, _region: elb)
    state = SimpleNamespace(account=account, changed=threading.Condition())
    task = SimpleNamespace(region="eu-west-1", service=None, targets={})
    checker = _Checker(task, None, target, state, interfaces_of=lambda _arn: ())  # type: ignore[arg-type]
    checker.start()
    waiting.until(lambda: checker._worker.is_stopping or None, what="the end of the checks", timeout=10)

    assert len(codes) == requests


@pytest.mark.parametrize(
    ("is_network", "result", "counted"),
    [
        pytest.param(True, UNREACHABLE, "healthy", id="ECS keeps a task that no network load balancer reaches"),
        pytest.param(True, FAILURE, "unhealthy", id="it replaces one that does not answer a network load balancer"),
        pytest.param(False, UNREACHABLE, "unhealthy", id="it replaces one that no application load balancer reaches"),
    ],
)
def test_an_unhealthy_target_counts_for_its_task(result: CheckResult, counted: str, *, is_network: bool) -> None:
    target = Target("group", "10.0.0.4", 80, "vpc-1", 80, is_network=is_network)
    task = SimpleNamespace(service=None, targets={})
    state = SimpleNamespace(account=None, changed=threading.Condition())
    checker = _Checker(task, None, target, state, interfaces_of=lambda _arn: ())  # type: ignore[arg-type]

    checker._set_state("unhealthy", result)

    assert target.state == "unhealthy"
    assert task.targets["group"] == counted


class Deregistration:
    """A service with one task, which has one target in a group with a deregistration delay, and a request in flight."""

    def __init__(self, *, delay: str = "300") -> None:
        attributes = [{"Key": "deregistration_delay.timeout_seconds", "Value": delay}]
        elb = SimpleNamespace(
            deregister_targets=lambda **_given: None,
            describe_target_group_attributes=lambda **_given: {"Attributes": attributes},
        )
        account: Any = SimpleNamespace(id="1", closing=threading.Event(), client=lambda _service, _region: elb)
        self.state = State(account)
        self.deployment = Deployment("ecs-svc/1", "f:1", {})
        self.service = Service("web", "web", Cluster("c", "c", {}), "eu-west-1", {}, 1, [self.deployment])
        self.task: Any = SimpleNamespace(id="t", region="eu-west-1", service=self.service, deployment=self.deployment)
        self.target = Target("group", "10.0.0.4", 80, "vpc", 80, state="healthy")
        self.caller, self.connection = socket.socket(), socket.socketpair()
        self.target.in_flight.begin(self.caller, self.connection[0])
        self.targets = Targets(self.state, account, lambda _arn: ())
        self.targets._targets["t"] = [self.target]

    def begin(self) -> threading.Thread:
        """Begins to deregister the task."""
        thread = threading.Thread(target=self.targets.deregister, args=(self.task,), daemon=True)
        thread.start()
        waiting.until(lambda: self.target.state == "draining", what="the state", timeout=5, interval=0.01)
        return thread

    def close(self) -> None:
        for sock in (self.caller, *self.connection):
            sock.close()


@pytest.fixture
def deregistration() -> Iterator[Deregistration]:
    deregistration = Deregistration()
    yield deregistration
    deregistration.close()


def test_a_deregistered_target_drains_until_its_request_is_answered(deregistration: Deregistration) -> None:
    thread = deregistration.begin()
    health = deregistration.targets.in_group("group")[0].as_response()["TargetHealth"]

    deregistration.target.in_flight.end(deregistration.caller)
    thread.join(5)

    assert health["State"] == "draining"
    assert health["Reason"] == "Target.DeregistrationInProgress"
    assert deregistration.targets.in_group("group") == []


def test_a_service_says_that_it_drains(deregistration: Deregistration) -> None:
    deregistration.begin()
    event = "(service web, taskSet ecs-svc/1) has begun draining connections on 1 tasks."

    waiting.until(lambda: deregistration.service.events[:1], what="an event", timeout=5)

    assert event in [event["message"] for event in deregistration.service.events]


def test_a_request_is_cut_off_after_the_deregistration_delay() -> None:
    deregistration = Deregistration(delay="0")

    deregistration.begin().join(5)

    deregistration.connection[1].settimeout(5)
    assert deregistration.connection[1].recv(1) == b""
    deregistration.close()


def test_the_targets_of_a_deleted_service_do_not_drain(deregistration: Deregistration) -> None:
    deregistration.service.status = "DRAINING"

    deregistration.targets.deregister(deregistration.task)

    assert deregistration.targets.in_group("group") == []


@pytest.mark.parametrize(
    ("states", "receivers"),
    [
        pytest.param(["healthy", "healthy"], ["10.0.0.0", "10.0.0.1"], id="every healthy target"),
        pytest.param(["healthy", "draining"], ["10.0.0.0"], id="none that drains"),
        pytest.param(["draining"], [], id="not even if no other is there"),
        pytest.param(["initial", "draining"], ["10.0.0.0"], id="all others if none is healthy"),
    ],
)
def test_new_requests_go_to(states: list[str], receivers: list[str]) -> None:
    registered = [Target("g", f"10.0.0.{n}", 80, "vpc", 80, state=state) for n, state in enumerate(states)]
    running: Any = SimpleNamespace(at=lambda _address, _vpc: SimpleNamespace(pid=1))
    balancers = LoadBalancers(None, None, running, Ledger(), targets=lambda _group: registered)  # type: ignore[arg-type]

    assert [place.address[0] for _, place in balancers.receivers("g", "vpc")] == receivers
