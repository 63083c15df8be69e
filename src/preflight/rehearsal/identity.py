"""Who asks: a role's session, a user, or a federated user. Frozen; what they may do is read when they ask."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from preflight.aws.iam_policy_evaluation import Value


@dataclass(frozen=True)
class Principal:
    """A principal of the account, other than its administrator.

    `arn` is the one that denials name, `principal` that of the role or user whose policies bear on
    it; `limits` are the session policies, as texts; `context` holds condition keys about it.
    """

    arn: str
    principal: str
    id: str = ""
    limits: tuple[str, ...] = ()
    context: Mapping[str, Value] = field(default_factory=dict)

    def through(self, service: str) -> Principal:
        """Returns the principal with a service added that makes requests for it; a service already in the chain is not added again.

        Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html.
        """
        former = tuple(self.context.get("aws:calledvia", ()))
        via = former if service in former else (*former, service)
        first, last = {"aws:calledviafirst": via[0]}, {"aws:calledvialast": via[-1]}
        keys: dict[str, Value] = {"aws:viaawsservice": "true", "aws:calledvia": via, **first, **last}
        return replace(self, context={**self.context, **keys})

    def __hash__(self) -> int:
        """By the session; the context follows from it."""
        return hash((self.arn, self.principal, self.limits))
