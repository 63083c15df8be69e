from __future__ import annotations

import datetime as dt
from pathlib import Path
from unittest import mock

import pytest

from preflight.deploy.declared_resources import DeclaredResources

EARLY = dt.datetime(2026, 1, 1, tzinfo=dt.timezone.utc)
LATE = EARLY + dt.timedelta(minutes=1)
NESTED = "AWS::CloudFormation::Stack"


def at_rest_since(folder: Path, *resources: tuple[str, str, dt.datetime]) -> dt.datetime | None:
    """Since when a stack of resources (kind, status, last update) is at rest, but for a service that fails."""
    (folder / "t.yaml").write_text("Resources: {}\n")
    summaries = [
        {"LogicalResourceId": f"R{n}", "ResourceType": kind, "ResourceStatus": status, "LastUpdatedTimestamp": updated}
        for n, (kind, status, updated) in enumerate(resources)
    ]
    service = {"LogicalResourceId": "S", "PhysicalResourceId": "arn:s", "ResourceType": "AWS::ECS::Service"}
    failing = {**service, "ResourceStatus": "CREATE_IN_PROGRESS", "LastUpdatedTimestamp": LATE}
    stacks = mock.Mock(resources=lambda _stack: [*summaries, failing])
    declared = DeclaredResources(stacks, staged={}, names={})
    declared.add("stack", folder / "t.yaml")
    declared.refresh()
    return declared.at_rest_since({"arn:s"})


def test_a_stack_is_at_rest_since_its_last_change(tmp_path: Path) -> None:
    route = ("AWS::EC2::Route", "CREATE_COMPLETE", LATE)

    assert at_rest_since(tmp_path, ("AWS::EC2::VPC", "CREATE_COMPLETE", EARLY), route) == LATE


@pytest.mark.parametrize(
    "kind", [pytest.param("AWS::EC2::Route", id="a route"), pytest.param("AWS::ECS::Service", id="another service")]
)
def test_it_is_not_while_something_else_is_created(tmp_path: Path, kind: str) -> None:
    assert at_rest_since(tmp_path, (kind, "CREATE_IN_PROGRESS", EARLY)) is None


def test_a_nested_stack_is_judged_by_its_resources(tmp_path: Path) -> None:
    nested = (NESTED, "CREATE_IN_PROGRESS", LATE)

    assert at_rest_since(tmp_path, ("AWS::EC2::VPC", "CREATE_COMPLETE", EARLY), nested) == EARLY


def test_the_resource_that_has_a_name_already_is_found_in_the_reason(tmp_path: Path) -> None:
    (tmp_path / "t.yaml").write_text("Resources: {Logs: {Type: 'AWS::Logs::LogGroup'}}\n")
    group = {"LogicalResourceId": "Logs", "PhysicalResourceId": "/ecs/web", "ResourceType": "AWS::Logs::LogGroup"}
    declared = DeclaredResources(mock.Mock(resources=lambda _stack: [group]), staged={}, names={})
    declared.add("stack", tmp_path / "t.yaml")
    declared.refresh()

    found = declared.named_in("""identifier '{"/properties/LogGroupName":"/ecs/web"}' already exists.""")

    assert found is not None
    assert found.logical == "Logs"
