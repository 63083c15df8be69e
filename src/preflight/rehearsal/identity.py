"""Who asks: a role's session, a user, or a federated user. Frozen; what they may do is read when they ask."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Identity:
    """A principal of the account, other than its administrator.

    `arn` is the one that denials name, `principal` that of the role or user whose policies bear on
    it; `limits` are the session policies, as texts; `context` holds condition keys about it.
    """

    arn: str
    principal: str
    id: str = ""
    limits: tuple[str, ...] = ()
    context: Mapping[str, str] = field(default_factory=dict)

    def __hash__(self) -> int:
        """By the session; the context follows from it."""
        return hash((self.arn, self.principal, self.limits))
