"""What IAM refuses of roles and their policies by what the account has."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from preflight.rehearsal.server import Server

Client = Callable[[str], Any]
ROLE = "arn:aws:iam::123456789012:role/"


@pytest.fixture
def iam(client: Client) -> Any:
    return client("iam")


def trust(**principal: str) -> str:
    statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def create_role(iam: Any, name: str, **members: Any) -> Any:
    return iam.create_role(RoleName=name, **{"AssumeRolePolicyDocument": trust(Service="ecs.amazonaws.com"), **members})


def policy(size: int) -> str:
    statement = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::"}
    frame = len(json.dumps({"Version": "2012-10-17", "Statement": [statement]}, separators=(",", ":")))
    statement["Resource"] += "b" * (size - frame)
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]}, indent=2)


def test_a_role_may_trust_a_role_that_exists(iam: Any) -> None:
    create_role(iam, "first")

    assert create_role(iam, "second", AssumeRolePolicyDocument=trust(AWS=f"{ROLE}first"))["Role"]["RoleName"] == "second"


def test_a_role_may_not_trust_a_role_that_does_not_exist(iam: Any) -> None:
    with pytest.raises(ClientError, match=r'MalformedPolicyDocument.*Invalid principal in policy: "AWS":"arn:.*:role/absent"'):
        create_role(iam, "first", AssumeRolePolicyDocument=trust(AWS=f"{ROLE}absent"))


def test_a_role_may_trust_a_role_of_another_account(iam: Any) -> None:
    assert create_role(iam, "first", AssumeRolePolicyDocument=trust(AWS="arn:aws:iam::111122223333:role/absent"))


@pytest.mark.parametrize(
    "document",
    [
        pytest.param(trust(AWS=f"{ROLE}absent"), id="who does not exist"),
        pytest.param(trust(Service="ecs-task.amazonaws.com"), id="a misspelt service"),
        pytest.param("{", id="no JSON"),
    ],
)
def test_a_trust_policy_is_checked_again_when_it_changes(iam: Any, document: str) -> None:
    create_role(iam, "first")

    with pytest.raises(ClientError, match="MalformedPolicyDocument"):
        iam.update_assume_role_policy(RoleName="first", PolicyDocument=document)


def test_names_of_roles_that_differ_by_case_are_the_same(iam: Any) -> None:
    create_role(iam, "TaskRole")

    with pytest.raises(ClientError, match="EntityAlreadyExists"):
        create_role(iam, "taskrole")


def test_a_boundary_has_to_exist(iam: Any) -> None:
    with pytest.raises(ClientError, match="NoSuchEntity"):
        create_role(iam, "first", PermissionsBoundary="arn:aws:iam::123456789012:policy/absent")


def test_a_boundary_of_aws_is_taken(iam: Any) -> None:
    assert create_role(iam, "first", PermissionsBoundary="arn:aws:iam::aws:policy/PowerUserAccess")


def test_inline_policies_are_counted_together_without_white_space(iam: Any) -> None:
    create_role(iam, "first")
    iam.put_role_policy(RoleName="first", PolicyName="a", PolicyDocument=policy(5_000))
    iam.put_role_policy(RoleName="first", PolicyName="b", PolicyDocument=policy(5_240))

    with pytest.raises(ClientError, match="Maximum policy size of 10240 bytes exceeded for role first"):
        iam.put_role_policy(RoleName="first", PolicyName="b", PolicyDocument=policy(5_241))


def of_partition(partition: str) -> str:
    statement = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"arn:{partition}:s3:::b/*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def test_the_resources_of_a_policy_are_of_the_accounts_partition(iam: Any) -> None:
    with pytest.raises(ClientError, match='Partition "aws-cn" is not valid'):
        iam.create_policy(PolicyName="a", PolicyDocument=of_partition("aws-cn"))

    assert iam.create_policy(PolicyName="a", PolicyDocument=of_partition("*"))


def test_an_attached_policy_is_of_the_accounts_partition(iam: Any) -> None:
    iam.create_user(UserName="a")

    with pytest.raises(ClientError, match="InvalidInput"):
        iam.attach_user_policy(UserName="a", PolicyArn="arn:aws-us-gov:iam::aws:policy/ReadOnlyAccess")

    iam.attach_user_policy(UserName="a", PolicyArn="arn:aws:iam::aws:policy/ReadOnlyAccess")


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("AmazonECSTaskExecutionRolePolicy", id="another path"),
        pytest.param("service-role/AmazonECSTaskExecutionRole", id="cut short"),
        pytest.param("service-role/AmazonEcsTaskExecutionRolePolicy", id="another case"),
        pytest.param("ReadOnlyAcess", id="a letter is missing"),
    ],
)
def test_a_misspelt_policy_of_aws_is_refused(account: Server, iam: Any, name: str) -> None:
    create_role(iam, "r")

    with pytest.raises(ClientError, match="does not exist or is not attachable"):
        iam.attach_role_policy(RoleName="r", PolicyArn=f"arn:aws:iam::aws:policy/{name}")
    assert account.ledger.observations().problems == ()


def test_of_a_policy_that_aws_may_have_added_nothing_is_said_but_that_it_is_not_known(account: Server, iam: Any) -> None:
    added = "arn:aws:iam::aws:policy/service-role/AWSTomorrowServiceRolePolicy"
    create_role(iam, "r", PermissionsBoundary=added)
    iam.attach_role_policy(RoleName="r", PolicyArn=added)

    (problem,) = account.ledger.observations().problems
    assert added in problem
    assert [policy["PolicyArn"] for policy in iam.list_attached_role_policies(RoleName="r")["AttachedPolicies"]] == [added]


def test_the_principals_of_a_trust_policy_are_of_the_accounts_partition(iam: Any) -> None:
    with pytest.raises(ClientError, match="Invalid principal in policy"):
        create_role(iam, "a", AssumeRolePolicyDocument=trust(AWS="arn:aws-cn:iam::123456789012:root"))


UNKNOWN = "arn:aws:iam::aws:policy/AmazonTeleporterOperator"


@pytest.mark.parametrize(
    ("operation", "request_"),
    [
        pytest.param("create_role", {"PermissionsBoundary": UNKNOWN.replace("arn:aws:", "arn:aws-cn:"), "AssumeRolePolicyDocument": trust(Service="ecs.amazonaws.com")}, id="of another partition"),
        pytest.param("create_role", {"PermissionsBoundary": UNKNOWN, "AssumeRolePolicyDocument": trust(AWS=f"{ROLE}nobody")}, id="for a role that is refused"),
        pytest.param("attach_role_policy", {"PolicyArn": UNKNOWN}, id="for a role that does not exist"),
    ],
)
def test_a_policy_that_is_not_known_is_no_trouble_if_the_request_is_refused_anyway(account: Server, iam: Any, operation: str, request_: dict[str, str]) -> None:
    with pytest.raises(ClientError):
        getattr(iam, operation)(RoleName="web", **request_)

    assert account.ledger.troubles == []


def test_a_policy_that_is_not_known_is_trouble(account: Server, iam: Any) -> None:
    create_role(iam, "web")

    iam.attach_role_policy(RoleName="web", PolicyArn=UNKNOWN)

    assert len(account.ledger.troubles) == 1
