"""What KMS refuses of key policies by what the account has."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

Client = Callable[[str], Any]


@pytest.fixture
def kms(client: Client) -> Any:
    return client("kms")


def policy(principal: str, action: str = "kms:*") -> str:
    statement = {"Effect": "Allow", "Principal": {"AWS": principal}, "Action": action, "Resource": "*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def test_a_key_may_be_the_accounts(kms: Any) -> None:
    assert kms.create_key(Policy=policy("arn:aws:iam::123456789012:root"))["KeyMetadata"]["KeyId"]


def test_a_key_is_for_principals_that_exist(kms: Any) -> None:
    with pytest.raises(ClientError, match="one or more invalid principals"):
        kms.create_key(Policy=policy("arn:aws:iam::123456789012:role/absent"))


def test_a_key_policy_can_be_changed_later(kms: Any) -> None:
    with pytest.raises(ClientError, match="will not allow you to update the key policy"):
        kms.create_key(Policy=policy("123456789012", "kms:Decrypt"))


def test_a_caller_may_lock_all_out_by_intent(kms: Any) -> None:
    locked = policy("123456789012", "kms:Decrypt")

    assert kms.create_key(Policy=locked, BypassPolicyLockoutSafetyCheck=True)["KeyMetadata"]["KeyId"]
