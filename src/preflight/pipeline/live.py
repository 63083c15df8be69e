"""Rehearse and smoke on a target: what comes before the deployment, and what the target reports after it."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from importlib import metadata
from typing import TYPE_CHECKING

from preflight import model
from preflight.errors import PreflightError, UsageError
from preflight.model import Deployment, Finding, LedgerEntry, Observations, Outcome, Say, Severity, StageResult, Update
from preflight.pipeline.inputs import RunInputs
from preflight.pipeline.stage import timed_stage
from preflight.plan.plan import ImageStep, Plan, StackStep

if TYPE_CHECKING:
    from preflight.container_engine.engine import Engine
    from preflight.deploy.targets.target import DeploymentTarget
    from preflight.pipeline.one_region import RegionResults
    from preflight.pipeline.request import AccountOptions

# Imports below are made in functions: boto3 is slow to import, and lint and comply need none.
NOT_ISOLATED = "{} publishes the ports, and containers can reach the network: this is not root on Linux"
HAS_EGRESS = "egress: true in the plan: containers can reach the network"
NO_PLAN = "rehearse and smoke need a plan. Next: write preflight.yaml, or run lint and comply only"


class LiveStages:
    """Runs rehearse and smoke; the attributes are for the report."""

    def __init__(self, inputs: RunInputs, say: Say) -> None:
        self._inputs = inputs
        self._request = inputs.request
        self._say = say
        self._target: DeploymentTarget | None = None
        self.versions: dict[str, str] = {}
        self.notes: list[str] = []
        self.deployment = Deployment()
        self.update: Update | None = None
        self.screenshots: Mapping[str, bytes] = {}
        self.observations = Observations()

    def start_target(self, cleanup: contextlib.ExitStack) -> None:
        """Check the account, or begin to start the emulated one, which comes up while templates are linted."""
        if self._request.is_live and not self._inputs.stops_deployment and self._request.plan is not None:
            self._target = self._new_target(self._request.plan)
            cleanup.callback(self._target.close)

    def _new_target(self, plan: Plan) -> DeploymentTarget:
        account, run = self._request.account, self._inputs.run
        if account is None:
            from preflight.deploy.targets.rehearsal import EmulatedAccount  # noqa: PLC0415 - see above

            return EmulatedAccount.start(self._with_former(plan), run=run, has_containers=self._request.has_containers)
        from preflight.deploy.targets import account as real_account  # noqa: PLC0415 - see above

        real_account.check_names(plan)
        if self._inputs.former is not None:
            real_account.check_names(self._inputs.former.plan)
        target = real_account.RealAccount(account.id, regions=self._request.regions, run=run)
        target.check()
        return target

    def _with_former(self, plan: Plan) -> Plan:
        """Returns the plan with what the account has to know of the former one."""
        former = self._inputs.former.plan if self._inputs.former is not None else plan
        return replace(
            plan,
            stubs=tuple(dict.fromkeys((*plan.stubs, *former.stubs))),
            images={**former.images, **plan.images},
            standins={**former.standins, **plan.standins},
            smoke=tuple(dict.fromkeys((*plan.smoke, *former.smoke))),
            has_egress=plan.has_egress or former.has_egress,
        )

    def run(self, static: Sequence[StageResult]) -> list[StageResult]:
        """Returns the results of the requested stages, which follow the `static` ones."""
        if not self._request.is_live:
            return []
        if self._inputs.stops_deployment:
            return self._without_deployment(self._inputs.unread)
        plan, target, account = self._request.plan, self._target, self._request.account
        if plan is None or target is None:
            raise UsageError(NO_PLAN)
        refusal = self._refusal(plan, target, account, static) if account is not None else None
        if refusal is not None:
            return self._without_deployment(lambda name: StageResult(name, Outcome.SKIPPED, reason=refusal))
        try:
            engine = self._engine(plan)
        except PreflightError as error:
            return self._without_engine(error)
        results = self._deploy(plan, target, engine)
        self.deployment = results.deployment
        self.update = results.update
        self.screenshots = results.screenshots
        self.notes += results.notes
        return self._with_observations(results.stages, target)

    def _without_deployment(self, result: Callable[[str], StageResult]) -> list[StageResult]:
        return [timed_stage(name, self._say, functools.partial(result, name)) for name in self._request.live_stages]

    def _without_engine(self, error: PreflightError) -> list[StageResult]:
        rehearse = StageResult("rehearse", Outcome.ERROR, reason=str(error))
        others = [name for name in self._request.live_stages if name != "rehearse"]
        return [rehearse, *(StageResult(name, Outcome.SKIPPED, reason="nothing was deployed") for name in others)]

    def _refusal(
        self, plan: Plan, target: DeploymentTarget, account: AccountOptions, static: Sequence[StageResult]
    ) -> str | None:
        """Returns why nothing is deployed on the account, or None once the user agreed to what it costs."""
        failed = [stage.name for stage in static if stage.outcome is not Outcome.PASS]
        if failed:
            return f"{' and '.join(failed)} did not pass, so nothing was deployed. Next: fix it, or deploy anyway with --stage rehearse,smoke"
        from preflight.cost import announcement  # noqa: PLC0415 - only an account bills

        for line in announcement.announcement(
            plan, self._inputs.templates, target, account=account.id, regions=self._request.regions, run=self._inputs.run
        ):
            self._say(line)
        if self._inputs.former is not None:
            self._say(f"what runs today is deployed first, from {self._inputs.former.name}, then updated to this under traffic; what only one of the two has is billed while it exists")
        if not account.agrees():
            raise UsageError("nothing was deployed: it was not confirmed")
        return None

    def _engine(self, plan: Plan) -> Engine | None:
        """Returns what builds images and runs containers, if that is needed."""
        if self._request.account is not None:
            return self._find_engine() if any(isinstance(step, ImageStep) for step in self._steps(plan)) else None
        self.versions["moto"] = metadata.version("moto")
        if not self._request.has_containers:
            return None
        engine = self._find_engine()
        self.notes += reach_notes(engine, plan)
        return engine

    def _steps(self, plan: Plan) -> Sequence[StackStep | ImageStep]:
        """Returns the steps of a plan, and those of what runs today."""
        return (*plan.steps, *(self._inputs.former.plan.steps if self._inputs.former is not None else ()))

    def _find_engine(self) -> Engine:
        from preflight.container_engine import engine as container_engine  # noqa: PLC0415 - only the live stages need it

        engine = container_engine.find()
        self.versions["engine"] = engine.name
        return engine

    def _deploy(self, plan: Plan, target: DeploymentTarget, engine: Engine | None) -> RegionResults:
        from preflight.pipeline.several_regions import RegionRuns  # noqa: PLC0415 - see above

        names, run = self._inputs.names, self._inputs.run
        return RegionRuns(self._request, plan, target, self._say, run=run, engine=engine, names=names, former=self._inputs.former).run()

    def _with_observations(self, stages: Sequence[StageResult], target: DeploymentTarget) -> list[StageResult]:
        """Returns the stages with what is known only after the deletion: ignored properties, and problems of the target."""
        try:
            self.observations = target.observations()
        except (PreflightError, OSError):
            return list(stages)  # it never came up, or died: the stage has said so
        self.notes += self.observations.notes
        rehearse, *others = stages
        ignored = [_ignored(entry) for entry in self.observations.ledger if entry.state == "ignored"]
        if self._request.strict and ignored:
            rehearse = model.failing(rehearse, ignored)
        if self.observations.problems:
            rehearse = replace(rehearse, outcome=Outcome.ERROR, reason="; ".join(self.observations.problems))
        return [rehearse, *others]


def reach_notes(engine: Engine, plan: Plan) -> list[str]:
    """Returns the note that containers can reach the network, if they can."""
    if not engine.shares_network_namespaces:
        return [NOT_ISOLATED.format(engine.program)]
    return [HAS_EGRESS] if plan.has_egress else []


def _ignored(entry: LedgerEntry) -> Finding:
    subject = entry.resource if entry.property is None else f"{entry.property} of {entry.resource}"
    return Finding(
        stage="rehearse",
        check="Ignored",
        severity=Severity.WARNING,
        message=f"{subject} was not rehearsed: {entry.note or 'nothing was done with it'}",
        resource=entry.resource,
        property=entry.property,
        fix="Check it on a real account, or run without --strict.",
    )
