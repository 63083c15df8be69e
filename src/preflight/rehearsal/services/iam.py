"""What IAM refuses and moto does not. Each check cites AWS's page and the moto file it corrects."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import moto.backends
from moto.iam import models

from preflight.aws import partitions
from preflight.rehearsal.account import Account
from preflight.rehearsal.protocol import Call, Refusal
from preflight.rehearsal.services import ServiceEmulation

MAX_NAME = 64
_SERVICE = re.compile(r"[a-z0-9.*-]+\.(amazonaws\.com(\.cn)?|amazon\.com|aws\.internal|api\.aws)")


def _trust(_account: Account, call: Call) -> None:
    """A trust policy names who may assume the role, and no resource.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html;
    moto/iam/policy_validation.py.
    """
    name = str(call.given.get("RoleName"))
    if len(name) > MAX_NAME:
        msg = f"1 validation error detected: Value '{name}' at 'roleName' failed to satisfy constraint: Member must have length less than or equal to {MAX_NAME}"
        raise Refusal("ValidationError", msg)
    text = call.given.get("AssumeRolePolicyDocument") or call.given.get("PolicyDocument") or ""
    said = next(_wrong(text), None)
    if said is not None:
        raise Refusal("MalformedPolicyDocument", said)


def _wrong(text: str) -> Iterator[str]:
    try:
        document = json.loads(text)
    except ValueError:
        yield "This policy contains invalid Json"
        return
    statements = document.get("Statement", []) if isinstance(document, dict) else []
    for statement in [statements] if isinstance(statements, dict) else statements:
        if not isinstance(statement, dict):
            yield "Syntax errors in policy."
            return
        if "Resource" in statement or "NotResource" in statement:
            yield "Has prohibited field Resource"
        if "Principal" not in statement and "NotPrincipal" not in statement:
            yield "Missing required field Principal"
        for service in _services(statement.get("Principal")):
            if not _SERVICE.fullmatch(str(service)):
                yield f'Invalid principal in policy: "SERVICE":"{service}"'


def _services(principal: Any) -> list[Any]:
    named = principal.get("Service", []) if isinstance(principal, dict) else []
    return named if isinstance(named, list) else [named]


def load_managed_policies(account: Account, region: str) -> None:
    """Load the policies that AWS manages in the partition of a region, once.

    moto loads them for six partitions at once, which takes a second; moto/iam/models.py.
    """
    partition = partitions.partition_of(region)[0]
    with account.moto_lock:
        if f"policies of {partition}" in account.completed:
            return
        account.completed.add(f"policies of {partition}")
        backend = moto.backends.get_backend("iam")[account.id][partition]
        policies = [
            models.AWSManagedPolicy.from_data(name, account.id, partition, policy)
            for name, policy in json.loads(models.aws_managed_policies_data).items()
        ]
        backend.aws_managed_policies = policies
        backend.managed_policies.update({policy.arn: policy for policy in policies})


def service(account: Account) -> ServiceEmulation:
    """Returns IAM, whose managed policies are loaded at the first request."""
    return ServiceEmulation(
        "iam",
        checks={"CreateRole": _trust, "UpdateAssumeRolePolicy": _trust},
        before=lambda region, _request: load_managed_policies(account, region),
    )
