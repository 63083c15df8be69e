"""Draws what happened when: resources of stacks, launches of tasks, and what services reported."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from preflight.architecture import DeployedRegion, DeployedService, DeployedTask, ResourceEvent
from preflight.model import Deployment
from preflight.report.html import cards, lettering
from preflight.report.html.shapes import Box, Label, Picture

NAMES, BARS, END, ROW, TOP = 250.0, 780.0, 130.0, 22.0, 30.0
MOST_ROWS = 120
STEPS = (0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600)
LAUNCH = (("createdAt", "provision"), ("pullStartedAt", "pull"), ("pullStoppedAt", "start"), ("startedAt", "run"), ("stoppingAt", "stop"))
BAD = ("unhealthy", "unable", "failed", "was stopped", "deregistered")


@dataclass(frozen=True)
class Span:
    """A stretch of time, in seconds since the beginning; without an end it is a moment."""

    start: float
    end: float | None
    look: str
    title: str


@dataclass(frozen=True)
class Row:
    """A row: a name, what is at its end, and its spans; without spans it is a heading."""

    name: str
    note: str = ""
    look: str = ""
    spans: tuple[Span, ...] = ()

    @property
    def weight(self) -> tuple[bool, float]:
        """How much it matters: what failed first, then what took long."""
        return self.look == "bad", sum((span.end or span.start) - span.start for span in self.spans)


def picture(deployment: Deployment) -> Picture | None:
    """Returns the timeline of a deployment, or None if nothing is known."""
    times = [_seconds(time) for time in _times(deployment)]
    return Timeline(min(times), max(times)).picture(deployment) if times else None


def _times(deployment: Deployment) -> Iterator[str]:
    yield from (event.time for event in deployment.events)
    for region in deployment.regions:
        yield from (time for task in region.tasks for time in task.times.values())
        yield from (message.time for service in region.services for message in service.messages)


class Timeline:
    """The rows of a deployment between two moments, in seconds."""

    def __init__(self, start: float, end: float) -> None:
        self._start = start
        self._length = max(end - start, 0.1)

    def picture(self, deployment: Deployment) -> Picture:
        """Returns the rows that matter most, from top to bottom, above an axis."""
        rows = list(self._all(deployment))
        shown = _bounded(rows)
        height = TOP + ROW * len(shown) + 12
        boxes, labels = [], []
        for n, row in enumerate(shown):
            y = TOP + n * ROW
            labels += _texts(row, y)
            boxes += [self._bar(span, y) for span in row.spans]
        ticks = [Box(x, TOP - 6, 0.8, height - TOP, "tick") for x, _ in self._ticks()]
        labels += [Label(x, TOP - 12, text, "soft small middle") for x, text in self._ticks()]
        if len(shown) < len(rows):
            labels.append(Label(0, height + 8, f"{len(rows) - len(shown)} rows that took least time are left out", "soft"))
            height += 20
        return Picture("What happened when", NAMES + BARS + END, height, (*ticks, *boxes), labels=tuple(labels))

    def _all(self, deployment: Deployment) -> Iterator[Row]:
        for stack in dict.fromkeys(event.stack for event in deployment.events):
            yield Row(stack, "stack", "heading")
            yield from self._of_stack([event for event in deployment.events if event.stack == stack])
        for region in deployment.regions:
            yield from self._of_region(region)

    def _of_stack(self, events: Sequence[ResourceEvent]) -> Iterator[Row]:
        for resource in dict.fromkeys(event.resource for event in events):
            own = [event for event in events if event.resource == resource]
            spans = tuple(self._operations(own))
            bad = next((event for event in own if event.status.endswith("_FAILED")), None)
            note = bad.status.replace("_", " ").lower() if bad else _duration(sum((s.end or s.start) - s.start for s in spans))
            yield Row(resource, note, "bad" if bad else "", spans)

    def _operations(self, events: Sequence[ResourceEvent]) -> Iterator[Span]:
        """Yields a span for each operation on a resource: from its first event to the one that ends it."""
        begun: float | None = None
        for event in sorted(events, key=lambda e: e.time):
            at = self._at(event.time)
            if event.status.endswith("_IN_PROGRESS"):
                begun = at if begun is None else begun
                continue
            look = "bad" if event.status.endswith("_FAILED") or "ROLLBACK" in event.status else "gone" if event.status.startswith("DELETE") else "done"
            title = f"{event.status} {event.kind}" + (f": {event.reason}" if event.reason else "")
            yield Span(at if begun is None else begun, at, look, title)
            begun = None
        if begun is not None:
            yield Span(begun, self._length, "waiting", "still in progress")

    def _of_region(self, region: DeployedRegion) -> Iterator[Row]:
        for service in region.services:
            yield Row(service.name, "service", "heading")
            if service.messages:
                yield Row("what Amazon ECS reports", "", "", tuple(self._messages(service)))
            for task in region.tasks:
                if task.service == service.name:
                    yield self._launch(task)

    def _messages(self, service: DeployedService) -> Iterator[Span]:
        for message in service.messages:
            look = "bad" if any(word in message.text for word in BAD) else "good" if "steady state" in message.text else "note"
            yield Span(self._at(message.time), None, look, message.text)

    def _launch(self, task: DeployedTask) -> Row:
        """Returns the row of a task: its way to RUNNING, how long it ran, and its health at the end."""
        moments = [(key, look, self._at(task.times[key])) for key, look in LAUNCH if key in task.times]
        end = self._at(task.times["stoppedAt"]) if "stoppedAt" in task.times else self._length
        ends = [*(at for _, _, at in moments[1:]), end][: len(moments)]
        spans = [Span(at, until, look, f"{look}: {_duration(until - at)}") for (_, look, at), until in zip(moments, ends, strict=True)]
        state, look = cards.state_of(task)
        return Row(f"task {task.id[:8]}", state, look, tuple(spans))

    def _at(self, time: str) -> float:
        return _seconds(time) - self._start

    def _x(self, seconds: float) -> float:
        return NAMES + BARS * min(max(seconds, 0.0), self._length) / self._length

    def _bar(self, span: Span, y: float) -> Box:
        x = self._x(span.start)
        if span.end is None:
            return Box(x - 3.5, y + 7, 7, 7, f"moment {span.look}", title=f"{_duration(span.start)}: {span.title}")
        return Box(x, y + 5, max(self._x(span.end) - x, 2.0), ROW - 11, f"bar {span.look}", title=span.title)

    def _ticks(self) -> list[tuple[float, str]]:
        step = next((step for step in STEPS if self._length / step <= 8), self._length)
        return [(self._x(n * step), f"{n * step:g} s") for n in range(int(self._length / step) + 1)]


def _texts(row: Row, y: float) -> list[Label]:
    if row.look == "heading":
        return [Label(0, y + 15, lettering.fit(row.name, NAMES, 12.5), "name", row.name)]
    name = Label(12, y + 15, lettering.fit(row.name, NAMES - 28, 11.5), "", row.name)
    return [name, Label(NAMES + BARS + 10, y + 15, lettering.fit(row.note, END - 12, 11), f"state {row.look}", row.note)]


def _bounded(rows: Sequence[Row]) -> list[Row]:
    """Returns the rows, without those that matter least if there are too many."""
    kept = {id(row) for row in sorted((r for r in rows if r.spans), key=lambda r: r.weight, reverse=True)[:MOST_ROWS]}
    return [row for row in rows if not row.spans or id(row) in kept][: 2 * MOST_ROWS]


def _seconds(time: str) -> float:
    return dt.datetime.fromisoformat(time.replace("Z", "+00:00")).timestamp()


def _duration(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 60 else f"{int(seconds // 60)} min {int(seconds % 60)} s"
