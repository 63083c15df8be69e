"""What of ECR is ours: the token that opens the rehearsal's own registry, caches, and the registry's policy."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from preflight.rehearsal import account as accounts
from preflight.rehearsal import protocol
from preflight.rehearsal.ecs import state as states
from preflight.rehearsal.services import ecr_pull_through_cache as ecr_caches
from preflight.rehearsal.services import ecr_registry as registries
from preflight.rehearsal.services import ecr_registry_policy as ecr_policy

LIFETIME = timedelta(hours=12)


def operations(
    registry: registries.Registry, address: Callable[[], str], *, account: str
) -> Mapping[str, protocol.Operation]:
    """GetAuthorizationToken, whose endpoint is the registry on loopback, and what moto does not keep."""

    def token(call: protocol.Call) -> dict[str, Any]:
        secret = f"{registries.USER}:{registry.password(call.region, accounts.principal())}"
        data = {
            "authorizationToken": base64.b64encode(secret.encode()).decode(),
            "expiresAt": states.now() + LIFETIME,
            "proxyEndpoint": address(),
        }
        return {"authorizationData": [data]}

    return {"GetAuthorizationToken": token, **ecr_caches.operations(account), **ecr_policy.operations(account)}
