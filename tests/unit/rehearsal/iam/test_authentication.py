"""Who asks, what they may, and in whose words they are turned away."""

from __future__ import annotations

import datetime as dt
import json
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from preflight.rehearsal import protocol
from preflight.rehearsal.server import Server
from tests.unit.rehearsal.iam import callers
from tests.unit.rehearsal.iam.callers import Keys

ARN = "arn:aws:sts::123456789012:assumed-role/somebody/session"
Act = Callable[..., Keys]


def error(ask: Callable[[], Any]) -> tuple[str, str, int]:
    """Code, message and status of what is refused."""
    try:
        ask()
    except ClientError as refused:
        said = refused.response
        return said["Error"]["Code"], said["Error"].get("Message", ""), said["ResponseMetadata"]["HTTPStatusCode"]
    return ("nothing", "", 200)


def test_a_session_is_who_it_says(act: Act) -> None:
    keys = act()

    assert keys.client("sts").get_caller_identity()["Arn"] == ARN


def test_any_other_key_is_the_administrators(account: Server) -> None:
    somebody = Keys(account.address, "AKIAUNKNOWN", "secret")

    assert somebody.client("iam").list_roles()["Roles"] == []


@pytest.mark.parametrize(
    ("service", "operation", "given", "refusal"),
    [
        pytest.param("ec2", "describe_vpcs", {}, ("UnauthorizedOperation", 403), id="EC2"),
        pytest.param("ecs", "list_clusters", {}, ("AccessDeniedException", 400), id="ECS"),
        pytest.param("ecr", "get_authorization_token", {}, ("AccessDeniedException", 400), id="ECR"),
        pytest.param("logs", "describe_log_groups", {}, ("AccessDeniedException", 400), id="Logs"),
        pytest.param("iam", "list_roles", {}, ("AccessDenied", 403), id="IAM"),
        pytest.param("cloudformation", "list_stacks", {}, ("AccessDenied", 403), id="CloudFormation"),
        pytest.param("elbv2", "describe_rules", {}, ("AccessDenied", 403), id="Elastic Load Balancing"),
        pytest.param("s3", "list_buckets", {}, ("AccessDenied", 403), id="S3"),
        pytest.param("efs", "describe_file_systems", {}, ("AccessDeniedException", 403), id="EFS"),
        pytest.param("resourcegroupstaggingapi", "get_resources", {}, ("AccessDeniedException", 400), id="tagging"),
    ],
)
def test_a_denial_has_the_code_of_the_service(
    act: Act, service: str, operation: str, given: dict[str, Any], refusal: tuple[str, int]
) -> None:
    code, _, status = error(lambda: getattr(act().client(service), operation)(**given))

    assert (code, status) == refusal


def test_a_denial_is_told_in_the_words_of_aws(act: Act) -> None:
    _, said, _ = error(lambda: act().client("ecs").delete_cluster(cluster="web"))

    assert said == (
        f"User: {ARN} is not authorized to perform: ecs:DeleteCluster on resource: "
        "arn:aws:ecs:ap-northeast-1:123456789012:cluster/web because no identity-based policy allows the "
        "ecs:DeleteCluster action"
    )


def test_ec2_begins_with_a_sentence_of_its_own(act: Act) -> None:
    _, said, _ = error(act().client("ec2").describe_vpcs)

    assert said.startswith(f"You are not authorized to perform this operation. User: {ARN} is not authorized to")


def test_what_is_allowed_is_answered(act: Act) -> None:
    keys = act({"Action": "ecs:ListClusters"})

    assert keys.client("ecs").list_clusters()["clusterArns"] == []


def test_a_role_with_a_boundary_may_no_more_than_it(
    account: Server, client: Callable[[str], Any], make_role: Callable[..., str]
) -> None:
    statement = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
    text = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    boundary = client("iam").create_policy(PolicyName="limit", PolicyDocument=text)["Policy"]["Arn"]
    arn = make_role({"Action": "*"}, PermissionsBoundary=boundary)
    answer = client("sts").assume_role(RoleArn=arn, RoleSessionName="session")
    keys = callers.keys_of(account.address, answer["Credentials"])

    assert error(keys.client("ecs").list_clusters)[1].endswith(
        "because no permissions boundary allows the ecs:ListClusters action"
    )


def test_a_session_policy_takes_away(act: Act) -> None:
    policy = json.dumps({"Version": "2012-10-17", "Statement": []})
    keys = act({"Action": "*"}, Policy=policy)

    assert error(keys.client("ecs").list_clusters)[1].endswith(
        "because no session policy allows the ecs:ListClusters action"
    )


def user_keys(account: Server, client: Callable[[str], Any], *, groups: tuple[str, ...] = ()) -> Keys:
    iam = client("iam")
    iam.create_user(UserName="ann")
    for group in groups:
        iam.create_group(GroupName=group)
        text = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "ecs:*", "Resource": "*"}]}
        iam.put_group_policy(GroupName=group, PolicyName="own", PolicyDocument=json.dumps(text))
        iam.add_user_to_group(GroupName=group, UserName="ann")
    return callers.keys_of(account.address, iam.create_access_key(UserName="ann")["AccessKey"])


def test_a_user_is_known_by_the_access_key(account: Server, client: Callable[[str], Any]) -> None:
    keys = user_keys(account, client)

    assert error(keys.client("ecs").list_clusters)[1].startswith(
        "User: arn:aws:iam::123456789012:user/ann is not authorized"
    )


def test_a_user_may_what_a_group_may(account: Server, client: Callable[[str], Any]) -> None:
    keys = user_keys(account, client, groups=("builders",))

    assert keys.client("ecs").list_clusters()["clusterArns"] == []


def test_a_users_session_token_is_the_user(account: Server, client: Callable[[str], Any]) -> None:
    session = user_keys(account, client).client("sts").get_session_token()["Credentials"]
    keys = callers.keys_of(account.address, session)

    assert keys.client("sts").get_caller_identity()["Arn"] == "arn:aws:iam::123456789012:user/ann"


def test_a_key_that_is_switched_off_opens_nothing(account: Server, client: Callable[[str], Any]) -> None:
    keys = user_keys(account, client, groups=("builders",))
    client("iam").update_access_key(UserName="ann", AccessKeyId=keys.key, Status="Inactive")

    assert error(keys.client("ecs").list_clusters)[0] == "InvalidClientTokenId"


@pytest.mark.parametrize(
    ("service", "operation", "code"),
    [
        pytest.param("ecs", "list_clusters", "ExpiredTokenException", id="JSON"),
        pytest.param("cloudformation", "list_stacks", "ExpiredToken", id="query"),
        pytest.param("ec2", "describe_vpcs", "RequestExpired", id="EC2"),
        pytest.param("s3", "list_buckets", "ExpiredToken", id="S3"),
    ],
)
def test_credentials_expire(account: Server, act: Act, service: str, operation: str, code: str) -> None:
    keys = act({"Action": "*"})
    account.parts.core.principals.sessions.clock = lambda: protocol.utc_now() + dt.timedelta(hours=2)

    assert error(getattr(keys.client(service), operation))[0] == code


def test_a_role_is_assumed_by_whom_it_trusts_and_by_nobody_else(client: Callable[[str], Any]) -> None:
    trust = {"Statement": [{"Effect": "Allow", "Principal": {"Service": "ecs.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
    document = json.dumps({"Version": "2012-10-17", **trust})
    arn = client("iam").create_role(RoleName="tasks", AssumeRolePolicyDocument=document)["Role"]["Arn"]

    assert error(lambda: client("sts").assume_role(RoleArn=arn, RoleSessionName="xx")) == (
        "AccessDenied",
        f"User: arn:aws:sts::123456789012:user/moto is not authorized to perform: sts:AssumeRole on resource: {arn}",
        403,
    )


def test_a_role_that_trusts_the_account_is_assumed_by_whom_own_policies_let(act: Act, make_role: Callable[..., str]) -> None:
    other = make_role(name="other")
    keys, able = act(), act({"Action": "sts:AssumeRole", "Resource": other}, name="able")

    def asked_by(asking: Keys) -> str:
        return error(lambda: asking.client("sts").assume_role(RoleArn=other, RoleSessionName="xx"))[0]

    assert asked_by(keys) == "AccessDenied"
    assert asked_by(able) == "nothing"


@pytest.mark.parametrize(
    ("condition", "code"),
    [
        pytest.param({"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::123456789012:role/some*"}}, "nothing", id="its ARN"),
        pytest.param({"StringEquals": {"aws:PrincipalTag/team": "web"}}, "AccessDenied", id="a tag that it lacks"),
        pytest.param({"StringEquals": {"aws:PrincipalType": "User"}}, "AccessDenied", id="another kind"),
        pytest.param({"DateGreaterThan": {"aws:CurrentTime": "2020-01-01T00:00:00Z"}}, "nothing", id="the date"),
    ],
)
def test_a_trust_policy_sees_who_asks(
    act: Act, client: Callable[[str], Any], make_role: Callable[..., str], condition: dict[str, Any], code: str
) -> None:
    other = make_role(name="other")
    trust = client("iam").get_role(RoleName="other")["Role"]["AssumeRolePolicyDocument"]
    trust["Statement"][0]["Condition"] = condition
    client("iam").update_assume_role_policy(RoleName="other", PolicyDocument=json.dumps(trust))
    sts = act({"Action": "sts:AssumeRole"}).client("sts")

    assert error(lambda: sts.assume_role(RoleArn=other, RoleSessionName="xx"))[0] == code


def test_a_role_that_is_named_beside_the_account_needs_no_policy_of_its_own(
    act: Act, client: Callable[[str], Any], make_role: Callable[..., str]
) -> None:
    sts, other = act().client("sts"), make_role(name="other")
    both = ["arn:aws:iam::123456789012:root", "arn:aws:iam::123456789012:role/somebody"]
    trust = {"Statement": [{"Effect": "Allow", "Principal": {"AWS": both}, "Action": "sts:AssumeRole"}]}
    client("iam").update_assume_role_policy(RoleName="other", PolicyDocument=json.dumps({"Version": "2012-10-17", **trust}))

    assert error(lambda: sts.assume_role(RoleArn=other, RoleSessionName="xx"))[0] == "nothing"


def test_tags_of_a_role_are_tags_of_who_acts_with_it(
    account: Server, client: Callable[[str], Any], make_role: Callable[..., str]
) -> None:
    statement = {"Action": "ecs:ListClusters", "Condition": {"StringEquals": {"aws:PrincipalTag/team": "web"}}}
    arn = make_role(statement, Tags=[{"Key": "team", "Value": "web"}])
    answer = client("sts").assume_role(RoleArn=arn, RoleSessionName="session")
    keys = callers.keys_of(account.address, answer["Credentials"])

    assert keys.client("ecs").list_clusters()["clusterArns"] == []


def test_a_role_that_a_role_takes_is_good_for_an_hour(act: Act, make_role: Callable[..., str]) -> None:
    other = make_role(name="other", MaxSessionDuration=7200)
    sts = act({"Action": "sts:AssumeRole"}).client("sts")

    assert "role chaining" in error(
        lambda: sts.assume_role(RoleArn=other, RoleSessionName="xx", DurationSeconds=7200)
    )[1]


def test_a_role_gets_no_credentials_of_federated_users(act: Act) -> None:
    sts = act({"Action": "sts:*"}).client("sts")

    assert error(lambda: sts.get_federation_token(Name="ann"))[:2] == (
        "AccessDenied",
        "Cannot call GetFederationToken with session credentials",
    )


@pytest.mark.parametrize(
    ("service", "operation", "given"),
    [
        pytest.param("sts", "assume_role", {"RoleArn": "a-role-that-is-no-arn", "RoleSessionName": "xx"}, id="a role"),
        pytest.param(
            "sts", "assume_role", {"RoleArn": "arn:x:iam::123456789012:role/a", "RoleSessionName": "xx"}, id="a partition"
        ),
        pytest.param("ecs", "list_tags_for_resource", {"resourceArn": "web"}, id="a resource"),
        pytest.param(
            "ecr", "list_tags_for_resource", {"resourceArn": "arn:aws:ecr:x:123456789012:repository/a"}, id="a region"
        ),
        pytest.param(
            "cloudformation", "delete_stack", {"StackName": "s", "RoleARN": "arn:iam::x:role/a:b:c:d"}, id="a stack's role"
        ),
    ],
)
def test_an_arn_that_is_none_is_denied_like_any_other(act: Act, service: str, operation: str, given: dict[str, Any]) -> None:
    narrow = {"Action": "*", "Resource": "arn:aws:s3:::x", "Condition": {"Null": {"aws:ResourceTag/a": "false"}}}
    asking = act(narrow).client(service)

    assert error(lambda: getattr(asking, operation)(**given))[2] in {400, 403}


def test_the_registry_opens_as_far_as_the_owner_of_the_token_may(
    account: Server, client: Callable[[str], Any], act: Act
) -> None:
    client("ecr").create_repository(repositoryName="web")
    ecr = act({"Action": "ecr:GetAuthorizationToken"}).client("ecr")
    token = ecr.get_authorization_token()["authorizationData"][0]["authorizationToken"]
    asked = urllib.request.Request(f"{account.address}/v2/web/blobs/uploads/", method="POST")  # noqa: S310 - loopback
    asked.add_header("Authorization", f"Basic {token}")
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(asked)  # noqa: S310 - loopback

    said = json.loads(refused.value.read())["errors"][0]

    assert refused.value.code == 403
    assert said["code"] == "DENIED"
    assert "ecr:InitiateLayerUpload" in said["message"]
