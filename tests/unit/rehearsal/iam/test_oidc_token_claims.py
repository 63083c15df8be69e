"""AssumeRoleWithWebIdentity: whose token opens a role, and how AWS refuses the others."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from preflight.rehearsal.server import Server
from tests.unit.rehearsal.iam import callers

NOT_AUTHORIZED = "Not authorized to perform sts:AssumeRoleWithWebIdentity"


@pytest.fixture
def ask(account: Server) -> Callable[[str, str], dict[str, Any]]:
    """Ask STS for credentials, with a token and nothing else."""

    def assume(role: str, token: str) -> dict[str, Any]:
        sts = boto3.client("sts", region_name=callers.REGION, endpoint_url=account.address)
        found: dict[str, Any] = sts.assume_role_with_web_identity(
            RoleArn=role, RoleSessionName="run", WebIdentityToken=token
        )
        return found

    return assume


def refused(ask: Callable[[str, str], dict[str, Any]], role: str, token: str) -> tuple[str, str]:
    """Code and message of a refusal."""
    with pytest.raises(ClientError) as error:
        ask(role, token)
    return error.value.response["Error"]["Code"], error.value.response["Error"]["Message"]


def test_a_token_of_the_repository_opens_the_role(ask: Callable[[str, str], dict[str, Any]], ci_role: str) -> None:
    found = ask(ci_role, callers.token())

    assert found["SubjectFromWebIdentityToken"] == callers.SUBJECT
    assert found["Audience"] == "sts.amazonaws.com"
    assert found["AssumedRoleUser"]["Arn"] == f"arn:aws:sts::123456789012:assumed-role/{ci_role.rpartition('/')[2]}/run"


@pytest.mark.parametrize(
    ("changed", "code", "words"),
    [
        pytest.param({"sub": "repo:owner/other:environment:aws"}, "AccessDenied", NOT_AUTHORIZED, id="another repository"),
        pytest.param(
            {"sub": "repo:owner/name:ref:refs/heads/main"}, "AccessDenied", NOT_AUTHORIZED, id="another environment"
        ),
        pytest.param({"aud": "sigstore"}, "InvalidIdentityToken", "Incorrect token audience", id="another audience"),
        pytest.param(
            {"iss": "https://gitlab.com"},
            "InvalidIdentityToken",
            "No OpenIDConnect provider found in your account for https://gitlab.com",
            id="an issuer that nobody knows",
        ),
        pytest.param({"exp": time.time() - 1}, "ExpiredTokenException", "Token expired: current date/time", id="expired"),
        pytest.param({"exp": float("nan")}, "InvalidIdentityToken", "The ID Token", id="an expiry that is no number"),
        pytest.param({"exp": float("inf")}, "InvalidIdentityToken", "The ID Token", id="an expiry that never comes"),
        pytest.param({"sub": None}, "InvalidIdentityToken", "Missing a required claim: sub", id="no subject"),
        pytest.param({"iss": "gitlab"}, "InvalidIdentityToken", "Issuer must be a valid URL", id="an issuer that is none"),
    ],
)
def test_other_tokens_are_refused(
    ask: Callable[[str, str], dict[str, Any]], ci_role: str, changed: dict[str, Any], code: str, words: str
) -> None:
    found, said = refused(ask, ci_role, callers.token(**changed))

    assert found == code
    assert said[: len(words)] == words


@pytest.mark.parametrize(
    "token",
    [
        pytest.param(f"a.{'W1tb' * 5000}.c", id="lists without end"),
        pytest.param("nonsense", id="no parts"),
        pytest.param("a.b.c", id="no JSON"),
        pytest.param("a.W10.c", id="a list"),
    ],
)
def test_what_is_no_token_is_refused(ask: Callable[[str, str], dict[str, Any]], ci_role: str, token: str) -> None:
    assert refused(ask, ci_role, token)[0] == "InvalidIdentityToken"


def test_a_role_that_does_not_exist_is_refused_as_one_that_may_not_be_taken(
    ask: Callable[[str, str], dict[str, Any]], ci_role: str
) -> None:
    assert refused(ask, ci_role + "2", callers.token()) == ("AccessDenied", NOT_AUTHORIZED)


def test_a_role_that_trusts_no_provider_is_not_opened_by_a_token(
    ask: Callable[[str, str], dict[str, Any]], ci_role: str, make_role: Callable[..., str]
) -> None:
    assert refused(ask, make_role(), callers.token()) == ("AccessDenied", NOT_AUTHORIZED)


def test_a_deny_in_the_trust_policy_wins(
    ask: Callable[[str, str], dict[str, Any]], ci_role: str, client: Callable[[str], Any]
) -> None:
    name = ci_role.rpartition("/")[2]
    document = client("iam").get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]
    document["Statement"].append({**document["Statement"][0], "Sid": "No", "Effect": "Deny"})
    client("iam").update_assume_role_policy(RoleName=name, PolicyDocument=json.dumps(document))

    assert refused(ask, ci_role, callers.token())[0] == "AccessDenied"
