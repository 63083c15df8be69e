"""Asks the tables of refusals about a request whose members are some of a resource type's properties."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from preflight.aws.refusals import catalog
from preflight.rehearsal.protocol import Refusal


def check(kind: str, properties: Mapping[str, Any]) -> None:
    """Checks properties of a resource type.

    Raises:
        Refusal: its service does not take them, in AWS's words.
    """
    refused = next(catalog.of_resource(kind, properties), None)
    if refused is not None:
        raise Refusal(refused.constraint.code, refused.message)
