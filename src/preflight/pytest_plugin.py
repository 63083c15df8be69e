"""pytest options and fixtures: a plan as test items, and what it deploys as a fixture."""

from __future__ import annotations

import contextlib
import functools
import signal
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from preflight import model
from preflight.container_engine import engine
from preflight.cost import announcement
from preflight.deploy import lifecycle
from preflight.deploy.deployment import DeploymentFailedError
from preflight.deploy.lifecycle import Live
from preflight.deploy.options import DeploymentOptions
from preflight.deploy.targets import account
from preflight.deploy.targets.account import RealAccount
from preflight.deploy.targets.rehearsal import EmulatedAccount
from preflight.deploy.targets.target import DeploymentTarget
from preflight.errors import PreflightError, UsageError
from preflight.model import Finding, Outcome, Report, Say
from preflight.pipeline import run as pipeline
from preflight.pipeline.request import STAGES, TARGETS, AccountOptions, RunRequest, UpdateRequest, new_run
from preflight.plan import plan, reader
from preflight.plan.plan import Plan
from preflight.report import text

_REPORTS: pytest.StashKey[dict[Path, Report]] = pytest.StashKey()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds the options, which begin with --preflight-."""
    group = parser.getgroup("preflight", "Fargate deployments")
    group.addoption(
        "--preflight-plan", type=Path, metavar="PLAN", help="the plan to deploy (default: the nearest preflight.yaml)"
    )
    group.addoption("--preflight-from", metavar="REV", help="what runs today, to update from: a git revision, or a folder (./FOLDER)")
    group.addoption("--preflight-target", choices=TARGETS, default="rehearsal", help="where to deploy it")
    group.addoption("--preflight-account", metavar="ID", help="with --preflight-target aws: the account to deploy on")
    group.addoption("--preflight-yes", action="store_true", help="with --preflight-target aws: yes, deploy there")
    group.addoption("--preflight-allow-rule-changes", action="store_true", help="allow the plan to replace and switch off rules of tier fargate")
    group.addoption("--preflight-build-network", choices=["restricted", "none"], default="restricted", help="none: image builds have no network")
    group.addoption("--preflight-allow-standins", action="store_true", help="allow the stand-ins that the plan names: their programs run on this machine")
    group.addoption("--preflight-no-skips", action="store_true", help="a skipped test is a failed test")


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Collects a plan that is named on the command line: one item for each of its stages."""
    arguments = [Path(str(argument)).absolute() for argument in parent.config.args]
    if file_path.name == plan.FILE and file_path.absolute() in arguments:
        return PlanFile.from_parent(parent, path=file_path)
    return None


class PlanFile(pytest.File):
    """A plan: its stages are test items."""

    def collect(self) -> Iterable[pytest.Item]:
        """Yields an item for each stage; for `update` only if the options or the plan say from where."""
        for stage in STAGES if self._has_update() else [name for name in STAGES if name != "update"]:
            yield StageItem.from_parent(self, name=stage)


    def _has_update(self) -> bool:
        try:
            return _origin(self.config, reader.load(self.path)) is not None
        except PreflightError:
            return False  # the stages fail with the reason


class StageItem(pytest.Item):
    """One stage of a plan; the first one to run runs them all."""

    def runtest(self) -> None:
        """Fail with the stage's findings.

        Raises:
            StageFailedError: the stage did not pass.
        """
        report = _report(self.config, self.path)
        result = next(stage for stage in report.stages if stage.name == self.name)
        if result.outcome is Outcome.SKIPPED:
            pytest.skip(model.visible(result.reason or "skipped"))
        if result.outcome is not Outcome.PASS:
            raise StageFailedError(text.render_stage(result))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: object = None) -> str:  # noqa: ARG002 - pytest's signature
        """Returns the findings; a traceback only for an internal error."""
        if isinstance(excinfo.value, StageFailedError):
            return str(excinfo.value)
        if isinstance(excinfo.value, PreflightError):
            return model.visible(str(excinfo.value))
        return str(super().repr_failure(excinfo))

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Returns where the item comes from."""
        return self.path, None, f"{self.path.name}: {self.name}"


class StageFailedError(Exception):
    """A stage did not pass; the text says why."""


def _report(config: pytest.Config, path: Path) -> Report:
    """Returns the report of a plan, which is run once a session."""
    reports = config.stash.setdefault(_REPORTS, {})
    if path not in reports:
        checked = _admitted(config, reader.load(path))
        request = RunRequest(
            stages=STAGES,
            plan=checked,
            templates=tuple(checked.template_files()),
            rules=checked.rules,
            allows_rule_changes=config.getoption("--preflight-allow-rule-changes"),
            build_network=config.getoption("--preflight-build-network"),
            account=_account(config),
            update=_update(config, checked),
        )
        with _stoppable():
            reports[path] = pipeline.run(request, _say_on_account(config))
    return reports[path]


def _admitted(config: pytest.Config, asked: Plan) -> Plan:
    """Returns a plan with its stand-ins if the caller allows them."""
    return plan.with_standins(asked, (), allows_own=config.getoption("--preflight-allow-standins"))


def _origin(config: pytest.Config, asked: Plan) -> str | None:
    """Returns where an update starts from, or None if there is none."""
    own = asked.update.origin if asked.update is not None else None
    return config.getoption("--preflight-from") or own


def _update(config: pytest.Config, asked: Plan) -> UpdateRequest | None:
    origin = _origin(config, asked)
    return UpdateRequest(origin, functools.partial(_admitted, config)) if origin is not None else None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """With --preflight-no-skips a skip is a failure, with its reason."""
    report = yield
    if item.config.getoption("--preflight-no-skips") and report.skipped and not hasattr(report, "wasxfail"):  # type: ignore[attr-defined]
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)  # type: ignore[attr-defined]
        report.outcome = "failed"  # type: ignore[attr-defined]
        report.longrepr = f"skips are failures here (--preflight-no-skips): {reason}"  # type: ignore[attr-defined]
    return report


@pytest.fixture(scope="session")
def preflight_plan(request: pytest.FixtureRequest) -> Plan:
    """The plan that is deployed."""
    with _failing_visibly():
        return _admitted(request.config, reader.load(plan.find(request.config.getoption("--preflight-plan"))))


@pytest.fixture(scope="session")
def preflight_deployment(request: pytest.FixtureRequest, preflight_plan: Plan) -> Iterator[Live]:
    """The plan, deployed on the target until the end of the session."""
    run, say = new_run(), _say_on_account(request.config)
    names = {path: path.name for path in preflight_plan.template_files()}
    with _failing_visibly():
        target = _target(request.config, preflight_plan, run)
    remains: list[Finding] = []
    try:
        network = request.config.getoption("--preflight-build-network")
        options = DeploymentOptions(preflight_plan, run, engine.find(), names, build_network=network)
        with _failing_visibly(), _stoppable(), lifecycle.deployed(options, target, say, remains=remains) as live:
            yield live
    finally:
        target.close()
        for finding in remains:
            say(f"{finding.message}. {finding.fix}")
    if remains:
        pytest.fail(model.visible(f"not everything was deleted: {remains}"))


@contextlib.contextmanager
def _failing_visibly() -> Iterator[None]:
    """Fail with the error of the block, in which no text of the checkout begins a line."""
    try:
        yield
    except (PreflightError, DeploymentFailedError) as error:
        findings = error.findings if isinstance(error, DeploymentFailedError) else ()
        lines = [f"{finding.place()}: {finding.check}: {finding.message}" for finding in findings] or [str(error)]
        raise pytest.fail.Exception("\n".join(map(model.visible, lines)), pytrace=False) from None


def _target(config: pytest.Config, deployed: Plan, run: str) -> DeploymentTarget:
    """Returns the target that the options name, after what it costs was announced.

    Raises:
        UsageError: --preflight-yes is missing, or the credentials belong to another account.
    """
    options = _account(config)
    if options is None:
        return EmulatedAccount.start(deployed, run=run, has_containers=True)
    account.check_names(deployed)
    regions, say = (deployed.region,), _say_on_account(config)
    target = RealAccount(options.id, regions=regions, run=run)
    target.check()
    templates = lifecycle.readable_templates(deployed)
    for line in announcement.announcement(deployed, templates, target, account=options.id, regions=regions, run=run):
        say(line)
    return target


def _say_on_account(config: pytest.Config) -> Say:
    """Returns what prints progress on a real account, past pytest's capture; on the emulated one nothing is printed."""
    terminal = config.pluginmanager.getplugin("terminalreporter")
    capture = config.pluginmanager.getplugin("capturemanager")
    if config.getoption("--preflight-target") == "rehearsal" or terminal is None or capture is None:
        return lambda _text: None

    def say(text: str) -> None:
        if not text:
            return  # a state, for a display
        with capture.global_and_fixture_disabled():
            terminal.write_line(model.visible(f"preflight: {text}"))

    return say


@contextlib.contextmanager
def _stoppable() -> Iterator[None]:
    """Treat SIGTERM in the block as Ctrl-C, after which pytest tears fixtures down; by default it would end at once."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, _frame: object) -> None:
        signal.signal(number, signal.SIG_IGN)
        raise KeyboardInterrupt

    former = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, former)


def _account(config: pytest.Config) -> AccountOptions | None:
    """Returns the account to deploy on, or None for the emulated one.

    Raises:
        UsageError: --preflight-account or --preflight-yes is missing.
    """
    if config.getoption("--preflight-target") == "rehearsal":
        return None
    number = config.getoption("--preflight-account")
    account.check_number(number)
    if not config.getoption("--preflight-yes"):
        msg = "deploying on an account costs money. Next: agree by --preflight-yes"
        raise UsageError(msg)
    return AccountOptions(number, (), agrees=lambda: True)
