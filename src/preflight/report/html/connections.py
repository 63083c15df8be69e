"""Draws who reaches whom: lines from the internet into cards, and from card to card in the gutter beside them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from preflight.architecture import INTERNET, DeployedConnection
from preflight.report.html import lettering
from preflight.report.html.shapes import Box, Label, Line

TRACK, ROOM, ENTRY, EXIT, BEND = 9.0, 58.0, 14.0, 6.0, 5.0


@dataclass(frozen=True)
class Bus:
    """All that reaches one card by the same ports, or is blocked."""

    target: str
    sources: tuple[str, ...]
    ports: str
    blocker: str | None = None


def buses_of(connections: Iterable[DeployedConnection]) -> tuple[list[Bus], list[Bus]]:
    """Returns the buses from the internet, and those between cards."""
    ports: dict[tuple[str, str, str | None], list[int]] = defaultdict(list)
    for connection in connections:
        ports[connection.source, connection.target, connection.blocker].append(connection.port)
    sources: dict[tuple[bool, str, str, str | None], list[str]] = defaultdict(list)
    for (source, target, blocker), numbers in ports.items():
        shown = ", ".join(str(port) for port in sorted(set(numbers)))
        sources[source == INTERNET, target, shown, blocker].append(source)
    buses = [(is_outer, Bus(target, tuple(names), shown, blocker)) for (is_outer, target, shown, blocker), names in sources.items()]
    return [bus for is_outer, bus in buses if is_outer], [bus for is_outer, bus in buses if not is_outer]


def gutter(buses: Iterable[Bus]) -> float:
    """Returns how wide the gutter between cards and zones has to be."""
    count = len(list(buses))
    return ROOM + TRACK * count if count else 20.0


class Wiring:
    """The lines between cards that have their places."""

    def __init__(self, cards: Mapping[str, Box]) -> None:
        self._cards = cards
        self._entries: dict[str, int] = defaultdict(int)
        self._exits: dict[str, int] = defaultdict(int)

    def from_internet(self, buses: Iterable[Bus], edge: float) -> Iterator[Line | Label]:
        """Yields a line from the edge of the internet to each card that it reaches."""
        for bus in buses:
            card = self._cards.get(bus.target)
            if card is not None:
                y = card.y + 24
                title = f"the internet reaches {bus.target} at port {bus.ports}"
                yield Line(f"M{edge:g} {y:g}H{card.x - 3:g}", "flow", title, is_arrow=True)
                yield Label(card.x - 12, y - 6, lettering.fit(bus.ports, 62, 11), "port", title, is_end=True)

    def between(self, buses: Iterable[Bus]) -> Iterator[Line | Label]:
        """Yields the lines of each bus: along a track of its own from its sources into its target."""
        drawn = [bus for bus in buses if bus.target in self._cards and any(s in self._cards for s in bus.sources)]
        drawn.sort(key=lambda bus: self._cards[bus.target].y)
        for n, bus in enumerate(drawn):
            card = self._cards[bus.target]
            y, track = card.y + 24 + ENTRY * self._entries[bus.target], card.right + ROOM + TRACK * n
            self._entries[bus.target] += 1
            for source in (self._cards[name] for name in bus.sources if name in self._cards):
                yield self._line(bus, source, y, track)
            text = f"{bus.ports} ✕" if bus.blocker else bus.ports
            yield Label(card.right + 13, y - 5, lettering.fit(text, ROOM - 14, 11), "port blocked" if bus.blocker else "port", bus.blocker or bus.ports)

    def _line(self, bus: Bus, source: Box, y: float, track: float) -> Line:
        name = source.title
        leave = source.bottom - 14 - EXIT * self._exits[name] % (source.height - 60)
        self._exits[name] += 1
        target = self._cards[bus.target]
        down = 1 if y > leave else -1
        path = (
            f"M{source.right:g} {leave:g}H{track - BEND:g}Q{track:g} {leave:g} {track:g} {leave + BEND * down:g}"
            f"V{y - BEND * down:g}Q{track:g} {y:g} {track - BEND:g} {y:g}H{target.right + 3:g}"
        )
        title = bus.blocker or f"{name} reaches {bus.target} at port {bus.ports}"
        return Line(path, "flow blocked" if bus.blocker else "flow inner", title, is_arrow=True)
