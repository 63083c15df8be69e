"""Stages in order, trouble into results, progress out."""

from __future__ import annotations

import contextlib
import functools
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from preflight import __version__, lint, model
from preflight.comply import cfn_guard_binary, ruleset, stage
from preflight.comply.stage import ComplyRequest, ComplyRun
from preflight.errors import PreflightError, StopRequested, ToolBrokeError, UsageError
from preflight.model import (
    Deployment,
    Finding,
    LedgerEntry,
    Observations,
    Outcome,
    Report,
    ReportedWaiver,
    Say,
    Severity,
    StageResult,
)
from preflight.plan.plan import ImageStep, Plan
from preflight.system import waiting
from preflight.templates import template
from preflight.templates.template import Template, UnreadableError

if TYPE_CHECKING:
    from preflight.container_engine.engine import Engine
    from preflight.deploy.targets.target import DeploymentTarget
    from preflight.pipeline.regions import Asked

STAGES = ("lint", "comply", "rehearse", "smoke")
NOT_ISOLATED = "{} publishes the ports, and containers can reach the network: this is not root on Linux"
HAS_EGRESS = "egress: true in the plan: containers can reach the network"


@dataclass(frozen=True)
class AccountOptions:
    """A real account to deploy on, in `regions` (none: that of the plan), once somebody `agrees` to what was announced."""

    id: str
    regions: tuple[str, ...]
    agrees: Callable[[], bool]
    keeps_failed: bool = False


@dataclass(frozen=True)
class RunRequest:
    """What is to be checked, and how; on the rehearsal where there is no `account`."""

    stages: tuple[str, ...]
    plan: Plan | None
    templates: tuple[Path, ...]
    rules: tuple[Path, ...]
    strict: bool = False
    has_containers: bool = True
    keeps: bool = False
    account: AccountOptions | None = None


class Run:
    """One run of the stages that were asked for."""

    def __init__(self, request: RunRequest, say: Say) -> None:
        self.request = request
        self.id = new_run()
        self._say = say
        self._results: list[StageResult] = []
        self._versions = {"preflight": __version__}
        self._deployment = Deployment()
        self._observations = Observations()
        self._notes: list[str] = []
        self._templates: dict[Path, Template] = {}
        self._broken: list[Finding] = []
        self.names = _names([*request.templates, *_plan_paths(request.plan)], request.plan)

    def report(self) -> Report:
        """Run the stages and return what came of them.

        Raises:
            UsageError: what was asked for cannot be done.
        """
        self._read()
        with contextlib.ExitStack() as cleanup:
            where = self._start(cleanup)
            self._static()
            self._live(where)
        return Report(
            target="rehearsal" if self.request.account is None else "aws",
            run=self.id,
            stages=tuple(self._results),
            strict=self.request.strict,
            ledger=self._observations.ledger,
            deployment=self._deployment,
            versions=self._versions,
            notes=tuple(self._notes),
        )

    def _read(self) -> None:
        if not self.request.templates:
            msg = "there is no template to check. Next: name template files, or folders that hold some"
            raise UsageError(msg)
        for path in self.request.templates:
            self._load(path)

    def _load(self, path: Path) -> None:
        try:
            self._templates[path] = template.load(path, name=self.names[path])
        except UnreadableError as error:
            self._broken.append(_unreadable(self.names[path], error))

    def _static(self) -> None:
        """Lint and comply: cfn-guard works while cfn-lint does."""
        wants_lint, wants_comply = "lint" in self.request.stages, "comply" in self.request.stages
        began = time.monotonic()
        with contextlib.ExitStack() as cleanup:
            started: ComplyRun | PreflightError | None = None
            if wants_comply and not self._broken:
                try:
                    started = cleanup.enter_context(self._start_guard())
                except PreflightError as error:
                    started = error
            if wants_lint:
                self._stage("lint", self._lint)
            if wants_comply:
                self._stage("comply", lambda: self._comply(started), began=began)

    def _start_guard(self) -> contextlib.AbstractContextManager[ComplyRun]:
        binary = cfn_guard_binary.find()
        self._versions["cfn-guard"] = binary.name
        asked = self.request.plan
        rules = ruleset.chosen(self.request.rules, asked.policy if asked else None)
        self._notes += _switched_off(asked)
        return stage.running(ComplyRequest(self._templates, rules, asked, self.id), binary)

    def _stage(self, name: str, act: Callable[[], StageResult], *, began: float | None = None) -> StageResult:
        start = time.monotonic() if began is None else began
        self._say(name)
        try:
            result = act()
        except PreflightError as error:
            result = StageResult(name, Outcome.ERROR, reason=str(error))
        result = replace(result, seconds=time.monotonic() - start)
        self._results.append(result)
        return result

    def _judged(self, name: str, findings: Sequence[Finding], waived: Sequence[ReportedWaiver] = ()) -> StageResult:
        outcome = model.outcome_of(tuple(findings), strict=self.request.strict)
        return StageResult(name, outcome, findings=tuple(findings), waived=tuple(waived))

    @property
    def _region(self) -> str | None:
        return self.request.plan.region if self.request.plan else None

    def _lint(self) -> StageResult:
        self._versions["cfn-lint"] = lint.version()
        found = lint.check(self._templates, region=self._region) if self._templates else []
        return self._judged("lint", [*self._broken, *found], lint.waivers(list(self._templates.values())))

    def _skipped(self, name: str) -> StageResult:
        """A stage that needs every template to be readable."""
        files = ", ".join(str(finding.file) for finding in self._broken)
        is_first = not self._results
        findings = tuple(replace(b, stage=name) for b in self._broken) if is_first else ()
        outcome = Outcome.FAIL if is_first else Outcome.SKIPPED
        return StageResult(name, outcome, reason=f"cannot be read: {files}", findings=findings)

    def _comply(self, started: ComplyRun | PreflightError | None) -> StageResult:
        if self._broken:
            return self._skipped("comply")
        if not isinstance(started, ComplyRun):
            raise started or ToolBrokeError("cfn-guard was not started")
        found = started.result()
        return self._judged("comply", found.findings, found.waived)

    def _start(self, cleanup: contextlib.ExitStack) -> DeploymentTarget | None:
        """Make sure of the account, or begin to start the pretended one, which comes up while templates are linted."""
        if not self._is_live or self._broken or self.request.plan is None:
            return None
        asked = self.request.plan
        found: DeploymentTarget
        if self.request.account is not None:
            from preflight.deploy.targets import account  # noqa: PLC0415 - boto3 is slow to import, and lint needs none
            from preflight.deploy.targets.account import RealAccount  # noqa: PLC0415 - boto3 is slow to import, and lint needs none

            account.check_names(asked)
            found = RealAccount(self.request.account.id, regions=self._regions, run=self.id)
            found.check()
        else:
            from preflight.deploy.targets.rehearsal import EmulatedAccount  # noqa: PLC0415 - as above

            found = EmulatedAccount(asked, run=self.id, has_containers=self.request.has_containers)
        cleanup.callback(found.close)
        return found

    @property
    def _regions(self) -> tuple[str, ...]:
        """The regions to deploy in."""
        named = self.request.account.regions if self.request.account is not None else ()
        return named or ((self.request.plan.region,) if self.request.plan is not None else ())

    @property
    def _is_live(self) -> bool:
        return "rehearse" in self.request.stages or "smoke" in self.request.stages

    def _live(self, where: DeploymentTarget | None) -> None:
        """Rehearse and smoke: deploy, ask, delete."""
        if not self._is_live:
            return
        if self._broken:
            self._pass_over(self._skipped)
            return
        if where is None or self.request.plan is None:
            msg = "rehearse and smoke need a plan. Next: write preflight.yaml, or run lint and comply only"
            raise UsageError(msg)
        from preflight.pipeline.regions import RegionRuns  # noqa: PLC0415 - boto3 is slow to import, and lint needs none

        if self.request.account is not None:
            refused = self._refused(self.request.account, where)
            if refused is not None:
                self._pass_over(lambda name: StageResult(name, Outcome.SKIPPED, reason=refused))
                return
        try:
            engine = self._engine()
        except PreflightError as error:
            self._results.append(StageResult("rehearse", Outcome.ERROR, reason=str(error)))
            if "smoke" in self.request.stages:
                self._results.append(StageResult("smoke", Outcome.SKIPPED, reason="nothing was deployed"))
            return
        done = RegionRuns(self._asked(self.request.plan, engine), where, self._say).go()
        self._results += done.results
        self._deployment = done.deployment
        self._notes += done.notes
        self._settle(where)

    def _asked(self, asked: Plan, engine: Engine | None) -> Asked:
        """What is to be deployed and asked, and how long it is kept."""
        from preflight.pipeline.regions import Asked  # noqa: PLC0415 - boto3 is slow to import, and lint needs none

        account, keeps = self.request.account, self.request.keeps
        return Asked(
            plan=asked,
            regions=self._regions,
            run=self.id,
            stages=self.request.stages,
            engine=engine,
            names=self.names,
            has_containers=self.request.has_containers,
            waits=_wait if keeps and account is None else None,
            is_kept=keeps and account is not None,
            is_kept_failed=account is not None and account.keeps_failed,
        )

    def _pass_over(self, act: Callable[[str], StageResult]) -> None:
        """Enter what becomes of the live stages that are not run."""
        for name in [n for n in ("rehearse", "smoke") if n in self.request.stages]:
            self._stage(name, functools.partial(act, name))

    def _refused(self, account: AccountOptions, where: DeploymentTarget) -> str | None:
        """Why nothing is deployed on the account; None once somebody agreed to what it costs."""
        wrong = [r.name for r in self._results if r.outcome is not Outcome.PASS]
        if wrong:
            return f"{' and '.join(wrong)} did not pass, so nothing was deployed. Next: mend that, or deploy all the same by --stage rehearse,smoke"
        from preflight.cost import announcement  # noqa: PLC0415 - only an account bills

        if self.request.plan is not None:
            for line in announcement.announcement(
                self.request.plan, self._templates, where, account=account.id, regions=self._regions, run=self.id
            ):
                self._say(line)
        if not account.agrees():
            raise UsageError("nothing was deployed: nobody agreed to it")
        return None

    def _engine(self) -> Engine | None:
        """What builds images and runs containers, where that is needed."""
        asked = self.request.plan
        if self.request.account is not None:
            has_images = asked is not None and any(isinstance(step, ImageStep) for step in asked.steps)
            return self._found_engine() if has_images else None
        self._versions["moto"] = metadata.version("moto")
        if not self.request.has_containers:
            return None
        engine = self._found_engine()
        if not engine.shares_network_namespaces:
            self._notes.append(NOT_ISOLATED.format(engine.program))
        elif asked is not None and asked.has_egress:
            self._notes.append(HAS_EGRESS)
        return engine

    def _found_engine(self) -> Engine:
        from preflight.container_engine import engine as engines  # noqa: PLC0415 - only the live stages need it

        engine = engines.find()
        self._versions["engine"] = engine.name
        return engine

    def _settle(self, where: DeploymentTarget) -> None:
        """What is known only after everything was deleted: the ledger, and troubles of the target itself."""
        try:
            self._observations = where.observations()
        except (PreflightError, OSError):
            return  # it never came up, or died: the stage has said so
        self._notes += self._observations.notes
        rehearsed = next(result for result in self._results if result.name == "rehearse")
        if self.request.strict:
            ignored = [_ignored(entry) for entry in self._observations.ledger if entry.state == "ignored"]
            rehearsed = model.failing(rehearsed, ignored) if ignored else rehearsed
        if self._observations.problems:
            rehearsed = replace(rehearsed, outcome=Outcome.ERROR, reason="; ".join(self._observations.problems))
        self._results = [rehearsed if r.name == "rehearse" else r for r in self._results]


def _switched_off(asked: Plan | None) -> list[str]:
    """Notes of what the plan switches off, so that a report never hides it."""
    off = [switch.rule for switch in (asked.policy.switches if asked else ()) if switch.to == "off"]
    return [f"the plan switches off: {', '.join(off)}"] if off else []


def _unreadable(name: str, error: UnreadableError) -> Finding:
    return Finding(
        stage="lint",
        check="TemplateUnreadable",
        severity=Severity.ERROR,
        message=error.reason,
        file=name,
        line=error.line or 1,
        fix="Write the template as YAML or JSON that CloudFormation can read.",
        source="https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-formats.html",
    )


def _ignored(entry: LedgerEntry) -> Finding:
    what = entry.resource if entry.property is None else f"{entry.property} of {entry.resource}"
    return Finding(
        stage="rehearse",
        check="Ignored",
        severity=Severity.WARNING,
        message=f"{what} was not rehearsed: {entry.note or 'nothing was done with it'}",
        resource=entry.resource,
        property=entry.property,
        fix="Check it on a real account, or run without --strict.",
    )


def new_run() -> str:
    """An id for a run: eight hexadecimal digits."""
    return secrets.token_hex(4)


def _wait() -> None:
    """Wait for Ctrl-C."""
    with contextlib.suppress(StopRequested):
        while True:
            waiting.pause(3600)


def _plan_paths(asked: Plan | None) -> Iterator[Path]:
    if asked is not None:
        yield asked.path
        yield from asked.template_files()
        yield from (step.build for step in asked.steps if isinstance(step, ImageStep))


def _names(paths: Sequence[Path], asked: Plan | None) -> dict[Path, str]:
    """What reports call each file: its path from here, else from the plan's folder."""
    here, folder = Path.cwd(), asked.folder if asked else None

    def name(path: Path) -> str:
        for base in (here, folder):
            if base is not None and path.absolute().is_relative_to(base):
                return str(path.absolute().relative_to(base))
        return str(path)

    return {path: name(path) for path in paths}
