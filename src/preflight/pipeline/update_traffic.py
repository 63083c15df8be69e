"""Requests to the smoke entries while an update runs: whom they ask, and what is to be said of them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from types import TracebackType
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from preflight.deploy.deployment import Deployment
from preflight.deploy.places import Place
from preflight.errors import UsageError
from preflight.model import Finding, JsonObject, Say
from preflight.plan.plan import Plan, SmokeEntry
from preflight.plan.traffic_settings import TrafficSettings
from preflight.smoke import SmokeTest
from preflight.system import waiting
from preflight.traffic import account_facts, findings, traffic
from preflight.traffic.record import TrafficRecord
from preflight.traffic.traffic import Traffic, TrafficTarget

if TYPE_CHECKING:
    from typing_extensions import Self

NO_TARGET = "no smoke entry that both plans have can be requested from the internet"
BEFORE, AFTER = 1.0, 2.0  # seconds of traffic around the update
PHASES = ("creating stack", "updating stack", "deleting stack")


class UpdateTraffic:
    """The traffic of one update, from where the context is entered until it is left; what failed is known after that."""

    def __init__(self, test: SmokeTest, settings: TrafficSettings, deployment: Deployment, say: Say) -> None:
        self._test = test
        self._settings = settings
        self._deployment = deployment
        self._say = say
        self._services = dict(deployment.services)
        self._traffic: Traffic | None = None
        self._record = TrafficRecord()

    def ask(self, plan: Plan, former: Plan) -> None:
        """Ask the entries that both plans have, each for the old answer or the new one.

        Raises:
            UsageError: the plan asks for traffic, and no entry can be asked.
        """
        pairs = [(entry, old) for entry in plan.smoke for old in former.smoke if _is_same(entry, old)]
        targets = [target for entry, old in pairs for target in self.targets(entry, old)]
        self._traffic = Traffic(targets, self._settings, self._say) if targets else None
        if not targets and plan.update.asks_for_traffic:
            raise UsageError(f"update: traffic: {NO_TARGET}. Next: add such an entry to both, or leave traffic out")
        if not targets:
            self._say(f"no request is sent during the update: {NO_TARGET}")

    def targets(self, entry: SmokeEntry, old: SmokeEntry) -> Iterator[TrafficTarget]:
        """Yields the target of an entry, if it can be asked now; its right answers are the old one and the new one."""
        places: list[Place] = []
        with contextlib.suppress(ClientError):
            places = self._test.places(entry)
        if places:
            answers = dict.fromkeys((e.status, e.contains) for e in map(self._test.filled, (old, entry)))
            name = str(self._test.filled(entry).service or places[0].url)
            yield TrafficTarget(name, lambda: self._test.places(entry), traffic.path_of(places[0].url), tuple(answers))

    def note(self, line: str) -> None:
        """Note what the update does now."""
        if self._traffic is not None and line.startswith(PHASES):
            self._traffic.phase = line

    def __enter__(self) -> Self:
        """Start to ask."""
        if self._traffic is not None:
            self._traffic.start()
            waiting.pause(BEFORE)
        return self

    def __exit__(self, kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None) -> None:
        """Stop sending requests, a moment after the update, or at once if the run is stopped."""
        if self._traffic is not None:
            self._traffic.phase = "after the update"
            if kind is None or issubclass(kind, Exception):
                waiting.pause(AFTER)
            self._record = self._traffic.stop()

    def findings(self, plan_name: str) -> Iterator[Finding]:
        """Yields what is to be said of the requests; `plan_name` is what reports call the plan."""
        services = account_facts.read(self._deployment.session, {**self._services, **self._deployment.services})
        self._record = findings.settled(self._record, services)
        yield from findings.findings(self._record, services, self._deployment.declared_resources, plan_name)

    def to_json(self) -> tuple[JsonObject, ...]:
        """Returns the requests for the report, by smoke entry."""
        return tuple(target.to_json() for target in self._record.targets)


def _is_same(entry: SmokeEntry, old: SmokeEntry) -> bool:
    """Whether both ask the same path of the same service or URL."""
    texts = [(e.service, e.cluster, e.url, e.port, e.get, e.caller) for e in (entry, old)]
    return texts[0] == texts[1] and entry.schedule is None and not entry.is_inside
