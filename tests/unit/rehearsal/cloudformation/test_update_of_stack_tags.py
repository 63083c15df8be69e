"""An update that changes the tags of a stack changes those of its resources.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-resource-tags.html.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from preflight.system import waiting

Client = Callable[[str], Any]
Read = Callable[[Client, str], dict[str, str]]
Update = Callable[..., str]
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
BEFORE = {"stage": "test", "team": "a"}
AFTER = {"stage": "live", "owner": "b"}
GROUP = "AWS::Logs::LogGroup"
NAMED = {"Capabilities": ["CAPABILITY_NAMED_IAM"]}


def pairs(tags: dict[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def flat(tags: list[dict[str, str]]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in tags if not tag["Key"].startswith("aws:")}


def one(kind: str, **properties: Any) -> str:
    return json.dumps({"Resources": {"X": {"Type": kind, "Properties": properties}}})


def group_tags(client: Client, name: str) -> dict[str, str]:
    tags = client("logs").list_tags_log_group(logGroupName=name)["tags"]
    return {key: value for key, value in tags.items() if not key.startswith("aws:")}


@pytest.fixture
def update(client: Client) -> Update:
    """Updates a stack, and returns the status in which the update ends."""

    def run(body: str, tags: dict[str, str]) -> str:
        cloudformation = client("cloudformation")
        cloudformation.update_stack(StackName="s", TemplateBody=body, Tags=pairs(tags), **NAMED)

        def probe() -> str | None:
            status = str(cloudformation.describe_stacks(StackName="s")["Stacks"][0]["StackStatus"])
            return None if status.endswith("_IN_PROGRESS") else status

        return waiting.until(probe, what="the update", timeout=60, interval=0.05)

    return run


@pytest.mark.parametrize(
    ("kind", "properties", "read"),
    [
        pytest.param(GROUP, {"LogGroupName": "g"}, group_tags, id="a log group"),
        pytest.param(
            "AWS::SNS::Topic",
            {},
            lambda client, arn: flat(client("sns").list_tags_for_resource(ResourceArn=arn)["Tags"]),
            id="a topic",
        ),
        pytest.param(
            "AWS::EC2::VPC",
            {"CidrBlock": "10.0.0.0/16"},
            lambda client, vpc: flat(client("ec2").describe_vpcs(VpcIds=[vpc])["Vpcs"][0]["Tags"]),
            id="a VPC",
        ),
        pytest.param(
            "AWS::IAM::Role",
            {"AssumeRolePolicyDocument": TRUST},
            lambda client, role: flat(client("iam").list_role_tags(RoleName=role)["Tags"]),
            id="a role",
        ),
        pytest.param(
            "AWS::S3::Bucket",
            {},
            lambda client, bucket: flat(client("s3").get_bucket_tagging(Bucket=bucket)["TagSet"]),
            id="a bucket",
        ),
    ],
)
def test_tags_of_the_stack_reach_a_resource_that_does_not_change(
    client: Client, deploy: Any, update: Update, kind: str, properties: dict[str, Any], read: Read
) -> None:
    body = one(kind, **properties)
    deploy(body, Tags=pairs(BEFORE), **NAMED)

    assert update(body, AFTER) == "UPDATE_COMPLETE"

    resource = client("cloudformation").describe_stack_resource(StackName="s", LogicalResourceId="X")["StackResourceDetail"]
    assert read(client, resource["PhysicalResourceId"]) == AFTER


def test_a_bucket_loses_the_last_tag_of_its_stack(client: Client, deploy: Any, update: Update) -> None:
    body = one("AWS::S3::Bucket", BucketName="web-files")
    deploy(body, Tags=pairs(BEFORE))

    update(body, {})

    with pytest.raises(client("s3").exceptions.ClientError, match="NoSuchTagSet"):
        client("s3").get_bucket_tagging(Bucket="web-files")


def test_a_resource_keeps_its_own_tag_of_the_same_key(client: Client, deploy: Any, update: Update) -> None:
    body = one(GROUP, LogGroupName="g", Tags=pairs({"stage": "own"}))
    deploy(body, Tags=pairs(BEFORE))

    update(body, AFTER)

    assert group_tags(client, "g") == {**AFTER, "stage": "own"}


def test_a_resource_without_tags_does_not_change(client: Client, deploy: Any, update: Update) -> None:
    body = json.loads(one(GROUP, LogGroupName="g"))
    body["Resources"]["Stream"] = {"Type": "AWS::Logs::LogStream", "Properties": {"LogGroupName": {"Ref": "X"}}}
    deploy(json.dumps(body), Tags=pairs(BEFORE))

    update(json.dumps(body), AFTER)

    events = client("cloudformation").describe_stack_events(StackName="s")["StackEvents"]
    updated = {event["LogicalResourceId"] for event in events if event["ResourceStatus"].startswith("UPDATE")}
    assert updated == {"s", "X"}


def test_a_rollback_gives_the_former_tags_back(client: Client, deploy: Any, update: Update) -> None:
    client("logs").create_log_group(logGroupName="taken")
    body = json.loads(one(GROUP, LogGroupName="g"))
    deploy(json.dumps(body), Tags=pairs(BEFORE))
    body["Resources"]["Y"] = {"Type": GROUP, "DependsOn": "X", "Properties": {"LogGroupName": "taken"}}

    assert update(json.dumps(body), AFTER) == "UPDATE_ROLLBACK_COMPLETE"

    assert group_tags(client, "g") == BEFORE


def test_a_change_set_shows_the_resources_that_get_tags(client: Client, deploy: Any) -> None:
    body = one(GROUP, LogGroupName="g")
    deploy(body, Tags=pairs(BEFORE))
    cloudformation = client("cloudformation")
    cloudformation.create_change_set(StackName="s", ChangeSetName="c", TemplateBody=body, Tags=pairs(AFTER))
    cloudformation.get_waiter("change_set_create_complete").wait(StackName="s", ChangeSetName="c", WaiterConfig={"Delay": 1})

    changes = cloudformation.describe_change_set(StackName="s", ChangeSetName="c")["Changes"]

    assert [change["ResourceChange"]["Scope"] for change in changes] == [["Tags"]]
    assert changes[0]["ResourceChange"]["Replacement"] == "False"


def test_tags_of_the_stack_reach_nested_stacks(client: Client, deploy: Any, update: Update) -> None:
    client("s3").create_bucket(Bucket="templates", CreateBucketConfiguration={"LocationConstraint": "ap-northeast-1"})
    client("s3").put_object(Bucket="templates", Key="inner.json", Body=one(GROUP, LogGroupName="g").encode())
    body = one("AWS::CloudFormation::Stack", TemplateURL="https://templates.s3.ap-northeast-1.amazonaws.com/inner.json")
    deploy(body, Tags=pairs(BEFORE))

    update(body, AFTER)

    assert group_tags(client, "g") == AFTER
