"""The policy of a registry, kept by us: moto takes two actions of ECR only, AWS all of them.

https://docs.aws.amazon.com/AmazonECR/latest/userguide/registry-permissions.html; moto/ecr/models.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from preflight.aws import iam_policy
from preflight.rehearsal.protocol import Call, Operation, Refusal

INVALID = "Invalid parameter at 'PolicyText' failed to satisfy constraint: 'Invalid registry policy provided'"


def operations(registry: str) -> Mapping[str, Operation]:
    """Put, Get and Delete, of one policy a region."""
    kept: dict[str, str] = {}

    def shown(region: str) -> dict[str, Any]:
        if region not in kept:
            msg = f"Registry policy does not exist in the registry with id '{registry}'"
            raise Refusal("RegistryPolicyNotFoundException", msg)
        return {"registryId": registry, "policyText": kept[region]}

    def put(call: Call) -> dict[str, Any]:
        text = str(call.given["policyText"])
        _check(text)
        kept[call.region] = text
        return shown(call.region)

    def delete(call: Call) -> dict[str, Any]:
        answer = shown(call.region)
        del kept[call.region]
        return answer

    return {
        "PutRegistryPolicy": put,
        "GetRegistryPolicy": lambda call: shown(call.region),
        "DeleteRegistryPolicy": delete,
    }


def _check(text: str) -> None:
    policy = iam_policy.document(text)
    statements = policy.get("Statement") if policy is not None else None
    listed = [statements] if isinstance(statements, Mapping) else statements or []
    is_whole = all(isinstance(s, Mapping) and {"Effect", "Principal", "Action"} <= set(s) for s in listed)
    actions = [str(a) for s in listed if isinstance(s, Mapping) for a in _list(s.get("Action"))]
    if not listed or not is_whole or not all(action.startswith("ecr:") for action in actions):
        raise Refusal("InvalidParameterException", INVALID)


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else [value]
