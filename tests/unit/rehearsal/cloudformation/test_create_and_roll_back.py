"""CreateStack and DeleteStack: requests refused at once, failures rolled back, errors in the protocol."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

import botocore.exceptions
import pytest

from preflight.rehearsal.server import Server
from preflight.system import waiting

LOG = {"Type": "AWS::Logs::LogGroup"}


def refused(client: Callable[[str], Any], body: str, **options: Any) -> tuple[str, str]:
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        client("cloudformation").create_stack(StackName="s", TemplateBody=body, **options)
    error = caught.value.response["Error"]
    assert client("cloudformation").describe_stacks()["Stacks"] == []
    return error["Code"], error["Message"]


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        pytest.param("a: [", "YAML not well-formed", id="no YAML"),
        pytest.param("https://example.com/x.yaml", "unsupported structure", id="a URL as body"),
        pytest.param({}, "At least one Resources member must be defined", id="no resources"),
        pytest.param({"Resources": {}}, "At least one Resources member must be defined", id="empty resources"),
        pytest.param(
            {"Resources": {"A": {"Properties": {}}}},
            "[/Resources/A] Every Resources object must contain a Type member.",
            id="no type",
        ),
        pytest.param(
            {"Resources": {"A": {**LOG, "Invalid": 1}}},
            "Invalid template resource property 'Invalid'",
            id="an unknown attribute",
        ),
        pytest.param({"Resources": {"a-b": LOG}}, "Resource name a-b is non alphanumeric", id="a logical id"),
        pytest.param(
            {"Resources": {"A": {"Type": "AWS::X::Y"}}},
            "Unrecognized resource types: [AWS::X::Y]",
            id="an unknown type",
        ),
        pytest.param(
            {"Resources": {"A": {**LOG, "DependsOn": "B"}}},
            "Unresolved resource dependencies [B] in the Resources block",
            id="depends on an unknown resource",
        ),
        pytest.param(
            {"Resources": {"A": {**LOG, "Properties": {"LogGroupName": {"Ref": "B"}}}}},
            "Unresolved resource dependencies [B]",
            id="refers to an unknown resource",
        ),
        pytest.param(
            {"Resources": {"A": LOG}, "Outputs": {"O": {"Value": {"Ref": "B"}}}},
            "Unresolved resource dependencies [B] in the Outputs block",
            id="an output of an unknown resource",
        ),
        pytest.param(
            {"Resources": {"A": {**LOG, "DependsOn": "B"}, "B": {**LOG, "DependsOn": "A"}}},
            "Circular dependency between resources: [A, B]",
            id="a cycle",
        ),
        pytest.param(
            {"Resources": {"A": LOG}, "Outputs": {"O": {}}},
            "Every Outputs member must contain a Value object",
            id="an output without value",
        ),
        pytest.param(
            {"Resources": {"A": LOG}, "Parameters": {"P": {"Type": "String"}}},
            "Parameters: [P] must have values",
            id="no value",
        ),
        pytest.param(
            {"Resources": {"A": {**LOG, "Properties": {"LogGroupName": None}}}},
            "'null' values are not allowed",
            id="null",
        ),
        pytest.param(
            {"Resources": {f"A{n}": LOG for n in range(501)}}, "greater than maximum allowed, 500", id="501 resources"
        ),
    ],
)
def test_a_malformed_template_is_refused_at_once(client: Callable[[str], Any], template: Any, expected: str) -> None:
    body = template if isinstance(template, str) else json.dumps(template)

    code, message = refused(client, body)

    assert code == "ValidationError"
    assert expected in message, message


def test_iam_resources_need_a_capability(client: Callable[[str], Any]) -> None:
    role = {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": {}}}

    assert refused(client, json.dumps({"Resources": {"A": role}})) == (
        "InsufficientCapabilitiesException",
        "Requires capabilities : [CAPABILITY_IAM]",
    )


def test_a_large_body_is_refused(client: Callable[[str], Any]) -> None:
    _, message = refused(client, json.dumps({"Resources": {"A": LOG}, "Metadata": {"x": "y" * 52_000}}))

    assert "Member must have length less than or equal to 51200" in message


def test_a_template_with_a_python_tag_is_refused_and_runs_no_code(client: Callable[[str], Any], tmp_path: Any) -> None:
    proof = tmp_path / "proof"
    body = f'Resources: {{A: {{Type: "AWS::Logs::LogGroup"}}}}\nMetadata: !!python/object/apply:os.system ["touch {proof}"]\n'

    code, message = refused(client, body)

    assert code == "ValidationError"
    assert "python/object/apply:os.system" in message
    assert not proof.exists()


def test_events_come_in_the_order_of_aws(client: Callable[[str], Any], deploy: Callable[..., dict[str, Any]]) -> None:
    stack = deploy(json.dumps({"Resources": {"A": LOG}}))

    events = client("cloudformation").describe_stack_events(StackName=stack["StackId"])["StackEvents"][::-1]
    assert [(e["LogicalResourceId"], e["ResourceStatus"], e.get("ResourceStatusReason")) for e in events] == [
        ("s", "CREATE_IN_PROGRESS", "User Initiated"),
        ("A", "CREATE_IN_PROGRESS", None),
        ("A", "CREATE_IN_PROGRESS", "Resource creation Initiated"),
        ("A", "CREATE_COMPLETE", None),
        ("s", "CREATE_COMPLETE", None),
    ]


def test_a_failure_rolls_back_and_keeps_nothing(
    client: Callable[[str], Any], deploy: Callable[..., dict[str, Any]]
) -> None:
    client("logs").create_log_group(logGroupName="taken")
    taken = {**LOG, "DependsOn": "A", "Properties": {"LogGroupName": "taken"}}

    resources = {"A": {**LOG, "Properties": {"LogGroupName": "mine"}}, "B": taken}
    stack = deploy(json.dumps({"Resources": resources}), DisableValidation=True)

    groups = [g["logGroupName"] for g in client("logs").describe_log_groups()["logGroups"]]
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert groups == ["taken"]


def test_on_failure_do_nothing_keeps_what_was_created(
    client: Callable[[str], Any], deploy: Callable[..., dict[str, Any]]
) -> None:
    client("logs").create_log_group(logGroupName="taken")
    taken = {**LOG, "DependsOn": "A", "Properties": {"LogGroupName": "taken"}}

    stack = deploy(json.dumps({"Resources": {"A": LOG, "B": taken}}), OnFailure="DO_NOTHING", DisableValidation=True)

    assert stack["StackStatus"] == "CREATE_FAILED"
    assert len(client("logs").describe_log_groups()["logGroups"]) == 2


def test_a_stack_whose_export_is_in_use_is_not_deleted(
    client: Callable[[str], Any], deploy: Callable[..., dict[str, Any]]
) -> None:
    deploy(json.dumps({"Resources": {"A": LOG}, "Outputs": {"O": {"Value": "v", "Export": {"Name": "e"}}}}), name="one")
    deploy(
        json.dumps({"Resources": {"A": {**LOG, "Properties": {"LogGroupName": {"Fn::ImportValue": "e"}}}}}), name="two"
    )

    client("cloudformation").delete_stack(StackName="one")

    stack = client("cloudformation").describe_stacks(StackName="one")["Stacks"][0]
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    assert stack["StackStatusReason"] == "Export e cannot be deleted as it is in use by two"


def test_a_stack_with_termination_protection_is_not_deleted(
    client: Callable[[str], Any], deploy: Callable[..., dict[str, Any]]
) -> None:
    deploy(json.dumps({"Resources": {"A": LOG}}), EnableTerminationProtection=True)

    with pytest.raises(botocore.exceptions.ClientError, match="TerminationProtection is enabled"):
        client("cloudformation").delete_stack(StackName="s")


def test_a_secret_parameter_is_not_shown(deploy: Callable[..., dict[str, Any]]) -> None:
    body = {"Resources": {"A": LOG}, "Parameters": {"P": {"Type": "String", "NoEcho": True}}}

    stack = deploy(json.dumps(body), Parameters=[{"ParameterKey": "P", "ParameterValue": "sesame"}])

    assert "sesame" not in str(stack)


def test_a_retained_resource_outlives_its_stack(
    client: Callable[[str], Any], deploy: Callable[..., dict[str, Any]]
) -> None:
    deploy(json.dumps({"Resources": {"A": {**LOG, "DeletionPolicy": "Retain"}}}))
    client("cloudformation").delete_stack(StackName="s")
    client("cloudformation").get_waiter("stack_delete_complete").wait(
        StackName="s", WaiterConfig={"Delay": 0.1, "MaxAttempts": 100}
    )

    assert len(client("logs").describe_log_groups()["logGroups"]) == 1


@pytest.mark.parametrize("service", ["cloudformation", "ecs"])
def test_an_unknown_operation_is_refused_in_the_protocol(account: Server, service: str) -> None:
    scope = f"AWS4-HMAC-SHA256 Credential=x/20260101/us-east-1/{service}/aws4_request, SignedHeaders=host, Signature=0"
    request = urllib.request.Request(  # noqa: S310 - loopback
        account.address,
        data=b"Action=Nope",
        headers={"Authorization": scope, "X-Amz-Target": "X.Nope"}
        if service == "ecs"
        else {"Authorization": scope, "Content-Type": "application/x-www-form-urlencoded"},
    )

    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request)

    with caught.value as response:
        body = response.read().decode()
    assert response.code == 400
    assert "<html" not in body.lower()
    assert "Nope" in body


def test_other_services_answer_as_moto_does(client: Callable[[str], Any]) -> None:
    client("sqs").create_queue(QueueName="q")

    assert client("sqs").list_queues()["QueueUrls"][0].endswith("/q")


def test_only_one_of_several_gateways_is_attached_at_the_same_time(deploy: Callable[..., dict[str, Any]]) -> None:
    attach: dict[str, Any] = {"Type": "AWS::EC2::VPCGatewayAttachment", "Properties": {"VpcId": {"Ref": "V"}}}
    resources: dict[str, Any] = {"V": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.0.0.0/16"}}}
    for n in range(4):
        resources[f"G{n}"] = {"Type": "AWS::EC2::InternetGateway"}
        resources[f"A{n}"] = {**attach, "Properties": {**attach["Properties"], "InternetGatewayId": {"Ref": f"G{n}"}}}

    stack = deploy(json.dumps({"Resources": resources}), OnFailure="DO_NOTHING")

    assert stack["StackStatus"] == "CREATE_FAILED"


def test_a_resource_that_fails_after_its_creation_is_deleted(
    client: Callable[[str], Any], deploy: Callable[..., dict[str, Any]]
) -> None:
    document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
    properties = {"ManagedPolicyName": "p", "PolicyDocument": document, "Roles": ["none"]}
    body = {"Resources": {"A": {"Type": "AWS::IAM::ManagedPolicy", "Properties": properties}}}

    stack = deploy(json.dumps(body), Capabilities=["CAPABILITY_NAMED_IAM"])

    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert client("iam").list_policies(Scope="Local")["Policies"] == []


def test_a_failed_deletion_still_deletes_everything_else(
    client: Callable[[str], Any], deploy: Callable[..., dict[str, Any]]
) -> None:
    topic = {"Type": "AWS::SNS::Topic"}
    bucket = {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "kept-bucket"}}
    resources = {"B": bucket, **{f"T{n}": {**topic, **({"DependsOn": f"T{n - 1}"} if n else {})} for n in range(5)}}
    stack = deploy(json.dumps({"Resources": resources}))
    client("s3").put_object(Bucket="kept-bucket", Key="k", Body=b"x")

    client("cloudformation").delete_stack(StackName="s")
    waiting.until(
        lambda: (
            client("cloudformation").describe_stacks(StackName=stack["StackId"])["Stacks"][0]["StackStatus"]
            == "DELETE_FAILED"
        ),
        what="the deletion to fail",
        timeout=30,
        interval=0.1,
    )

    assert client("sns").list_topics()["Topics"] == []


VPC = {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.0.0.0/16"}}
ACL = {"Type": "AWS::EC2::NetworkAcl", "Properties": {"VpcId": {"Ref": "Vpc"}}}
ASSOCIATION = {"Type": "AWS::EC2::SubnetNetworkAclAssociation", "Properties": {"SubnetId": "subnet-0123456789abcdef0", "NetworkAclId": {"Ref": "Acl"}}}


def test_a_network_acl_for_a_subnet_that_does_not_exist_is_rolled_back(account: Server, deploy: Callable[..., dict[str, Any]]) -> None:
    resources = {"Vpc": VPC, "Acl": ACL, "Own": ASSOCIATION}

    assert deploy(json.dumps({"Resources": resources}))["StackStatus"] == "ROLLBACK_COMPLETE"
    assert account.ledger.troubles == []


def test_zones_of_a_region_that_does_not_exist_are_refused(account: Server, client: Callable[[str], Any]) -> None:
    zone = {"Fn::Select": [0, {"Fn::GetAZs": "us-east-9"}]}
    subnet = {"Type": "AWS::EC2::Subnet", "Properties": {"VpcId": "vpc-1", "CidrBlock": "10.0.0.0/24", "AvailabilityZone": zone}}

    assert "there is no region us-east-9" in refused(client, json.dumps({"Resources": {"Subnet": subnet}}))[1]
    assert account.ledger.troubles == []
