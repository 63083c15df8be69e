"""Sections that decide before a stack exists: Rules, parameter types, AWS::LanguageExtensions, validation, roles."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import botocore.exceptions
import pytest

Client = Callable[[str], Any]
GROUP = {"Type": "AWS::Logs::LogGroup"}
RULES = {
    "OnlySmall": {
        "RuleCondition": {"Fn::Equals": [{"Ref": "Stage"}, "test"]},
        "Assertions": [
            {"Assert": {"Fn::Contains": [["256", "512"], {"Ref": "Cpu"}]}, "AssertDescription": "tests are small"}
        ],
    }
}
RULED = {
    "Parameters": {"Stage": {"Type": "String"}, "Cpu": {"Type": "String"}},
    "Rules": RULES,
    "Resources": {"A": GROUP},
}
LOOP = {
    "Transform": "AWS::LanguageExtensions",
    "Parameters": {"Names": {"Type": "CommaDelimitedList", "Default": "one,two"}},
    "Resources": {
        "Fn::ForEach::Groups": [
            "Name",
            {"Ref": "Names"},
            {"Group${Name}": {**GROUP, "Properties": {"LogGroupName": {"Fn::Sub": "g-${Name}"}}}},
        ],
        "Last": {
            **GROUP,
            "DeletionPolicy": {"Fn::If": ["Keeps", "Retain", "Delete"]},
            "Properties": {"LogGroupName": {"Fn::Join": ["-", [{"Ref": {"Fn::Sub": "Groupone"}}, "last"]]}},
        },
    },
    "Conditions": {"Keeps": {"Fn::Equals": ["a", "b"]}},
}


def values(**texts: str) -> list[dict[str, str]]:
    return [{"ParameterKey": key, "ParameterValue": value} for key, value in texts.items()]


@pytest.mark.parametrize(
    ("texts", "is_refused"),
    [
        pytest.param({"Stage": "test", "Cpu": "4096"}, True, id="the assertion does not hold"),
        pytest.param({"Stage": "test", "Cpu": "256"}, False, id="the assertion holds"),
        pytest.param({"Stage": "live", "Cpu": "4096"}, False, id="the rule does not apply"),
    ],
)
def test_rules_decide_before_a_stack_exists(client: Client, texts: dict[str, str], *, is_refused: bool) -> None:
    def create() -> str:
        try:
            client("cloudformation").create_stack(
                StackName="s", TemplateBody=json.dumps(RULED), Parameters=values(**texts)
            )
        except botocore.exceptions.ClientError as error:
            return str(error)
        return ""

    assert ("tests are small" in create()) == is_refused


@pytest.mark.parametrize(
    ("kind", "value", "is_refused"),
    [
        pytest.param("AWS::EC2::VPC::Id", "vpc-0123456789abcdef0", True, id="no such VPC"),
        pytest.param("List<AWS::EC2::Subnet::Id>", "subnet-1,subnet-2", True, id="no such subnets"),
        pytest.param("AWS::EC2::AvailabilityZone::Name", "ap-northeast-1a", False, id="a zone"),
        pytest.param("AWS::EC2::AvailabilityZone::Name", "eu-west-1a", True, id="a zone of another region"),
        pytest.param("AWS::SSM::Parameter::Value<String>", "/none", True, id="no such parameter"),
        pytest.param("AWS::SSM::Parameter::Value<String>", "/aws/service/aws-for-fluent-bit/stable", False, id="a public image"),
        pytest.param(
            "AWS::SSM::Parameter::Value<AWS::EC2::Image::Id>",
            "/aws/service/ecs/optimized-ami/amazon-linux-2023/recommended/image_id",
            False,
            id="a public machine image",
        ),
        pytest.param("AWS::Nope::Thing::Id", "x", True, id="no such type"),
    ],
)
def test_values_of_aws_parameter_types_must_exist(client: Client, kind: str, value: str, *, is_refused: bool) -> None:
    body = json.dumps({"Parameters": {"P": {"Type": kind}}, "Resources": {"A": GROUP}})

    def create() -> str | None:
        try:
            client("cloudformation").create_stack(StackName="s", TemplateBody=body, Parameters=values(P=value))
        except botocore.exceptions.ClientError as error:
            return str(error.response["Error"]["Code"])
        return None

    assert create() == ("ValidationError" if is_refused else None)


def test_loops_are_unrolled(client: Client, deploy: Any) -> None:
    stack = deploy(json.dumps(LOOP), Capabilities=["CAPABILITY_AUTO_EXPAND"])

    names = {group["logGroupName"] for group in client("logs").describe_log_groups()["logGroups"]}
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    assert names == {"g-one", "g-two", "g-one-last"}


def test_a_transform_needs_its_capability(client: Client) -> None:
    with pytest.raises(
        client("cloudformation").exceptions.InsufficientCapabilitiesException, match="CAPABILITY_AUTO_EXPAND"
    ):
        client("cloudformation").create_stack(StackName="s", TemplateBody=json.dumps(LOOP))


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param({"Fn::ForEach::Groups": ["Name", ["a"]]}, id="no body"),
        pytest.param({"Fn::ForEach::Groups": ["N", [{"Ref": "Last"}], {"G${N}": GROUP}]}, id="over a resource"),
        pytest.param({"Fn::ForEach::Groups": ["N", ["a", "b"], {"G": GROUP}]}, id="one key twice"),
    ],
)
def test_a_wrong_loop_is_refused(client: Client, changed: dict[str, Any]) -> None:
    body = json.dumps({**LOOP, "Resources": {"Last": GROUP, **changed}})

    with pytest.raises(botocore.exceptions.ClientError, match="ValidationError"):
        client("cloudformation").create_stack(StackName="s", TemplateBody=body, Capabilities=["CAPABILITY_AUTO_EXPAND"])


def test_extensions_need_the_transform(client: Client) -> None:
    body = json.dumps({k: v for k, v in LOOP.items() if k != "Transform"})

    with pytest.raises(botocore.exceptions.ClientError, match="ValidationError"):
        client("cloudformation").create_stack(StackName="s", TemplateBody=body)


def test_wrong_properties_fail_before_anything_is_created(client: Client, deploy: Any) -> None:
    body = {"Resources": {"Good": GROUP, "Bad": {**GROUP, "Properties": {"Nmae": "x"}}}}

    stack = deploy(json.dumps(body))

    events = client("cloudformation").describe_stack_events(StackName=stack["StackId"])["StackEvents"]
    details = {
        (e["LogicalResourceId"], e.get("DetailedStatus")) for e in events if e["ResourceStatus"] == "CREATE_FAILED"
    }
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert details == {("Bad", "VALIDATION_FAILED")}
    assert "Validation failed for following resources: [Bad]." in [e.get("ResourceStatusReason", "") for e in events][1]


def test_validation_can_be_turned_off_and_then_the_resource_fails(client: Client, deploy: Any) -> None:
    stack = deploy(json.dumps({"Resources": {"Bad": {**GROUP, "Properties": {"Nmae": "x"}}}}), DisableValidation=True)

    events = client("cloudformation").describe_stack_events(StackName=stack["StackId"])["StackEvents"]
    assert [e["ResourceStatusReason"] for e in events if e["ResourceStatus"] == "CREATE_FAILED"] == [
        "Properties validation failed for resource Bad with message:\n#: extraneous key [Nmae] is not permitted"
    ]


def test_a_role_that_cloudformation_cannot_assume_is_refused(client: Client) -> None:
    with pytest.raises(botocore.exceptions.ClientError, match="is invalid or cannot be assumed"):
        client("cloudformation").create_stack(
            StackName="s",
            TemplateBody=json.dumps({"Resources": {"A": GROUP}}),
            RoleARN="arn:aws:iam::123456789012:role/none",
        )


def test_resources_have_the_tags_of_their_stack(client: Client, deploy: Any) -> None:
    stack = deploy(json.dumps({"Resources": {"A": GROUP}}), Tags=[{"Key": "team", "Value": "x"}])

    arn = client("logs").describe_log_groups()["logGroups"][0]["arn"].removesuffix(":*")
    assert client("logs").list_tags_for_resource(resourceArn=arn)["tags"] == {
        "team": "x",
        "aws:cloudformation:stack-name": "s",
        "aws:cloudformation:stack-id": stack["StackId"],
        "aws:cloudformation:logical-id": "A",
    }


def test_a_template_summary_lists_types_transforms_and_parameters(client: Client) -> None:
    response = client("cloudformation").get_template_summary(TemplateBody=json.dumps(LOOP))

    assert response["ResourceTypes"] == ["AWS::Logs::LogGroup"]
    assert response["DeclaredTransforms"] == ["AWS::LanguageExtensions"]
    assert response["Parameters"][0]["ParameterType"] == "CommaDelimitedList"


def test_long_lists_come_in_pages(client: Client, deploy: Any) -> None:
    deploy(
        json.dumps(
            {
                "Resources": {
                    f"P{n}": {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": "x"}}
                    for n in range(130)
                }
            }
        )
    )

    pages = client("cloudformation").get_paginator("list_stack_resources").paginate(StackName="s")
    assert [len(page["StackResourceSummaries"]) for page in pages] == [100, 30]


def test_a_template_with_a_macro_is_an_error_and_not_a_finding(client: Client, account: Any) -> None:
    included = {"Fn::Transform": {"Name": "AWS::Include", "Parameters": {"Location": "s3://b/k"}}}
    body = json.dumps({"Resources": {"A": {**GROUP, "Properties": included}}})

    with pytest.raises(botocore.exceptions.ClientError, match="InternalFailure"):
        client("cloudformation").create_stack(StackName="s", TemplateBody=body, Capabilities=["CAPABILITY_AUTO_EXPAND"])

    assert "Fn::Transform" in account.ledger.troubles[0]


def test_the_account_is_assumed_to_be_bootstrapped_for_the_cdk(client: Client, deploy: Any, account: Any) -> None:
    body = {
        "Parameters": {
            "BootstrapVersion": {
                "Type": "AWS::SSM::Parameter::Value<String>",
                "Default": "/cdk-bootstrap/hnb659fds/version",
            }
        },
        "Rules": {
            "CheckBootstrapVersion": {
                "Assertions": [
                    {
                        "Assert": {
                            "Fn::Not": [{"Fn::Contains": [["1", "2", "3", "4", "5"], {"Ref": "BootstrapVersion"}]}]
                        },
                        "AssertDescription": "CDK bootstrap stack version 6 required.",
                    }
                ]
            }
        },
        "Resources": {
            "A": GROUP,
            "CDKMetadata": {"Type": "AWS::CDK::Metadata", "Properties": {"Analytics": "v2:deflate64:x"}},
        },
    }

    stack = deploy(json.dumps(body))

    assert stack["StackStatus"] == "CREATE_COMPLETE"
    assert "bootstrapped" in account.ledger.notes[0]


def test_secrets_are_not_shown_in_events(client: Client, deploy: Any) -> None:
    client("ssm").put_parameter(Name="p", Type="String", Value="topsecret")
    properties = {"Name": "q", "Type": "String", "Value": {"Fn::Sub": "${P}{{resolve:ssm:p}}"}}
    body = {
        "Parameters": {"P": {"Type": "String", "NoEcho": True}},
        "Resources": {"A": {"Type": "AWS::SSM::Parameter", "Properties": properties}},
    }

    deploy(json.dumps(body), Parameters=values(P="hush"))

    shown = str(client("cloudformation").describe_stack_events(StackName="s")["StackEvents"])
    value = client("ssm").get_parameter(Name="q")["Parameter"]["Value"]
    assert "hush" not in shown
    assert "topsecret" not in shown
    assert value == "hushtopsecret"


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param(
            {"Parameters": {"P": {"Type": "String", "Default": "abc", "MinValue": 3}}}, id="a bound on a text"
        ),
        pytest.param({"Parameters": {"P": {"Type": "Number", "Default": "1_000"}}}, id="a number of Python's"),
        pytest.param({"Outputs": {"O": {"Value": "x", "Export": "x"}}}, id="an export that is a text"),
        pytest.param({"Conditions": {"C": {"Fn::Equals": [{"Ref": "A"}, "x"]}}}, id="a condition on a resource"),
    ],
)
def test_unusual_values_are_refused_or_accepted_without_an_internal_error(
    client: Client, changed: dict[str, Any]
) -> None:
    body = json.dumps({"Resources": {"A": GROUP}, **changed})
    is_taken = "MinValue" in body

    def create() -> str:
        try:
            client("cloudformation").create_stack(StackName="s", TemplateBody=body)
        except botocore.exceptions.ClientError as error:
            return str(error.response["Error"]["Code"])
        return "taken"

    assert create() == ("taken" if is_taken else "ValidationError")


@pytest.mark.parametrize("value", [["a", "b"], {"a": "b"}, {"Ref": "AWS::NoValue"}])
def test_an_output_must_be_a_string(deploy: Any, value: Any) -> None:
    stack = deploy(json.dumps({"Resources": {"A": GROUP}, "Outputs": {"O": {"Value": value}}}))

    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"


def test_a_reference_in_metadata_orders_by_the_chosen_branch(client: Client, deploy: Any) -> None:
    """A condition in Metadata is how a template waits for a resource that is not always there."""
    group = {"Type": "AWS::Logs::LogGroup"}
    chosen = {"Fn::If": ["Never", {"Ref": "Absent"}, {"Ref": "Later"}]}
    template = {
        "Conditions": {"Never": {"Fn::Equals": ["a", "b"]}},
        "Resources": {
            "First": {**group, "Metadata": {"After": chosen}},
            "Absent": {**group, "Condition": "Never"},
            "Later": group,
        },
    }
    stack = deploy(json.dumps(template))
    events = client("cloudformation").describe_stack_events(StackName=stack["StackId"])["StackEvents"]
    complete = [e["LogicalResourceId"] for e in reversed(events) if e["ResourceStatus"] == "CREATE_COMPLETE"]

    assert complete[:2] == ["Later", "First"]
