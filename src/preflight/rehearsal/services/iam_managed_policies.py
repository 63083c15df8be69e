"""The policies that AWS manages: those that moto ships, and one that AWS may have added since.

https://docs.aws.amazon.com/aws-managed-policy/latest/reference/about-managed-policy-reference.html; moto/iam/models.py.
"""

from __future__ import annotations

import functools
import json
import pickle
import re
from collections.abc import Collection
from typing import Any

import moto.backends
from moto.iam import models

from preflight.aws import partitions, spelling
from preflight.rehearsal.account import Account
from preflight.rehearsal.ledger import Ledger

_ARN = re.compile(r"arn:(?P<partition>[a-z-]+):iam::aws:policy(?P<path>/|/[\w+=,.@/-]+/)(?P<name>[\w+=,.@-]{1,128})")
_LAST_WORDS = ("Policy", "RolePolicy", "Access")
_ANYTHING = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}


class ManagedPolicies:
    """The policies of AWS in one account; the ledger receives what is not known of one."""

    def __init__(self, account: Account, ledger: Ledger) -> None:
        self._account = account
        self._ledger = ledger

    def load(self, region: str) -> None:
        """Loads the policies that AWS manages in the partition of a region, once.

        moto loads them for six partitions at once, which takes a second.
        """
        partition = partitions.partition_of(region)[0]
        with self._account.moto_lock:
            if f"policies of {partition}" not in self._account.completed:
                self._account.completed.add(f"policies of {partition}")
                self._add(region, pickle.loads(_shipped(self._account.id, partition)))  # noqa: S301 - pickled by this process

    def accept(self, arn: str, region: str) -> None:
        """Takes a policy that AWS may have added since; what it allows is not known, so the run ends with exit code 2."""
        match = _ARN.fullmatch(arn)
        backend = self._backend(region)
        if match is None or match["partition"] != partitions.partition_of(region)[0] or arn in backend.managed_policies or _is_mistake(match["name"], {p.name for p in backend.aws_managed_policies}):
            return
        self._ledger.trouble(
            f"{arn} is not among the policies of AWS that this version knows, so what it allows is not known here. "
            "Next: check its name in the AWS managed policy reference; if it is there, update fargate-preflight, or write its statements into the template to rehearse them"
        )
        dates = dict.fromkeys(("CreateDate", "UpdateDate"), "2026-01-01T00:00:00+00:00")
        data = {**dates, "DefaultVersionId": "v1", "Path": match["path"], "Document": _ANYTHING}
        policy = models.AWSManagedPolicy.from_data(match["name"], self._account.id, partitions.partition_of(region)[0], data)
        backend.managed_policies[policy.arn] = policy

    def _add(self, region: str, policies: list[models.AWSManagedPolicy]) -> None:
        backend = self._backend(region)
        backend.aws_managed_policies = policies
        backend.managed_policies.update({policy.arn: policy for policy in policies})

    def _backend(self, region: str) -> Any:
        return moto.backends.get_backend("iam")[self._account.id][partitions.partition_of(region)[0]]


def _is_mistake(name: str, names: Collection[str]) -> bool:
    """Whether a policy is a known one of another path, misspelt or without the last word of its name."""
    return name in names or spelling.is_near(name, names) or any(f"{name}{word}" in names for word in _LAST_WORDS)


@functools.cache
def _shipped(account: str, partition: str) -> bytes:
    """Returns the policies that moto ships, pickled: each account of a process gets its own sooner than from JSON."""
    policies = json.loads(models.aws_managed_policies_data)
    return pickle.dumps([models.AWSManagedPolicy.from_data(name, account, partition, policies[name]) for name in policies])
