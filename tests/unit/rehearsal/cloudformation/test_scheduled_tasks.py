"""Rules and schedules of a stack are run once, with the role, the network and the overrides of their targets."""

from __future__ import annotations

import json
import urllib.parse
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest

from preflight.model import JsonObject
from preflight.rehearsal.server import Server
from tests.unit.conftest import REGION

Client = Callable[[str], Any]
Template = dict[str, Any]


def trust(service: str) -> JsonObject:
    return {"Statement": [{"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}]}


@pytest.fixture
def target() -> Template:
    return {
        "Id": "task",
        "Arn": {"Fn::GetAtt": ["Cluster", "Arn"]},
        "RoleArn": {"Fn::GetAtt": ["Starter", "Arn"]},
        "Input": json.dumps({"containerOverrides": [{"name": "web", "command": ["migrate"]}]}),
        "EcsParameters": {
            "TaskDefinitionArn": {"Ref": "Definition"},
            "TaskCount": 1,
            "LaunchType": "FARGATE",
            "NetworkConfiguration": {"AwsVpcConfiguration": {"Subnets": [{"Ref": "SubnetB"}], "AssignPublicIp": "ENABLED"}},
        },
    }


@pytest.fixture
def template(fargate: Template, target: Template) -> Template:
    """A task that a rule starts every night, and no service."""
    resources = fargate["Resources"]
    del resources["Service"]
    allowed = [{"Effect": "Allow", "Action": ["ecs:RunTask", "iam:PassRole"], "Resource": "*"}]
    resources["Starter"] = {
        "Type": "AWS::IAM::Role",
        "Properties": {
            "AssumeRolePolicyDocument": trust("events.amazonaws.com"),
            "Policies": [{"PolicyName": "run", "PolicyDocument": {"Statement": allowed}}],
        },
    }
    properties = {"ScheduleExpression": "rate(1 day)", "Targets": [target]}
    resources["Nightly"] = {"Type": "AWS::Events::Rule", "DependsOn": ["Route", "AssociationB"], "Properties": properties}
    return fargate


@pytest.fixture
def run(account: Server, client: Client) -> Callable[..., JsonObject]:
    """Creates the stack and runs one of its schedules."""

    def run_once(template: Template, name: str = "Nightly") -> JsonObject:
        cloudformation = client("cloudformation")
        cloudformation.create_stack(StackName="s", TemplateBody=json.dumps(template), Capabilities=["CAPABILITY_IAM"])
        cloudformation.get_waiter("stack_create_complete").wait(StackName="s", WaiterConfig={"Delay": 0.1, "MaxAttempts": 300})
        query = urllib.parse.urlencode({"name": name, "region": REGION})
        with urllib.request.urlopen(f"{account.address}/_preflight/run-schedule?{query}") as answer:  # noqa: S310 - loopback
            return dict(json.load(answer))

    return run_once


def described(client: Client, answer: JsonObject) -> JsonObject:
    (run,) = answer["runs"]
    return dict(client("ecs").describe_tasks(cluster=run["cluster"], tasks=run["tasks"])["tasks"][0])


def test_a_rule_starts_the_task_of_its_target(run: Callable[..., JsonObject], client: Client, template: Template) -> None:
    task = described(client, run(template))

    assert task["startedBy"].startswith("events-rule/s-Nightly-")
    assert task["overrides"]["containerOverrides"] == [{"name": "web", "command": ["migrate"]}]


def test_the_network_is_that_of_the_target(run: Callable[..., JsonObject], client: Client, template: Template) -> None:
    answer = run(template)

    subnets = client("ec2").describe_subnets(Filters=[{"Name": "cidr-block", "Values": ["10.0.2.0/24"]}])["Subnets"]
    assert answer["runs"][0]["network"] == {"subnets": [subnets[0]["SubnetId"]], "assignPublicIp": "ENABLED"}


def test_a_schedule_of_the_scheduler_starts_its_task(
    run: Callable[..., JsonObject], client: Client, template: Template, target: Template
) -> None:
    del target["Id"]
    network = target["EcsParameters"]["NetworkConfiguration"]
    network["AwsvpcConfiguration"] = network.pop("AwsVpcConfiguration")
    template["Resources"]["Starter"]["Properties"]["AssumeRolePolicyDocument"] = trust("scheduler.amazonaws.com")
    template["Resources"]["Nightly"] = {
        "Type": "AWS::Scheduler::Schedule",
        "DependsOn": ["Route", "AssociationB"],
        "Properties": {"ScheduleExpression": "rate(1 day)", "FlexibleTimeWindow": {"Mode": "OFF"}, "Target": target},
    }

    assert described(client, run(template))["startedBy"].startswith("chronos-schedule/")


@pytest.mark.parametrize(
    ("change", "name", "says"),
    [
        pytest.param(
            lambda starter, _target: starter.update(AssumeRolePolicyDocument=trust("scheduler.amazonaws.com")),
            "Targets.0.RoleArn",
            "events.amazonaws.com cannot assume the role",
            id="a role that trusts another service",
        ),
        pytest.param(
            lambda starter, _target: starter["Policies"][0]["PolicyDocument"]["Statement"][0].update(Action="ecs:RunTask"),
            "Targets.0.RoleArn",
            "is not authorized to perform: iam:PassRole",
            id="a role that may not pass the execution role",
        ),
        pytest.param(
            lambda _starter, target: target.update(Input='{"containerOverrides": [{"name": "other"}]}'),
            "Targets.0.EcsParameters",
            "other is not a container in the TaskDefinition",
            id="an override for no container",
        ),
        pytest.param(
            lambda _starter, target: target.update(Input='"migrate"'),
            "Targets.0.Input",
            "the input of a target of ECS is an object",
            id="an input that is a text",
        ),
    ],
)
def test_a_run_that_does_not_start_says_why(
    run: Callable[..., JsonObject],
    template: Template,
    target: Template,
    change: Callable[[Template, Template], None],
    name: str,
    says: str,
) -> None:
    change(template["Resources"]["Starter"]["Properties"], target)

    (only,) = run(template)["runs"]

    assert only["property"] == name
    assert says in only["failure"]
    assert only["tasks"] == []


def test_an_unknown_name_runs_nothing_and_lists_the_others(run: Callable[..., JsonObject], template: Template) -> None:
    assert run(template, "Nightley") == {"physical": None, "known": ["Nightly"], "runs": []}
