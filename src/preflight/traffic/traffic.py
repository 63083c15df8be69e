"""Sends requests to every smoke entry from before an update until after it."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import itertools
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from preflight.deploy.places import Place
from preflight.model import Progress, Say
from preflight.plan.traffic_settings import TrafficSettings
from preflight.system.worker import Worker
from preflight.traffic.exchange import GATEWAY, Ending, KeptConnection
from preflight.traffic.record import FailedRequest, FailureKind, TargetRecord, TrafficRecord

LOOK_UP = 1.0  # seconds between two look-ups of where a target is asked
HOLD = "{hold}"  # in a path: how long the application is to take
MOST_FAILURES = 2000  # of a receiver that are kept, so that those of one hide none of another; all are counted
PATIENCE = 5.0  # seconds for the last requests


@dataclass(frozen=True)
class TrafficTarget:
    """A smoke entry: where it is asked now, its path, and its right answers: status, and a text of the page or None.

    During an update there are two right answers, the old version's and the new one's.
    """

    name: str
    places: Callable[[], Sequence[Place]]
    path: str
    expected: tuple[tuple[int, str | None], ...]

    def at(self, path: str) -> TrafficTarget:
        """Returns the target with another path, whose page is not known."""
        return dataclasses.replace(self, path=path, expected=tuple((status, None) for status, _ in self.expected))

    def fits(self, ending: Ending) -> bool:
        """Whether an answer is one of the right ones."""
        return any(ending.status == status and (text is None or text in ending.text) for status, text in self.expected)


class Traffic:
    """The requests to some targets; `phase` is what the update does now."""

    def __init__(self, targets: Sequence[TrafficTarget], settings: TrafficSettings, say: Say) -> None:
        self.phase = "before the update"
        self._settings = settings
        self._say = say
        self._streams = [_Stream(_with_path(target, settings), self) for target in targets]
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []
        self._started_at = dt.datetime.now(dt.timezone.utc)

    def start(self) -> None:
        """Look up where each target is asked, and start to ask."""
        self._started_at = dt.datetime.now(dt.timezone.utc)
        for stream in self._streams:
            stream.start()
            for number in range(self._settings.clients):
                self._run(self._ask_steadily, stream, number)
                if self._settings.hold:
                    self._run(self._ask_long, stream, number)
        if not self._streams:
            self._say(f"no request is sent ({self.phase}): the smoke entry cannot be requested from the internet")
            return
        names = ", ".join(stream.target.name for stream in self._streams)
        line = f"traffic: {self._settings.rate:g} requests a second to each of {names}"
        self._say(Progress(line, kind="traffic", name=names))

    def stop(self) -> TrafficRecord:
        """Stop sending requests, wait for the last answers, and return what became of the requests."""
        self._stop.set()
        deadline = time.monotonic() + PATIENCE + (self._settings.hold or 0)
        for thread in self._threads:
            thread.join(max(deadline - time.monotonic(), 0))
        records = tuple(stream.stop() for stream in self._streams)
        return TrafficRecord(records, self._started_at, dt.datetime.now(dt.timezone.utc))

    def _run(self, ask: Callable[[_Stream, int], None], stream: _Stream, number: int) -> None:
        thread = threading.Thread(target=ask, args=(stream, number), daemon=True, name="traffic")
        self._threads.append(thread)
        thread.start()

    def _ask_steadily(self, stream: _Stream, number: int) -> None:
        """Ask at the client's part of the rate; a request that comes late is not made up for."""
        pause = self._settings.clients / self._settings.rate
        due, connection = time.monotonic() + pause * number / self._settings.clients, None
        while not self._stop.wait(max(due - time.monotonic(), 0)):
            due = max(due + pause, time.monotonic())
            place = stream.next_place()
            if connection is None or connection.place != place:
                _close(connection)
                connection = KeptConnection(place) if place is not None else None
            stream.note_sent(place)
            ending = connection.get(stream.target.path, is_kept=self._settings.keepalive) if connection else None
            stream.add(stream.target, place, ending)
        _close(connection)

    def _ask_long(self, stream: _Stream, number: int) -> None:
        """Ask for what takes its time, one request after the other, each on a connection of its own."""
        hold, path, target = self._settings.hold or 0, self._settings.path or "", stream.target
        seconds, target = (0.0, target.at(path.replace(HOLD, f"{hold:g}"))) if HOLD in path else (hold, target)
        self._stop.wait(hold * number / self._settings.clients)
        while not self._stop.is_set():
            place = stream.next_place()
            if place is None:
                self._stop.wait(LOOK_UP)
                continue
            stream.note_sent(place)
            ending = KeptConnection(place).get(target.path, is_kept=False, hold=seconds, stop=self._stop)
            stream.add(target, place, ending)
            if ending.kind is not None:
                self._stop.wait(LOOK_UP)


class _Stream:
    """The requests to one target, counted."""

    def __init__(self, target: TrafficTarget, traffic: Traffic) -> None:
        self.target = target
        self._traffic = traffic
        self._lock = threading.Lock()
        self._turn = itertools.count()
        self._places: tuple[Place, ...] = ()
        self._sent = self._answered = 0
        self._failures: list[FailedRequest] = []
        self._kept: Counter[str] = Counter()
        self._in_flight: dict[int, tuple[Place | None, dt.datetime]] = {}
        self._is_over = False
        self._asks_tasks = False
        self._is_stopping = threading.Event()
        self._worker = Worker(self._look_up_again, name="traffic: places", wake=self._is_stopping.set)

    def start(self) -> None:
        self._look_up()
        self._worker.start()

    def stop(self) -> TargetRecord:
        self._worker.stop(timeout=PATIENCE)
        now, trouble = dt.datetime.now(dt.timezone.utc), "the answer had not ended when the traffic did"
        with self._lock:
            self._is_over = True  # what ends from now on is counted here, and not again
            for place, sent_at in self._in_flight.values():
                self._count(FailureKind.TIMEOUT, place, Ending(sent_at, now, FailureKind.TIMEOUT, trouble=trouble))
            failures = tuple(self._failures)
            return TargetRecord(self.target.name, self._sent, self._answered, failures, asks_tasks=self._asks_tasks)

    def _look_up_again(self) -> None:
        if not self._is_stopping.wait(LOOK_UP):
            self._look_up()

    def _look_up(self) -> None:
        """Look up where the target is asked now; what cannot be looked up is as it was."""
        with contextlib.suppress(Exception):  # whatever it is: requests without a new look-up are better than none
            self._places = tuple(self.target.places())
            self._asks_tasks = self._asks_tasks or any(place.task for place in self._places)

    def next_place(self) -> Place | None:
        """Returns where to send the next request, None if there is no task to ask."""
        places = self._places
        return places[next(self._turn) % len(places)] if places else None

    def note_sent(self, place: Place | None) -> None:
        """Note that this thread sends a request; if it never ends, it counts as failed."""
        with self._lock:
            self._in_flight[threading.get_ident()] = (place, dt.datetime.now(dt.timezone.utc))

    def add(self, target: TrafficTarget, place: Place | None, ending: Ending | None) -> None:
        """Count a request to a path of the target, unless the record is closed. A load balancer's own answer may be the right one."""
        now = dt.datetime.now(dt.timezone.utc)
        ending = ending or Ending(now, now, FailureKind.NOWHERE, trouble="the service has no running task that can take requests")
        is_right = target.fits(ending) and ending.kind in {None, *GATEWAY.values()}
        kind = None if is_right else ending.kind or FailureKind.WRONG_PAGE
        with self._lock:
            self._in_flight.pop(threading.get_ident(), None)
            if not self._is_over:
                self._count(kind, place, ending)

    def _count(self, kind: FailureKind | None, place: Place | None, ending: Ending) -> None:
        self._sent += 1
        if kind is None:
            self._answered += 1
            return
        receiver, task = (place.receiver, place.task) if place is not None else (self.target.name, None)
        self._kept[receiver] += 1
        if self._kept[receiver] <= MOST_FAILURES:
            self._failures.append(FailedRequest(kind, ending.sent_at, ending.ended_at, ending.shown(), receiver, self._traffic.phase, task))


def _with_path(target: TrafficTarget, settings: TrafficSettings) -> TrafficTarget:
    """Returns a target with the path of the plan's traffic."""
    return target if settings.path is None or HOLD in settings.path else target.at(settings.path)


def _close(connection: KeptConnection | None) -> None:
    if connection is not None:
        connection.close()


def path_of(url: str) -> str:
    """Returns the path and query of a URL."""
    parts = urlsplit(url)
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
