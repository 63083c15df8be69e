"""The policy of a registry, kept by us: moto takes two actions of ECR only, AWS all of them.

https://docs.aws.amazon.com/AmazonECR/latest/userguide/registry-permissions.html; moto/ecr/models.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from preflight.rehearsal.protocol import Call, Operation, Refusal


def operations(registry: str) -> Mapping[str, Operation]:
    """Put, Get and Delete, of one policy a region."""
    policies: dict[str, str] = {}

    def shown(region: str) -> dict[str, Any]:
        if region not in policies:
            msg = f"Registry policy does not exist in the registry with id '{registry}'"
            raise Refusal("RegistryPolicyNotFoundException", msg)
        return {"registryId": registry, "policyText": policies[region]}

    def put(call: Call) -> dict[str, Any]:
        policies[call.region] = str(call.parameters["policyText"])
        return shown(call.region)

    def delete(call: Call) -> dict[str, Any]:
        answer = shown(call.region)
        del policies[call.region]
        return answer

    return {
        "PutRegistryPolicy": put,
        "GetRegistryPolicy": lambda call: shown(call.region),
        "DeleteRegistryPolicy": delete,
    }
