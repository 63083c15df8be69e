"""A stack: what its events say."""

from __future__ import annotations

from preflight.rehearsal.cloudformation.stack import MILLISECOND, StackInput, Stacks


def test_events_are_a_millisecond_apart() -> None:
    """Clients sort events by milliseconds, and would show those of the same one in a random order."""
    stack = Stacks("123456789012").new("eu-west-1", "s", StackInput("", {"Resources": {}}, {}, {}))
    for status in ("CREATE_IN_PROGRESS", "CREATE_COMPLETE", "UPDATE_IN_PROGRESS"):
        stack.set_status(status)

    times = [event.timestamp for event in stack.events]
    assert times[1] - times[0] >= MILLISECOND
    assert times[2] - times[1] >= MILLISECOND
