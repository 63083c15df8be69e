"""What `delete-stack` would refuse, and what it would leave."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import pytest
from botocore.exceptions import ClientError

from preflight.deploy.declared_resources import DeclaredResource
from preflight.model import Finding, Severity
from preflight.templates import template
from preflight.traffic import deletion_drill


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def findings(folder: Path, kind: str, more: str = "", *, images: int = 0, protection: str = "false", **kept: int) -> list[Finding]:
    """Returns the findings of one resource in an account with so many images, and so much kept in a bucket."""
    (folder / "t.yaml").write_text(f"Resources:\n  Thing:\n    Type: {kind}\n{more}")
    resource = DeclaredResource(template.load(folder / "t.yaml", name="t.yaml"), "Thing", "thing-1", kind, "stack")
    parameters = [{"ParameterKey": "Policy", "ParameterValue": "Retain"}, {"ParameterKey": "Protect", "ParameterValue": "true"}]
    client = SimpleNamespace(
        describe_stacks=lambda **_given: {"Stacks": [{"Parameters": parameters}]},
        list_images=lambda **_given: {"imageIds": [{}] * images},
        describe_load_balancer_attributes=lambda **_given: {"Attributes": [{"Key": "deletion_protection.enabled", "Value": protection}]},
        list_object_versions=lambda **_given: {name: [{}] * count for name, count in kept.items()},
    )
    session: Any = SimpleNamespace(client=lambda _service: client)
    return list(deletion_drill.findings(session, SimpleNamespace(all=lambda: [resource])))


EMPTIED = "  Emptied: {Type: 'Custom::S3AutoDeleteObjects', Properties: {BucketName: !Ref Thing}}\n"


@pytest.mark.parametrize(
    ("kind", "more", "account", "said"),
    [
        pytest.param("AWS::ECR::Repository", "", {"images": 2}, "fails at thing-1: the repository still contains images", id="images"),
        pytest.param("AWS::S3::Bucket", "", {"Versions": 1}, "fails at thing-1: the bucket is not empty", id="objects"),
        pytest.param("AWS::S3::Bucket", "", {"DeleteMarkers": 1}, "fails at thing-1: the bucket is not empty", id="the marker of a deleted object"),
        pytest.param("AWS::DynamoDB::Table", "    Properties: {DeletionProtectionEnabled: true}\n", {}, "deletion protection is on", id="a protected table"),
        pytest.param("AWS::ElasticLoadBalancingV2::LoadBalancer", "", {"protection": "true"}, "deletion protection is on", id="a protected load balancer"),
        pytest.param("AWS::RDS::DBInstance", "    Properties: {DeletionProtection: true}\n", {}, "deletion protection is on", id="a protected database"),
        pytest.param("AWS::RDS::DBInstance", "    Properties: {DeletionProtection: !Ref Protect}\n", {}, "deletion protection is on", id="a database protected by a parameter"),
        pytest.param("AWS::RDS::DBInstance", "    Properties: {DeletionProtection: !Ref Protect, MasterUserPassword: !GetAtt Other.Value}\n", {}, "deletion protection is on", id="a database with a reference to another resource"),
        pytest.param("AWS::S3::Bucket", "    DeletionPolicy: !Ref Policy\n", {"Versions": 1}, "its DeletionPolicy Retain keeps it", id="what a parameter retains"),
        pytest.param("AWS::S3::Bucket", "    DeletionPolicy: Retain\n", {"Versions": 1}, "leaves thing-1: its DeletionPolicy Retain keeps it", id="what is retained"),
    ],
)  # fmt: skip
def test_the_drill_says_that_a_deletion(folder: Path, kind: str, more: str, account: dict[str, Any], said: str) -> None:
    assert said in findings(folder, kind, more, **account)[0].message


@pytest.mark.parametrize(
    ("kind", "more", "account"),
    [
        pytest.param("AWS::ECR::Repository", "", {}, id="an empty repository"),
        pytest.param("AWS::ECR::Repository", "    Properties: {EmptyOnDelete: true}\n", {"images": 2}, id="a repository that is emptied"),
        pytest.param("AWS::S3::Bucket", "", {}, id="an empty bucket"),
        pytest.param("AWS::S3::Bucket", EMPTIED, {"Versions": 1}, id="a bucket that CDK empties"),
        pytest.param("AWS::ElasticLoadBalancingV2::LoadBalancer", "", {}, id="a load balancer without protection"),
        pytest.param("AWS::SNS::Topic", "    DeletionPolicy: Delete\n", {}, id="a topic"),
    ],
)
def test_nothing_keeps_from_being_deleted(folder: Path, kind: str, more: str, account: dict[str, Any]) -> None:
    assert findings(folder, kind, more, **account) == []


def test_what_is_left_is_no_warning(folder: Path) -> None:
    assert findings(folder, "AWS::SQS::Queue", "    DeletionPolicy: Retain\n")[0].severity is Severity.INFO


def test_what_the_caller_may_not_read_is_reported(folder: Path) -> None:
    denied = ClientError({"Error": {"Code": "AccessDenied"}, "ResponseMetadata": {"HTTPStatusCode": 403}}, "ListObjectVersions")
    (folder / "t.yaml").write_text("Resources: {Thing: {Type: 'AWS::S3::Bucket'}}\n")
    resource = DeclaredResource(template.load(folder / "t.yaml", name="t.yaml"), "Thing", "thing-1", "AWS::S3::Bucket")
    session: Any = mock.MagicMock()
    session.client.return_value.list_object_versions.side_effect = denied

    found = list(deletion_drill.findings(session, SimpleNamespace(all=lambda: [resource])))

    assert "could not be checked" in found[0].message
