"""Answers in pages: as many items as were asked for, and the token of what comes next.

Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ListTasks.html
"""

from __future__ import annotations

from collections.abc import Sequence

from preflight.model import JsonObject
from preflight.rehearsal.protocol import Call, Refusal

MOST = 100


def page(member: str, items: Sequence[str], call: Call, *, usual: int = MOST) -> JsonObject:
    """One page of `items`, of `usual` size unless the call says otherwise.

    Raises:
        Refusal: the token is none that was given out.
    """
    token, size = call.parameters.get("nextToken") or "0", min(call.parameters.get("maxResults") or usual, MOST)
    start = int(token) if token.isascii() and token.isdigit() and len(token) < 10 else -1
    if start < 0 or (start and start >= len(items)):
        raise Refusal("InvalidParameterException", "Invalid token")
    end = start + size
    return {member: list(items[start:end]), "nextToken": str(end) if end < len(items) else None}
