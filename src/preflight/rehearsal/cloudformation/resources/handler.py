"""What a resource handler is: how one resource type is created, changed, deleted and read back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from preflight.rehearsal.cloudformation.resources.context import HandlerContext, Properties

Attributes = Mapping[str, Any]  # what Fn::GetAtt returns, by name
Reader = Callable[[HandlerContext, str, Properties], Mapping[str, Any]]


@dataclass(frozen=True)
class CreatedResource:
    """A resource that was created: its physical id (what Ref returns) and what Fn::GetAtt returns."""

    id: str
    attributes: Attributes = field(default_factory=dict)


@dataclass(frozen=True)
class Handler:
    """How one resource type is created, changed, deleted and read back.

    `update` takes the physical id, the former and the new properties. Without it every change
    replaces the resource. `read` returns what the service stores, spelt as properties or as the
    service spells them; without it the ledger cannot say what was stored. `attributes` is for types
    whose attributes other resources change: Fn::GetAtt asks it anew.
    """

    create: Callable[[HandlerContext, Properties], CreatedResource]
    delete: Callable[[HandlerContext, str, Properties], None]
    update: Callable[[HandlerContext, str, Properties, Properties], CreatedResource] | None = None
    read: Reader | None = None
    attributes: Callable[[HandlerContext, str], Attributes] | None = None
