"""Pull-through caches of ECR and the templates of the repositories that ECR makes, kept by us: moto knows neither.

https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_CreatePullThroughCacheRule.html and
https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_CreateRepositoryCreationTemplate.html.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from preflight.rehearsal import protocol
from preflight.rehearsal.protocol import Call, Operation, Refusal

ROOT = "ROOT"  # the prefix of everything that no other prefix fits
UPSTREAMS = {
    "public.ecr.aws": "ecr-public",
    "registry-1.docker.io": "docker-hub",
    "quay.io": "quay",
    "registry.k8s.io": "k8s",
    "ghcr.io": "github-container-registry",
    "registry.gitlab.com": "gitlab-container-registry",
}


@dataclass(frozen=True)
class _Kind:
    """What is kept, by a prefix: the member that names it, and the names of operations, answers and errors."""

    name: str
    error: str
    key: str
    one: str | None
    many: str
    keys: str


_RULE = _Kind(
    "PullThroughCacheRule",
    error="PullThroughCacheRule",
    key="ecrRepositoryPrefix",
    one=None,
    many="pullThroughCacheRules",
    keys="ecrRepositoryPrefixes",
)
_TEMPLATE = _Kind(
    "RepositoryCreationTemplate",
    error="Template",
    key="prefix",
    one="repositoryCreationTemplate",
    many="repositoryCreationTemplates",
    keys="prefixes",
)


class _Shelf:
    """The records of one kind, by region and prefix."""

    def __init__(self, kind: _Kind, registry: str) -> None:
        self._kind = kind
        self._registry = registry
        self._kept: dict[tuple[str, str], dict[str, Any]] = {}
        self._lock = threading.Lock()

    def operations(self) -> Mapping[str, Operation]:
        """Create, Update, Describe and Delete."""
        name = self._kind.name
        return {
            f"Create{name}": self._create,
            f"Update{name}": self._update,
            f"Describe{name}s": self._describe,
            f"Delete{name}": self._delete,
        }

    def _create(self, call: Call) -> dict[str, Any]:
        self._check_upstream(call)
        place = (call.region, str(call.parameters[self._kind.key]))
        with self._lock:
            if place in self._kept:
                msg = f"The {self._kind.name} with prefix '{place[1]}' already exists"
                raise Refusal(f"{self._kind.error}AlreadyExistsException", msg)
            now = protocol.utc_now()
            upstream = UPSTREAMS.get(str(call.parameters.get("upstreamRegistryUrl")))
            more = {"upstreamRegistry": upstream} if upstream else {}
            self._kept[place] = {**more, **call.parameters, "registryId": self._registry, "createdAt": now, "updatedAt": now}
            return self._shown(self._kept[place])

    def _check_upstream(self, call: Call) -> None:
        """A registry does not cache itself, and the secret of another one is in its region.

        https://docs.aws.amazon.com/AmazonECR/latest/userguide/pull-through-cache-creating-rule.html.
        """
        url, secret = str(call.parameters.get("upstreamRegistryUrl")), str(call.parameters.get("credentialArn") or "")
        if re.fullmatch(rf"{self._registry}\.dkr\.ecr\.{call.region}\..+", url):
            raise Refusal("UnsupportedUpstreamRegistryException", f"The specified upstream registry isn't supported: {url}")
        if call.is_of_other_region(secret):
            msg = f"The secret {secret} is not in the region of the pull through cache rule, {call.region}"
            raise Refusal("InvalidParameterException", msg)

    def _update(self, call: Call) -> dict[str, Any]:
        with self._lock:
            rule = self._need(call)
            rule |= {**call.parameters, "updatedAt": protocol.utc_now()}
            return self._shown(rule)

    def _delete(self, call: Call) -> dict[str, Any]:
        with self._lock:
            rule = self._need(call)
            del self._kept[call.region, rule[self._kind.key]]
            return self._shown(rule)

    def _describe(self, call: Call) -> dict[str, Any]:
        keys = call.parameters.get(self._kind.keys)
        with self._lock:
            rules = {key: rule for (region, key), rule in self._kept.items() if region == call.region}
        for key in keys or []:
            if key not in rules:
                raise self._missing(key)
        return {self._kind.many: [rule for key, rule in rules.items() if not keys or key in keys]}

    def _need(self, call: Call) -> dict[str, Any]:
        key = str(call.parameters[self._kind.key])
        if (call.region, key) not in self._kept:
            raise self._missing(key)
        return self._kept[call.region, key]

    def _missing(self, key: str) -> Refusal:
        code = f"{self._kind.error}NotFoundException"
        return Refusal(code, f"The {self._kind.name} with prefix '{key}' does not exist")

    def _shown(self, rule: dict[str, Any]) -> dict[str, Any]:
        return {"registryId": self._registry, self._kind.one: dict(rule)} if self._kind.one else dict(rule)


def operations(registry: str) -> Mapping[str, Operation]:
    """The operations on both kinds, in the registry of an account."""
    return {**_Shelf(_RULE, registry).operations(), **_Shelf(_TEMPLATE, registry).operations()}


def covers(prefix: str, repository: str) -> bool:
    """Whether a repository lies below the prefix of a rule or of a template."""
    return prefix == ROOT or repository.startswith(f"{prefix}/")
