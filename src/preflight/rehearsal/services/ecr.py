"""What of ECR is ours: the token that opens the rehearsal's own registry, caches, and the registry's policy."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from preflight.rehearsal import acting
from preflight.rehearsal.ecs import state
from preflight.rehearsal.protocol import Call, Operation
from preflight.rehearsal.services import ecr_pull_through_cache, ecr_registry, ecr_registry_policy
from preflight.rehearsal.services.ecr_registry import Registry

LIFETIME = timedelta(hours=12)


def operations(
    registry: Registry, address: Callable[[], str], *, account: str
) -> Mapping[str, Operation]:
    """GetAuthorizationToken, whose endpoint is the registry on loopback, and what moto does not keep."""

    def token(call: Call) -> dict[str, Any]:
        secret = f"{ecr_registry.USER}:{registry.password(call.region, acting.principal())}"
        data = {
            "authorizationToken": base64.b64encode(secret.encode()).decode(),
            "expiresAt": state.now() + LIFETIME,
            "proxyEndpoint": address(),
        }
        return {"authorizationData": [data]}

    return {"GetAuthorizationToken": token, **ecr_pull_through_cache.operations(account), **ecr_registry_policy.operations(account)}
