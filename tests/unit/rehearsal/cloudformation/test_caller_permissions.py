"""CloudFormation works as the caller, and tasks act as their role."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from preflight.rehearsal.server import Server
from preflight.system import waiting
from tests.unit.rehearsal.iam import callers
from tests.unit.rehearsal.iam.callers import Keys

Act = Callable[..., Keys]
SESSION_ARN = "arn:aws:sts::123456789012:assumed-role/somebody/session"
STACKS = {"Action": "cloudformation:*"}
VPC = {"Action": ["ec2:CreateVpc", "ec2:DeleteVpc", "ec2:DescribeVpcs", "ec2:DescribeVpcAttribute"]}
NETWORK = {"Resources": {"Vpc": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.0.0.0/16"}}}}
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
BUCKET = "templates"
URL = f"https://{BUCKET}.s3.{callers.REGION}.amazonaws.com/inner.json"
NESTED = {"Resources": {"Inner": {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": URL}}}}


def ended(cloudformation: Any, stack: str) -> str:
    """The status in which a stack ends."""

    def probe() -> str | None:
        status = str(cloudformation.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"])
        return None if status.endswith("_IN_PROGRESS") else status

    return waiting.until(probe, what=f"stack {stack}", timeout=60, interval=0.05)


def create(cloudformation: Any, body: dict[str, Any], name: str = "s", **options: Any) -> tuple[str, str]:
    """The id of a new stack, and how its creation ends."""
    stack_id = str(cloudformation.create_stack(StackName=name, TemplateBody=json.dumps(body), **options)["StackId"])
    return stack_id, ended(cloudformation, stack_id)


@pytest.fixture
def reason(client: Callable[[str], Any]) -> Callable[[str], str]:
    """Why the first resource of a stack, or of those nested in it, failed."""

    def read(logical: str) -> str:
        cloudformation = client("cloudformation")
        for stack in cloudformation.list_stacks()["StackSummaries"]:
            for event in cloudformation.describe_stack_events(StackName=stack["StackId"])["StackEvents"]:
                if event["LogicalResourceId"] == logical and event["ResourceStatus"].endswith("_FAILED"):
                    return str(event["ResourceStatusReason"])
        return ""

    return read


@pytest.fixture
def staged(client: Callable[[str], Any]) -> None:
    client("s3").create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": callers.REGION})
    client("s3").put_object(Bucket=BUCKET, Key="inner.json", Body=json.dumps(NETWORK).encode())


def test_a_resource_that_the_caller_may_not_create_fails_with_the_denial(
    act: Act, reason: Callable[[str], str]
) -> None:
    create(act(STACKS).client("cloudformation"), NETWORK)

    text = _ID.sub("ID", reason("Vpc"))

    assert text == (
        'Resource handler returned message: "You are not authorized to perform this operation. '
        f"User: {SESSION_ARN} is not authorized to perform: ec2:CreateVpc on resource: "
        "arn:aws:ec2:ap-northeast-1:123456789012:vpc/* because no identity-based policy allows the ec2:CreateVpc action "
        '(Service: Ec2, Status Code: 403, Request ID: ID)" (RequestToken: ID, HandlerErrorCode: AccessDenied)'
    )


@pytest.mark.parametrize(
    ("statements", "status"),
    [
        pytest.param([STACKS, VPC], "CREATE_COMPLETE", id="all that AWS's handler calls"),
        pytest.param([STACKS, {"Action": VPC["Action"][:-1]}], "ROLLBACK_COMPLETE", id="all but what it reads"),
        pytest.param([STACKS, {"Action": "ec2:CreateVpc"}], "ROLLBACK_FAILED", id="nothing to take it away again"),
    ],
)
def test_the_permissions_of_the_caller_decide_the_status_of_the_stack(
    act: Act, statements: list[dict[str, Any]], status: str
) -> None:
    assert create(act(*statements).client("cloudformation"), NETWORK)[1] == status


def test_the_administrators_stacks_need_no_permission(client: Callable[[str], Any]) -> None:
    assert create(client("cloudformation"), NETWORK)[1] == "CREATE_COMPLETE"


def test_a_change_set_is_executed_as_the_caller(act: Act, client: Callable[[str], Any]) -> None:
    change_set = client("cloudformation").create_change_set(
        StackName="s", ChangeSetName="first", ChangeSetType="CREATE", TemplateBody=json.dumps(NETWORK)
    )
    waiting.until(
        lambda: (
            client("cloudformation").describe_change_set(ChangeSetName=change_set["Id"])["ExecutionStatus"]
            == "AVAILABLE"
        ),
        what="the change set",
        timeout=20,
        interval=0.05,
    )
    cloudformation = act(STACKS).client("cloudformation")
    cloudformation.execute_change_set(ChangeSetName=change_set["Id"])

    assert ended(cloudformation, change_set["StackId"]) == "ROLLBACK_COMPLETE"


def test_a_stack_is_deleted_as_the_caller(act: Act, client: Callable[[str], Any], reason: Callable[[str], str]) -> None:
    stack_id, _ = create(client("cloudformation"), NETWORK)
    cloudformation = act(STACKS, {"Action": "ec2:DescribeVpcs"}).client("cloudformation")
    cloudformation.delete_stack(StackName=stack_id)
    ended(cloudformation, stack_id)

    assert "is not authorized to perform: ec2:DeleteVpc on resource" in reason("Vpc")


def test_a_stack_is_updated_as_the_caller(act: Act, client: Callable[[str], Any], reason: Callable[[str], str]) -> None:
    stack_id, _ = create(client("cloudformation"), NETWORK)
    changed = {"Resources": {**NETWORK["Resources"], "Way": {"Type": "AWS::EC2::InternetGateway"}}}
    cloudformation = act(STACKS).client("cloudformation")
    cloudformation.update_stack(StackName=stack_id, TemplateBody=json.dumps(changed))
    ended(cloudformation, stack_id)

    assert "is not authorized to perform: ec2:CreateInternetGateway on resource" in reason("Way")


TEMPLATE = {"Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{BUCKET}/*"}


@pytest.mark.parametrize(
    ("statements", "logical", "denied"),
    [
        pytest.param([STACKS, VPC], "Inner", "s3:GetObject", id="the template"),
        pytest.param([STACKS, TEMPLATE], "Vpc", "ec2:CreateVpc", id="what the nested stack makes"),
        pytest.param(
            [{"Action": "cloudformation:*", "Resource": "arn:aws:cloudformation:*:*:stack/s/*"}, TEMPLATE, VPC],
            "Inner",
            "cloudformation:CreateStack",
            id="the nested stack itself",
        ),
    ],
)
def test_nested_stacks_are_created_as_the_caller(
    staged: None, act: Act, reason: Callable[[str], str], statements: list[dict[str, Any]], logical: str, denied: str
) -> None:
    create(act(*statements).client("cloudformation"), NESTED)

    assert f"{SESSION_ARN} is not authorized to perform: {denied} on resource" in reason(logical)


def test_nested_stacks_are_created_for_a_caller_with_all_permissions(staged: None, act: Act) -> None:
    assert create(act(STACKS, TEMPLATE, VPC).client("cloudformation"), NESTED)[1] == "CREATE_COMPLETE"


def test_a_stack_with_a_role_is_created_as_the_role(
    act: Act, client: Callable[[str], Any], reason: Callable[[str], str]
) -> None:
    trust = {"Effect": "Allow", "Principal": {"Service": "cloudformation.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    role = client("iam").create_role(RoleName="maker", AssumeRolePolicyDocument=document)["Role"]["Arn"]
    keys = act(STACKS, VPC, {"Action": "iam:PassRole", "Resource": role})
    create(keys.client("cloudformation"), NETWORK, RoleARN=role)

    assert "assumed-role/maker/AWSCloudFormation is not authorized to perform: ec2:CreateVpc" in reason("Vpc")


VIA = {"ForAnyValue:StringEquals": {"aws:CalledVia": "cloudformation.amazonaws.com"}}


@pytest.mark.parametrize(
    ("condition", "status"),
    [
        pytest.param(VIA, "CREATE_COMPLETE", id="only through CloudFormation"),
        pytest.param({"Bool": {"aws:ViaAWSService": "true"}}, "CREATE_COMPLETE", id="only through a service"),
        pytest.param({"Bool": {"aws:ViaAWSService": "false"}}, "ROLLBACK_COMPLETE", id="through none"),
    ],
)
def test_resources_are_created_with_cloudformation_in_called_via(
    act: Act, condition: dict[str, Any], status: str
) -> None:
    assert create(act(STACKS, {**VPC, "Condition": condition}).client("cloudformation"), NETWORK)[1] == status


def test_a_permission_for_calls_via_cloudformation_denies_direct_calls(act: Act) -> None:
    ec2 = act({**VPC, "Condition": VIA}).client("ec2")

    with pytest.raises(ec2.exceptions.ClientError) as refused:
        ec2.create_vpc(CidrBlock="10.0.0.0/16")

    assert refused.value.response["Error"]["Code"] == "UnauthorizedOperation"


def test_a_template_in_s3_is_read_via_cloudformation(staged: None, act: Act) -> None:
    cloudformation = act(STACKS, VPC, {**TEMPLATE, "Condition": VIA}).client("cloudformation")
    stack_id = str(cloudformation.create_stack(StackName="s", TemplateURL=URL)["StackId"])

    assert ended(cloudformation, stack_id) == "CREATE_COMPLETE"


def test_a_stack_is_not_deleted_with_a_role_that_does_not_exist(client: Callable[[str], Any]) -> None:
    cloudformation = client("cloudformation")
    create(cloudformation, NETWORK)

    with pytest.raises(cloudformation.exceptions.ClientError) as refused:
        cloudformation.delete_stack(StackName="s", RoleARN="arn:aws:iam::123456789012:role/none")

    assert refused.value.response["Error"]["Message"] == (
        "Role arn:aws:iam::123456789012:role/none is invalid or cannot be assumed"
    )


def test_availability_zones_need_permission(act: Act) -> None:
    subnet = {"VpcId": {"Ref": "Vpc"}, "CidrBlock": "10.0.1.0/24"}
    zoned = {
        "Type": "AWS::EC2::Subnet",
        "Properties": {**subnet, "AvailabilityZone": {"Fn::Select": [0, {"Fn::GetAZs": ""}]}},
    }
    body = json.dumps({"Resources": {**NETWORK["Resources"], "Subnet": zoned}})
    cloudformation = act(STACKS, VPC).client("cloudformation")

    with pytest.raises(cloudformation.exceptions.ClientError) as refused:
        cloudformation.create_stack(StackName="s", TemplateBody=body)

    assert "is not authorized to perform: ec2:DescribeAvailabilityZones" in str(refused.value)


def test_the_role_of_a_task_decides_what_it_may_do(
    account: Server, client: Callable[[str], Any], deploy: Callable[..., Any], fargate: dict[str, Any]
) -> None:
    trust = {"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    arn = client("iam").create_role(RoleName="task", AssumeRolePolicyDocument=document)["Role"]["Arn"]
    fargate["Resources"]["Definition"]["Properties"]["TaskRoleArn"] = arn
    deploy(json.dumps(fargate), Capabilities=["CAPABILITY_IAM"])
    task = next(iter(account.parts.core.state.tasks.values()))
    handed = account.parts.launcher._services.credentials
    credentials = handed.answer(task, handed.path(task) or "")
    assert credentials is not None
    keys = Keys(account.address, credentials["AccessKeyId"], credentials["SecretAccessKey"], credentials["Token"])

    with pytest.raises(client("s3").exceptions.ClientError) as refused:
        keys.client("s3").list_buckets()

    assert f"assumed-role/task/{task.id} is not authorized to perform: s3:ListAllMyBuckets" in str(refused.value)
