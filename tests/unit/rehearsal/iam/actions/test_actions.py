"""What operations ask for: actions, resources and condition keys."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from preflight.rehearsal.iam.actions import catalog, s3
from preflight.rehearsal.iam.actions.request import ApiRequest
from preflight.rehearsal.iam.actions.s3 import S3Request
from preflight.rehearsal.server import Server
from tests.unit.rehearsal.iam import callers
from tests.unit.rehearsal.iam.callers import Keys

Act = Callable[..., Keys]
HERE = "arn:aws:{}:ap-northeast-1:123456789012:{}"


def asked(service: str, operation: str, **given: Any) -> list[tuple[str, str]]:
    """Actions and resources of a call; resources of this region and account without what they begin with."""
    question = ApiRequest(service, callers.REGION, "123456789012", operation, given)
    found = []
    for target in catalog.targets(question):
        head = HERE.format(service, "")
        found.append((target.action, str(target.resource).removeprefix(head)))
    return found


@pytest.mark.parametrize(
    ("call", "targets"),
    [
        pytest.param(asked("ecs", "ListClusters"), [("ecs:ListClusters", "*")], id="an action without resources"),
        pytest.param(
            asked("ecs", "CreateCluster", clusterName="web"), [("ecs:CreateCluster", "cluster/web")], id="without tags"
        ),
        pytest.param(
            asked("ecs", "CreateCluster", clusterName="web", tags=[{"key": "a", "value": "b"}]),
            [("ecs:CreateCluster", "cluster/web"), ("ecs:TagResource", "cluster/web")],
            id="with tags",
        ),
        pytest.param(
            asked("ecs", "CreateCluster", clusterName="web", tags=[{"key": "aws:x", "value": "b"}]),
            [("ecs:CreateCluster", "cluster/web")],
            id="with tags of AWS's own",
        ),
        pytest.param(
            asked("ecs", "DescribeServices", cluster="web", services=["a", HERE.format("ecs", "service/web/b")]),
            [("ecs:DescribeServices", "service/web/a"), ("ecs:DescribeServices", "service/web/b")],
            id="by name and by ARN",
        ),
        pytest.param(
            asked("ecs", "RegisterTaskDefinition", family="web", executionRoleArn="arn:aws:iam::123456789012:role/r"),
            [
                ("ecs:RegisterTaskDefinition", "task-definition/web:*"),
                ("iam:PassRole", "arn:aws:iam::123456789012:role/r"),
            ],
            id="a role that is passed",
        ),
        pytest.param(
            asked("ecs", "CreateService", cluster="web", serviceName="a", role="ecsRole"),
            [("ecs:CreateService", "service/web/a"), ("iam:PassRole", "arn:aws:iam::123456789012:role/ecsRole")],
            id="a role that is passed by name",
        ),
        pytest.param(
            asked("ec2", "CreateSubnet", VpcId="vpc-1", CidrBlock="10.0.0.0/24"),
            [("ec2:CreateSubnet", "subnet/*"), ("ec2:CreateSubnet", "vpc/vpc-1")],
            id="what is made, and in what",
        ),
        pytest.param(
            asked("ec2", "AttachInternetGateway", VpcId="vpc-1", InternetGatewayId="igw-1"),
            [
                ("ec2:AttachInternetGateway", "internet-gateway/igw-1"),
                ("ec2:AttachInternetGateway", "vpc/vpc-1"),
            ],
            id="both ends",
        ),
        pytest.param(
            asked("cloudformation", "CreateStack", StackName="s", RoleARN="arn:aws:iam::123456789012:role/r"),
            [("cloudformation:CreateStack", "stack/s/*"), ("iam:PassRole", "arn:aws:iam::123456789012:role/r")],
            id="a stack's role",
        ),
        pytest.param(
            asked("cloudformation", "DescribeStacks"),
            [("cloudformation:DescribeStacks", "stack/*/*"), ("cloudformation:ListStacks", "*")],
            id="all stacks",
        ),
        pytest.param(
            asked("logs", "GetLogEvents", logGroupName="/ecs/a", logStreamName="b"),
            [("logs:GetLogEvents", "log-group:/ecs/a:log-stream:b")],
            id="a log stream",
        ),
        pytest.param(
            asked("logs", "DeleteLogGroup", logGroupName="/ecs/a"),
            [("logs:DeleteLogGroup", "log-group:/ecs/a:log-stream:")],
            id="a log group",
        ),
        pytest.param(
            asked("logs", "DescribeLogGroups"),
            [("logs:DescribeLogGroups", "log-group::log-stream:")],
            id="every log group",
        ),
        pytest.param(asked("iam", "GetRole", RoleName="r"), [("iam:GetRole", "arn:aws:iam::123456789012:role/r")], id="a role"),
        pytest.param(asked("sts", "GetCallerIdentity"), [], id="who am I"),
        pytest.param(asked("ecs", "DoSomething"), [("ecs:DoSomething", "None")], id="an operation that nobody knows"),
    ],
)
def test_a_call_asks_for(call: list[tuple[str, str]], targets: list[tuple[str, str]]) -> None:
    assert call == targets


BODY = b"<CreateBucketConfiguration><Tags><Tag><Key>a</Key><Value>b</Value></Tag></Tags></CreateBucketConfiguration>"
DELETE = b"<Delete><Object><Key>x</Key></Object><Object><Key>y</Key><VersionId>null</VersionId></Object></Delete>"


@pytest.mark.parametrize(
    ("request_", "targets"),
    [
        pytest.param(("GET", "", ""), ["s3:ListAllMyBuckets *"], id="all buckets"),
        pytest.param(("HEAD", "b", ""), ["s3:ListBucket b"], id="whether a bucket is there"),
        pytest.param(("GET", "b", "", {"list-type": "2"}), ["s3:ListBucket b"], id="objects"),
        pytest.param(("GET", "b", "", {"versions": ""}), ["s3:ListBucketVersions b"], id="versions"),
        pytest.param(("PUT", "b", ""), ["s3:CreateBucket b"], id="a bucket"),
        pytest.param(("PUT", "b", "", {}, {}, BODY), ["s3:CreateBucket b", "s3:TagResource b"], id="a bucket with tags"),
        pytest.param(("PUT", "b", "", {"encryption": ""}), ["s3:PutEncryptionConfiguration b"], id="encryption"),
        pytest.param(("PUT", "b", "", {"publicAccessBlock": ""}), ["s3:PutBucketPublicAccessBlock b"], id="access block"),
        pytest.param(("DELETE", "b", "", {"policy": ""}), ["s3:DeleteBucketPolicy b"], id="a policy"),
        pytest.param(("HEAD", "b", "k"), ["s3:GetObject b/k"], id="whether an object is there"),
        pytest.param(("PUT", "b", "k/l"), ["s3:PutObject b/k/l"], id="an object"),
        pytest.param(("GET", "b", "k", {"versionId": "1"}), ["s3:GetObjectVersion b/k"], id="a version"),
        pytest.param(
            ("PUT", "b", "k", {}, {"x-amz-copy-source": "/c/d"}), ["s3:PutObject b/k", "s3:GetObject c/d"], id="a copy"
        ),
        pytest.param(
            ("PUT", "b", "k", {}, {"x-amz-copy-source": "c/d%20e?versionId=1"}),
            ["s3:PutObject b/k", "s3:GetObject c/d e"],
            id="a copy of what has a space in its name",
        ),
        pytest.param(
            ("POST", "b", "", {"delete": ""}, {}, b"<Delete><Object><Key>x&amp;y</Key></Object></Delete>"),
            ["s3:DeleteObject b/x&y"],
            id="an object with an ampersand",
        ),
        pytest.param(
            ("POST", "b", "", {"delete": ""}, {}, DELETE),
            ["s3:DeleteObject b/x", "s3:DeleteObject b/y", "s3:DeleteObjectVersion b/y"],
            id="several objects",
        ),
        pytest.param(
            ("POST", "b", "", {"delete": ""}, {}, b'<d:Delete xmlns:d="x"><d:Object ><d:Key\n>x</d:Key></d:Object></d:Delete>'),
            ["s3:DeleteObject b/x"],
            id="an object in another spelling of XML",
        ),
        pytest.param(("POST", "b", "", {"delete": ""}, {}, b"<Delete>"), ["s3:DeleteObject b/*"], id="objects that cannot be read"),
    ],
)
def test_a_request_to_s3_asks_for(request_: tuple[Any, ...], targets: list[str]) -> None:
    found = s3.targets(S3Request("aws", *request_))

    assert [f"{t.action} {str(t.resource).removeprefix('arn:aws:s3:::')}" for t in found] == targets


@pytest.mark.hostile
@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"<Object>" * 200_000, id="objects"),
        pytest.param(b"<Tag><Key>" * 200_000, id="tags"),
        pytest.param(b"<Tag><Key></Key><Value></Value>" * 50_000, id="parts of tags"),
    ],
)
def test_elements_that_never_end_are_read_within_seconds(body: bytes) -> None:
    started = time.monotonic()

    list(s3.targets(S3Request("aws", "POST", "b", "", {"delete": ""}, {}, body)))
    list(s3.targets(S3Request("aws", "PUT", "b", "", {}, {}, body)))

    assert time.monotonic() - started < 10


def refused(ask: Callable[[], Any]) -> str:
    """What a denial says; nothing where it is none."""
    try:
        ask()
    except ClientError as error:
        return str(error.response["Error"]["Message"])
    return ""


@pytest.mark.parametrize(
    ("condition", "tags", "is_allowed"),
    [
        pytest.param({"StringEquals": {"aws:RequestTag/team": "web"}}, {"team": "web"}, True, id="the tag of the request"),
        pytest.param({"StringEquals": {"aws:RequestTag/team": "web"}}, {"team": "api"}, False, id="another value"),
        pytest.param({"StringEquals": {"aws:RequestTag/team": "web"}}, {}, False, id="no tag"),
        pytest.param({"Null": {"aws:RequestTag/team": "false"}}, {"team": "x"}, True, id="any value"),
        pytest.param({"ForAllValues:StringEquals": {"aws:TagKeys": ["team"]}}, {"team": "x"}, True, id="only these keys"),
        pytest.param(
            {"ForAllValues:StringEquals": {"aws:TagKeys": ["team"]}}, {"team": "x", "b": "y"}, False, id="one key more"
        ),
        pytest.param(
            {"ForAnyValue:StringEquals": {"aws:TagKeys": ["team"]}}, {"team": "x", "b": "y"}, True, id="one of these keys"
        ),
        pytest.param({"ForAnyValue:StringEquals": {"aws:TagKeys": ["team"]}}, {"b": "y"}, False, id="none of these keys"),
    ],
)
def test_tags_of_the_request_decide(act: Act, condition: dict[str, Any], tags: dict[str, str], is_allowed: bool) -> None:  # noqa: FBT001 - a case
    ec2 = act({"Action": ["ec2:CreateVpc", "ec2:CreateTags"], "Condition": condition}).client("ec2")
    pairs = [{"Key": key, "Value": value} for key, value in tags.items()]
    given = {"TagSpecifications": [{"ResourceType": "vpc", "Tags": pairs}]} if pairs else {}

    assert (refused(lambda: ec2.create_vpc(CidrBlock="10.0.0.0/16", **given)) == "") is is_allowed


def test_tags_of_the_resource_decide(act: Act, client: Callable[[str], Any]) -> None:
    ec2 = client("ec2")
    own, other = (ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"] for _ in range(2))
    ec2.create_tags(Resources=[own], Tags=[{"Key": "team", "Value": "web"}])
    mine = act({"Action": "ec2:DeleteVpc", "Condition": {"StringEquals": {"aws:ResourceTag/team": "web"}}}).client("ec2")

    assert [refused(lambda v=v: mine.delete_vpc(VpcId=v)) == "" for v in (own, other)] == [True, False]  # type: ignore[misc]  # bound here


def test_tagging_what_is_made_is_an_action_of_its_own(act: Act) -> None:
    ec2 = act({"Action": "ec2:CreateVpc"}).client("ec2")
    tags = [{"ResourceType": "vpc", "Tags": [{"Key": "a", "Value": "b"}]}]

    assert "ec2:CreateTags on resource: arn:aws:ec2:ap-northeast-1:123456789012:vpc/*" in refused(
        lambda: ec2.create_vpc(CidrBlock="10.0.0.0/16", TagSpecifications=tags)
    )


TASK = {
    "family": "web",
    "requiresCompatibilities": ["FARGATE"],
    "networkMode": "awsvpc",
    "cpu": "256",
    "memory": "512",
    "containerDefinitions": [{"name": "web", "image": "nginx:1.28.0"}],
}


@pytest.mark.parametrize(
    ("service", "is_allowed"),
    [pytest.param("ecs-tasks.amazonaws.com", True, id="tasks"), pytest.param("ec2.amazonaws.com", False, id="another service")],
)
def test_a_role_is_passed_to_whom_it_may_be_passed(
    act: Act, make_role: Callable[..., str], service: str, is_allowed: bool  # noqa: FBT001 - a case
) -> None:
    role = make_role(name="task")
    passing = {"Action": "iam:PassRole", "Resource": role, "Condition": {"StringEquals": {"iam:PassedToService": service}}}
    ecs = act({"Action": "ecs:RegisterTaskDefinition"}, passing).client("ecs")

    assert (refused(lambda: ecs.register_task_definition(**TASK, taskRoleArn=role)) == "") is is_allowed


@pytest.mark.parametrize(
    ("statements", "denied"),
    [
        pytest.param([{"Action": "ecs:RunTask"}], "iam:PassRole", id="without leave to pass them"),
        pytest.param([{"Action": ["ecs:RunTask", "iam:PassRole"]}], "", id="with leave to pass them"),
    ],
)
def test_who_runs_a_task_passes_the_roles_of_its_definition(
    act: Act, client: Callable[[str], Any], make_role: Callable[..., str], statements: list[dict[str, Any]], denied: str
) -> None:
    role = make_role(name="task")
    client("ecs").register_task_definition(**TASK, taskRoleArn=role)

    said = refused(lambda: act(*statements).client("ecs").run_task(taskDefinition="web"))

    assert (f"{denied} on resource: {role} " in said) is bool(denied)


BOX = {"Bucket": "box", "CreateBucketConfiguration": {"LocationConstraint": callers.REGION}}


def hold(client: Any, **statement: Any) -> None:
    """Make a bucket with one statement in its policy."""
    client.create_bucket(**BOX)
    own = {"Principal": "*", "Action": "s3:*", "Resource": ["arn:aws:s3:::box", "arn:aws:s3:::box/*"], **statement}
    client.put_bucket_policy(Bucket="box", Policy=json.dumps({"Version": "2012-10-17", "Statement": [own]}))


@pytest.mark.parametrize(
    ("name", "is_allowed"), [pytest.param("somebody", True, id="who is spared"), pytest.param("other", False, id="others")]
)
def test_a_bucket_is_closed_to_all_but_who_is_spared(
    act: Act, client: Callable[[str], Any], name: str, is_allowed: bool  # noqa: FBT001 - a case
) -> None:
    spared = {"StringNotEquals": {"aws:PrincipalArn": "arn:aws:iam::123456789012:role/somebody"}}
    hold(client("s3"), Effect="Deny", Action="s3:PutObject", Condition=spared)
    keys = act({"Action": "s3:*"}, name=name)

    assert (refused(lambda: keys.client("s3").put_object(Bucket="box", Key="a", Body=b"x")) == "") is is_allowed


@pytest.mark.parametrize(
    ("principal", "is_allowed"),
    [
        pytest.param("arn:aws:sts::123456789012:assumed-role/somebody/session", True, id="to the session"),
        pytest.param("arn:aws:iam::123456789012:role/somebody", False, id="to the role"),
    ],
)
def test_a_session_policy_limits_what_a_bucket_grants(
    act: Act, client: Callable[[str], Any], principal: str, is_allowed: bool  # noqa: FBT001 - a case
) -> None:
    keys = act(Policy=json.dumps({"Version": "2012-10-17", "Statement": []}))
    hold(client("s3"), Effect="Allow", Principal={"AWS": principal})

    assert (refused(lambda: keys.client("s3").put_object(Bucket="box", Key="a", Body=b"x")) == "") is is_allowed


def test_the_policy_of_a_bucket_opens_it_as_well(account: Server, act: Act, client: Callable[[str], Any]) -> None:
    s3_client = client("s3")
    s3_client.create_bucket(Bucket="box", CreateBucketConfiguration={"LocationConstraint": callers.REGION})
    keys = act()
    grant = {
        "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::123456789012:role/somebody"},
        "Action": "s3:PutObject",
        "Resource": "arn:aws:s3:::box/*",
    }
    s3_client.put_bucket_policy(Bucket="box", Policy=json.dumps({"Version": "2012-10-17", "Statement": [grant]}))

    assert refused(lambda: keys.client("s3").put_object(Bucket="box", Key="a", Body=b"x")) == ""


def test_objects_that_may_not_be_deleted_are_told_one_by_one(act: Act, client: Callable[[str], Any]) -> None:
    client("s3").create_bucket(Bucket="box", CreateBucketConfiguration={"LocationConstraint": callers.REGION})
    answer = act().client("s3").delete_objects(Bucket="box", Delete={"Objects": [{"Key": "a"}, {"Key": "b"}]})

    assert [(one["Key"], one["Code"]) for one in answer["Errors"]] == [("a", "AccessDenied"), ("b", "AccessDenied")]
