"""Requests that break the constraints of their service's own model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

Client = Callable[[str], Any]
TRUST = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ecs.amazonaws.com"},"Action":"sts:AssumeRole"}]}'


def test_a_value_that_does_not_match_its_pattern_is_refused(client: Client) -> None:
    with pytest.raises(ClientError, match="Value 'bad name!' at 'logGroupName' failed to satisfy constraint: Member must satisfy regular"):
        client("logs").create_log_group(logGroupName="bad name!")


def test_letters_are_those_of_ascii_as_in_java(client: Client) -> None:
    with pytest.raises(ClientError, match="at 'roleName' failed to satisfy constraint"):
        client("iam").create_role(RoleName="rôle", AssumeRolePolicyDocument=TRUST)


def test_a_text_that_is_too_long_is_refused(client: Client) -> None:
    with pytest.raises(ClientError, match="at 'description' failed to satisfy constraint: Member must have length less than or equal to 1000"):
        client("iam").create_role(RoleName="a", AssumeRolePolicyDocument=TRUST, Description="a" * 1001)


def test_a_number_beyond_its_range_is_refused(client: Client) -> None:
    with pytest.raises(ClientError, match="at 'healthCheckTimeoutSeconds' failed to satisfy constraint: Member must have value less"):
        client("elbv2").create_target_group(Name="a", HealthCheckTimeoutSeconds=121)


def test_a_word_that_is_none_of_an_enumeration_is_refused(client: Client) -> None:
    with pytest.raises(ClientError, match="at 'tier' failed to satisfy constraint: Member must satisfy enum value set"):
        client("ssm").put_parameter(Name="a", Value="b", Type="String", Tier="Best")


def track(client: Client, metric: str) -> None:
    """Asks for a policy by a metric for a target that is not registered."""
    configuration = {"TargetValue": 1, "PredefinedMetricSpecification": {"PredefinedMetricType": metric}}
    name = {"ServiceNamespace": "ecs", "ResourceId": "service/a/b", "ScalableDimension": "ecs:service:DesiredCount"}
    client("application-autoscaling").put_scaling_policy(PolicyName="a", PolicyType="TargetTrackingScaling", TargetTrackingScalingPolicyConfiguration=configuration, **name)


def test_a_metric_that_aws_may_have_added_is_no_mistake(client: Client) -> None:
    with pytest.raises(ClientError, match="No scalable target registered"):
        track(client, "ECSServiceAverageGPUUtilization")


def test_a_metric_misspelt_is_refused(client: Client) -> None:
    with pytest.raises(ClientError, match="Member must satisfy enum value set"):
        track(client, "EcsServiceAverageCPUUtilization")


def test_a_secret_value_is_not_repeated(client: Client) -> None:
    with pytest.raises(ClientError) as refused:
        client("secretsmanager").create_secret(Name="a", SecretString="s3cret" * 20_000)

    assert "s3cret" not in str(refused.value)


def test_what_meets_the_model_is_taken(client: Client) -> None:
    client("logs").create_log_group(logGroupName="/ok/a.b-c_d#1")
