"""Events of stacks while they happen, nested stacks followed, each told once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from preflight.deploy import stacks
from preflight.deploy.stacks import Stacks
from preflight.model import Say


class Events:
    """Tells what happened since it was asked last."""

    def __init__(self, every: Stacks, say: Say) -> None:
        self._stacks = every
        self._say = say
        self._told: set[str] = set()
        self._before: set[str] = set()

    def skip(self, stack: str) -> None:
        """Leave out what happened to a stack so far."""
        self._before = {event["EventId"] for event in self._all(stack)}
        self._told |= self._before

    def tell(self, stack: str) -> None:
        """Say each event of a stack that is new; what only begins is left out."""
        for event in [event for event in self._all(stack) if event["EventId"] not in self._told]:
            self._told.add(event["EventId"])
            if not event["ResourceStatus"].endswith("_IN_PROGRESS"):
                self._say(f"  {_shown(event)}")

    def changed(self, stack: str) -> list[str]:
        """Logical ids of the resources, but stacks, that anything happened to since `skip`, in that order."""
        happened = [event for event in self._all(stack) if event["EventId"] not in self._before]
        return list(dict.fromkeys(e["LogicalResourceId"] for e in happened if e["ResourceType"] != stacks.STACK))

    def _all(self, stack: str) -> Iterator[dict[str, Any]]:
        """Every event of a stack and of those nested in it; nested ones first."""
        found = self._stacks.events(stack)
        nested = {e.get("PhysicalResourceId") or "" for e in found if e["ResourceType"] == stacks.STACK}
        for inner in sorted(arn for arn in nested if arn.startswith("arn:") and arn != stack):
            yield from self._all(inner)
        yield from found


def _shown(event: dict[str, Any]) -> str:
    reason = event.get("ResourceStatusReason")
    named = (event["ResourceStatus"], event["ResourceType"], event["LogicalResourceId"])
    return f"{' '.join(named)}{f': {reason}' if reason else ''}"
