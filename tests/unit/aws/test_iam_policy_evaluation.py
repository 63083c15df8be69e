from __future__ import annotations

import time
from typing import Any

import pytest

from preflight.aws import iam_policy_evaluation
from preflight.aws.iam_policy_evaluation import Policies, RequestContext

ARN = "arn:aws:ecr:eu-west-1:123456789012:repository/app"
REQUEST = RequestContext("ecr:BatchGetImage", ARN, {"aws:requestedregion": "eu-west-1"})


def allow(**change: Any) -> dict[str, Any]:
    return {"Statement": [{"Effect": "Allow", "Action": "ecr:BatchGetImage", "Resource": "*", **change}]}


@pytest.mark.parametrize(
    ("policies", "boundary", "is_allowed"),
    [
        pytest.param([allow()], None, True, id="by name"),
        pytest.param([allow(Action=["x:y", "ECR:batch*"])], None, True, id="by wildcard, whatever the case"),
        pytest.param([allow(Action="*")], None, True, id="everything"),
        pytest.param([allow(Resource=ARN)], None, True, id="this repository"),
        pytest.param([allow(Resource="arn:aws:ecr:*:*:repository/a?p")], None, True, id="a pattern of repositories"),
        pytest.param([{"Statement": allow()["Statement"][0]}], None, True, id="one statement that is no list"),
        pytest.param(
            [allow(Condition={"StringEquals": {"aws:RequestedRegion": "eu-west-1"}})],
            None,
            True,
            id="a condition that holds",
        ),
        pytest.param([allow()], allow(), True, id="within the boundary"),
        pytest.param([], None, False, id="no policy"),
        pytest.param([allow(Action="ecr:GetAuthorizationToken")], None, False, id="another action"),
        pytest.param([allow(Resource=ARN + "2")], None, False, id="another repository"),
        pytest.param([allow(), allow(Effect="Deny")], None, False, id="an explicit deny wins"),
        pytest.param(
            [allow(Condition={"StringEquals": {"aws:RequestedRegion": "us-east-1"}})],
            None,
            False,
            id="a condition that fails",
        ),
        pytest.param([allow(Condition={"Nope": {"a": "b"}})], None, False, id="an operator that nobody knows"),
        pytest.param([allow()], allow(Action="s3:*"), False, id="beyond the boundary"),
        pytest.param(
            [{"Statement": [{"Effect": "Allow", "NotAction": "ecr:*", "Resource": "*"}]}], None, False, id="NotAction"
        ),
    ],
)
def test_allows(policies: list[dict[str, Any]], boundary: dict[str, Any] | None, is_allowed: bool) -> None:  # noqa: FBT001 - a case
    assert iam_policy_evaluation.allows(Policies(tuple(policies), boundary), REQUEST) is is_allowed


NAMED = RequestContext(
    "ecr:BatchGetImage",
    "arn:aws:ecr:eu-west-1:123456789012:repository/ann",
    {"aws:username": "ann", "aws:principaltag/team": "*", "aws:currenttime": "2026-06-01T12:00:00Z"},
)
REPOSITORIES = "arn:aws:ecr:eu-west-1:123456789012:repository/"


@pytest.mark.parametrize(
    ("change", "is_allowed"),
    [
        pytest.param({"Resource": REPOSITORIES + "${aws:username}"}, True, id="a variable"),
        pytest.param({"Resource": REPOSITORIES + "${aws:userid}"}, False, id="a variable without value"),
        pytest.param({"Resource": REPOSITORIES + "${aws:userid, 'ann'}"}, True, id="a variable with a default"),
        pytest.param(
            {"Resource": REPOSITORIES + "${aws:PrincipalTag/team}"}, False, id="a star that a variable brings"
        ),
        pytest.param({"Condition": {"StringLike": {"aws:PrincipalTag/team": "${*}"}}}, True, id="a star as itself"),
        pytest.param({"Condition": {"StringLike": {"aws:username": "${*}"}}}, False, id="a star that is not wild"),
        pytest.param({"Condition": {"StringLike": {"aws:username": "[a]nn"}}}, False, id="brackets that mean nothing"),
        pytest.param({"Condition": {"DateLessThan": {"aws:CurrentTime": "2026-06-02"}}}, True, id="before a day"),
        pytest.param({"Condition": {"DateLessThan": {"aws:CurrentTime": "1780000000"}}}, False, id="after a moment"),
        pytest.param({"Condition": {"DateGreaterThan": {"aws:CurrentTime": "soon"}}}, False, id="a date that is none"),
        pytest.param({"Condition": {"NumericEquals": {"aws:username": "1"}}}, False, id="a number that is none"),
        pytest.param({"Condition": {"ForAnyValue:StringEquals": {"aws:TagKeys": "a"}}}, False, id="any of no values"),
        pytest.param(
            {"Condition": {"ForAnyValue:StringEqualsIfExists": {"aws:TagKeys": "a"}}},
            True,
            id="any of no values, if they exist",
        ),
        pytest.param({"Condition": {"Null": {"aws:username": []}}}, False, id="Null with nothing"),
        pytest.param({"Condition": {"NopeNot": {"aws:TagKeys": "a"}}}, False, id="a negation that nobody knows"),
    ],
)
def test_variables_and_conditions(change: dict[str, Any], is_allowed: bool) -> None:  # noqa: FBT001 - a case
    policy = {"Version": "2012-10-17", **allow(**change)}

    assert iam_policy_evaluation.allows(Policies((policy,)), NAMED) is is_allowed


def test_a_policy_without_a_version_has_no_variables() -> None:
    policy = allow(Resource=REPOSITORIES + "${aws:username}")

    assert not iam_policy_evaluation.allows(Policies((policy,)), NAMED)


def test_a_pattern_full_of_stars_is_matched_within_seconds() -> None:
    pattern = "*a" * 40 + "*b"
    started = time.monotonic()

    assert not iam_policy_evaluation.like("a" * 5000, pattern)
    assert time.monotonic() - started < 10


@pytest.mark.hostile
def test_variables_that_never_end_are_read_within_seconds() -> None:
    policy = {"Version": "2012-10-17", **allow(Resource="${" * 300_000 + "*")}
    started = time.monotonic()

    assert not iam_policy_evaluation.allows(Policies((policy,)), NAMED)
    assert time.monotonic() - started < 10


DENY_ALL = {"Effect": "Deny", "Action": "*", "Resource": "*"}


@pytest.mark.parametrize(
    ("policies", "resource", "is_allowed"),
    [
        pytest.param([allow(Resource=ARN)], None, True, id="an unknown resource, an Allow of any"),
        pytest.param(
            [allow(), {"Statement": [{**DENY_ALL, "Resource": ARN}]}],
            None,
            True,
            id="an unknown resource, a Deny of one",
        ),
        pytest.param([allow(), {"Statement": [DENY_ALL]}], None, False, id="an unknown resource, a Deny of all"),
        pytest.param(
            [{"Statement": [{"Effect": "Allow", "Action": "*", "NotResource": ARN}]}],
            ARN,
            False,
            id="NotResource that names it",
        ),
        pytest.param(
            [{"Statement": [{"Effect": "Allow", "Action": "*", "NotResource": ARN}]}],
            ARN + "2",
            True,
            id="NotResource of another",
        ),
    ],
)
def test_resources_of_a_statement(policies: list[dict[str, Any]], resource: str | None, *, is_allowed: bool) -> None:
    request = RequestContext("ecr:BatchGetImage", resource)

    assert iam_policy_evaluation.allows(Policies(tuple(policies)), request) is is_allowed


@pytest.mark.parametrize(
    ("principal", "is_denied"),
    [
        pytest.param({"AWS": "arn:aws:iam::1:role/a"}, False, id="the principal itself"),
        pytest.param({"AWS": "arn:aws:iam::1:role/b"}, True, id="another principal"),
        pytest.param("*", False, id="everybody"),
    ],
)
def test_not_principal_means_all_others(principal: object, *, is_denied: bool) -> None:
    policy = {"Statement": [{"Effect": "Deny", "NotPrincipal": principal, "Action": "*", "Resource": "*"}]}

    assert iam_policy_evaluation.denies(policy, ["arn:aws:iam::1:role/a"], REQUEST) is is_denied


def trust(**change: Any) -> dict[str, Any]:
    return {
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "ecs-tasks.amazonaws.com"},
                "Action": "sts:AssumeRole",
                **change,
            }
        ]
    }


@pytest.mark.parametrize(
    ("policy", "is_trusted"),
    [
        pytest.param(trust(), True, id="the service"),
        pytest.param(trust(Principal={"Service": ["a", "ecs-tasks.amazonaws.com"]}), True, id="among others"),
        pytest.param(trust(Condition={"StringEquals": {"aws:SourceAccount": "1"}}), True, id="this account"),
        pytest.param(
            trust(Condition={"ArnLike": {"aws:SourceArn": "arn:aws:ecs:*:1:*"}}), True, id="this account by ARN"
        ),
        pytest.param(
            {"Statement": [*trust()["Statement"], *trust(Effect="Deny")["Statement"]]},
            False,
            id="a deny of the service",
        ),
        pytest.param(
            {"Statement": [*trust()["Statement"], *trust(Effect="Deny", Principal={"Service": "a"})["Statement"]]},
            True,
            id="a deny of another service",
        ),
        pytest.param(trust(Principal={"Service": "ecs.amazonaws.com"}), False, id="another service"),
        pytest.param(trust(Principal={"AWS": "1"}), False, id="an account"),
        pytest.param(trust(Action="sts:TagSession"), False, id="another action"),
        pytest.param(trust(Condition={"StringEquals": {"aws:SourceAccount": "2"}}), False, id="another account"),
    ],
)
def test_trusts(policy: dict[str, Any], is_trusted: bool) -> None:  # noqa: FBT001 - a case
    context = {"aws:sourceaccount": "1", "aws:sourcearn": "arn:aws:ecs:r:1:x"}
    request = RequestContext("sts:AssumeRole", context=context)

    assert iam_policy_evaluation.trusts(policy, "ecs-tasks.amazonaws.com", request) is is_trusted


@pytest.mark.parametrize(
    ("principal", "is_trusted"),
    [
        pytest.param("states.ap-northeast-1.amazonaws.com", True, id="its name in a region"),
        pytest.param("states.us-gov-west-1.amazonaws.com", True, id="its name in a region with a longer name"),
        pytest.param("events.ap-northeast-1.amazonaws.com", False, id="another service"),
        pytest.param("states.tokyo.amazonaws.com", False, id="no region"),
    ],
)
def test_step_functions_has_a_name_in_each_region(principal: str, is_trusted: bool) -> None:  # noqa: FBT001 - a case
    policy = trust(Principal={"Service": principal})
    request = RequestContext("sts:AssumeRole", context={})

    assert iam_policy_evaluation.trusts(policy, "states.amazonaws.com", request) is is_trusted


def test_the_denial_names_the_action() -> None:
    said = iam_policy_evaluation.denial_reason(Policies(), REQUEST)

    assert said == "because no identity-based policy allows the ecr:BatchGetImage action"


def test_a_deny_of_the_boundary_is_told_as_one() -> None:
    policies = Policies((allow(),), allow(Effect="Deny"))

    assert iam_policy_evaluation.denial_reason(policies, REQUEST) == "with an explicit deny in a permissions boundary"


ROLE = "arn:aws:iam::123456789012:role/r"
PULL = RequestContext("ecr:BatchGetImage", "arn:aws:ecr:eu-west-1:123456789012:repository/a")


@pytest.mark.parametrize(
    ("principal", "denied"),
    [
        pytest.param("*", True, id="everybody"),
        pytest.param({"AWS": ROLE}, True, id="the role"),
        pytest.param({"AWS": "arn:aws:iam::123456789012:root"}, True, id="the account"),
        pytest.param({"AWS": "arn:aws:iam::999999999999:root"}, False, id="another account"),
        pytest.param({"Service": "ecs.amazonaws.com"}, False, id="a service"),
    ],
)
def test_who_a_repository_denies(principal: Any, *, denied: bool) -> None:
    policy = {"Statement": [{"Effect": "Deny", "Principal": principal, "Action": "ecr:*"}]}

    assert iam_policy_evaluation.denies(policy, {ROLE, "123456789012"}, PULL) is denied


@pytest.mark.parametrize("document", [pytest.param("{", id="half an object"), pytest.param(None, id="nothing")])
def test_a_document_that_cannot_be_read_is_none(document: Any) -> None:
    assert iam_policy_evaluation.document(document) is None


def test_a_document_may_be_an_object_already() -> None:
    assert iam_policy_evaluation.document({"a": 1}) == {"a": 1}


PROVIDER = "arn:aws:iam::123456789012:oidc-provider/token.example"


def federated_trust(effect: str) -> dict[str, Any]:
    return {"Effect": effect, "Action": "sts:AssumeRoleWithWebIdentity", "Principal": {"Federated": PROVIDER}}


@pytest.mark.parametrize(
    ("effects", "is_trusted"),
    [
        pytest.param(["Allow"], True, id="allowed"),
        pytest.param(["Allow", "Deny"], False, id="denied as well"),
        pytest.param([], False, id="not named"),
    ],
)
def test_a_trust_policy_lets_an_identity_provider_in(effects: list[str], *, is_trusted: bool) -> None:
    policy = {"Statement": [federated_trust(effect) for effect in effects]}
    request = RequestContext("sts:AssumeRoleWithWebIdentity", ARN)

    assert iam_policy_evaluation.federates(policy, PROVIDER, request) is is_trusted
