"""Rehearse and smoke in several regions at the same time, and the combined result."""

from __future__ import annotations

import string
from collections.abc import Mapping
from concurrent import futures
from dataclasses import replace
from pathlib import Path

from preflight import model
from preflight.container_engine import engine as container_engine
from preflight.container_engine.engine import Engine
from preflight.deploy.options import DeploymentOptions
from preflight.deploy.targets.target import DeploymentTarget
from preflight.errors import StopRequested
from preflight.model import Outcome, Say, StageResult, Update
from preflight.pipeline.one_region import RegionResults, RegionRun
from preflight.pipeline.previous_version import FormerPlan
from preflight.pipeline.request import RunRequest
from preflight.plan.plan import Plan
from preflight.system import processes

WORST = (Outcome.ERROR, Outcome.FAIL, Outcome.SKIPPED, Outcome.PASS)


class RegionRuns:
    """Runs rehearse and smoke in each region of a request."""

    def __init__(
        self,
        request: RunRequest,
        plan: Plan,
        target: DeploymentTarget,
        say: Say,
        *,
        run: str,
        engine: Engine | None,
        names: Mapping[Path, str],
        former: FormerPlan | None = None,
    ) -> None:
        self._request = request
        self._plan = plan
        self._target = target
        self._say = say
        self._run = run
        self._engine = engine
        self._names = names
        self._former = former

    def run(self) -> RegionResults:
        """Run them all and return the combined result.

        Raises:
            StopRequested: the run was stopped; everything is deleted by then.
        """
        runs = {region: self._region_run(n, region) for n, region in enumerate(self._request.regions)}
        if len(runs) == 1:
            return next(iter(runs.values())).run()
        return combined(self._run_in_parallel(runs))

    def _region_run(self, n: int, region: str) -> RegionRun:
        letters = string.ascii_lowercase
        suffix = letters[n % 26] * (n // 26 + 1) if n else ""  # IAM knows no regions: no two of them use a name twice
        plan = replace(self._plan, region=region)
        options = DeploymentOptions(plan, self._run + suffix, self._engine, self._names, run_tag=self._run, build_network=self._request.build_network, is_watched=self._request.is_watched)
        say = self._say if len(self._request.regions) == 1 else lambda text: self._say(model.said_in(region, text))
        return RegionRun(options, self._target, say, request=self._request, former=self._former)

    def _run_in_parallel(self, runs: Mapping[str, RegionRun]) -> dict[str, RegionResults]:
        """Run all regions in parallel; on an interrupt, wait for each to clean up."""
        with futures.ThreadPoolExecutor(len(runs)) as pool:
            submitted: list[futures.Future[RegionResults]] = []
            try:
                for run in runs.values():
                    submitted.append(pool.submit(run.run))  # noqa: PERF401 - an interrupt must see the futures submitted so far
                return {region: future.result() for region, future in zip(runs, submitted, strict=True)}
            except BaseException as stop:
                self._target.cancel()
                processes.kill_all(f"{container_engine.RUN_LABEL}={self._run}")
                futures.wait(submitted)
                if isinstance(stop, StopRequested):
                    stop.left += [line for future in submitted for line in _left(future, stop)]
                raise


def _left(future: futures.Future[RegionResults], stop: StopRequested) -> list[str]:
    """Returns what a region that was stopped could not delete."""
    error = future.exception()
    return error.left if isinstance(error, StopRequested) and error is not stop else []


def combined(results: Mapping[str, RegionResults]) -> RegionResults:
    """Returns the regions' results as one: the worst outcome of each stage, and all findings."""
    names = dict.fromkeys(stage.name for result in results.values() for stage in result.stages)
    stages = [_combined_stage(name, {region: _stage(name, result) for region, result in results.items()}) for name in names]
    notes = tuple(f"{region}: {note}" for region, result in results.items() for note in result.notes)
    deployment = model.combined_deployment([result.deployment for result in results.values()])
    update = _combined_update({region: result.update for region, result in results.items()})
    return RegionResults(tuple(stages), deployment, notes, update)


def _combined_update(updates: Mapping[str, Update | None]) -> Update | None:
    """Returns the changes and the traffic of all regions, each with its region before the name of its stack or target."""
    of_region = {region: update for region, update in updates.items() if update is not None}
    changes = tuple(replace(change, stack=f"{region}: {change.stack}") for region, update in of_region.items() for change in update.changes)
    traffic = tuple({**sent, "target": f"{region}: {sent['target']}"} for region, update in of_region.items() for sent in update.traffic)
    return next((replace(update, changes=changes, traffic=traffic) for update in of_region.values()), None)


def _stage(name: str, result: RegionResults) -> StageResult:
    missing = StageResult(name, Outcome.ERROR, reason="it was not reached")
    return next((stage for stage in result.stages if stage.name == name), missing)


def _combined_stage(name: str, stages: Mapping[str, StageResult]) -> StageResult:
    outcome = min((stage.outcome for stage in stages.values()), key=WORST.index)
    reasons = [f"{region}: {stage.reason}" for region, stage in stages.items() if stage.reason]
    findings = [
        replace(finding, message=f"{region}: {finding.message}")
        for region, stage in stages.items()
        for finding in stage.findings
    ]
    seconds = max(stage.seconds for stage in stages.values())
    waived = tuple(dict.fromkeys(waiver for stage in stages.values() for waiver in stage.waived))
    return StageResult(name, outcome, seconds, "; ".join(reasons) or None, tuple(findings), waived)
