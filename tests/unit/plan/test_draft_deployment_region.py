"""The region of a drafted plan: where templates are deployed, not where they replicate to or from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from preflight import cli
from preflight.plan.draft import deployment_region

REPLICATED = {"Rules": [{"Destinations": [{"Region": "eu-west-1", "RegistryId": {"Ref": "AWS::AccountId"}}]}]}


def of_resource(kind: Any, properties: Any) -> dict[str, Any]:
    return {"Resources": {"R": {"Type": kind, "Properties": properties}}}


@pytest.mark.parametrize(
    "template",
    [
        pytest.param(of_resource("AWS::ECR::ReplicationConfiguration", {"ReplicationConfiguration": REPLICATED}), id="registry"),
        pytest.param(of_resource("AWS::SecretsManager::Secret", {"ReplicaRegions": [{"Region": "eu-west-1"}]}), id="secret"),
        pytest.param(of_resource("AWS::EFS::FileSystem", {"ReplicationConfiguration": {"Destinations": [{"Region": "eu-west-1"}]}}), id="file system"),
        pytest.param(of_resource("AWS::KMS::ReplicaKey", {"PrimaryKeyArn": "arn:aws:kms:eu-west-1:111122223333:key/mrk-1"}), id="key"),
    ],
)
def test_a_region_that_only_replicas_have_is_none_to_deploy_in(template: dict[str, Any]) -> None:
    assert deployment_region.named_most_often([template]) is None


@pytest.mark.parametrize(
    "template",
    [
        pytest.param(of_resource("AWS::EC2::Subnet", {"AvailabilityZone": "eu-west-1a"}), id="zone"),
        pytest.param(of_resource("AWS::SecretsManager::Secret", {"Name": "eu-west-1", "ReplicaRegions": [{"Region": "us-east-1"}]}), id="name of a replicated secret"),
        pytest.param(of_resource("AWS::S3::Bucket", {"ReplicationConfiguration": {"Role": "arn:aws:iam::1:role/eu-west-1"}}), id="property of another type"),
        pytest.param({"Resources": ["eu-west-1"]}, id="resources are a list"),
        pytest.param(of_resource(["AWS::KMS::ReplicaKey"], ["eu-west-1"]), id="type and properties are lists"),
        pytest.param({"Resources": {"R": "eu-west-1"}}, id="resource is a text"),
    ],
)
def test_a_region_that_a_template_names_elsewhere_is_taken(template: dict[str, Any]) -> None:
    assert deployment_region.named_most_often([template]) == "eu-west-1"


def test_init_does_not_deploy_a_replication_where_it_leads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    template = of_resource("AWS::ECR::ReplicationConfiguration", {"ReplicationConfiguration": REPLICATED})
    (tmp_path / "template.yaml").write_text(yaml.safe_dump(template))

    assert cli.main(["init", str(tmp_path)]) == 0

    assert yaml.safe_load((tmp_path / "preflight.yaml").read_text())["region"] == "eu-central-1"
    assert "region eu-central-1: no template says which" in capsys.readouterr().err
