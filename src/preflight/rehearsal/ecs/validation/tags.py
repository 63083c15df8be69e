"""Tags of ECS resources. Pure.

Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Tag.html. Their number and lengths stand in the
service model.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

RESERVED = "aws:"
CLOUDFORMATION = "aws:cloudformation:"  # CloudFormation itself sets these


def refusals(request: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """What is wrong with a list of tags."""
    keys = [str(tag.get("key")) for tag in request]
    if len(set(keys)) < len(keys):
        yield "Duplicate tag keys found. Each tag key must be unique."
    for key in keys:
        if key.lower().startswith(RESERVED) and not key.startswith(CLOUDFORMATION):
            yield f"Invalid tag key '{key}': aws: prefixed tag key names are not allowed for external use."
