"""What an update loses or interrupts: what is lost decides the severity, and policies decide what is."""

from __future__ import annotations

from typing import Any

import pytest

from preflight.deploy import update_findings
from preflight.model import Finding, PropertyChange, Severity, StackChange

FIXED = PropertyChange("Name", "a", "b", "Always")


def findings(kind: str, action: str, *, policy: str | None = None, after: dict[str, Any] | None = None, name: PropertyChange = FIXED) -> list[Finding]:
    change = StackChange("web", "Thing", kind, action, "t.yaml", 3, policy, (name,), "main:t.yaml:7")
    return list(update_findings.of_change(change, after or {}))


@pytest.mark.parametrize(
    ("kind", "action", "policy", "severity"),
    [
        pytest.param("AWS::EFS::FileSystem", "replace", "ReplaceAndDelete", Severity.ERROR, id="files of a replaced file system"),
        pytest.param("AWS::EFS::FileSystem", "remove", "Delete", Severity.ERROR, id="files of a removed file system"),
        pytest.param("AWS::EFS::FileSystem", "replace", "ReplaceAndRetain", Severity.WARNING, id="files that the new file system lacks"),
        pytest.param("AWS::RDS::DBInstance", "remove", "Snapshot", Severity.WARNING, id="a database in a snapshot"),
        pytest.param("AWS::EC2::EIP", "replace", "ReplaceAndDelete", Severity.WARNING, id="an address"),
        pytest.param("AWS::ElasticLoadBalancingV2::LoadBalancer", "remove", "Delete", Severity.WARNING, id="the name of a load balancer"),
    ],
)
def test_what_is_lost_decides_the_severity(kind: str, action: str, policy: str, severity: Severity) -> None:
    (finding,) = findings(kind, action, policy=policy)

    assert finding.severity is severity
    assert finding.place() == "t.yaml:3"
    assert finding.property == "Name"


@pytest.mark.parametrize(
    ("kind", "action", "policy"),
    [
        pytest.param("AWS::EFS::FileSystem", "remove", "Retain", id="what is removed and kept"),
        pytest.param("AWS::EFS::FileSystem", "modify", None, id="what is modified"),
        pytest.param("AWS::ECS::TaskDefinition", "replace", "ReplaceAndDelete", id="a revision of a task definition"),
    ],
)
def test_nothing_is_lost_with(kind: str, action: str, policy: str | None) -> None:
    assert findings(kind, action, policy=policy) == []


def test_a_removed_resource_is_named_with_the_place_where_it_was() -> None:
    (finding,) = findings("AWS::DynamoDB::Table", "remove", policy="Delete", name=PropertyChange("Tags", None, None))

    assert finding.message == "the update removes this AWS::DynamoDB::Table (main:t.yaml:7), and AWS deletes its items"
    assert "deploy DeletionPolicy: Retain with it first" in str(finding.fix)


def test_a_replaced_resource_names_the_property_that_makes_it_so() -> None:
    (finding,) = findings("AWS::DynamoDB::Table", "replace", policy="ReplaceAndDelete")

    assert "because Name cannot be changed in place" in finding.message
    assert "set UpdateReplacePolicy: Retain" in str(finding.fix)


def test_a_replaced_service_is_a_warning() -> None:
    assert [finding.check for finding in findings("AWS::ECS::Service", "replace")] == ["UPDATE_REPLACES_SERVICE"]


@pytest.mark.parametrize(
    ("name", "after", "checks"),
    [
        pytest.param("TaskDefinition", {"DeploymentConfiguration": {"MinimumHealthyPercent": 0}}, ["UPDATE_STOPS_ALL_TASKS"], id="new tasks at 0 percent"),
        pytest.param("TaskDefinition", {"DeploymentConfiguration": {"MinimumHealthyPercent": 50}}, [], id="new tasks at 50 percent"),
        pytest.param("TaskDefinition", {}, [], id="new tasks by the defaults"),
        pytest.param("DesiredCount", {"DeploymentConfiguration": {"MinimumHealthyPercent": 0}}, [], id="another count"),
        pytest.param("TaskDefinition", {"DesiredCount": 0, "DeploymentConfiguration": {"MinimumHealthyPercent": 0}}, [], id="no tasks"),
    ],
)
def test_a_service_that_may_stop_all_its_tasks_is_a_warning(name: str, after: dict[str, Any], checks: list[str]) -> None:
    found = findings("AWS::ECS::Service", "modify", after=after, name=PropertyChange(name, None, None))

    assert [finding.check for finding in found] == checks
