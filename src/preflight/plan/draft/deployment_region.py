"""The region in which templates are most likely deployed: the one that they name most often. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from typing import Any

_REGION = re.compile(r"(?<![a-z0-9-])(?:af|ap|ca|eu|il|me|mx|sa|us)-(?:(?:north|south)?(?:east|west)?|central|gov-(?:east|west))-[1-9](?=[a-f]?(?![a-z0-9]))")
# Properties that name other regions than the stack's:
# https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_ReplicationDestination.html,
# https://docs.aws.amazon.com/efs/latest/ug/efs-replication.html,
# https://docs.aws.amazon.com/kms/latest/APIReference/API_ReplicateKey.html,
# https://docs.aws.amazon.com/secretsmanager/latest/userguide/replicate-secrets.html
_OF_REPLICAS = {
    "AWS::ECR::ReplicationConfiguration": "ReplicationConfiguration",
    "AWS::EFS::FileSystem": "ReplicationConfiguration",
    "AWS::KMS::ReplicaKey": "PrimaryKeyArn",
    "AWS::SecretsManager::Secret": "ReplicaRegions",
}


def named_most_often(templates: Iterable[dict[str, Any]]) -> str | None:
    """Returns the region that templates name most often, or None; where something is replicated to or from does not count."""
    names = Counter(name for template in templates for name in _REGION.findall(str(_without_replicas(template))))
    return names.most_common(1)[0][0] if names else None


def _without_replicas(template: dict[str, Any]) -> dict[str, Any]:
    resources = template.get("Resources")
    if not isinstance(resources, dict):
        return template
    return template | {"Resources": {name: _without_replica(resource) for name, resource in resources.items()}}


def _without_replica(resource: Any) -> Any:
    properties = resource.get("Properties") if isinstance(resource, dict) else None
    if not isinstance(properties, dict):
        return resource
    key = _OF_REPLICAS.get(str(resource.get("Type")))
    return resource | {"Properties": {name: value for name, value in properties.items() if name != key}}
