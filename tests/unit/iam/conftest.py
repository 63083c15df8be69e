"""The role of the integration workflow, deployed on the pretended account as its administrator would."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest
from tests.unit.iam import people
from tests.unit.rehearsal import conftest as deployments

from preflight.rehearsal import server


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
def act(account: server.Server, client: Callable[[str], Any], make_role: Callable[..., str]) -> Callable[..., people.Keys]:
    """The credentials of a new role with these statements."""

    def assume(*statements: dict[str, Any], name: str = "somebody", **given: Any) -> people.Keys:
        arn = make_role(*statements, name=name)
        answer = client("sts").assume_role(RoleArn=arn, RoleSessionName="session", **given)
        return people.keys_of(account.address, answer["Credentials"])

    return assume


@pytest.fixture
def ci_role(client: Callable[[str], Any], deploy: Callable[..., dict[str, Any]]) -> str:
    """The ARN of the role of cfn/fa-018-ci.yaml."""
    provider = client("iam").create_open_id_connect_provider(Url=people.ISSUER, ClientIDList=["sts.amazonaws.com"])
    values = {"OIDCProviderArn": provider["OpenIDConnectProviderArn"], "Repository": "owner/name"}
    made = deploy(
        (people.ROOT / "cfn" / "fa-018-ci.yaml").read_text(),
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


@pytest.fixture
def fargate() -> dict[str, Any]:
    """A small deployment in one template, to be changed at will."""
    return copy.deepcopy(deployments.GOOD)
