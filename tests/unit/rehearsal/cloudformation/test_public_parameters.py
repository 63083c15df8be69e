"""Parameters of Systems Manager that AWS publishes, and how CloudFormation reads parameters for its caller."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from preflight.rehearsal.cloudformation import public_parameters
from preflight.system import waiting

Client = Callable[[str], Any]
FLUENT_BIT = "/aws/service/aws-for-fluent-bit/stable"
UBUNTU = "/aws/service/canonical/ubuntu/server/24.04/stable/current/amd64/hvm/ebs-gp3/ami-id"
STACKS = {"Action": ["cloudformation:*", "sns:*"]}


def topic(display_name: Any, **parameter: Any) -> str:
    """Returns a template with a topic, and with the parameter P if it is given."""
    properties = {"TopicName": "t", "DisplayName": display_name}
    body = {"Parameters": {"P": parameter}} if parameter else {}
    return json.dumps({**body, "Resources": {"T": {"Type": "AWS::SNS::Topic", "Properties": properties}}})


def display_name(client: Client) -> str:
    sns = client("sns")
    arn = sns.list_topics()["Topics"][0]["TopicArn"]
    return str(sns.get_topic_attributes(TopicArn=arn)["Attributes"]["DisplayName"])


def status(stacks: Any, template: str) -> str:
    """Creates a stack. Returns the status in which its creation ends."""
    stacks.create_stack(StackName="s", TemplateBody=template)

    def probe() -> str | None:
        status = str(stacks.describe_stacks(StackName="s")["Stacks"][0]["StackStatus"])
        return None if status.endswith("_IN_PROGRESS") else status

    return waiting.until(probe, what="the stack", timeout=60)


def test_a_reference_to_an_unknown_public_parameter_is_trouble_that_names_it(client: Client, account: Any) -> None:
    status(client("cloudformation"), topic("{{resolve:ssm:/aws/service/new-thing/1}}"))

    assert "the public parameter /aws/service/new-thing/1 is not known here" in account.ledger.troubles[0]


def test_a_reference_to_a_known_public_parameter_is_assumed(client: Client, account: Any) -> None:
    status(client("cloudformation"), topic(f"{{{{resolve:ssm:{FLUENT_BIT}:3}}}}"))

    assert display_name(client) == "public.ecr.aws/aws-observability/aws-for-fluent-bit:stable"
    assert account.ledger.notes[0].startswith(f"assumed: the public parameter {FLUENT_BIT}:3 is ")


def test_a_reference_reads_the_version_that_it_names(client: Client) -> None:
    for value in ("first", "second"):
        client("ssm").put_parameter(Name="p", Type="String", Value=value, Overwrite=True)

    status(client("cloudformation"), topic("{{resolve:ssm:p:1}}"))

    assert display_name(client) == "first"


@pytest.mark.parametrize(
    ("resource", "expected"),
    [
        pytest.param(f"arn:aws:ssm:*::parameter{FLUENT_BIT}", "CREATE_COMPLETE", id="the parameter of AWS"),
        pytest.param("arn:aws:ssm:*:123456789012:parameter/*", "ROLLBACK_COMPLETE", id="only parameters of the account"),
    ],
)
def test_a_reference_to_a_public_parameter_needs_the_callers_permission(
    act: Callable[..., Any], resource: str, expected: str
) -> None:
    stacks = act(STACKS, {"Action": "ssm:GetParameters", "Resource": resource}).client("cloudformation")

    assert status(stacks, topic(f"{{{{resolve:ssm:{FLUENT_BIT}}}}}")) == expected


def test_a_list_of_a_public_parameter_is_a_list(client: Client) -> None:
    template = topic({"Fn::Select": [0, {"Ref": "P"}]}, Type="AWS::SSM::Parameter::Value<List<AWS::EC2::Image::Id>>", Default=UBUNTU)

    status(client("cloudformation"), template)

    assert display_name(client).startswith("ami-")


def test_the_name_of_a_public_parameter_is_the_name_of_a_parameter(client: Client) -> None:
    assert status(client("cloudformation"), topic("x", Type="AWS::SSM::Parameter::Name", Default=FLUENT_BIT)) == "CREATE_COMPLETE"


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        pytest.param("AWS::SSM::Parameter::Value<AWS::EC2::Image::Id>", FLUENT_BIT, id="a public container image"),
        pytest.param("AWS::EC2::Image::Id", "nginx", id="a name"),
    ],
)
def test_what_is_no_id_of_a_machine_image_is_refused(client: Client, kind: str, value: str) -> None:
    with pytest.raises(ClientError, match=r"ValidationError.*for parameter name P does not exist"):
        client("cloudformation").create_stack(StackName="s", TemplateBody=topic("x", Type=kind, Default=value))


@pytest.mark.parametrize(
    "name",
    [
        "ami-windows-latest/Windows_Server-2022-English-Full-Base",
        "ami-windows-latest/Windows_Server-2022-English-Full-ECS_Optimized/image_id",
        "ami-windows-latest/Windows_Server-2022-English-Core-EKS_Optimized-1.31/image_id",
        "ec2-macos/sonoma/arm64_mac/latest/image_id",
    ],
)
def test_a_documented_name_has_the_id_of_a_machine_image(name: str) -> None:
    assert str(public_parameters.value(f"/aws/service/{name}", "us-east-1")).startswith("ami-")


def test_the_document_about_a_machine_image_is_not_known() -> None:
    name = "/aws/service/ami-windows-latest/Windows_Server-2022-English-Full-ECS_Optimized"

    assert public_parameters.value(name, "us-east-1") is None
