"""What a property goes back to when an update takes it out of the template, by type.

A service keeps a property that a request leaves out, so AWS's handlers send the default. Source: the page of each type below
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-template-resource-type-ref.html.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from preflight.model import JsonObject
from preflight.rehearsal.cloudformation.resources.context import Properties

_ANYONE = {"Version": "2008-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}]}
_ROLLING = {
    "MaximumPercent": 200,
    "MinimumHealthyPercent": 100,
    "DeploymentCircuitBreaker": {"Enable": False, "Rollback": False},
    "Alarms": {"AlarmNames": [], "Enable": False, "Rollback": False},
}
DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "AWS::EC2::VPCEndpoint": {"PrivateDnsEnabled": False, "PolicyDocument": _ANYONE},
    "AWS::ECR::RepositoryCreationTemplate": {"Description": "", "ImageTagMutability": "MUTABLE"},
    "AWS::ECS::Service": {
        "HealthCheckGracePeriodSeconds": 0,
        "PropagateTags": "NONE",
        "EnableECSManagedTags": False,
        "DeploymentConfiguration": _ROLLING,
        "LoadBalancers": [],
        "ServiceRegistries": [],
    },
    "AWS::ElasticLoadBalancingV2::Listener": {"SslPolicy": "ELBSecurityPolicy-2016-08"},
    "AWS::KMS::Key": {"EnableKeyRotation": False},
    "AWS::Lambda::Function": {"Description": "", "Timeout": 3, "MemorySize": 128, "Environment": {"Variables": {}}},
    "AWS::SNS::Subscription": {"FilterPolicy": {}, "RawMessageDelivery": False},
    "AWS::SNS::Topic": {"DisplayName": "", "KmsMasterKeyId": ""},
    "AWS::SSM::Parameter": {"Description": "", "AllowedPattern": ""},
    "AWS::SecretsManager::Secret": {"Description": "", "KmsKeyId": "alias/aws/secretsmanager"},
    **{f"AWS::ServiceDiscovery::{name}Namespace": {"Description": ""} for name in ("Http", "PrivateDns", "PublicDns")},
}


def with_defaults(kind: str, old: Properties, new: Properties) -> JsonObject:
    """Returns the new properties of a resource, and the defaults of those that it had and has no longer."""
    defaults = DEFAULTS.get(kind, {})
    return {**{name: defaults[name] for name in defaults.keys() & old.keys() - new.keys()}, **new}
