"""How targets of load balancers are judged, and what a service makes of it."""

from __future__ import annotations

import copy
import json
import threading
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from preflight.rehearsal.load_balancing import health_check, targets
from preflight.rehearsal.load_balancing.health_check import CheckResult, HealthCheck
from preflight.rehearsal.load_balancing.targets import Target, Targets
from preflight.system import waiting

CHECK = HealthCheck("HTTP", 80, "/", "200", interval=10, timeout=5, unhealthy_threshold=2)
WELL, ILL = CheckResult(is_well=True), CheckResult(is_well=False)
WRONG_PAGE = CheckResult(is_well=False, is_stubborn=True)
CUT_OFF = CheckResult(is_well=False, can_heal=False)


@pytest.mark.parametrize(
    ("found", "failures", "elapsed", "grace", "former", "state"),
    [
        pytest.param(WELL, 0, 1, 0, "initial", "healthy", id="the first success"),
        pytest.param(ILL, 9, 19, 0, "initial", "initial", id="within the time of the threshold"),
        pytest.param(ILL, 9, 21, 0, "initial", "unhealthy", id="beyond it"),
        pytest.param(ILL, 9, 21, 10, "initial", "initial", id="within the grace period"),
        pytest.param(WRONG_PAGE, 9, 4, 0, "initial", "unhealthy", id="a page that is not there is believed sooner"),
        pytest.param(CUT_OFF, 1, 0, 60, "initial", "unhealthy", id="what cannot heal at once"),
        pytest.param(ILL, 1, 99, 0, "healthy", "healthy", id="one failure of a healthy target"),
        pytest.param(ILL, 2, 99, 0, "healthy", "unhealthy", id="as many failures as the threshold"),
    ],
)
def test_the_state_of_a_target(
    found: CheckResult, failures: int, elapsed: float, grace: float, former: str, state: str
) -> None:
    assert targets.verdict(CHECK, found, failures=failures, elapsed=elapsed, grace=grace, former=former) == state


@pytest.mark.parametrize(
    ("codes", "status", "fits"),
    [
        pytest.param("200", 200, True, id="the code"),
        pytest.param("200,204", 204, True, id="one of a list"),
        pytest.param("200-299", 250, True, id="within a range"),
        pytest.param("200-299", 300, False, id="beyond a range"),
        pytest.param("x", 200, False, id="no code at all"),
    ],
)
def test_a_matcher(codes: str, status: int, *, fits: bool) -> None:
    assert health_check.fits(status, codes) is fits


def test_a_check_has_the_defaults_of_aws() -> None:
    assert health_check.check_of({"Protocol": "HTTP"}, 8080) == HealthCheck("HTTP", 8080, "/", "200", 30.0, 5.0, 2)


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


def other_zone(given: dict[str, Any]) -> None:
    """A third subnet in a zone that the load balancer does not serve, and the tasks in it."""
    resources = given["Resources"]
    third = copy.deepcopy(resources["SubnetB"])
    third["Properties"] |= {"CidrBlock": "10.0.3.0/24", "AvailabilityZone": {"Fn::Select": [2, {"Fn::GetAZs": ""}]}}
    resources["SubnetC"] = third
    association = copy.deepcopy(resources["AssociationB"])
    association["Properties"]["SubnetId"] = {"Ref": "SubnetC"}
    resources["AssociationC"] = association
    resources["Service"]["DependsOn"].append("AssociationC")
    network = resources["Service"]["Properties"]["NetworkConfiguration"]["AwsvpcConfiguration"]
    network["Subnets"] = [{"Ref": "SubnetC"}]


def other_port(given: dict[str, Any]) -> None:
    given["Resources"]["Group"]["Properties"]["SecurityGroupIngress"][0].update(FromPort=81, ToPort=81)


def no_way_in(given: dict[str, Any]) -> None:
    egress = [{"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "CidrIp": "0.0.0.0/0"}]
    given["Resources"]["BalancerGroup"]["Properties"]["SecurityGroupEgress"] = egress


def health_port(given: dict[str, Any]) -> None:
    given["Resources"]["Targets"]["Properties"]["HealthCheckPort"] = "8081"


Client = Callable[[str], Any]


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(other_port, id="the tasks admit another port"),
        pytest.param(no_way_in, id="the load balancer may not speak to them"),
        pytest.param(health_port, id="the port of the check is shut"),
        pytest.param(other_zone, id="a zone that the load balancer does not serve"),
    ],
)
def test_a_service_whose_targets_cannot_be_reached_never_becomes_steady(
    fargate: dict[str, Any],
    deploy: Callable[..., dict[str, Any]],
    reasons: Callable[[dict[str, Any]], list[str]],
    change: Callable[[dict[str, Any]], None],
) -> None:
    given = behind(fargate)
    change(given)

    stack = deploy(json.dumps(given), Capabilities=["CAPABILITY_IAM"])

    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert any("did not stabilize" in reason for reason in reasons(stack))


def test_a_service_behind_a_load_balancer_becomes_steady_and_leaves_nothing(
    fargate: dict[str, Any], deploy: Callable[..., dict[str, Any]], client: Client
) -> None:
    stack = deploy(json.dumps(behind(fargate)), Capabilities=["CAPABILITY_IAM"])
    elb, ec2 = client("elbv2"), client("ec2")
    group = elb.describe_target_groups()["TargetGroups"][0]["TargetGroupArn"]
    health = elb.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
    faces = [f["Description"] for f in ec2.describe_network_interfaces()["NetworkInterfaces"]]

    client("cloudformation").delete_stack(StackName=stack["StackId"])
    client("cloudformation").get_waiter("stack_delete_complete").wait(
        StackName=stack["StackId"], WaiterConfig={"Delay": 1, "MaxAttempts": 60}
    )

    assert stack["StackStatus"] == "CREATE_COMPLETE"
    assert [h["TargetHealth"]["State"] for h in health] == ["healthy"]
    assert len([face for face in faces if face.startswith("ELB app/")]) == 2
    assert ec2.describe_network_interfaces()["NetworkInterfaces"] == []


def test_a_target_tells_the_port_that_its_check_asks(
    fargate: dict[str, Any], deploy: Callable[..., dict[str, Any]], client: Client
) -> None:
    given = behind(fargate)
    health_port(given)
    everything = {"FromPort": 0, "ToPort": 65535}
    given["Resources"]["Group"]["Properties"]["SecurityGroupIngress"][0].update(everything)

    deploy(json.dumps(given), Capabilities=["CAPABILITY_IAM"])
    elb = client("elbv2")
    group = elb.describe_target_groups()["TargetGroups"][0]["TargetGroupArn"]
    shown = elb.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"][0]

    assert shown["Target"]["Port"] == 80
    assert shown["HealthCheckPort"] == "8081"


@pytest.mark.filterwarnings("error::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_target_whose_group_was_deleted_is_not_healthy_any_more(
    fargate: dict[str, Any], deploy: Callable[..., dict[str, Any]], client: Client
) -> None:
    given = behind(fargate)
    given["Resources"]["Targets"]["Properties"]["HealthCheckIntervalSeconds"] = 5
    given["Resources"]["Targets"]["Properties"]["HealthCheckTimeoutSeconds"] = 2
    deploy(json.dumps(given), Capabilities=["CAPABILITY_IAM"])
    elb, ecs = client("elbv2"), client("ecs")
    cluster = ecs.list_clusters()["clusterArns"][0]
    service = ecs.list_services(cluster=cluster)["serviceArns"][0]
    elb.delete_listener(ListenerArn=_listener(elb))

    elb.delete_target_group(TargetGroupArn=elb.describe_target_groups()["TargetGroups"][0]["TargetGroupArn"])

    def said() -> str | None:
        events = ecs.describe_services(cluster=cluster, services=[service])["services"][0]["events"]
        return next((e["message"] for e in events if "Target group is gone" in e["message"]), None)

    assert waiting.until(said, what="an event of the service", timeout=20)


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
            target.over.set()
        raise client_error(code)

    elb = SimpleNamespace(describe_target_groups=describe)
    account = SimpleNamespace(closing=threading.Event(), client=lambda _service, _region: elb)
    state = SimpleNamespace(changed=threading.Condition())
    watching = Targets(state, account, None, None)  # type: ignore[arg-type]
    watching._watch(SimpleNamespace(region="eu-west-1", service=None, targets={}), None, target)  # type: ignore[arg-type]

    assert len(codes) == requests
