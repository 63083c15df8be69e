"""What an update changes beside what the template sets: tags of existing resources, and what it no longer sets."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from preflight.system import waiting

Client = Callable[[str], Any]


def update(client: Client, before: dict[str, Any], after: dict[str, Any]) -> list[dict[str, Any]]:
    """Creates a stack, updates it, and returns its resources."""
    stacks = client("cloudformation")

    def ended() -> str | None:
        status = str(stacks.describe_stacks(StackName="s")["Stacks"][0]["StackStatus"])
        return None if status.endswith("_IN_PROGRESS") else status

    stacks.create_stack(StackName="s", TemplateBody=json.dumps({"Resources": before}))
    assert waiting.until(ended, what="the stack", timeout=60) == "CREATE_COMPLETE"
    stacks.update_stack(StackName="s", TemplateBody=json.dumps({"Resources": after}))
    assert waiting.until(ended, what="the stack", timeout=60) == "UPDATE_COMPLETE"
    resources: list[dict[str, Any]] = stacks.describe_stack_resources(StackName="s")["StackResources"]
    return resources


def resource(kind: str, **properties: Any) -> dict[str, Any]:
    return {"X": {"Type": kind, "Properties": properties}}


def tags(value: str) -> list[dict[str, str]]:
    return [{"Key": "a", "Value": value}] + ([{"Key": "old", "Value": "x"}] if value == "1" else [])


@pytest.mark.parametrize(
    ("kind", "properties", "read"),
    [
        pytest.param(
            "AWS::Logs::LogGroup",
            {"LogGroupName": "/t"},
            lambda client, _id: client("logs").list_tags_log_group(logGroupName="/t")["tags"],
            id="a log group",
        ),
        pytest.param(
            "AWS::ECS::Cluster",
            {"ClusterName": "t"},
            lambda client, _id: {
                tag["key"]: tag["value"]
                for tag in client("ecs").describe_clusters(clusters=["t"], include=["TAGS"])["clusters"][0]["tags"]
            },
            id="a cluster",
        ),
        pytest.param(
            "AWS::EC2::VPC",
            {"CidrBlock": "10.0.0.0/16"},
            lambda client, vpc: {t["Key"]: t["Value"] for t in client("ec2").describe_vpcs(VpcIds=[vpc])["Vpcs"][0]["Tags"]},
            id="a VPC",
        ),
        pytest.param(
            "AWS::SNS::Topic",
            {},
            lambda client, arn: {t["Key"]: t["Value"] for t in client("sns").list_tags_for_resource(ResourceArn=arn)["Tags"]},
            id="a topic",
        ),
        pytest.param(
            "AWS::SQS::Queue", {}, lambda client, url: client("sqs").list_queue_tags(QueueUrl=url)["Tags"], id="a queue"
        ),
    ],
)
def test_tags_change_in_place(
    client: Client, kind: str, properties: dict[str, Any], read: Callable[[Client, str], dict[str, str]]
) -> None:
    (changed,) = update(client, resource(kind, Tags=tags("1"), **properties), resource(kind, Tags=tags("2"), **properties))

    own = {key: value for key, value in read(client, changed["PhysicalResourceId"]).items() if not key.startswith("aws:")}
    assert own == {"a": "2"}


def test_tags_that_are_a_map_change_too(client: Client) -> None:
    parameter = {"Name": "/p", "Type": "String", "Value": "v"}
    kind = "AWS::SSM::Parameter"

    update(client, resource(kind, Tags={"a": "1"}, **parameter), resource(kind, Tags={"a": "2"}, **parameter))

    listed = client("ssm").list_tags_for_resource(ResourceType="Parameter", ResourceId="/p")["TagList"]
    assert {tag["Key"]: tag["Value"] for tag in listed if not tag["Key"].startswith("aws:")} == {"a": "2"}


def test_an_attribute_that_the_template_no_longer_sets_has_its_default_again(client: Client) -> None:
    kind = "AWS::SQS::Queue"
    (queue,) = update(client, resource(kind, VisibilityTimeout=90, DelaySeconds=5), resource(kind, DelaySeconds=5))

    attributes = client("sqs").get_queue_attributes(QueueUrl=queue["PhysicalResourceId"], AttributeNames=["All"])["Attributes"]
    assert attributes["VisibilityTimeout"] == "30"
    assert attributes["DelaySeconds"] == "5"


@pytest.mark.parametrize("name", ["aws-web", "ssm-web"])
def test_a_parameter_is_named_without_its_stack(client: Client, name: str) -> None:
    template = {"Resources": resource("AWS::SSM::Parameter", Type="String", Value="v")}
    stacks = client("cloudformation")

    stacks.create_stack(StackName=name, TemplateBody=json.dumps(template))
    stacks.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig={"Delay": 1})

    assert stacks.describe_stack_resource(StackName=name, LogicalResourceId="X")["StackResourceDetail"][
        "PhysicalResourceId"
    ].startswith("CFN-X-")


def test_a_parameter_of_systems_manager_shows_its_name_and_what_it_resolved_to(client: Client) -> None:
    client("ssm").put_parameter(Name="/p", Type="String", Value="v")
    template = {"Parameters": {"P": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/p"}}, "Resources": resource("AWS::SNS::Topic")}
    stacks = client("cloudformation")
    stacks.create_stack(StackName="s", TemplateBody=json.dumps(template))

    parameters = stacks.describe_stacks(StackName="s")["Stacks"][0]["Parameters"]

    assert parameters == [{"ParameterKey": "P", "ParameterValue": "/p", "ResolvedValue": "v"}]


def test_a_previous_value_and_a_value_exclude_each_other(client: Client) -> None:
    template = {"Parameters": {"P": {"Type": "String", "Default": "x"}}, "Resources": resource("AWS::SNS::Topic")}
    stacks = client("cloudformation")
    stacks.create_stack(StackName="s", TemplateBody=json.dumps(template))
    stacks.get_waiter("stack_create_complete").wait(StackName="s", WaiterConfig={"Delay": 1})
    both = [{"ParameterKey": "P", "ParameterValue": "y", "UsePreviousValue": True}]

    with pytest.raises(ClientError, match="Cannot specify usePreviousValue as true and non empty value"):
        stacks.update_stack(StackName="s", UsePreviousTemplate=True, Parameters=both)


def test_dimensions_of_a_metric_filter_are_keys_and_values(client: Client) -> None:
    metric = {"MetricName": "m", "MetricNamespace": "n", "MetricValue": "1", "Dimensions": [{"Key": "d", "Value": "$.d"}]}
    group = {"G": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": "g"}}}
    pattern = {"LogGroupName": {"Ref": "G"}, "FilterPattern": "{ $.d = * }"}
    before = {**group, **resource("AWS::Logs::MetricFilter", MetricTransformations=[metric], **pattern)}

    update(client, before, {**before, **group, "T": {"Type": "AWS::SNS::Topic"}})

    transformation = client("logs").describe_metric_filters(logGroupName="g")["metricFilters"][0]["metricTransformations"][0]
    assert transformation["dimensions"] == {"d": "$.d"}


def test_an_unregistered_target_is_unused(client: Client) -> None:
    group = {"VpcId": {"Ref": "V"}, "Protocol": "HTTP", "Port": 80, "TargetType": "ip"}
    vpc = {"V": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.0.0.0/16"}}}
    delay = [{"Key": "deregistration_delay.timeout_seconds", "Value": "3600"}]
    kind = "AWS::ElasticLoadBalancingV2::TargetGroup"
    resources = update(client, {**vpc, **resource(kind, **group)}, {**vpc, **resource(kind, TargetGroupAttributes=delay, **group)})
    arn = next(r["PhysicalResourceId"] for r in resources if r["LogicalResourceId"] == "X")

    described = client("elbv2").describe_target_health(TargetGroupArn=arn, Targets=[{"Id": "10.0.0.9", "Port": 80}])

    assert described["TargetHealthDescriptions"][0]["TargetHealth"]["Reason"] == "Target.NotRegistered"


def test_the_targets_of_an_unknown_group_are_not_found(client: Client) -> None:
    with pytest.raises(ClientError, match="TargetGroupNotFound"):
        client("elbv2").describe_target_health(
            TargetGroupArn="arn:aws:elasticloadbalancing:ap-northeast-1:123456789012:targetgroup/x/1234567890123456"
        )


def test_a_cluster_that_was_deleted_may_be_deployed_again(client: Client) -> None:
    stacks, cluster = client("cloudformation"), resource("AWS::ECS::Cluster", ClusterName="web")
    for _ in range(2):
        stacks.create_stack(StackName="s", TemplateBody=json.dumps({"Resources": cluster}))
        stacks.get_waiter("stack_create_complete").wait(StackName="s", WaiterConfig={"Delay": 1})
        arn = stacks.describe_stacks(StackName="s")["Stacks"][0]["StackId"]
        stacks.delete_stack(StackName="s")
        stacks.get_waiter("stack_delete_complete").wait(StackName=arn, WaiterConfig={"Delay": 1})

    assert client("ecs").list_clusters()["clusterArns"] == []
