"""Templates that deploy on AWS though a schema, or a strict reading, says otherwise; and their wrong twins."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from preflight.system import waiting

Client = Callable[[str], Any]
CUSTOM = {"Type": "Custom::Thing", "Properties": {"ServiceToken": "arn:aws:lambda:ap-northeast-1:123456789012:function:f"}}
PART_OF_STACK_ID = {"Fn::Select": [2, {"Fn::Split": ["/", {"Ref": "AWS::StackId"}]}]}
TOPIC = "AWS::SNS::Topic"


def status(client: Client, **resources: Any) -> str:
    """The status in which the creation of a stack ends."""
    cloudformation = client("cloudformation")
    cloudformation.create_stack(StackName="s", TemplateBody=json.dumps({"Resources": resources}))

    def ended() -> str | None:
        status = str(cloudformation.describe_stacks(StackName="s")["Stacks"][0]["StackStatus"])
        return None if status.endswith("_IN_PROGRESS") else status

    return waiting.until(ended, what="the stack", timeout=60)


@pytest.mark.parametrize(
    "resources",
    [
        pytest.param({"C": {**CUSTOM, "Properties": {**CUSTOM["Properties"], "Flag": True}}}, id="a custom resource with a boolean"),  # type: ignore[dict-item]
        pytest.param({"T": {"Type": TOPIC, "Properties": {"TopicName": PART_OF_STACK_ID}}}, id="a part of the stack's id"),
        pytest.param(
            {
                "V": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.0.0.0/16"}},
                "T": {"Type": TOPIC, "Properties": {"DisplayName": {"Fn::GetAtt": ["V", "CidrBlock"]}}},
            },
            id="a property as an attribute",
        ),
        pytest.param(
            {
                "M": {"Type": "AWS::AppMesh::Mesh", "Properties": {"MeshName": "web"}},
                "T": {"Type": TOPIC, "Properties": {"DisplayName": {"Fn::GetAtt": ["M", "MeshName"]}}},
            },
            id="an attribute that only AWS's page lists",
        ),
    ],
)
def test_a_template_is_taken(client: Client, resources: dict[str, Any]) -> None:
    assert status(client, **resources) == "CREATE_COMPLETE"


def test_an_attribute_that_a_type_does_not_have_fails_the_stack(client: Client) -> None:
    vpc = {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.0.0.0/16"}}
    topic = {"Type": TOPIC, "Properties": {"DisplayName": {"Fn::GetAtt": ["V", "Nope"]}}}

    assert status(client, V=vpc, T=topic) == "ROLLBACK_COMPLETE"


def test_an_image_for_a_repository_that_does_not_exist_is_refused(client: Client) -> None:
    with pytest.raises(ClientError, match="RepositoryNotFoundException"):
        client("ecr").put_image(repositoryName="none", imageManifest="{}", imageTag="1")


def test_a_public_parameter_of_unknown_form_is_not_said_to_be_missing(client: Client) -> None:
    template = {
        "Parameters": {"P": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/aws/service/new-thing/1"}},
        "Resources": {"T": {"Type": TOPIC}},
    }

    with pytest.raises(ClientError, match=r"InternalFailure.*is not known here"):
        client("cloudformation").create_stack(StackName="s", TemplateBody=json.dumps(template))


def on_instances(*, has_instances: bool) -> dict[str, Any]:
    group = {"Asg": {"Type": "AWS::AutoScaling::AutoScalingGroup", "Properties": {"MinSize": "1", "MaxSize": "1"}}}
    container = {"Name": "web", "Image": "nginx", "Memory": 128}
    return {
        **(group if has_instances else {}),
        "C": {"Type": "AWS::ECS::Cluster"},
        "T": {"Type": "AWS::ECS::TaskDefinition", "Properties": {"ContainerDefinitions": [container]}},
        "S": {
            "Type": "AWS::ECS::Service",
            "DependsOn": ["Asg"] if has_instances else [],
            "Properties": {"Cluster": {"Ref": "C"}, "LaunchType": "EC2", "TaskDefinition": {"Ref": "T"}},
        },
    }


@pytest.mark.parametrize(
    ("has_instances", "ended"), [(True, "CREATE_COMPLETE"), (False, "ROLLBACK_COMPLETE")], ids=["with instances", "without any"]
)
def test_a_service_on_ec2_needs_container_instances(client: Client, ended: str, *, has_instances: bool) -> None:
    assert status(client, **on_instances(has_instances=has_instances)) == ended
