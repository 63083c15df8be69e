"""Services of the emulated account that moto lacks or answers too kindly, a file a service."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from werkzeug.wrappers import Request

from preflight.rehearsal.account import Account
from preflight.rehearsal.protocol import Call, Operation

Check = Callable[[Account, Call], None]  # raises the Refusal that AWS would answer
Completion = Callable[[Account, str], None]  # does in a region what moto leaves out
Hook = Callable[[str, Request], None]  # gets the region and the request


@dataclass(frozen=True)
class ServiceEmulation:
    """What is emulated here of one AWS service, by its signing name; moto does the rest.

    `operations` are answered here. `checks` run before moto, `completions` right after it, both by the
    operation's name; no other checked request runs in between. `before` and `after` run around
    each request.
    """

    name: str
    operations: Mapping[str, Operation] = field(default_factory=dict)
    checks: Mapping[str, Check] = field(default_factory=dict)
    completions: Mapping[str, Completion] = field(default_factory=dict)
    before: Hook | None = None
    after: Hook | None = None
    uses_moto: bool = True
