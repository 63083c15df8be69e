"""What KMS refuses of key policies and moto does not."""

from __future__ import annotations

from preflight.rehearsal.account import Account
from preflight.rehearsal.protocol import Call, Refusal
from preflight.rehearsal.services import ServiceEmulation, iam, refusal_tables


def _key_policy(account: Account, call: Call) -> None:
    """Refuses a policy that names principals who do not exist, or lets none of them change it.

    https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-overview.html; moto/kms/models.py.
    """
    policy = call.parameters.get("Policy")
    if policy is None:
        return
    bypass = {"BypassPolicyLockoutSafetyCheck": call.parameters.get("BypassPolicyLockoutSafetyCheck", False)}
    refusal_tables.check("AWS::KMS::Key", {"KeyPolicy": policy, **bypass})
    if next(iam.missing_principals(account, call.region, policy), None) is not None:
        msg = "Policy contains a statement with one or more invalid principals."
        raise Refusal("MalformedPolicyDocumentException", msg)


SERVICE = ServiceEmulation("kms", checks={"CreateKey": _key_policy, "PutKeyPolicy": _key_policy})
