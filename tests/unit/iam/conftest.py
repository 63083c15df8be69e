"""The role of the integration workflow, deployed on the pretended account as its administrator would."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest

from preflight.rehearsal import server

ROOT = Path(__file__).parents[3]
REGION = "ap-northeast-1"
ISSUER = "https://token.actions.githubusercontent.com"
SUBJECT = "repo:owner/name:environment:aws"
Change = Callable[[dict[str, Any]], None]


def token(**changed: Any) -> str:
    """A token as GitHub's provider would issue it, but for the signature; with a claim changed, or left out by None."""
    given = {"iss": ISSUER, "sub": SUBJECT, "aud": "sts.amazonaws.com", "exp": time.time() + 300, **changed}
    claims = {name: value for name, value in given.items() if value is not None}
    parts = [json.dumps(part).encode() for part in ({"alg": "RS256", "typ": "JWT"}, claims)]
    return ".".join([*(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts), "c2lnbmF0dXJl"])


@dataclass(frozen=True)
class Keys:
    """Credentials of somebody, and clients that use them."""

    address: str
    key: str
    secret: str
    token: str | None = None

    def client(self, service: str, region: str = REGION) -> Any:
        return boto3.client(
            service,
            region_name=region,
            endpoint_url=self.address,
            aws_access_key_id=self.key,
            aws_secret_access_key=self.secret,
            aws_session_token=self.token,
        )


def keys_of(address: str, credentials: dict[str, Any]) -> Keys:
    """The credentials of an answer of STS or IAM."""
    return Keys(address, credentials["AccessKeyId"], credentials["SecretAccessKey"], credentials.get("SessionToken"))


@pytest.fixture
def make_role(account: server.Server, client: Callable[[str], Any]) -> Callable[..., str]:
    """Make a role that the account trusts, with these statements; its ARN."""

    def make(*statements: dict[str, Any], name: str = "somebody", **given: Any) -> str:
        trust = {"Statement": [{"Effect": "Allow", "Principal": {"AWS": "123456789012"}, "Action": "sts:AssumeRole"}]}
        document = json.dumps({"Version": "2012-10-17", **trust})
        arn = str(client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=document, **given)["Role"]["Arn"])
        allow = [{"Effect": "Allow", "Resource": "*", **statement} for statement in statements]
        if allow:
            text = json.dumps({"Version": "2012-10-17", "Statement": allow})
            client("iam").put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=text)
        return arn

    return make


@pytest.fixture
def act(account: server.Server, client: Callable[[str], Any], make_role: Callable[..., str]) -> Callable[..., Keys]:
    """The credentials of a new role with these statements."""

    def assume(*statements: dict[str, Any], name: str = "somebody", **given: Any) -> Keys:
        arn = make_role(*statements, name=name)
        answer = client("sts").assume_role(RoleArn=arn, RoleSessionName="session", **given)
        return keys_of(account.address, answer["Credentials"])

    return assume


@pytest.fixture
def ci_role(client: Callable[[str], Any], deploy: Callable[..., dict[str, Any]]) -> str:
    """The ARN of the role of cfn/fa-018-ci.yaml."""
    provider = client("iam").create_open_id_connect_provider(Url=ISSUER, ClientIDList=["sts.amazonaws.com"])
    values = {"OIDCProviderArn": provider["OpenIDConnectProviderArn"], "Repository": "owner/name"}
    made = deploy(
        (ROOT / "cfn" / "fa-018-ci.yaml").read_text(),
        name="fa-018-ci",
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in values.items()],
        Capabilities=["CAPABILITY_IAM"],
    )
    return str(made["Outputs"][0]["OutputValue"])


@pytest.fixture
def without(client: Callable[[str], Any], ci_role: str) -> Callable[[str], None]:
    """Take one statement of that role away, by its Sid."""

    def take(sid: str) -> None:
        iam, name = client("iam"), ci_role.rpartition("/")[2]
        document = iam.get_role_policy(RoleName=name, PolicyName="run")["PolicyDocument"]
        document["Statement"] = [one for one in document["Statement"] if one["Sid"] != sid]
        iam.put_role_policy(RoleName=name, PolicyName="run", PolicyDocument=json.dumps(document))

    return take
