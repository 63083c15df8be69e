"""What of ECR is ours: the token that opens the rehearsal's own registry, caches, and the registry's policy."""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import Any

from botocore.exceptions import ClientError

from preflight.rehearsal import acting, protocol
from preflight.rehearsal.account import Account
from preflight.rehearsal.protocol import Call, Refusal
from preflight.rehearsal.services import ServiceEmulation, ecr_pull_through_cache, ecr_registry, ecr_registry_policy
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

    caches, policy = ecr_pull_through_cache.operations(account.id), ecr_registry_policy.operations(account.id)
    operations = {"GetAuthorizationToken": token, **caches, **policy}
    return ServiceEmulation("ecr", operations=operations, checks={"PutImage": _put_image})


def _put_image(account: Account, call: Call) -> None:
    """Refuses an image for a repository that does not exist, in which moto breaks."""
    name = call.given["repositoryName"]
    try:
        account.client("ecr", call.region).describe_repositories(repositoryNames=[name])
    except ClientError as error:
        raise Refusal(error.response["Error"]["Code"], error.response["Error"]["Message"]) from None
