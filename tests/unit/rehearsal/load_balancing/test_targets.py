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

from preflight.rehearsal.ecs.state import Cluster, Deployment, Service, State
from preflight.rehearsal.ledger import Ledger
from preflight.rehearsal.load_balancing.load_balancers import LoadBalancers
from preflight.rehearsal.load_balancing.target import Target
from preflight.rehearsal.load_balancing.targets import Targets
from preflight.system import waiting


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
