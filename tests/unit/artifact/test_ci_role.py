"""cfn/fa-018-ci.yaml: the run passes with this role, and with no statement less."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import boto3
import pytest

from preflight.rehearsal.ecs import service_linked_role
from preflight.rehearsal.server import Server
from preflight.templates import template
from tests.unit.rehearsal.iam import callers, ci_run
from tests.unit.rehearsal.iam.callers import Keys

STATEMENTS: list[dict[str, Any]] = template.load(callers.ROOT / "cfn" / "fa-018-ci.yaml").data["Resources"][
    "IntegrationRole"
]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]
OFTEN = {"HandThemToTasksOnly", "DeployStacksAndTheirNestedOnes", "CallWhatKnowsNoResources"}  # the others take minutes
LINKED = "iam:CreateServiceLinkedRole"  # ECS makes its role itself, and says itself where it cannot


@pytest.fixture
def workflow(account: Server, ci_role: str) -> Keys:
    """The credentials that a workflow of the repository gets for the token of GitHub's provider."""
    sts = boto3.client("sts", region_name=callers.REGION, endpoint_url=account.address)
    answer = sts.assume_role_with_web_identity(
        RoleArn=ci_role, RoleSessionName="run", WebIdentityToken=callers.token()
    )
    return callers.keys_of(account.address, answer["Credentials"])


def test_the_run_passes_and_leaves_nothing(account: Server, workflow: Keys) -> None:
    assert ci_run.attempt(workflow) == []
    assert account.ledger.troubles == []


def case(statement: dict[str, Any]) -> Any:
    """The statement as a parameter; all but some only in the long campaign."""
    marks = () if statement["Sid"] in OFTEN else (pytest.mark.request_faults,)
    return pytest.param(statement, id=statement["Sid"], marks=marks)


@pytest.mark.parametrize("statement", [case(one) for one in STATEMENTS])
def test_the_run_fails_without_a_statement_and_names_what_was_denied(
    workflow: Keys, without: Callable[[str], None], statement: dict[str, Any]
) -> None:
    without(statement["Sid"])
    actions = [statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"]
    words = [service_linked_role.MISSING if action == LINKED else f"not authorized to perform: {action} " for action in actions]

    said = "\n".join(ci_run.attempt(workflow))

    assert any(word in said for word in words), said
