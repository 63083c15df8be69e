"""Stages in order, trouble into results, progress out."""

from __future__ import annotations

import contextlib
import json
import secrets
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from preflight import __version__, errors, guard, guard_binary, lint, model, plan, process, template, waivers
from preflight.model import Outcome, StageResult

if TYPE_CHECKING:
    from preflight import engine as engines
    from preflight.aws import deployment as deployments
    from preflight.standins import Standins

STAGES = ("lint", "comply", "rehearse", "smoke")
START_TIMEOUT = 60.0
STOP_TIMEOUT = 120.0
ASSUMED = "tasks were assumed to run (--containers off), so no page was asked for"
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
        self.id = secrets.token_hex(4)
        self._say = say
        self._results: list[StageResult] = []
        self._versions = {"preflight": __version__}
        self._deployment = model.Deployment()
        self._book: dict[str, list[dict[str, str | None]]] = {"ledger": []}
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
            service = self._start_rehearsal(cleanup)
            self._static()
            self._live(service)
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
            try:
                self._templates[path] = template.load(path, name=self.names[path])
            except template.UnreadableError as error:
                self._broken.append(
                    model.Finding(
                        "lint", "TemplateUnreadable", model.Severity.ERROR, error.reason,
                        file=self.names[path], line=error.line or 1,
                        fix="Write the template as YAML or JSON that CloudFormation can read.",
                        source="https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-formats.html",
                    )  # fmt: skip
                )

    def _static(self) -> None:
        """lint and comply: cfn-guard works while cfn-lint does."""
        wants_lint, wants_comply = "lint" in self.request.stages, "comply" in self.request.stages
        started: guard.Running | None = None
        began = time.monotonic()
        trouble: errors.PreflightError | None = None
        if wants_comply and not self._broken:
            try:
                started = self._start_guard()
            except errors.PreflightError as error:
                trouble = error
        try:
            if wants_lint:
                self._stage("lint", self._lint)
            if wants_comply:
                self._stage("comply", lambda: self._comply(started, trouble), began=began)
        finally:
            if started is not None:
                started.kill()

    def _start_guard(self) -> guard.Running:
        binary = guard_binary.find()
        self._versions["cfn-guard"] = binary.name
        return guard.start(binary, guard.rules_below(self.request.rules), self._templates)

    def _stage(
        self, name: str, act: Callable[[], StageResult], *, began: float | None = None
    ) -> StageResult:
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

    def _lint(self) -> StageResult:
        self._versions["cfn-lint"] = lint.version()
        found = lint.check(self._templates) if self._templates else []
        return self._judged("lint", [*self._broken, *found], lint.waivers(list(self._templates.values())))

    def _skipped(self, name: str) -> StageResult:
        """A stage that needs every template to be readable."""
        files = ", ".join(str(finding.file) for finding in self._broken)
        findings = () if "lint" in self.request.stages else tuple(replace(b, stage=name) for b in self._broken)
        outcome = Outcome.SKIPPED if "lint" in self.request.stages else Outcome.FAIL
        return StageResult(name, outcome, reason=f"cannot be read: {files}", findings=findings)

    def _comply(self, started: guard.Running | None, trouble: errors.PreflightError | None) -> StageResult:
        if self._broken:
            return self._skipped("comply")
        if trouble is not None or started is None:
            raise trouble or errors.ToolBrokeError("cfn-guard was not started")
        return self._judged("comply", started.findings(), waivers.of(list(self._templates.values())))

    def _start_rehearsal(self, cleanup: contextlib.ExitStack) -> process.Service | None:
        """Begin to start the pretended account, so that it comes up while the templates are linted."""
        if not self._is_live or self._broken or self.request.plan is None:
            return None
        args = [sys.executable, "-m", "preflight", "serve", "--run", self.id, "--until-eof"]
        args += [] if self.request.has_containers else ["--containers", "off"]
        for image, folder in self.request.plan.standins.items():
            args += ["--standin", f"{image}={folder}"]
        service = process.Service(*args)
        cleanup.callback(service.stop, timeout=STOP_TIMEOUT)
        return service

    @property
    def _is_live(self) -> bool:
        return "rehearse" in self.request.stages or "smoke" in self.request.stages

    def _live(self, service: process.Service | None) -> None:
        """rehearse and smoke: deploy, ask, delete."""
        if not self._is_live:
            return
        if self._broken:
            for name in ("rehearse", "smoke"):
                if name in self.request.stages:
                    self._stage(name, lambda name=name: self._skipped(name))  # type: ignore[misc]
            return
        if service is None or self.request.plan is None:
            msg = "rehearse and smoke need a plan. Next: write preflight.yaml, or run lint and comply only"
            raise errors.UsageError(msg)
        _Rehearsal(self, service, self.request.plan, self._say).run()

    def live_stage(self, name: str, act: Callable[[], StageResult], *, began: float | None = None) -> StageResult:
        """Run a stage of the rehearsal."""
        return self._stage(name, act, began=began)

    def judged(self, name: str, findings: Sequence[model.Finding]) -> StageResult:
        """The result that findings amount to."""
        return self._judged(name, findings)

    def amend(self, result: StageResult) -> None:
        """Replace the result of a stage by a later one."""
        self._results = [result if r.name == result.name else r for r in self._results]

    def noted(
        self, *, book: dict[str, list[dict[str, str | None]]] | None = None, deployment: model.Deployment | None = None,
        versions: Mapping[str, str] | None = None, notes: Sequence[str] = (),
    ) -> None:  # fmt: skip
        """Add to what the report will say."""
        self._book = book or self._book
        self._deployment = deployment or self._deployment
        self._versions |= versions or {}
        self._notes += [note for note in notes if note not in self._notes]


class _Rehearsal:
    """The live stages of one run, on the pretended account."""

    def __init__(self, run: Run, service: process.Service, asked: plan.Plan, say: Say) -> None:
        self._run = run
        self._service = service
        self._plan = asked
        self._say = say
        self._endpoint = ""
        self._remains: list[model.Finding] = []

    def run(self) -> None:
        began = time.monotonic()
        with contextlib.ExitStack() as cleanup:
            try:
                deployment, values = self._up(cleanup)
            except _Ended as ended:
                self._run.live_stage("rehearse", lambda: ended.result, began=began)
                self._skip_smoke("nothing was deployed")
                self._read_book()
                return
            self._run.live_stage("rehearse", lambda: self._run.judged("rehearse", []), began=began)
            self._smoke(deployment, values)
            if self._run.request.keeps:
                _keep(self._endpoint, self._say)
        self._read_book()
        if self._remains:
            self._run.amend(self._run.judged("rehearse", self._remains))

    def _up(self, cleanup: contextlib.ExitStack) -> tuple[deployments.Deployment, dict[str, str]]:
        from preflight.aws import deployment as deployments  # noqa: PLC0415 - boto3 is slow to import
        from preflight.aws import session as sessions  # noqa: PLC0415 - as above

        try:
            engine, base = self._engine()
            self._endpoint = json.loads(self._service.first_line(timeout=START_TIMEOUT))["endpoint"]
            session = sessions.rehearsal(self._plan.region, self._endpoint)
            values = self._values(session.account)
            order = deployments.Order(self._plan, values, {}, engine, base, self._run.names)
            deployment = cleanup.enter_context(
                deployments.deployed(session, order, self._say, remains=self._remains)
            )
        except errors.PreflightError as error:
            raise _Ended(StageResult("rehearse", Outcome.ERROR, reason=str(error))) from None
        except deployments.FailedError as error:
            raise _Ended(self._run.judged("rehearse", error.findings)) from None
        return deployment, values

    def _engine(self) -> tuple[engines.Engine | None, Standins | None]:
        from preflight import engine as engines  # noqa: PLC0415 - only the live stages need it
        from preflight.standins import Standins  # noqa: PLC0415 - as above

        self._run.noted(versions={"moto": metadata.version("moto")})
        if not self._run.request.has_containers:
            self._run.noted(notes=[ASSUMED])
            return None, None
        engine = engines.find()
        self._run.noted(versions={"engine": engine.name})
        if not engine.shares_network_namespaces:
            self._run.noted(notes=[f"{engine.program} publishes the ports, and containers can reach the network: not run as root on Linux"])
        return engine, Standins(engine, self._plan.standins)

    def _values(self, account: str) -> dict[str, str]:
        name = self._plan.name
        return {
            "name": name,
            "prefix": name,
            "run": self._run.id,
            "region": self._plan.region,
            "account": account,
            "bucket": f"{name}-preflight-{self._run.id}",
            "templates": name,
        }

    def _smoke(self, deployment: deployments.Deployment, values: Mapping[str, str]) -> None:
        from preflight import smoke  # noqa: PLC0415 - boto3 is slow to import
        from preflight.aws import deployment as deployments  # noqa: PLC0415 - as above

        if "smoke" not in self._run.request.stages:
            self._run.noted(deployment=deployments.described(deployment, [], ()))
            return
        if not self._run.request.has_containers:
            self._skip_smoke(ASSUMED)
            self._run.noted(deployment=deployments.described(deployment, [], ()))
            return
        shown = self._run.names.get(self._plan.path, self._plan.path.name)
        questions = smoke.Smoke(deployment, self._plan, values, shown)
        self._run.live_stage("smoke", lambda: self._run.judged("smoke", questions.findings()))
        for answer in questions.answers:
            self._say(f"{answer.target}: GET {answer.url} -> {answer.status or 'no answer'} ({answer.seconds:.2f} s)")
        self._run.noted(deployment=deployments.described(deployment, questions.running, tuple(questions.answers)))

    def _skip_smoke(self, reason: str) -> None:
        if "smoke" in self._run.request.stages:
            self._run.live_stage("smoke", lambda: StageResult("smoke", Outcome.SKIPPED, reason=reason))

    def _read_book(self) -> None:
        if not self._endpoint:
            return
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"{self._endpoint}/_preflight/book", timeout=30) as answer:
            book = json.load(answer)
        self._run.noted(book=book, notes=book["notes"])
        if book["troubles"]:
            reason = "; ".join(book["troubles"])
            self._run.amend(StageResult("rehearse", Outcome.ERROR, reason=reason))


class _Ended(Exception):  # noqa: N818 - a result on its way up
    def __init__(self, result: StageResult) -> None:
        super().__init__(result.name)
        self.result = result


def _keep(endpoint: str, say: Say) -> None:
    from preflight import waiting  # noqa: PLC0415 - only --keep needs it

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
