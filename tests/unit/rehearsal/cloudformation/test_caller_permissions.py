"""CloudFormation works in the name of who asks, and tasks in that of their role."""

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
WHO = "arn:aws:sts::123456789012:assumed-role/somebody/session"
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


def create(cloudformation: Any, body: dict[str, Any], name: str = "s", **given: Any) -> tuple[str, str]:
    """The id of a new stack, and how its creation ends."""
    made = str(cloudformation.create_stack(StackName=name, TemplateBody=json.dumps(body), **given)["StackId"])
    return made, ended(cloudformation, made)


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


def test_a_resource_that_the_caller_may_not_make_fails_with_the_denial(act: Act, reason: Callable[[str], str]) -> None:
    create(act(STACKS).client("cloudformation"), NETWORK)

    said = _ID.sub("ID", reason("Vpc"))

    assert said == (
        'Resource handler returned message: "You are not authorized to perform this operation. '
        f"User: {WHO} is not authorized to perform: ec2:CreateVpc on resource: "
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
def test_a_stack_ends_as_the_permissions_of_the_caller_have_it(
    act: Act, statements: list[dict[str, Any]], status: str
) -> None:
    assert create(act(*statements).client("cloudformation"), NETWORK)[1] == status


def test_the_administrators_stacks_need_no_permission(client: Callable[[str], Any]) -> None:
    assert create(client("cloudformation"), NETWORK)[1] == "CREATE_COMPLETE"


def test_a_change_set_is_carried_out_in_the_name_of_who_executes_it(act: Act, client: Callable[[str], Any]) -> None:
    made = client("cloudformation").create_change_set(
        StackName="s", ChangeSetName="first", ChangeSetType="CREATE", TemplateBody=json.dumps(NETWORK)
    )
    waiting.until(
        lambda: client("cloudformation").describe_change_set(ChangeSetName=made["Id"])["ExecutionStatus"] == "AVAILABLE",
        what="the change set",
        timeout=20,
        interval=0.05,
    )
    cloudformation = act(STACKS).client("cloudformation")
    cloudformation.execute_change_set(ChangeSetName=made["Id"])

    assert ended(cloudformation, made["StackId"]) == "ROLLBACK_COMPLETE"


def test_a_stack_is_deleted_in_the_name_of_who_deletes_it(
    act: Act, client: Callable[[str], Any], reason: Callable[[str], str]
) -> None:
    made, _ = create(client("cloudformation"), NETWORK)
    cloudformation = act(STACKS, {"Action": "ec2:DescribeVpcs"}).client("cloudformation")
    cloudformation.delete_stack(StackName=made)
    ended(cloudformation, made)

    assert "is not authorized to perform: ec2:DeleteVpc on resource" in reason("Vpc")


def test_an_update_is_in_the_name_of_who_updates(act: Act, client: Callable[[str], Any], reason: Callable[[str], str]) -> None:
    made, _ = create(client("cloudformation"), NETWORK)
    changed = {"Resources": {**NETWORK["Resources"], "Way": {"Type": "AWS::EC2::InternetGateway"}}}
    cloudformation = act(STACKS).client("cloudformation")
    cloudformation.update_stack(StackName=made, TemplateBody=json.dumps(changed))
    ended(cloudformation, made)

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
def test_nested_stacks_are_in_the_callers_name_too(
    staged: None, act: Act, reason: Callable[[str], str], statements: list[dict[str, Any]], logical: str, denied: str
) -> None:
    create(act(*statements).client("cloudformation"), NESTED)

    assert f"{WHO} is not authorized to perform: {denied} on resource" in reason(logical)


def test_nested_stacks_of_who_may_all_that_are_created(staged: None, act: Act) -> None:
    assert create(act(STACKS, TEMPLATE, VPC).client("cloudformation"), NESTED)[1] == "CREATE_COMPLETE"


def test_a_stack_with_a_role_works_in_the_name_of_the_role(
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
def test_what_a_stack_makes_is_asked_for_through_cloudformation(act: Act, condition: dict[str, Any], status: str) -> None:
    assert create(act(STACKS, {**VPC, "Condition": condition}).client("cloudformation"), NETWORK)[1] == status


def test_what_may_be_made_through_cloudformation_only_is_denied_to_who_asks_for_it_directly(act: Act) -> None:
    ec2 = act({**VPC, "Condition": VIA}).client("ec2")

    with pytest.raises(ec2.exceptions.ClientError) as refused:
        ec2.create_vpc(CidrBlock="10.0.0.0/16")

    assert refused.value.response["Error"]["Code"] == "UnauthorizedOperation"


def test_a_template_that_may_be_read_through_cloudformation_only_is_read(staged: None, act: Act) -> None:
    cloudformation = act(STACKS, VPC, {**TEMPLATE, "Condition": VIA}).client("cloudformation")
    made = str(cloudformation.create_stack(StackName="s", TemplateURL=URL)["StackId"])

    assert ended(cloudformation, made) == "CREATE_COMPLETE"


def test_a_stack_is_not_deleted_with_a_role_that_does_not_exist(client: Callable[[str], Any]) -> None:
    cloudformation = client("cloudformation")
    create(cloudformation, NETWORK)

    with pytest.raises(cloudformation.exceptions.ClientError) as refused:
        cloudformation.delete_stack(StackName="s", RoleARN="arn:aws:iam::123456789012:role/none")

    assert refused.value.response["Error"]["Message"] == (
        "Role arn:aws:iam::123456789012:role/none is invalid or cannot be assumed"
    )


def test_zones_of_a_region_need_leave_to_see_them(act: Act) -> None:
    subnet = {"VpcId": {"Ref": "Vpc"}, "CidrBlock": "10.0.1.0/24"}
    zoned = {"Type": "AWS::EC2::Subnet", "Properties": {**subnet, "AvailabilityZone": {"Fn::Select": [0, {"Fn::GetAZs": ""}]}}}
    body = json.dumps({"Resources": {**NETWORK["Resources"], "Subnet": zoned}})
    cloudformation = act(STACKS, VPC).client("cloudformation")

    with pytest.raises(cloudformation.exceptions.ClientError) as refused:
        cloudformation.create_stack(StackName="s", TemplateBody=body)

    assert "is not authorized to perform: ec2:DescribeAvailabilityZones" in str(refused.value)


def test_what_a_task_may_do_its_role_says(
    account: Server, client: Callable[[str], Any], deploy: Callable[..., Any], fargate: dict[str, Any]
) -> None:
    trust = {"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    arn = client("iam").create_role(RoleName="task", AssumeRolePolicyDocument=document)["Role"]["Arn"]
    fargate["Resources"]["Definition"]["Properties"]["TaskRoleArn"] = arn
    deploy(json.dumps(fargate), Capabilities=["CAPABILITY_IAM"])
    task = next(iter(account.parts.core.state.tasks.values()))
    handed = account.parts.launcher._services.credentials
    found = handed.answer(task, handed.path(task) or "")
    assert found is not None
    keys = Keys(account.address, found["AccessKeyId"], found["SecretAccessKey"], found["Token"])

    with pytest.raises(client("s3").exceptions.ClientError) as refused:
        keys.client("s3").list_buckets()

    assert f"assumed-role/task/{task.id} is not authorized to perform: s3:ListAllMyBuckets" in str(refused.value)
