"""Reports events of stacks and of those nested in them, each once."""

from __future__ import annotations

from collections.abc import Iterator

from preflight.architecture import ResourceEvent
from preflight.deploy import region_description
from preflight.deploy.stacks import STACK, StackEvent, Stacks
from preflight.model import Progress, Say


class Events:
    """Reports the events since it last did."""

    def __init__(self, stacks: Stacks, say: Say) -> None:
        self._stacks = stacks
        self._say = say
        self._reported: set[str] = set()
        self._skipped: set[str] = set()

    def skip(self, stack: str) -> None:
        """Leave out the events of a stack so far."""
        self._skipped = {event["EventId"] for event in self._all(stack)}
        self._reported |= self._skipped

    def report(self, stack: str) -> None:
        """Report the new events of a stack, except those of something that only begins."""
        for event in [event for event in self._all(stack) if event["EventId"] not in self._reported]:
            self._reported.add(event["EventId"])
            if not event["ResourceStatus"].endswith("_IN_PROGRESS"):
                self._say(Progress(f"  {_line(event)}", kind="event", name=event["LogicalResourceId"]))

    def changed(self, stack: str) -> list[str]:
        """Returns the logical ids of the resources, except stacks, that have events since `skip`, in that order."""
        events = [event for event in self._all(stack) if event["EventId"] not in self._skipped]
        return list(dict.fromkeys(e["LogicalResourceId"] for e in events if e["ResourceType"] != STACK))

    def records(self, stack: str) -> list[ResourceEvent]:
        """Returns the events of a stack and of those nested in it, without the properties of resources."""
        return [_record(event) for event in self._all(stack)]

    def _all(self, stack: str) -> Iterator[StackEvent]:
        """Yields the events of a stack after those of the stacks nested in it."""
        events = self._stacks.events(stack)
        nested = {event.get("PhysicalResourceId") or "" for event in events if event["ResourceType"] == STACK}
        for arn in sorted(arn for arn in nested if arn.startswith("arn:") and arn != stack):
            yield from self._all(arn)
        yield from events


def _record(event: StackEvent) -> ResourceEvent:
    return ResourceEvent(
        region_description.time_of(event["Timestamp"]),
        event["StackName"],
        event["LogicalResourceId"],
        event["ResourceType"],
        event["ResourceStatus"],
        event.get("ResourceStatusReason"),
    )


def _line(event: StackEvent) -> str:
    reason = event.get("ResourceStatusReason")
    subject = f"{event['ResourceStatus']} {event['ResourceType']} {event['LogicalResourceId']}"
    return f"{subject}: {reason}" if reason else subject
