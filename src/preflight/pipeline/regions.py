"""A tour of regions: one visit each, several at the same time, and what came of all of them."""

from __future__ import annotations

import string
from collections.abc import Callable, Mapping, Sequence
from concurrent import futures
from dataclasses import dataclass, replace
from pathlib import Path

from preflight.container_engine import engine as engines
from preflight.container_engine.engine import Engine
from preflight.deploy.lifecycle import Wish
from preflight.deploy.targets.target import DeploymentTarget
from preflight.errors import StopRequested
from preflight.model import Deployment, Outcome, Say, StageResult
from preflight.pipeline.region import RegionRun
from preflight.plan.plan import Plan
from preflight.system import processes

WORST = (Outcome.ERROR, Outcome.FAIL, Outcome.SKIPPED, Outcome.PASS)


@dataclass(frozen=True)
class Asked:
    """Which plan is to be deployed in which regions and what is to be asked there; `waits` keeps it until that ends."""

    plan: Plan
    regions: tuple[str, ...]
    run: str
    stages: tuple[str, ...]
    engine: Engine | None
    names: Mapping[Path, str]
    has_containers: bool = True
    waits: Callable[[], None] | None = None
    is_kept: bool = False
    is_kept_failed: bool = False


@dataclass(frozen=True)
class RegionResults:
    """What came of it: a result for each stage, what ran, and notes for the report."""

    results: tuple[StageResult, ...]
    deployment: Deployment
    notes: tuple[str, ...]


class RegionRuns:
    """Visits each region of a target."""

    def __init__(self, asked: Asked, where: DeploymentTarget, say: Say) -> None:
        self._asked = asked
        self._where = where
        self._say = say

    def go(self) -> RegionResults:
        """Visit them all and return what came of it.

        Raises:
            StopRequested: it was asked to stop; everything is deleted by then.
        """
        visits = {region: self._visit(n, region) for n, region in enumerate(self._asked.regions)}
        if len(visits) == 1:
            next(iter(visits.values())).go(has_containers=self._asked.has_containers, wait=self._asked.waits)
        else:
            self._at_once(visits)
        return _together(visits)

    def _visit(self, n: int, region: str) -> RegionRun:
        asked = self._asked
        letters = string.ascii_lowercase
        tail = letters[n % 26] * (n // 26 + 1) if n else ""  # IAM knows no regions: no two of them use a name twice
        wish = Wish(
            plan=replace(asked.plan, region=region),
            run=asked.run + tail,
            engine=asked.engine,
            names=asked.names,
            tag=asked.run,
            is_kept=asked.is_kept,
            is_kept_failed=asked.is_kept_failed,
        )
        say = self._say if len(asked.regions) == 1 else lambda text: self._say(f"{region}: {text}")
        return RegionRun(wish, self._where, say, stages=asked.stages)

    def _at_once(self, visits: Mapping[str, RegionRun]) -> None:
        """Visit all regions at the same time; whoever is asked to stop lets each of them clean up first."""
        with futures.ThreadPoolExecutor(len(visits)) as pool:
            at_work: list[futures.Future[None]] = []
            try:
                for one in visits.values():
                    at_work.append(pool.submit(one.go, has_containers=self._asked.has_containers))  # noqa: PERF401 - who is stopped here has to know those that went
                for done in at_work:
                    done.result()
            except BaseException as stop:
                self._where.halt()
                processes.kill_all(f"{engines.RUN_LABEL}={self._asked.run}")
                futures.wait(at_work)
                if isinstance(stop, StopRequested):
                    stop.left += [line for one in at_work for line in _left(one, stop)]
                raise


def _left(one: futures.Future[None], stop: StopRequested) -> list[str]:
    """What a visit that was stopped could not delete."""
    error = one.exception()
    return error.left if isinstance(error, StopRequested) and error is not stop else []


def _together(visits: Mapping[str, RegionRun]) -> RegionResults:
    """The visits as one: of each stage the worst outcome and all that was found."""
    every = list(visits.values())
    if len(every) == 1:
        return RegionResults(tuple(every[0].results), every[0].deployment, tuple(every[0].notes))
    names = dict.fromkeys(result.name for one in every for result in one.results)
    results = [_merged(name, {region: _of(one, name) for region, one in visits.items()}) for name in names]
    notes = tuple(f"{region}: {note}" for region, one in visits.items() for note in one.notes)
    return RegionResults(tuple(results), _deployment([one.deployment for one in every]), notes)


def _of(one: RegionRun, name: str) -> StageResult:
    missing = StageResult(name, Outcome.ERROR, reason="it was not reached")
    return next((result for result in one.results if result.name == name), missing)


def _merged(name: str, results: Mapping[str, StageResult]) -> StageResult:
    outcome = min((result.outcome for result in results.values()), key=WORST.index)
    reasons = [f"{region}: {result.reason}" for region, result in results.items() if result.reason]
    findings = [
        replace(finding, message=f"{region}: {finding.message}")
        for region, result in results.items()
        for finding in result.findings
    ]
    seconds = max(result.seconds for result in results.values())
    return StageResult(name, outcome, seconds, "; ".join(reasons) or None, tuple(findings))


def _deployment(every: Sequence[Deployment]) -> Deployment:
    return Deployment(
        stacks=tuple(name for one in every for name in one.stacks),
        services=tuple(name for one in every for name in one.services),
        images=tuple(image for one in every for image in one.images),
        tasks=tuple(task for one in every for task in one.tasks),
        smoke=tuple(answer for one in every for answer in one.smoke),
    )
