"""The calls that Fargate makes for a task before its containers start."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any

import pytest

from preflight.aws.iam_policy_evaluation import Policies
from preflight.aws.network import Interface, Network
from preflight.rehearsal.cloudformation.programs import Programs
from preflight.rehearsal.containers import task_spec
from preflight.rehearsal.ecs.state import Cluster, Definition, Task
from preflight.rehearsal.iam.roles import Roles
from preflight.rehearsal.server import Server
from preflight.rehearsal.tasks.launch_calls import environment_files, images, secrets
from preflight.rehearsal.tasks.launch_calls.absent_images import AbsentImages, Replacements
from preflight.rehearsal.tasks.launch_calls.caller import ExecutionRoleCaller, LaunchFailedError
from preflight.rehearsal.tasks.launch_checks import LaunchChecks

REGION = "ap-northeast-1"
ACCOUNT = "123456789012"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/execution"
IMAGE = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/app:1"
NETWORK = Network(
    route_tables=(
        {
            "VpcId": "vpc-1",
            "RouteTableId": "rtb-1",
            "Associations": [{"Main": True}],
            "Routes": [{"DestinationCidrBlock": "0.0.0.0/0", "GatewayId": "igw-1"}],
        },
    ),
    internet_gateways=({"InternetGatewayId": "igw-1", "Attachments": [{"VpcId": "vpc-1"}]},),
    security_groups=(
        {"GroupId": "sg-1", "IpPermissionsEgress": [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]},
    ),
)
INTERFACE = Interface("vpc-1", "subnet-1", "10.0.0.4", ("sg-1",), has_public_address=True)
Client = Callable[..., Any]
Make = Callable[..., ExecutionRoleCaller]


def statement(action: str, **change: Any) -> dict[str, Any]:
    return {"Statement": [{"Effect": "Allow", "Action": action, "Resource": "*", **change}]}


@pytest.fixture
def make(account: Server) -> Make:
    """Callers with these policies, whose task reaches everything."""

    def caller(*policies: dict[str, Any]) -> ExecutionRoleCaller:
        api = {"executionRoleArn": ROLE, "status": "ACTIVE", "family": "f"}
        cluster, definition = Cluster("c", "c", {}), Definition("f:1", api, [])
        arn = f"arn:aws:ecs:{REGION}:{ACCOUNT}:task/c/t"
        task = Task("t", arn, REGION, cluster, definition, {"overrides": {}}, {})
        own, known = account.account, Roles(account.account)
        return ExecutionRoleCaller(own, known, task, INTERFACE, NETWORK, Policies(policies))

    return caller


@pytest.mark.parametrize(
    ("text", "found"),
    [
        pytest.param("A= one \nB='two'", {"A": " one ", "B": "'two'"}, id="spaces and quotes belong to the value"),
        pytest.param("A=1\r\nB=2\r\n", {"A": "1", "B": "2"}, id="lines of Windows"),
        pytest.param("#A=1\nB=2", {"B": "2"}, id="a comment"),
        pytest.param("A=\n=x\nnothing", {}, id="nothing before or after the sign"),
        pytest.param("A=1\nA=2", {"A": "2"}, id="the last line counts"),
        pytest.param("A=x\x0cy\u2028z", {"A": "x\x0cy\u2028z"}, id="only a line feed ends a line"),
        pytest.param("A=b=c", {"A": "b=c"}, id="only the first sign counts"),
    ],
)
def test_the_variables_of_an_environment_file(text: str, found: dict[str, str]) -> None:
    assert environment_files.variables(text) == found


def test_the_first_environment_file_that_has_a_variable_counts(make: Make, client: Client) -> None:
    client("s3").create_bucket(Bucket="files", CreateBucketConfiguration={"LocationConstraint": REGION})
    for key, body in (("1.env", b"A=1\nB=1"), ("2.env", b"B=2\nC=2")):
        client("s3").put_object(Bucket="files", Key=key, Body=io.BytesIO(body))
    values = [{"type": "s3", "value": f"arn:aws:s3:::files/{key}"} for key in ("1.env", "2.env")]
    given = {"name": "a", "image": "i", "environmentFiles": values}
    spec = task_spec.from_task_definition({"family": "f", "revision": 1, "containerDefinitions": [given]})

    assert environment_files.environment(make(statement("s3:*")), spec.containers[0]) == {"A": "1", "B": "1", "C": "2"}


def test_a_parameter_is_read_in_the_region_of_its_arn(make: Make, client: Client) -> None:
    client("ssm", "eu-west-1").put_parameter(Name="/far", Value="away", Type="String")

    found = secrets.value(make(statement("ssm:*")), f"arn:aws:ssm:eu-west-1:{ACCOUNT}:parameter/far")

    assert found == "away"


@pytest.mark.parametrize(
    ("secret", "said"),
    [
        pytest.param("{'password': 'x'}", 'invalid character "\'" looking for beginning of object key string', id="single quotes"),
        pytest.param("hunter2", "invalid character 'h' looking for beginning of value", id="a plain text"),
        pytest.param('{"password"', "unexpected end of JSON input", id="a part of an object"),
        pytest.param('{"user": "x"}', "did not contain json key password", id="another key"),
    ],
)
def test_a_key_of_a_secret_that_is_no_such_object(make: Make, client: Client, secret: str, said: str) -> None:
    arn = client("secretsmanager").create_secret(Name="db", SecretString=secret)["ARN"]

    with pytest.raises(LaunchFailedError) as failed:
        secrets.value(make(statement("secretsmanager:*")), f"{arn}:password::")

    assert said in str(failed.value)


def put_secure_parameter(client: Client, alias: str) -> None:
    client("ssm").put_parameter(Name="/p", Value="v", Type="SecureString", KeyId=alias)


def test_a_parameter_under_a_customer_managed_key_needs_the_permission_to_decrypt(make: Make, client: Client) -> None:
    alias = "alias/ssm-parameters"  # begins like a service's
    client("kms").create_alias(AliasName=alias, TargetKeyId=client("kms").create_key()["KeyMetadata"]["KeyId"])
    put_secure_parameter(client, alias)

    with pytest.raises(LaunchFailedError, match="Access to KMS is not allowed"):
        secrets.value(make(statement("ssm:*")), "/p")


@pytest.fixture
def secret_under_key(client: Client) -> Callable[..., str]:
    """Makes a secret under a key with this statement beside the administrator's; returns its ARN."""

    def made(**change: Any) -> str:
        trust = {"Statement": [{"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
        client("iam").create_role(RoleName="execution", AssumeRolePolicyDocument=json.dumps(trust))
        own = {"Effect": "Allow", "Action": ["kms:Put*", "kms:Get*", "kms:Describe*"], "Resource": "*"}
        root = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
        policy = {"Statement": [{**own, "Principal": root}, {"Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*", **change}]}
        key = client("kms").create_key(Policy=json.dumps(policy))["KeyMetadata"]["Arn"]
        return str(client("secretsmanager").create_secret(Name="db", SecretString="v", KmsKeyId=key)["ARN"])

    return made


VIA = {"StringEquals": {"kms:ViaService": f"secretsmanager.{REGION}.amazonaws.com"}}


@pytest.mark.parametrize(
    ("change", "actions"),
    [
        pytest.param({"Principal": {"AWS": ROLE}}, "secretsmanager:*", id="it names the role"),
        pytest.param({"Principal": {"AWS": ROLE}, "Condition": VIA}, "secretsmanager:*", id="by way of the service"),
        pytest.param({"Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}}, "*", id="it leaves it to the role's policies"),
    ],
)
def test_a_key_policy_lets_a_role_decrypt(
    make: Make, secret_under_key: Callable[..., str], change: dict[str, Any], actions: str
) -> None:
    assert secrets.value(make(statement(actions)), secret_under_key(**change)) == "v"


@pytest.mark.parametrize(
    ("change", "actions"),
    [
        pytest.param({"Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "kms:Encrypt"}, "*", id="it grants another action"),
        pytest.param({"Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}}, "secretsmanager:*", id="the role's policies grant nothing"),
        pytest.param({"Principal": {"AWS": ROLE}, "Condition": {"StringEquals": {"kms:ViaService": "ssm"}}}, "secretsmanager:*", id="by way of another service"),
        pytest.param({"Principal": {"AWS": ROLE}, "Effect": "Deny"}, "*", id="it denies"),
    ],
)  # fmt: skip
def test_a_key_policy_keeps_a_role_from_decrypting(
    make: Make, secret_under_key: Callable[..., str], change: dict[str, Any], actions: str
) -> None:
    with pytest.raises(LaunchFailedError, match="Access to KMS is not allowed"):
        secrets.value(make(statement(actions)), secret_under_key(**change))


def test_a_parameter_under_the_aws_managed_key_needs_no_permission_to_decrypt(make: Make, client: Client) -> None:
    put_secure_parameter(client, "alias/aws/ssm")

    assert secrets.value(make(statement("ssm:*")), "/p") == "v"


@pytest.fixture
def check_pull(make: Make, client: Client) -> Callable[..., None]:
    """Checks a pull by a role with these statements from a repository that grants all to a principal."""

    def check(principal: Any, *statements: dict[str, Any]) -> None:
        client("ecr").create_repository(repositoryName="app")
        trust = {"Statement": [{"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
        client("iam").create_role(RoleName="execution", AssumeRolePolicyDocument=json.dumps(trust))
        policy = {"Statement": [{"Effect": "Allow", "Action": "ecr:*", "Principal": principal}]}
        client("ecr").set_repository_policy(repositoryName="app", policyText=json.dumps(policy))
        image = images.ecr_image(IMAGE)
        assert image is not None
        images._check_pull(make(*statements), image, IMAGE)

    return check


@pytest.mark.parametrize(
    "principal",
    [
        pytest.param({"AWS": ROLE}, id="the repository names the role"),
        pytest.param("*", id="the repository admits everyone"),
    ],
)
def test_a_repository_may_let_a_role_pull(check_pull: Callable[..., None], principal: Any) -> None:
    check_pull(principal)


@pytest.mark.parametrize(
    ("principal", "statements", "reason"),
    [
        pytest.param(
            {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
            [],
            "no identity-based policy",
            id="the repository leaves it to the account",
        ),
        pytest.param(
            {"AWS": ROLE},
            [statement("ecr:*", Effect="Deny")],
            "explicit deny in an identity",
            id="the role's own policy denies",
        ),
    ],
)
def test_a_pull_is_denied(
    check_pull: Callable[..., None], principal: Any, statements: list[dict[str, Any]], reason: str
) -> None:
    with pytest.raises(LaunchFailedError, match=reason):
        check_pull(principal, *statements)


def test_the_secrets_of_a_log_driver_are_read_too(make: Make, account: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    caller = make(statement("ssm:*"))
    monkeypatch.setattr(LaunchChecks, "_caller", lambda *_: caller)
    log = {"logDriver": "splunk", "secretOptions": [{"name": "splunk-token", "valueFrom": "/nobody/put/it"}]}
    given = {"name": "a", "image": "i", "logConfiguration": log}
    spec = task_spec.from_task_definition({"family": "f", "revision": 1, "containerDefinitions": [given]})

    absent = AbsentImages(Replacements({}), Programs(account.parts.cloudformation.stacks))
    launch_checks = LaunchChecks(account.account, account.parts.core.registry, absent)

    with pytest.raises(LaunchFailedError, match="invalid ssm parameters: /nobody/put/it"):
        launch_checks.prepare(caller.task, spec, INTERFACE)
