"""pytest options and fixtures: a plan as test items, and what it deploys as a fixture.

pytest imports this in every suite of the environment, so what is slow to import is imported where it is used.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from preflight.pipeline.stages import TARGETS

PLAN = "preflight.yaml"  # what `preflight.plan` calls it
ENDINGS = (".yaml", ".yml")

if TYPE_CHECKING:
    from preflight.plan.plan import Plan
    from preflight.pytest_plugin.deployment import PreflightDeployment


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
    group.addoption("--preflight-containers", choices=["auto", "off"], default="auto", help="off: tasks are assumed to run")
    group.addoption("--preflight-allow-rule-changes", action="store_true", help="allow the plan to replace and switch off rules of tier fargate")
    group.addoption("--preflight-build-network", choices=["restricted", "none"], default="restricted", help="none: image builds have no network")
    group.addoption("--preflight-allow-standins", action="store_true", help="allow the stand-ins that the plan names: their programs run on this machine")
    group.addoption("--preflight-allow-egress", action="store_true", help="allow egress: true in the plan: containers may reach the network")
    group.addoption("--preflight-isolate", action="store_true", help="as a user who is not root, run the session in namespaces of podman's (default: if only plans are named)")
    group.addoption("--preflight-no-skips", action="store_true", help="a skipped test is a failed test")


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> int | None:
    """Runs the session again where containers have no network but their task's own, if that is asked for or only plans are named."""
    has_containers = config.getoption("--preflight-containers") == "auto" and config.getoption("--preflight-target") == "rehearsal"
    names = [_named_file(argument) for argument in config.args]
    is_wanted = config.getoption("--preflight-isolate") or (names and all(name.endswith(ENDINGS) for name in names))
    if not is_wanted or not has_containers or config.option.collectonly:
        return None
    from preflight.pytest_plugin import isolation  # noqa: PLC0415 - see above

    return isolation.run_again(config, print)


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Collects a plan that is named on the command line, whatever its name is: one item for each of its stages."""
    if file_path.suffix not in ENDINGS or str(file_path) not in map(_named_file, parent.config.args):
        return None
    from preflight.plan import plan  # noqa: PLC0415 - see above
    from preflight.pytest_plugin import items  # noqa: PLC0415 - see above
    from preflight.system import run_folders  # noqa: PLC0415 - see above

    run_folders.leave_checkout()
    return items.PlanFile.from_parent(parent, path=file_path) if file_path.name == PLAN or plan.is_plan(file_path) else None


def _named_file(argument: str) -> str:
    """Returns the file of an argument of pytest: a path, or the id of an item, such as `preflight.yaml::lint`."""
    return os.path.abspath(str(argument).partition("::")[0])  # noqa: PTH100 - pathlib keeps `..`


@pytest.hookimpl(tryfirst=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """Registers a worker of pytest-xdist that may need the deployment, before any worker runs a test."""
    if not hasattr(session.config, "workerinput"):
        return
    if any(getattr(i, "is_stage_of_plan", False) or "preflight_deployment" in getattr(i, "fixturenames", ()) for i in session.items):
        from preflight.pytest_plugin import workers  # noqa: PLC0415 - see above

        workers.join(session.config)


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
    from preflight.pytest_plugin import session  # noqa: PLC0415 - see above
    from preflight.system import run_folders  # noqa: PLC0415 - see above

    run_folders.leave_checkout()
    return session.plan_of(request.config)


@pytest.fixture(scope="session")
def preflight_deployment(request: pytest.FixtureRequest, preflight_plan: Plan) -> Iterator[PreflightDeployment]:
    """The plan, deployed on the target until the end of the session: `url`, `outputs`, `host`, `tasks`, `logs`."""
    from preflight.pytest_plugin import session  # noqa: PLC0415 - see above

    with session.deployed(request.config, preflight_plan) as deployment:
        yield deployment
