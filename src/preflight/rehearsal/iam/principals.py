"""The principals of the account: whose an access key is, and which policies bear on them."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import timezone
from typing import Any

import moto.backends
from moto.iam.exceptions import NotFoundException

from preflight.aws.iam_policy_evaluation import Policies, Policy, Value
from preflight.rehearsal.iam.temporary_credentials import TemporaryCredentials
from preflight.rehearsal.identity import Principal
from preflight.rehearsal.protocol import Refusal

EXPIRED = "The security token included in the request is expired"
INVALID = "The security token included in the request is invalid."


class Principals:
    """Reads what IAM keeps of one account."""

    def __init__(self, account_id: str, sessions: TemporaryCredentials) -> None:
        self._account = account_id
        self.sessions = sessions

    def of(self, key: str, partition: str) -> Principal | None:
        """Whose an access key is; None for a key that neither STS nor IAM of this account issued.

        Raises:
            Refusal: the key has expired, or is switched off.
        """
        session = self.sessions.find(key)
        if session is not None:
            if self.sessions.is_over(session):
                raise Refusal("ExpiredToken", EXPIRED, status=403)
            return session.identity
        return self._user(key, partition) or self._assumed(key, partition)

    def _user(self, key: str, partition: str) -> Principal | None:
        for user in list(self._iam(partition).users.values()):
            for own in user.access_keys:
                if own.access_key_id == key and own.status != "Active":
                    raise Refusal("InvalidClientTokenId", INVALID, status=403)
                if own.access_key_id == key:
                    context = {"aws:username": str(user.name), "aws:userid": str(user.id)}
                    return Principal(str(user.arn), str(user.arn), str(user.id), context=context)
        return None

    def _assumed(self, key: str, partition: str) -> Principal | None:
        """Who assumed a role by SAML, which is moto's."""
        assumed = moto.backends.get_backend("sts")[self._account][partition].get_assumed_role_from_access_key(key)
        return None if assumed is None else Principal(str(assumed.arn), str(assumed.role_arn), str(assumed.user_id))

    def _iam(self, partition: str) -> Any:
        return moto.backends.get_backend("iam")[self._account][partition]

    def role(self, arn: str) -> Any | None:
        """What IAM keeps of a role, None where there is none with that ARN."""
        parts = arn.split(":")
        if len(parts) != 6 or parts[4] != self._account:
            return None
        try:
            role = self._iam(parts[1]).get_role(arn.rpartition("/")[2])
        except (NotFoundException, KeyError):  # there is no such role, or no such partition
            return None
        return role if role.arn == arn else None

    def with_path(self, arn: str) -> str:
        """The ARN that a role or user has which was named without its path."""
        parts = arn.split(":")
        if len(parts) != 6 or parts[1] not in moto.backends.get_backend("iam")[self._account]:
            return arn  # it cannot be one of ours
        kind, _, name = parts[5].partition("/")
        entity: Any = None
        if kind == "role":
            entity = next((role for role in list(self._iam(parts[1]).roles.values()) if role.name == name), None)
        elif kind == "user":
            entity = self._iam(parts[1]).users.get(name)
        return arn if entity is None else str(entity.arn)

    def context(self, who: Principal) -> dict[str, Value]:
        """Returns the condition keys that every request of a principal has, for any service.

        Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html.
        """
        kind = "User" if who.principal == who.arn else "AssumedRole" if ":assumed-role/" in who.arn else "FederatedUser"
        moment = self.sessions.clock().replace(microsecond=0, tzinfo=timezone.utc)
        tags = self._tags(who.principal)
        return {
            "aws:principalaccount": self._account,
            "aws:principalarn": who.principal,
            "aws:principaltype": kind,
            "aws:securetransport": "true",
            "aws:currenttime": moment.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "aws:epochtime": str(int(moment.timestamp())),
            "aws:viaawsservice": "false",
            **{f"aws:principaltag/{key.lower()}": value for key, value in tags.items()},
            **who.context,
        }

    def _tags(self, arn: str) -> dict[str, str]:
        owner = self._owner(arn)
        if owner is None:
            return {}
        tags = owner.tags or {}  # a map of a role, a list of a user
        return {str(tag["Key"]): str(tag["Value"]) for tag in (tags.values() if isinstance(tags, Mapping) else tags)}

    def provider(self, issuer: str, partition: str) -> Any | None:
        """The OpenID Connect provider of an issuer, None where IAM has none."""
        bare = issuer.removeprefix("https://").rstrip("/")
        providers = self._iam(partition).open_id_providers.values()
        return next((provider for provider in providers if provider.url.rstrip("/") == bare), None)

    def policies(self, identity: Principal) -> Policies:
        """Returns the policies that apply to a principal: its own, those of its groups, the boundary, and those of the session."""
        session = tuple(_read(text) for text in identity.limits) or None
        owner = self._owner(identity.principal)
        if owner is None:
            return Policies(session=session)  # it was deleted meanwhile, and with it all that it may
        texts = [text for holder in (owner, *self._groups(owner)) for text in _texts(holder)]
        boundary = self._boundary(owner)
        return Policies(tuple(_read(text) for text in texts), boundary, session)

    def managed(self, arn: str) -> str:
        """The text of a managed policy; one that allows nothing where there is none."""
        policy = self._iam(arn.split(":")[1]).managed_policies.get(arn) if arn.startswith("arn:") else None
        return "{}" if policy is None else _default(policy)

    def _owner(self, arn: str) -> Any | None:
        kind, _, name = arn.split(":")[5].partition("/")
        if kind == "role":
            return self.role(arn)
        return self._iam(arn.split(":")[1]).users.get(name.rpartition("/")[2])

    def _groups(self, owner: Any) -> Iterable[Any]:
        partition = str(owner.arn).split(":")[1]
        return [group for group in list(self._iam(partition).groups.values()) if owner in group.users]

    def _boundary(self, owner: Any) -> Policy | None:
        arn = getattr(owner, "permissions_boundary_arn", None)
        if not arn:
            return None
        return _read(self.managed(str(arn)))


def _texts(holder: Any) -> Iterator[str]:
    """Inline and managed policies of a role, user or group."""
    yield from list(holder.policies.values())
    for policy in list(holder.managed_policies.values()):
        yield _default(policy)


def _default(policy: Any) -> str:
    """The text of the version of a managed policy that is in force."""
    return next((str(version.document) for version in policy.versions if version.is_default), "")


@functools.lru_cache(maxsize=512)
def _read(text: str) -> Policy:
    """A policy document; an empty one, which allows nothing, where it cannot be read."""
    try:
        read = json.loads(text)
    except ValueError:
        return {}
    return read if isinstance(read, Mapping) else {}
