"""What Elastic Load Balancing refuses of listeners that verify the certificates of their clients; moto keeps nothing of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import moto.backends

from preflight.rehearsal.account import Account
from preflight.rehearsal.protocol import Call, Refusal

Described = Mapping[str, Any]
_MOST = 2  # https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-limits.html


def check(account: Account, call: Call, arn: str, port: int | None, others: Sequence[Described]) -> None:
    """Check a listener on a port of a load balancer, beside its other listeners, and note whether it verifies.

    https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_MutualAuthenticationAttributes.html.
    """
    balancer: Any = moto.backends.get_backend("elbv2")[account.id][call.region].load_balancers[arn]
    noted: frozenset[str] = getattr(balancer, "verifying_ports", frozenset())
    others_verify = noted & {str(other.get("Port")) for other in others}
    requested = call.parameters.get("MutualAuthentication")
    verifies = requested.get("Mode") == "verify" if requested else str(port) in noted
    if verifies and len(others_verify) >= _MOST:
        msg = f"A load balancer can have at most {_MOST} listeners with the mutual authentication mode 'verify'"
        raise Refusal("TooManyListeners", msg)
    trust_store = str((requested or {}).get("TrustStoreArn") or "")
    if call.is_of_other_region(trust_store):
        raise Refusal("TrustStoreNotFound", f"Trust store '{trust_store}' not found")
    balancer.verifying_ports = others_verify | ({str(port)} if verifies else set())
