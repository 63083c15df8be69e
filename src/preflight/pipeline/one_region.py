"""Rehearse and smoke in one region: deploy the plan, send its smoke requests, delete it."""

from __future__ import annotations

import contextlib
import datetime as dt
import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from preflight import model
from preflight.deploy import aws_errors, lifecycle, local_ports
from preflight.deploy.deployment import DeploymentFailedError
from preflight.deploy.lifecycle import Live
from preflight.deploy.options import DeploymentOptions
from preflight.deploy.scheduled_runs import ScheduledRuns
from preflight.deploy.targets.target import DeploymentTarget
from preflight.errors import StopRequested
from preflight.model import Deployment, Finding, Outcome, Progress, Say, StageResult, Update
from preflight.pipeline import screenshots, update_waivers
from preflight.pipeline.drill_runs import DrillRuns
from preflight.pipeline.previous_version import FormerPlan
from preflight.pipeline.request import RunRequest, new_run
from preflight.pipeline.stage import timed_stage
from preflight.pipeline.update_traffic import UpdateTraffic
from preflight.smoke import SmokeTest
from preflight.system import waiting
from preflight.templates import template

NOT_ASKED = (
    "update: traffic: no request was sent, because tasks are only assumed to run (--containers off). "
    "Next: leave --containers off out, or set `traffic: off`"
)
ASSUMED = "tasks were assumed to run (--containers off), so no page was requested"


@dataclass(frozen=True)
class RegionResults:
    """The results of rehearse and smoke, what was deployed, and notes for the report."""

    stages: tuple[StageResult, ...]
    deployment: Deployment = field(default_factory=Deployment)
    notes: tuple[str, ...] = ()
    update: Update | None = None
    screenshots: Mapping[str, bytes] = field(default_factory=dict)


class RegionRun:
    """Rehearse and smoke in the region of a plan."""

    def __init__(self, options: DeploymentOptions, target: DeploymentTarget, say: Say, *, request: RunRequest, former: FormerPlan | None = None) -> None:
        self._options = replace(options, note=self._note)
        self._target = target
        self._say = say
        self._request = request
        self._former = former
        self._templates = [template.load(path, name=options.names.get(path, path.name)) for path in options.plan.template_files()] if former is not None else []
        self._live: Live | None = None
        self._remains: list[Finding] = []
        self._has_failed = False
        self._deployment = Deployment()
        self._notes: list[str] = []
        self._update_report: Update | None = None
        self._traffic: UpdateTraffic | None = None
        self._screenshots: Mapping[str, bytes] = {}

    def _note(self, text: str) -> None:
        self._notes.append(text)

    def run(self) -> RegionResults:
        """Deploy, send the smoke requests, wait for Ctrl-C if everything is kept, and delete.

        Raises:
            StopRequested: the run was stopped; everything is deleted by then.
        """
        if not self._request.has_containers:
            self._notes.append(ASSUMED)
        with contextlib.ExitStack() as cleanup:
            stages = [timed_stage("rehearse", self._say, functools.partial(self._rehearse, cleanup))]
            if self._former is not None:
                stages.append(timed_stage("update", self._say, functools.partial(self._update, self._former)))
            if "smoke" in self._request.stages:
                stages.append(self._smoke())
            if self._live is not None:
                self._deployment = lifecycle.with_architecture(self._deployment, self._live.deployment, self._note)
            if self._live is not None and self._request.is_kept and self._request.account is None:
                self._wait(self._live)
        if self._remains:
            stages[0] = model.failing(stages[0], self._remains)
        return RegionResults(tuple(stages), self._deployment, tuple(self._notes), self._update_report, self._screenshots)

    @aws_errors.as_account_errors()
    def _rehearse(self, cleanup: contextlib.ExitStack) -> StageResult:
        """Deploy the plan, or what runs today, until `cleanup` deletes it."""
        self._say(Progress(kind="account", name="waiting for the account"))
        former = self._former
        options = self._options if former is None else replace(self._options, plan=replace(former.plan, region=self._options.plan.region))
        deployed = lifecycle.deployed(options, self._target, self._progress, remains=self._remains, is_kept=self._is_kept)
        try:
            self._live = cleanup.enter_context(deployed)
        except DeploymentFailedError as error:
            self._deployment = error.deployment
            if former is not None:
                return StageResult("rehearse", Outcome.ERROR, reason=_of_former(former, error.findings))
            return StageResult("rehearse", model.outcome_of(error.findings), findings=error.findings)
        self._deployment = lifecycle.described(self._live.deployment, [], ())
        if former is not None:
            self._notes += [f"deployed first, as what runs today: {former.name}{f' ({former.commit[:12]})' if former.commit else ''}", *former.notes]
            return StageResult("rehearse", Outcome.PASS)
        findings = tuple(self._live.deployment.unhealthy_targets())
        return StageResult("rehearse", model.outcome_of(findings), findings=findings)

    @aws_errors.as_account_errors()
    def _update(self, former: FormerPlan) -> StageResult:
        """Update what runs today to the plan; skipped if it could not be deployed."""
        if self._live is None:
            return StageResult("update", Outcome.SKIPPED, reason=f"{former.name} was not deployed")
        deployment, plan_name = self._live.deployment, self._options.names[self._options.plan.path]
        failures: tuple[Finding, ...] = ()
        self._traffic = self._new_traffic(self._live, former)
        with self._traffic or contextlib.nullcontext():
            try:
                lifecycle.update(self._live, self._options, run=new_run())
            except DeploymentFailedError as error:
                self._has_failed, failures = True, error.findings
        self._deployment = lifecycle.described(deployment, [], ())
        findings = list(failures) or deployment.unhealthy_targets()
        findings += self._traffic.findings(plan_name) if self._traffic is not None else ()
        if deployment.changes is not None:
            requests = self._traffic.to_json() if self._traffic is not None else ()
            self._update_report = Update(former.name, former.commit, deployment.changes.changes, requests)
            findings += deployment.changes.findings()
        result = update_waivers.judged([replace(f, stage="update") for f in findings], self._templates, self._options.plan, strict=self._request.strict, today=dt.datetime.now(dt.timezone.utc).date())
        return replace(result, outcome=Outcome.ERROR, reason=NOT_ASKED) if result.outcome is Outcome.PASS and self._misses_traffic() else result

    def _misses_traffic(self) -> bool:
        """Whether the plan asks for traffic, and no task runs that could be asked."""
        update = self._options.plan.update
        return update.asks_for_traffic and update.traffic is not None and not self._request.has_containers

    def _new_traffic(self, live: Live, former: FormerPlan) -> UpdateTraffic | None:
        """Returns the traffic of the update, None if there is none."""
        settings = self._options.plan.update.traffic
        if settings is None or not self._request.has_containers:
            return None
        traffic = UpdateTraffic(self._smoke_test(live), settings, live.deployment, self._say)
        traffic.ask(self._options.plan, former.plan)
        return traffic

    def _progress(self, text: str) -> None:
        """Report progress of the deployment, which traffic notes."""
        if self._traffic is not None:
            self._traffic.note(text)
        self._say(text)

    def _is_kept(self, error: Exception | None) -> bool:
        """Whether the deployment is kept on a real account: always, or if it or its smoke test failed."""
        account = self._request.account
        if account is None:
            return False
        is_kept = self._request.is_kept and error is None
        return is_kept or (account.is_kept_failed and (error is not None or self._has_failed))

    def _smoke(self) -> StageResult:
        """Returns what came of the smoke requests, or why none were sent."""
        if self._live is None or self._has_failed or not self._request.has_containers:
            reason = "nothing was deployed" if self._live is None else "the update failed" if self._has_failed else ASSUMED
            return timed_stage("smoke", self._say, lambda: StageResult("smoke", Outcome.SKIPPED, reason=reason))
        schedules = self._schedules(self._live)
        test = self._smoke_test(self._live, schedules)
        result = timed_stage("smoke", self._say, functools.partial(self._send, test, schedules))
        for answer in test.answers:
            line = f"{answer.target}: GET {answer.url} -> {answer.status or 'no answer'} ({answer.seconds:.2f} s)"
            self._say(Progress(line, kind="page", name=answer.url, detail=answer.target, state=str(answer.status or "no answer")))
        self._deployment = lifecycle.described(self._live.deployment, test.running, tuple(test.answers))
        self._has_failed = result.outcome in {Outcome.FAIL, Outcome.ERROR}
        if self._request.takes_screenshots:
            self._screenshots = screenshots.take(test.pages, self._note)
        return result

    def _smoke_test(self, live: Live, schedules: ScheduledRuns | None = None) -> SmokeTest:
        return SmokeTest(
            live.deployment,
            self._options.plan,
            live.deployment.values,
            self._options.names[self._options.plan.path],
            inside=self._target.inside,
            skipped=self._target.observations().skipped,
            say=self._say,
            schedules=schedules,
        )

    def _schedules(self, live: Live) -> ScheduledRuns:
        return ScheduledRuns(
            live.deployment,
            self._options.names[self._options.plan.path],
            start=self._target.run_schedule,
            skipped=lambda: self._target.observations().skipped,
        )

    @aws_errors.as_account_errors()
    def _send(self, test: SmokeTest, schedules: ScheduledRuns) -> StageResult:
        """Returns the findings of smoke; skipped if no request could be sent, and no schedule run."""
        findings = tuple(test.findings())
        if self._live is not None and model.outcome_of(findings) is Outcome.PASS:
            plan, name = self._options.plan, self._options.names[self._options.plan.path]
            findings += tuple(DrillRuns(plan, test, self._live.deployment, self._say, plan_name=name).findings())
        unsent = [*test.unsent, *schedules.unsent]
        self._notes += [*schedules.ended, *(f"smoke skipped for a service: {reason}" for reason in test.unsent)]
        self._notes += [f"smoke skipped for {reason}" for reason in schedules.unsent]
        if unsent and not test.answers and not schedules.ended and not findings:
            return StageResult("smoke", Outcome.SKIPPED, reason="; ".join(unsent))
        return StageResult("smoke", model.outcome_of(findings), findings=findings)

    def _wait(self, live: Live) -> None:
        """Say where everything is found, and wait for Ctrl-C."""
        session = live.deployment.session
        self._say(f"everything is kept running at {session.endpoint} until Ctrl-C; open in a browser, or copy:")
        for command in local_ports.commands(session):
            self._say(f"  {command}")
        with contextlib.suppress(StopRequested):
            while True:
                waiting.pause(3600)


def _of_former(former: FormerPlan, findings: Sequence[Finding]) -> str:
    """Returns why the update could not be checked: what runs today is not deployed here."""
    reasons = "; ".join(f"{finding.place()}: {finding.message}" for finding in findings[:3])
    return f"what runs today ({former.name}) cannot be deployed, so the update was not checked: {reasons}"
