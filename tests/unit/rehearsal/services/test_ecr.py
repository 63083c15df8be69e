"""What ECR refuses of requests, and what it keeps of a registry."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

Client = Callable[[str], Any]
ACCOUNT = "123456789012"


@pytest.fixture
def ecr(client: Client) -> Any:
    found = client("ecr")
    found.create_repository(repositoryName="app")
    return found


def lifecycle(**action: str) -> str:
    selection = {"tagStatus": "any", "countType": "sinceImagePulled", "countUnit": "days", "countNumber": 30}
    return json.dumps({"rules": [{"rulePriority": 1, "selection": selection, "action": action}]})


def policy(**statement: Any) -> str:
    full = {"Effect": "Allow", "Principal": "*", "Action": "ecr:BatchGetImage", **statement}
    return json.dumps({"Version": "2012-10-17", "Statement": [full]})


def rule(*regions: str) -> dict[str, Any]:
    return {"destinations": [{"region": region, "registryId": ACCOUNT} for region in regions]}


def test_a_lifecycle_policy_may_archive_images(ecr: Any) -> None:
    text = lifecycle(type="transition", targetStorageClass="archive")

    assert ecr.put_lifecycle_policy(repositoryName="app", lifecyclePolicyText=text)["lifecyclePolicyText"] == text


def test_a_lifecycle_policy_has_the_actions_that_there_are(ecr: Any) -> None:
    with pytest.raises(ClientError, match="Lifecycle policy validation failure"):
        ecr.put_lifecycle_policy(repositoryName="app", lifecyclePolicyText=lifecycle(type="delete"))


@pytest.mark.parametrize(
    "statement",
    [
        pytest.param({"Resource": "*"}, id="a resource"),
        pytest.param({"Action": "s3:GetObject"}, id="an action of another service"),
        pytest.param({"Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:role/absent"}}, id="a role that does not exist"),
    ],
)
def test_a_repository_policy_is_refused_with(ecr: Any, statement: dict[str, Any]) -> None:
    with pytest.raises(ClientError, match="Invalid repository policy provided"):
        ecr.set_repository_policy(repositoryName="app", policyText=policy(**statement))


def test_a_repository_policy_of_ecr_is_taken(ecr: Any) -> None:
    assert ecr.set_repository_policy(repositoryName="app", policyText=policy())["policyText"] == policy()


def test_a_registry_policy_of_another_service_is_refused(ecr: Any) -> None:
    with pytest.raises(ClientError, match="Invalid registry policy provided"):
        ecr.put_registry_policy(policyText=policy(Action="s3:GetObject", Resource="*"))


def test_a_registry_is_not_copied_to_itself(ecr: Any) -> None:
    with pytest.raises(ClientError, match="cannot be the same as the source registry"):
        ecr.put_replication_configuration(
            replicationConfiguration={"rules": [rule("eu-west-1"), rule("eu-west-1", "ap-northeast-1")]}
        )


def test_a_registry_has_the_rules_it_is_copied_by(ecr: Any) -> None:
    ecr.put_replication_configuration(replicationConfiguration={"rules": [rule("eu-west-1"), rule("us-east-1")]})

    assert ecr.describe_registry()["replicationConfiguration"]["rules"] == [rule("eu-west-1"), rule("us-east-1")]


def test_a_registry_does_not_cache_itself(client: Client) -> None:
    ecr = client("ecr")
    own = f"123456789012.dkr.ecr.{ecr.meta.region_name}.amazonaws.com"

    with pytest.raises(ClientError, match="UnsupportedUpstreamRegistryException"):
        ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="own", upstreamRegistryUrl=own)


def test_the_secret_of_a_cached_registry_is_in_its_region(client: Client) -> None:
    arn = "arn:aws:secretsmanager:eu-north-1:123456789012:secret:ecr-pullthroughcache/hub-abcdef"
    given = {"ecrRepositoryPrefix": "hub", "upstreamRegistryUrl": "registry-1.docker.io", "credentialArn": arn}

    with pytest.raises(ClientError, match="is not in the region of the pull through cache rule"):
        client("ecr").create_pull_through_cache_rule(**given)
