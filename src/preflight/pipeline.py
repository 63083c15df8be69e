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
from typing import TYPE_CHECKING, Any

from preflight import __version__, comply, errors, guard_binary, lint, model, plan, ruleset, template, waiting
from preflight.model import Outcome, StageResult

if TYPE_CHECKING:
    from preflight import engine as engines
    from preflight import live, smoke

STAGES = ("lint", "comply", "rehearse", "smoke")
ASSUMED = "tasks were assumed to run (--containers off), so no page was asked for"
NOT_ISOLATED = "{} publishes the ports, and containers can reach the network: this is not root on Linux"
HAS_EGRESS = "egress: true in the plan: containers can reach the network"
Say = Callable[[str], None]


@dataclass(frozen=True)
class Request:
    """What is to be checked, and how."""

    stages: tuple[str, ...]
    plan: plan.Plan | None
    templates: tuple[Path, ...]
    rules: tuple[Path, ...]
    strict: bool = False
    has_containers: bool = True
    keeps: bool = False


class Run:
    """One run of the stages that were asked for."""

    def __init__(self, request: Request, say: Say) -> None:
        self.request = request
        self.id = new_run()
        self._say = say
        self._results: list[StageResult] = []
        self._versions = {"preflight": __version__}
        self._deployment = model.Deployment()
        self._book: dict[str, Any] = {"ledger": []}
        self._notes: list[str] = []
        self._templates: dict[Path, template.Template] = {}
        self._broken: list[model.Finding] = []
        self.names = _names([*request.templates, *_plan_paths(request.plan)], request.plan)

    def report(self) -> model.Report:
        """Run the stages and return what came of them.

        Raises:
            UsageError: what was asked for cannot be done.
        """
        self._read()
        with contextlib.ExitStack() as cleanup:
            account = self._start_account(cleanup)
            self._static()
            self._live(account)
        return model.Report(
            target="rehearsal",
            run=self.id,
            stages=tuple(self._results),
            strict=self.request.strict,
            ledger=tuple(
                model.LedgerEntry(str(e["resource"]), e["property"], str(e["state"]), e["note"])
                for e in self._book["ledger"]
            ),
            deployment=self._deployment,
            versions=self._versions,
            notes=tuple(self._notes),
        )

    def _read(self) -> None:
        if not self.request.templates:
            msg = "there is no template to check. Next: name template files, or folders that hold some"
            raise errors.UsageError(msg)
        for path in self.request.templates:
            self._load(path)

    def _load(self, path: Path) -> None:
        try:
            self._templates[path] = template.load(path, name=self.names[path])
        except template.UnreadableError as error:
            self._broken.append(_unreadable(self.names[path], error))

    def _static(self) -> None:
        """Lint and comply: cfn-guard works while cfn-lint does."""
        wants_lint, wants_comply = "lint" in self.request.stages, "comply" in self.request.stages
        began = time.monotonic()
        with contextlib.ExitStack() as cleanup:
            started: comply.Running | errors.PreflightError | None = None
            if wants_comply and not self._broken:
                try:
                    started = cleanup.enter_context(self._start_guard())
                except errors.PreflightError as error:
                    started = error
            if wants_lint:
                self._stage("lint", self._lint)
            if wants_comply:
                self._stage("comply", lambda: self._comply(started), began=began)

    def _start_guard(self) -> contextlib.AbstractContextManager[comply.Running]:
        binary = guard_binary.find()
        self._versions["cfn-guard"] = binary.name
        asked = self.request.plan
        rules = ruleset.chosen(self.request.rules, asked.policy if asked else None)
        self._notes += _switched_off(asked)
        return comply.running(comply.Asked(self._templates, rules, asked, self.id), binary)

    def _stage(self, name: str, act: Callable[[], StageResult], *, began: float | None = None) -> StageResult:
        start = time.monotonic() if began is None else began
        self._say(name)
        try:
            result = act()
        except errors.PreflightError as error:
            result = StageResult(name, Outcome.ERROR, reason=str(error))
        result = replace(result, seconds=time.monotonic() - start)
        self._results.append(result)
        return result

    def _judged(self, name: str, findings: Sequence[model.Finding], waived: Sequence[model.Waiver] = ()) -> StageResult:
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

    def _comply(self, started: comply.Running | errors.PreflightError | None) -> StageResult:
        if self._broken:
            return self._skipped("comply")
        if not isinstance(started, comply.Running):
            raise started or errors.ToolBrokeError("cfn-guard was not started")
        found = started.result()
        return self._judged("comply", found.findings, found.waived)

    def _start_account(self, cleanup: contextlib.ExitStack) -> live.Account | None:
        """Begin to start the pretended account, so that it comes up while the templates are linted."""
        if not self._is_live or self._broken or self.request.plan is None:
            return None
        from preflight import live  # noqa: PLC0415 - boto3 is slow to import, and lint needs none

        account = live.Account(self.request.plan, run=self.id, has_containers=self.request.has_containers)
        cleanup.callback(account.close)
        return account

    @property
    def _is_live(self) -> bool:
        return "rehearse" in self.request.stages or "smoke" in self.request.stages

    def _live(self, account: live.Account | None) -> None:
        """Rehearse and smoke: deploy, ask, delete."""
        if not self._is_live:
            return
        if self._broken:
            for name in [n for n in ("rehearse", "smoke") if n in self.request.stages]:
                self._stage(name, functools.partial(self._skipped, name))
            return
        if account is None or self.request.plan is None:
            msg = "rehearse and smoke need a plan. Next: write preflight.yaml, or run lint and comply only"
            raise errors.UsageError(msg)
        began = time.monotonic()
        remains: list[model.Finding] = []
        with contextlib.ExitStack() as cleanup:
            deployed = self._deploy(account, self.request.plan, cleanup, remains, began)
            if deployed is not None:
                self._smoke(deployed)
                if self.request.keeps:
                    _keep(account.endpoint, self._say)
        self._settle(account, remains)

    def _deploy(
        self,
        account: live.Account,
        asked: plan.Plan,
        cleanup: contextlib.ExitStack,
        remains: list[model.Finding],
        began: float,
    ) -> live.Live | None:
        from preflight import live  # noqa: PLC0415 - boto3 is slow to import, and lint needs none
        from preflight.aws import deployment as deployments  # noqa: PLC0415 - as above

        def rehearse() -> StageResult:
            try:
                found.append(
                    cleanup.enter_context(
                        live.deployed(
                            asked,
                            account,
                            run=self.id,
                            engine=self._engine(),
                            names=self.names,
                            say=self._say,
                            remains=remains,
                        )
                    )
                )
            except deployments.FailedError as error:
                return self._judged("rehearse", error.findings)
            return self._judged("rehearse", [])

        found: list[live.Live] = []
        self._stage("rehearse", rehearse, began=began)
        if not found:
            self._skip_smoke("nothing was deployed")
            return None
        return found[0]

    def _engine(self) -> engines.Engine | None:
        from preflight import engine as engines  # noqa: PLC0415 - only the live stages need it

        self._versions["moto"] = metadata.version("moto")
        if not self.request.has_containers:
            self._notes.append(ASSUMED)
            return None
        engine = engines.find()
        self._versions["engine"] = engine.name
        if not engine.shares_network_namespaces:
            self._notes.append(NOT_ISOLATED.format(engine.program))
        elif self.request.plan is not None and self.request.plan.has_egress:
            self._notes.append(HAS_EGRESS)
        return engine

    def _smoke(self, deployed: live.Live) -> None:
        from preflight import smoke  # noqa: PLC0415 - boto3 is slow to import
        from preflight.aws import deployment as deployments  # noqa: PLC0415 - as above

        asked = self.request.plan
        self._deployment = deployments.described(deployed.deployment, [], ())
        if deployed.engine is None:
            self._skip_smoke(ASSUMED)
            return
        if "smoke" not in self.request.stages or asked is None:
            return
        questions = smoke.Smoke(
            deployed.deployment,
            asked,
            deployed.values,
            self.names[asked.path],
            inside=deployed.account.inside,
            skipped=deployed.account.book()["skipped"],
        )
        self._stage("smoke", lambda: self._answered(questions))
        for answer in questions.answers:
            self._say(f"{answer.target}: GET {answer.url} -> {answer.status or 'no answer'} ({answer.seconds:.2f} s)")
        self._deployment = deployments.described(deployed.deployment, questions.running, tuple(questions.answers))

    def _answered(self, questions: smoke.Smoke) -> StageResult:
        """What the questions brought; skipped where none could be asked."""
        findings = questions.findings()
        self._notes += [f"smoke skipped for a service: {reason}" for reason in questions.unasked]
        if questions.unasked and not questions.answers and not findings:
            return StageResult("smoke", Outcome.SKIPPED, reason="; ".join(questions.unasked))
        return self._judged("smoke", findings)

    def _skip_smoke(self, reason: str) -> None:
        if "smoke" in self.request.stages:
            self._stage("smoke", lambda: StageResult("smoke", Outcome.SKIPPED, reason=reason))

    def _settle(self, account: live.Account, remains: Sequence[model.Finding]) -> None:
        """What is known only after everything was deleted: the ledger, and what remains."""
        rehearsed = next(result for result in self._results if result.name == "rehearse")
        if remains:
            rehearsed = _failing(rehearsed, remains)
        try:
            self._book = account.book()
        except (errors.PreflightError, OSError):
            return  # it never came up, or died: the stage has said so
        self._notes += self._book["notes"]
        if self.request.strict:
            ignored = [_ignored(entry) for entry in self._book["ledger"] if entry["state"] == "ignored"]
            rehearsed = _failing(rehearsed, ignored) if ignored else rehearsed
        if self._book["troubles"]:
            rehearsed = replace(rehearsed, outcome=Outcome.ERROR, reason="; ".join(self._book["troubles"]))
        self._results = [rehearsed if r.name == "rehearse" else r for r in self._results]


def _switched_off(asked: plan.Plan | None) -> list[str]:
    """Notes of what the plan switches off, so that a report never hides it."""
    off = [switch.rule for switch in (asked.policy.switches if asked else ()) if switch.to == "off"]
    return [f"the plan switches off: {', '.join(off)}"] if off else []


def _unreadable(name: str, error: template.UnreadableError) -> model.Finding:
    return model.Finding(
        stage="lint",
        check="TemplateUnreadable",
        severity=model.Severity.ERROR,
        message=error.reason,
        file=name,
        line=error.line or 1,
        fix="Write the template as YAML or JSON that CloudFormation can read.",
        source="https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-formats.html",
    )


def _failing(result: StageResult, more: Sequence[model.Finding]) -> StageResult:
    """The result with more findings; what could not be checked stays so."""
    outcome = result.outcome if result.outcome is Outcome.ERROR else Outcome.FAIL
    return replace(result, outcome=outcome, findings=(*result.findings, *more))


def _ignored(entry: dict[str, Any]) -> model.Finding:
    what = entry["resource"] if entry["property"] is None else f"{entry['property']} of {entry['resource']}"
    return model.Finding(
        stage="rehearse",
        check="Ignored",
        severity=model.Severity.WARNING,
        message=f"{what} was not rehearsed: {entry['note'] or 'nothing was done with it'}",
        resource=entry["resource"],
        property=entry["property"],
        fix="Check it on a real account, or run without --strict.",
    )


def new_run() -> str:
    """An id for a run: eight hexadecimal digits."""
    return secrets.token_hex(4)


def _keep(endpoint: str, say: Say) -> None:
    say(f"everything is kept running at {endpoint} until Ctrl-C")
    with contextlib.suppress(errors.StopRequested):
        while True:
            waiting.pause(3600)


def _plan_paths(asked: plan.Plan | None) -> Iterator[Path]:
    if asked is not None:
        yield asked.path
        yield from asked.template_files()
        yield from (step.build for step in asked.steps if isinstance(step, plan.Image))


def _names(paths: Sequence[Path], asked: plan.Plan | None) -> dict[Path, str]:
    """What reports call each file: its path from here, else from the plan's folder."""
    here, folder = Path.cwd(), asked.folder if asked else None

    def name(path: Path) -> str:
        for base in (here, folder):
            if base is not None and path.absolute().is_relative_to(base):
                return str(path.absolute().relative_to(base))
        return str(path)

    return {path: name(path) for path in paths}
