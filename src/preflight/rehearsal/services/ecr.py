"""What of ECR is ours: the token that opens the rehearsal's own registry, caches, and the registry's settings."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from botocore.exceptions import ClientError
from moto.ecr import policy_validation

from preflight.rehearsal import acting, protocol
from preflight.rehearsal.account import Account
from preflight.rehearsal.protocol import Call, Refusal
from preflight.rehearsal.services import (
    Check,
    ServiceEmulation,
    ecr_pull_through_cache,
    ecr_registry,
    ecr_registry_policy,
    ecr_replication,
    iam,
    refusal_tables,
)
from preflight.rehearsal.services.ecr_registry import Registry

LIFETIME = timedelta(hours=12)


def service(account: Account, registry: Registry, address: str) -> ServiceEmulation:
    """Returns ECR, whose tokens open the registry at `address`."""

    def token(call: Call) -> dict[str, Any]:
        secret = f"{ecr_registry.USER}:{registry.password(call.region, acting.principal())}"
        data = {
            "authorizationToken": base64.b64encode(secret.encode()).decode(),
            "expiresAt": protocol.utc_now() + LIFETIME,
            "proxyEndpoint": address,
        }
        return {"authorizationData": [data]}

    modules = (module.operations(account.id) for module in (ecr_pull_through_cache, ecr_registry_policy, ecr_replication))
    operations = {"GetAuthorizationToken": token, **{name: run for module in modules for name, run in module.items()}}
    return ServiceEmulation("ecr", operations=operations, checks=_CHECKS)


def take_lifecycle_policies() -> None:
    """Leave the checks of lifecycle policies to the tables: moto does not know archives (moto/ecr/policy_validation.py)."""
    policy_validation.EcrLifecyclePolicyValidator.validate = lambda _validator: None


def _put_lifecycle_policy(_account: Account, call: Call) -> None:
    policy = {"LifecyclePolicyText": call.parameters["lifecyclePolicyText"]}
    refusal_tables.check("AWS::ECR::Repository", {"LifecyclePolicy": policy})


def _set_repository_policy(account: Account, call: Call) -> None:
    text = call.parameters["policyText"]
    refusal_tables.check("AWS::ECR::Repository", {"RepositoryPolicyText": text})
    if next(iam.missing_principals(account, call.region, text), None) is not None:
        msg = "Invalid parameter at 'PolicyText' failed to satisfy constraint: 'Invalid repository policy provided'"
        raise Refusal("InvalidParameterException", msg)


def _put_image(account: Account, call: Call) -> None:
    """Refuses an image for a repository that does not exist, in which moto breaks."""
    name = call.parameters["repositoryName"]
    try:
        account.client("ecr", call.region).describe_repositories(repositoryNames=[name])
    except ClientError as error:
        raise Refusal(error.response["Error"]["Code"], error.response["Error"]["Message"]) from None


_CHECKS: Mapping[str, Check] = {
    "PutImage": _put_image,
    "PutLifecyclePolicy": _put_lifecycle_policy,
    "SetRepositoryPolicy": _set_repository_policy,
}
