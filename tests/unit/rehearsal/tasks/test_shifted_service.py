"""A stack whose service shifts traffic: its target groups, its listener rules, and the role that changes them."""

from __future__ import annotations

import copy
import json
import threading
from collections.abc import Callable
from typing import Any

import pytest

from preflight.rehearsal.server import Server
from preflight.rehearsal.tasks import traffic_shifts
from preflight.system import waiting

IAM = ["CAPABILITY_IAM"]
Client = Callable[[str], Any]
Reasons = Callable[[dict[str, Any]], list[str]]
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "ecs.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
POLICY = "arn:aws:iam::aws:policy/AmazonECSInfrastructureRolePolicyForLoadBalancers"
ADVANCED = {
    "AlternateTargetGroupArn": {"Ref": "Green"},
    "ProductionListenerRule": {"Ref": "Rule"},
    "TestListenerRule": {"Ref": "TestRule"},
    "RoleArn": {"Fn::GetAtt": ["Infrastructure", "Arn"]},
}


@pytest.fixture(autouse=True)
def _no_bake_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(traffic_shifts, "LONGEST", 0.0)


def of(resource: str, **properties: Any) -> dict[str, Any]:
    return {"Type": f"AWS::ElasticLoadBalancingV2::{resource}", "Properties": properties}


def rule(group: str, priority: int, path: str) -> dict[str, Any]:
    actions = [{"Type": "forward", "TargetGroupArn": {"Ref": group}}]
    conditions = [{"Field": "path-pattern", "Values": [path]}]
    return of("ListenerRule", ListenerArn={"Ref": "Listener"}, Priority=priority, Conditions=conditions, Actions=actions)


@pytest.fixture
def shifted(fargate: dict[str, Any]) -> dict[str, Any]:
    """The deployment behind a load balancer, with two target groups between which it shifts traffic."""
    group = {"TargetType": "ip", "Protocol": "HTTP", "Port": 80, "VpcId": {"Ref": "Vpc"}}
    fixed = [{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}]
    resources = fargate["Resources"]
    resources |= {
        "Balancer": {
            **of("LoadBalancer", Subnets=[{"Ref": "SubnetA"}, {"Ref": "SubnetB"}], SecurityGroups=[{"Ref": "Group"}]),
            "DependsOn": "Attachment",
        },
        "Blue": of("TargetGroup", **group),
        "Green": of("TargetGroup", **group),
        "Listener": of("Listener", LoadBalancerArn={"Ref": "Balancer"}, Port=80, Protocol="HTTP", DefaultActions=fixed),
        "Rule": rule("Blue", 1, "*"),
        "TestRule": rule("Green", 2, "/test"),
        "Infrastructure": {
            "Type": "AWS::IAM::Role",
            "Properties": {"AssumeRolePolicyDocument": TRUST, "ManagedPolicyArns": [POLICY]},
        },
    }
    balancer = {"ContainerName": "web", "ContainerPort": 80, "TargetGroupArn": {"Ref": "Blue"}}
    resources["Service"]["Properties"] |= {
        "ServiceName": "web",
        "LoadBalancers": [{**balancer, "AdvancedConfiguration": copy.deepcopy(ADVANCED)}],
        "DeploymentConfiguration": {"Strategy": "BLUE_GREEN", "BakeTimeInMinutes": 5},
    }
    return fargate


def updated(template: dict[str, Any], cpu: str = "512") -> str:
    """The template with a new task definition."""
    changed = copy.deepcopy(template)
    changed["Resources"]["Definition"]["Properties"] |= {"Cpu": cpu, "Memory": "1024"}
    return json.dumps(changed)


def denied(action: str) -> dict[str, Any]:
    """A role that may do all but one thing."""
    statement = {"Effect": "Deny", "Action": f"elasticloadbalancing:{action}", "Resource": "*"}
    return {"Policies": [{"PolicyName": "no", "PolicyDocument": {"Version": "2012-10-17", "Statement": [statement]}}]}


class Stack:
    """What the account has of the stack."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.elb = client("elbv2")
        resources = client("cloudformation").describe_stack_resources(StackName="s")["StackResources"]
        self.ids = {resource["LogicalResourceId"]: resource["PhysicalResourceId"] for resource in resources}

    def weights(self, name: str) -> dict[str, int]:
        """The weights of the target groups in a rule."""
        action = self.elb.describe_rules(RuleArns=[self.ids[name]])["Rules"][0]["Actions"][0]
        names = {arn: logical for logical, arn in self.ids.items()}
        return {names[g["TargetGroupArn"]]: g["Weight"] for g in action["ForwardConfig"]["TargetGroups"]}

    def targets(self, name: str) -> int:
        return len(self.elb.describe_target_health(TargetGroupArn=self.ids[name])["TargetHealthDescriptions"])

    @property
    def service(self) -> dict[str, Any]:
        ecs = self._client("ecs")
        described: dict[str, Any] = ecs.describe_services(cluster=self.ids["Cluster"], services=["web"])["services"][0]
        return described


@pytest.fixture
def update(account: Server, client: Client) -> Callable[[str], dict[str, Any]]:
    """Update the stack, and return it as described at the end."""

    def run(body: str) -> dict[str, Any]:
        stacks = client("cloudformation")
        arn = stacks.update_stack(StackName="s", TemplateBody=body, Capabilities=IAM)["StackId"]
        stack = next(stack for stack in account.parts.cloudformation.stacks.all() if stack.id == arn)
        waiting.until(lambda: not stack.status.endswith("_IN_PROGRESS"), what="the update", timeout=60, interval=0.02)
        described: dict[str, Any] = stacks.describe_stacks(StackName=arn)["Stacks"][0]
        return described

    return run


def test_the_first_deployment_takes_the_alternate_target_group_and_the_next_one_the_other(
    deploy: Any, update: Callable[[str], dict[str, Any]], client: Client, shifted: dict[str, Any]
) -> None:
    assert deploy(json.dumps(shifted), Capabilities=IAM)["StackStatus"] == "CREATE_COMPLETE"
    stack = Stack(client)
    first = stack.weights("Rule"), stack.weights("TestRule"), stack.targets("Blue"), stack.targets("Green")

    assert update(updated(shifted))["StackStatus"] == "UPDATE_COMPLETE"
    second = stack.weights("Rule"), stack.weights("TestRule"), stack.targets("Blue"), stack.targets("Green")

    assert first == ({"Blue": 0, "Green": 100}, {"Blue": 0, "Green": 100}, 0, 1)
    assert second == ({"Blue": 100, "Green": 0}, {"Blue": 100, "Green": 0}, 1, 0)


def test_the_listener_of_a_network_load_balancer_is_shifted_itself(
    deploy: Any, update: Callable[[str], dict[str, Any]], client: Client, reasons: Reasons, shifted: dict[str, Any]
) -> None:
    resources = shifted["Resources"]
    resources["Balancer"]["Properties"] |= {"Type": "network"}
    for group in ("Blue", "Green"):
        resources[group]["Properties"]["Protocol"] = "TCP"
    forward = [{"Type": "forward", "TargetGroupArn": {"Ref": "Blue"}}]
    resources["Listener"]["Properties"] |= {"Protocol": "TCP", "DefaultActions": forward}
    del resources["Rule"], resources["TestRule"]
    advanced = {**ADVANCED, "ProductionListenerRule": {"Ref": "Listener"}}
    del advanced["TestListenerRule"]
    resources["Service"]["Properties"]["LoadBalancers"][0]["AdvancedConfiguration"] = advanced

    deployed = deploy(json.dumps(shifted), Capabilities=IAM)
    assert reasons(deployed) == []
    stack = Stack(client)
    weights = []
    for cpu in (None, "512"):
        status = update(updated(shifted, cpu))["StackStatus"] if cpu else deployed["StackStatus"]
        action = stack.elb.describe_listeners(ListenerArns=[stack.ids["Listener"]])["Listeners"][0]["DefaultActions"][0]
        weights.append([(status, group["Weight"]) for group in action["ForwardConfig"]["TargetGroups"]])

    assert weights == [[("CREATE_COMPLETE", 0), ("CREATE_COMPLETE", 100)], [("UPDATE_COMPLETE", 100), ("UPDATE_COMPLETE", 0)]]


def test_weights_that_ecs_has_set_are_no_drift_and_no_loss(deploy: Any, client: Client, shifted: dict[str, Any]) -> None:
    deploy(json.dumps(shifted), Capabilities=IAM)
    stacks = client("cloudformation")

    detection = stacks.detect_stack_drift(StackName="s")["StackDriftDetectionId"]

    status = stacks.describe_stack_drift_detection_status(StackDriftDetectionId=detection)
    assert status["StackDriftStatus"] == "IN_SYNC"


def test_an_update_of_a_rule_keeps_the_weights_that_ecs_has_set_unless_the_template_changes_its_actions(
    deploy: Any, update: Callable[[str], dict[str, Any]], client: Client, shifted: dict[str, Any]
) -> None:
    deploy(json.dumps(shifted), Capabilities=IAM)
    stack, rule_properties = Stack(client), shifted["Resources"]["Rule"]["Properties"]

    rule_properties["Priority"] = 7
    update(json.dumps(shifted))
    kept = stack.weights("Rule")
    weighted = [{"TargetGroupArn": {"Ref": "Blue"}, "Weight": 1}, {"TargetGroupArn": {"Ref": "Green"}, "Weight": 0}]
    rule_properties["Actions"] = [{"Type": "forward", "ForwardConfig": {"TargetGroups": weighted}}]
    update(json.dumps(shifted))

    assert kept == {"Blue": 0, "Green": 100}
    assert stack.weights("Rule") == {"Blue": 1, "Green": 0}


@pytest.mark.parametrize(
    ("role", "said"),
    [
        pytest.param({"ManagedPolicyArns": []}, "is not authorized to perform: elasticloadbalancing:DescribeRules", id="no policy"),
        pytest.param(denied("RegisterTargets"), "is not authorized to perform: elasticloadbalancing:RegisterTargets", id="no registration"),
        pytest.param(denied("DescribeTargetHealth"), "failed to describe target health on target-group", id="no look at targets"),
        pytest.param(denied("ModifyRule"), "is not authorized to perform: elasticloadbalancing:ModifyRule", id="no change of rules"),
        pytest.param(
            {"AssumeRolePolicyDocument": json.loads(json.dumps(TRUST).replace("ecs.", "lambda."))},
            "missing permissions on ECS Infrastructure Role",
            id="no trust",
        ),
    ],
)  # fmt: skip
def test_a_role_that_may_not_shift_traffic_fails_the_service(
    deploy: Any, reasons: Reasons, client: Client, shifted: dict[str, Any], role: dict[str, Any], said: str
) -> None:
    shifted["Resources"]["Infrastructure"]["Properties"] |= role

    stack = deploy(json.dumps(shifted), Capabilities=IAM, OnFailure="DO_NOTHING")

    events = [event["message"] for event in Stack(client).service["events"]]
    assert stack["StackStatus"] == "CREATE_FAILED"
    assert any(said in reason for reason in [*reasons(stack), *events])


def test_an_alarm_in_the_bake_time_gives_the_traffic_back_and_rolls_the_stack_back(
    deploy: Any, update: Callable[[str], dict[str, Any]], client: Client, shifted: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    alarm = {"MetricName": "m", "Namespace": "n", "ComparisonOperator": "GreaterThanThreshold", "Threshold": 1, "EvaluationPeriods": 1, "Period": 60, "Statistic": "Sum"}
    shifted["Resources"]["Alarm"] = {"Type": "AWS::CloudWatch::Alarm", "Properties": {"AlarmName": "errors", **alarm}}
    alarms = {"AlarmNames": [{"Ref": "Alarm"}], "Enable": True, "Rollback": True}
    shifted["Resources"]["Service"]["Properties"]["DeploymentConfiguration"]["Alarms"] = alarms
    deploy(json.dumps(shifted), Capabilities=IAM)
    stack = Stack(client)
    monkeypatch.setattr(traffic_shifts, "LONGEST", 60.0)
    monkeypatch.setattr(traffic_shifts, "MINUTE", 12.0)

    def sound_the_alarm() -> None:
        waiting.until(lambda: stack.weights("Rule")["Blue"] == 100, what="the shift", timeout=30, interval=0.05)
        client("cloudwatch").set_alarm_state(AlarmName="errors", StateValue="ALARM", StateReason="errors")

    sounding = threading.Thread(target=sound_the_alarm)
    sounding.start()
    updated_stack = update(updated(shifted))
    sounding.join()

    assert updated_stack["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert "alarm detected" in str([event["message"] for event in stack.service["events"]])
    assert stack.weights("Rule") == {"Blue": 0, "Green": 100}


@pytest.mark.parametrize(
    ("advanced", "said"),
    [
        pytest.param({"TestListenerRule": None}, "testListenerRule is required when productionListenerRule is not associated", id="the rule forwards to one group"),
        pytest.param({"TestListenerRule": {"Ref": "Rule"}}, "cannot be used as both production and test listener rules", id="one rule for both"),
        pytest.param({"ProductionListenerRule": {"Ref": "Listener"}}, "productionListenerRule has an invalid ARN format", id="a listener for a rule"),
        pytest.param({"AlternateTargetGroupArn": {"Ref": "Blue"}}, "Duplicate targetGroupArn found", id="the same group twice"),
    ],
)  # fmt: skip
def test_an_advanced_configuration_that_cannot_work_is_refused(
    deploy: Any, reasons: Reasons, shifted: dict[str, Any], advanced: dict[str, Any], said: str
) -> None:
    configuration = shifted["Resources"]["Service"]["Properties"]["LoadBalancers"][0]["AdvancedConfiguration"]
    configuration |= advanced
    shifted["Resources"]["Service"]["Properties"]["LoadBalancers"][0]["AdvancedConfiguration"] = {
        key: value for key, value in configuration.items() if value is not None
    }

    assert any(said in reason for reason in reasons(deploy(json.dumps(shifted), Capabilities=IAM)))


@pytest.mark.parametrize(
    ("groups", "said"),
    [
        pytest.param((50, 50), "should have exactly one target group serving traffic but found 2", id="both serve"),
        pytest.param((100, 0), None, id="one serves"),
    ],
)
def test_one_target_group_serves_traffic_before_a_deployment(
    deploy: Any, reasons: Reasons, shifted: dict[str, Any], groups: tuple[int, int], said: str | None
) -> None:
    weighted = [{"TargetGroupArn": {"Ref": n}, "Weight": w} for n, w in zip(("Blue", "Green"), groups, strict=True)]
    shifted["Resources"]["Rule"]["Properties"]["Actions"] = [{"Type": "forward", "ForwardConfig": {"TargetGroups": weighted}}]

    stack = deploy(json.dumps(shifted), Capabilities=IAM)

    assert (stack["StackStatus"] == "CREATE_COMPLETE") is (said is None)
    assert said is None or any(said in reason for reason in reasons(stack))
