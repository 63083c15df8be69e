"""cfn/fa-018-ci.yaml: the run passes with this role, and with no statement less."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import boto3
import pytest
from tests.unit.rehearsal.iam import callers as people
from tests.unit.rehearsal.iam import ci_run as run

from preflight.rehearsal import server
from preflight.rehearsal.ecs import service_linked_role as linked
from preflight.templates import template

STATEMENTS: list[dict[str, Any]] = template.load(people.ROOT / "cfn" / "fa-018-ci.yaml").data["Resources"][
    "IntegrationRole"
]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]
OFTEN = {"HandThemToTasksOnly", "DeployStacksAndTheirNestedOnes", "CallWhatKnowsNoResources"}  # the others take minutes
LINKED = "iam:CreateServiceLinkedRole"  # ECS makes its role itself, and says itself where it cannot


@pytest.fixture
def workflow(account: server.Server, ci_role: str) -> people.Keys:
    """The credentials that a workflow of the repository gets for the token of GitHub's provider."""
    sts = boto3.client("sts", region_name=people.REGION, endpoint_url=account.address)
    answer = sts.assume_role_with_web_identity(
        RoleArn=ci_role, RoleSessionName="run", WebIdentityToken=people.token()
    )
    return people.keys_of(account.address, answer["Credentials"])


def test_the_run_passes_and_leaves_nothing(account: server.Server, workflow: people.Keys) -> None:
    assert (run.attempt(workflow), account.book.troubles) == ([], [])


def case(statement: dict[str, Any]) -> Any:
    """The statement as a parameter; all but some only in the long campaign."""
    marks = () if statement["Sid"] in OFTEN else (pytest.mark.storm,)
    return pytest.param(statement, id=statement["Sid"], marks=marks)


@pytest.mark.parametrize("statement", [case(one) for one in STATEMENTS])
def test_the_run_fails_without_a_statement_and_names_what_was_denied(
    workflow: people.Keys, without: Callable[[str], None], statement: dict[str, Any]
) -> None:
    without(statement["Sid"])
    actions = [statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"]
    words = [linked.MISSING if action == LINKED else f"not authorized to perform: {action} " for action in actions]

    said = "\n".join(run.attempt(workflow))

    assert any(word in said for word in words), said
