"""What one session of pytest runs or deploys, once; in the first worker of pytest-xdist that needs it."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import signal
import sys
import threading
from collections.abc import Collection, Iterator
from dataclasses import asdict, dataclass
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
from preflight.model import Finding, JsonObject, Say
from preflight.pipeline import live
from preflight.pipeline import run as pipeline
from preflight.pipeline.request import AccountOptions, RunRequest, UpdateRequest, new_run
from preflight.pipeline.stages import LIVE_STAGES, is_live
from preflight.plan import plan, reader
from preflight.plan.plan import Plan
from preflight.pytest_plugin import workers
from preflight.pytest_plugin.deployment import PreflightDeployment
from preflight.pytest_plugin.workers import MadeElsewhereError
from preflight.report import text

_RESULTS: pytest.StashKey[dict[Path, dict[str, StageText]]] = pytest.StashKey()


@dataclass(frozen=True)
class StageText:
    """How a stage ended, by the value of its outcome, and what the report says of it."""

    outcome: str
    reason: str
    text: str


def results(config: pytest.Config, path: Path, stages: tuple[str, ...]) -> dict[str, StageText]:
    """Returns the results of a plan's stages, which run once a session."""
    by_plan = config.stash.setdefault(_RESULTS, {})
    if path not in by_plan:
        shared, run = workers.join(config), functools.partial(_run, config, path, stages)
        name = f"report-{hashlib.sha256(str(path).encode(errors='surrogateescape')).hexdigest()}"
        ended = run() if shared is None else shared.once(name, run)
        by_plan[path] = {stage: StageText(**result) for stage, result in ended.items()}
    return by_plan[path]


def _run(config: pytest.Config, path: Path, stages: tuple[str, ...]) -> JsonObject:
    """Returns the result of each of the stages of a plan, by its name."""
    checked = _admitted(config, reader.load(path), stages)
    request = RunRequest(
        stages=stages,
        plan=checked,
        templates=tuple(checked.template_files()),
        rules=checked.rules,
        has_containers=_has_containers(config),
        allows_rule_changes=config.getoption("--preflight-allow-rule-changes"),
        build_network=config.getoption("--preflight-build-network"),
        account=_account(config),
        update=_update(config, checked) if "update" in stages else None,
    )
    with _stoppable():
        report = pipeline.run(request, _say_on_account(config))
    for note in report.notes:
        _note(config, note)
    return {
        result.name: asdict(StageText(result.outcome.value, result.reason or "skipped", text.render_stage(result)))
        for result in report.stages
    }


def has_update(config: pytest.Config, path: Path) -> bool:
    """Whether the options or the plan say what to update from; no, if the plan cannot be read: its stages say why."""
    try:
        return _origin(config, reader.load(path)) is not None
    except PreflightError:
        return False


def _has_containers(config: pytest.Config) -> bool:
    return bool(config.getoption("--preflight-containers") == "auto")


def _admitted(config: pytest.Config, plan: Plan, stages: Collection[str] = LIVE_STAGES) -> Plan:
    """Returns a plan with its stand-ins if the caller allows them.

    Raises:
        UsageError: its containers would reach the network, which the caller does not allow.
    """
    if is_live(stages):
        plan.refuse_egress(is_allowed=config.getoption("--preflight-allow-egress"), option="--preflight-allow-egress")
    return plan.with_standins((), allows_own=config.getoption("--preflight-allow-standins"))


def _origin(config: pytest.Config, plan: Plan) -> str | None:
    """Returns where an update starts from, or None if there is none."""
    return config.getoption("--preflight-from") or plan.update.origin


def _update(config: pytest.Config, plan: Plan) -> UpdateRequest | None:
    origin = _origin(config, plan)
    return UpdateRequest(origin, functools.partial(_admitted, config)) if origin is not None else None


def plan_of(config: pytest.Config) -> Plan:
    """Returns the plan that the options name."""
    with _failing_visibly():
        return _admitted(config, reader.load(plan.find(config.getoption("--preflight-plan"))))


@contextlib.contextmanager
def deployed(config: pytest.Config, plan: Plan) -> Iterator[PreflightDeployment]:
    """Yields a plan's deployment, and deletes it once no worker of the session needs it."""
    shared = workers.join(config)
    with contextlib.ExitStack() as own:

        def deploy() -> PreflightDeployment:
            return PreflightDeployment.of(own.enter_context(_live(config, plan)))

        if shared is None:
            yield deploy()
            return
        own_deployments: list[PreflightDeployment] = []

        def deploy_for_all() -> JsonObject:
            own_deployments.append(deploy())
            return own_deployments[0].to_json()

        with _failing_visibly():
            data = shared.once("deployment", deploy_for_all)
        yield own_deployments[0] if own_deployments else PreflightDeployment.from_json(data)
        if own_deployments:
            shared.wait_for_others()


@contextlib.contextmanager
def _live(config: pytest.Config, plan: Plan) -> Iterator[Live]:
    """Deploy a plan, yield what runs, and delete it again."""
    run, say = new_run(), _say_on_account(config)
    names = {path: path.name for path in plan.template_files()}
    with _failing_visibly():
        target = _target(config, plan, run)
    remains: list[Finding] = []
    try:
        network = config.getoption("--preflight-build-network")
        with _failing_visibly():
            container_engine = engine.find() if _has_containers(config) else None
        if container_engine is not None and config.getoption("--preflight-target") == "rehearsal":
            for note in live.reach_notes(container_engine, plan):
                _note(config, note)
        options = DeploymentOptions(plan, run, container_engine, names, build_network=network, note=functools.partial(_note, config))
        with _failing_visibly(), _stoppable(), lifecycle.deployed(options, target, say, remains=remains) as deployment:
            yield deployment
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
        own = str(error).splitlines() if isinstance(error, MadeElsewhereError) else [str(error)]
        lines = [f"{finding.place()}: {finding.check}: {finding.message}" for finding in findings] or own
        raise pytest.fail.Exception("\n".join(map(model.visible, lines)), pytrace=False) from None


def _target(config: pytest.Config, deployed: Plan, run: str) -> DeploymentTarget:
    """Returns the target that the options name, after what it costs was announced.

    Raises:
        UsageError: --preflight-yes is missing, or the credentials belong to another account.
    """
    options = _account(config)
    if options is None:
        return EmulatedAccount.start(deployed, run=run, has_containers=_has_containers(config))
    account.check_names(deployed)
    regions, say = (deployed.region,), _say_on_account(config)
    target = RealAccount(options.id, regions=regions, run=run)
    target.check()
    templates = lifecycle.readable_templates(deployed)
    for line in announcement.announcement(deployed, templates, target, account=options.id, regions=regions, run=run):
        say(line)
    return target


def _note(config: pytest.Config, text: str) -> None:
    """Print what every report has to say, such as that containers can reach the network."""
    _say(config)(f"note: {text}")


def _say_on_account(config: pytest.Config) -> Say:
    """Returns what prints progress on a real account; on the emulated one nothing is printed."""
    return _say(config) if config.getoption("--preflight-target") != "rehearsal" else lambda _text: None


def _say(config: pytest.Config) -> Say:
    """Returns what prints a line past pytest's capture."""
    terminal = config.pluginmanager.getplugin("terminalreporter")
    capture = config.pluginmanager.getplugin("capturemanager")
    if capture is None:
        return lambda _text: None

    def say(text: str) -> None:
        if not text:
            return  # a state, for a display
        line = model.visible(f"preflight: {text}")
        with capture.global_and_fixture_disabled():
            if terminal is None:  # a worker of pytest-xdist has none
                print(line, file=sys.stderr, flush=True)  # noqa: T201 - the one stream that it shares with its session
            else:
                terminal.write_line(line)

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
        msg = "deploying on an account costs money. Next: confirm with --preflight-yes"
        raise UsageError(msg)
    return AccountOptions(number, (), agrees=lambda: True)
