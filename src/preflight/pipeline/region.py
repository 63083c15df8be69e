"""One visit of a region: deploy the plan, ask what runs, delete it."""

from __future__ import annotations

import contextlib
import functools
import time
from collections.abc import Callable
from dataclasses import replace

from preflight import model
from preflight.deploy import aws_errors, deployment, lifecycle
from preflight.deploy.deployment import DeploymentFailedError
from preflight.deploy.lifecycle import Live, Wish
from preflight.deploy.targets.target import DeploymentTarget
from preflight.errors import PreflightError
from preflight.model import Deployment, Finding, Outcome, Say, StageResult
from preflight.smoke import SmokeTest

ASSUMED = "tasks were assumed to run (--containers off), so no page was asked for"


class RegionRun:
    """Deploys a wish on a target and asks; `results` has the stages that were asked for, once it is over."""

    def __init__(self, wish: Wish, where: DeploymentTarget, say: Say, *, stages: tuple[str, ...]) -> None:
        self._wish = wish
        self._where = where
        self._say = say
        self._stages = stages
        self.results: list[StageResult] = []
        self.deployment = Deployment()
        self.notes: list[str] = []

    def go(self, *, has_containers: bool, wait: Callable[[], None] | None = None) -> None:
        """Deploy, ask, `wait`, delete.

        Raises:
            StopRequested: it was asked to stop; everything is deleted by then.
        """
        if not has_containers:
            self.notes.append(ASSUMED)
        remains: list[Finding] = []
        with contextlib.ExitStack() as cleanup:
            deployed = self._deploy(cleanup, remains)
            if deployed is not None:
                self.deployment = deployment.described(deployed.deployment, [], ())
                self._ask(deployed, has_containers=has_containers)
                if wait is not None:
                    self._say(f"everything is kept running at {deployed.deployment.session.endpoint} until Ctrl-C")
                    wait()
        if remains:
            self.results = [model.failing(r, remains) if r.name == "rehearse" else r for r in self.results]

    def _stage(self, name: str, act: Callable[[], StageResult]) -> None:
        start = time.monotonic()
        self._say(name)
        try:
            with aws_errors.as_account_errors():
                result = act()
        except PreflightError as error:
            result = StageResult(name, Outcome.ERROR, reason=str(error))
        self.results.append(replace(result, seconds=time.monotonic() - start))

    def _deploy(self, cleanup: contextlib.ExitStack, remains: list[Finding]) -> Live | None:
        found: list[Live] = []

        def deploy() -> StageResult:
            try:
                found.append(
                    cleanup.enter_context(lifecycle.deployed(self._wish, self._where, self._say, remains=remains))
                )
            except DeploymentFailedError as error:
                return StageResult("rehearse", model.outcome_of(error.findings), findings=error.findings)
            return StageResult("rehearse", Outcome.PASS)

        self._stage("rehearse", deploy)
        if not found:
            self._skip_smoke("nothing was deployed")
        return found[0] if found else None

    def _ask(self, deployed: Live, *, has_containers: bool) -> None:
        if not has_containers:
            self._skip_smoke(ASSUMED)
            return
        if "smoke" not in self._stages:
            return
        questions = SmokeTest(
            deployed.deployment,
            self._wish.plan,
            deployed.values,
            self._wish.names[self._wish.plan.path],
            inside=self._where.inside,
            skipped=self._where.observations().skipped,
        )
        self._stage("smoke", functools.partial(self._answered, questions))
        for answer in questions.answers:
            self._say(f"{answer.target}: GET {answer.url} -> {answer.status or 'no answer'} ({answer.seconds:.2f} s)")
        self.deployment = deployment.described(deployed.deployment, questions.running, tuple(questions.answers))
        if self.results[-1].outcome in {Outcome.FAIL, Outcome.ERROR} and self._wish.is_kept_failed:
            deployed.deployment.is_kept = True

    def _answered(self, questions: SmokeTest) -> StageResult:
        """What the questions brought; skipped where none could be asked."""
        findings = questions.findings()
        self.notes += [f"smoke skipped for a service: {reason}" for reason in questions.unasked]
        if questions.unasked and not questions.answers and not findings:
            return StageResult("smoke", Outcome.SKIPPED, reason="; ".join(questions.unasked))
        return StageResult("smoke", model.outcome_of(tuple(findings)), findings=tuple(findings))

    def _skip_smoke(self, reason: str) -> None:
        if "smoke" in self._stages:
            self._stage("smoke", lambda: StageResult("smoke", Outcome.SKIPPED, reason=reason))
