"""The plugin's options for a real account, which is not contacted before they are complete."""

from __future__ import annotations

import re
import signal
from pathlib import Path

import pytest

from preflight.pytest_plugin import session

ROOT = Path(__file__).parents[3]
USES = """
def test_page(preflight_deployment):
    pass
"""
ACCOUNT = ("--preflight-target", "aws", "--preflight-account", "123456789012")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        pytest.param(ACCOUNT[:2], "*say in which account*", id="no account"),
        pytest.param((*ACCOUNT[:3], "12"), "*expected twelve digits*", id="no account number"),
        pytest.param(ACCOUNT, "*confirm with --preflight-yes*", id="no --preflight-yes"),
    ],
)
def test_the_fixture_deploys_on_no_account_before_the_options_are_complete(
    pytester: pytest.Pytester, options: tuple[str, ...], message: str
) -> None:
    pytester.makepyfile(USES)

    result = pytester.runpytest_subprocess("--preflight-plan", str(ROOT / "preflight.yaml"), *options)

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([message])
    result.stdout.no_fnmatch_line("*Traceback*")


def test_the_stages_of_a_plan_deploy_on_no_account_without_preflight_yes(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_subprocess(str(ROOT / "preflight.yaml"), "-k", "rehearse", "--rootdir", str(ROOT), *ACCOUNT)

    result.assert_outcomes(failed=1, deselected=3)
    result.stdout.fnmatch_lines(["*confirm with --preflight-yes*"])


@pytest.mark.hostile
@pytest.mark.parametrize("named", [pytest.param(("preflight.yaml", "-k", "rehearse"), id="a stage"), pytest.param((), id="the fixture")])
def test_egress_needs_the_consent_of_the_caller(pytester: pytest.Pytester, named: tuple[str, ...]) -> None:
    pytester.path.joinpath("t.yaml").write_text("Resources: {C: {Type: AWS::ECS::Cluster}}\n")
    steps = "version: 1\nname: demo\nregion: eu-west-1\nsteps:\n  - {stack: demo, template: t.yaml}\n"
    pytester.path.joinpath("preflight.yaml").write_text(f"{steps}egress: true\n")
    pytester.makepyfile(USES)

    result = pytester.runpytest_subprocess("--preflight-containers", "off", *named)

    result.stdout.fnmatch_lines(["*egress lets containers reach the network*Next: pass --preflight-allow-egress*"])


@pytest.mark.hostile
def test_a_stage_that_deploys_nothing_needs_no_consent_to_egress(pytester: pytest.Pytester) -> None:
    pytester.path.joinpath("t.yaml").write_text("Resources: {C: {Type: AWS::ECS::Cluster}}\n")
    steps = "version: 1\nname: demo\nregion: eu-west-1\nsteps:\n  - {stack: demo, template: t.yaml}\n"
    pytester.path.joinpath("preflight.yaml").write_text(f"{steps}egress: true\n")

    pytester.runpytest_subprocess("preflight.yaml::lint").assert_outcomes(passed=1)


NOTHING_IS_DEPLOYED = """
import contextlib
from unittest import mock
from preflight.container_engine import engine
from preflight.cost import hourly_prices
from preflight.deploy import lifecycle
from preflight.deploy.targets.account import RealAccount
from preflight.model import Finding, Severity

REMAINS = []

@contextlib.contextmanager
def deployed(options, target, say, *, remains):
    say("creating stack s")
    yield mock.MagicMock()
    say("deleting stack s")
    remains += REMAINS

lifecycle.deployed = deployed
RealAccount.check = RealAccount.close = lambda self: None
RealAccount.session = lambda self, region: None
hourly_prices.money = lambda session, amounts: None
engine.find = lambda: None
"""


def test_the_fixture_prints_what_it_costs_and_does_on_an_account(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(NOTHING_IS_DEPLOYED)
    pytester.makepyfile(USES)

    result = pytester.runpytest_subprocess(
        "--preflight-plan", str(ROOT / "preflight.yaml"), *ACCOUNT, "--preflight-yes"
    )

    result.stdout.fnmatch_lines(
        ["*preflight: on account 123456789012, in ap-northeast-1*", "*an hour: *", "*preflight: creating stack s", "*preflight: deleting stack s"]
    )
    result.assert_outcomes(passed=1)


def test_the_fixture_fails_the_session_with_what_could_not_be_deleted(pytester: pytest.Pytester) -> None:
    left = 'Finding("rehearse", "NotDeleted", Severity.ERROR, "stack s may still be there", fix="Remove it")'
    pytester.makeconftest(NOTHING_IS_DEPLOYED.replace("REMAINS = []", f"REMAINS = [{left}]"))
    pytester.makepyfile(USES)

    result = pytester.runpytest_subprocess(
        "--preflight-plan", str(ROOT / "preflight.yaml"), *ACCOUNT, "--preflight-yes"
    )

    result.stdout.fnmatch_lines(["*preflight: stack s may still be there. Remove it", "*not everything was deleted*"])
    result.assert_outcomes(passed=1, errors=1)


def test_the_fixture_says_that_containers_can_reach_the_network(pytester: pytest.Pytester) -> None:
    targets = "import preflight.deploy.targets.rehearsal as r\nr.EmulatedAccount.start = lambda *a, **o: mock.MagicMock()\n"
    reaching = NOTHING_IS_DEPLOYED.replace("engine.find = lambda: None", "engine.find = lambda: mock.Mock(program='docker', shares_network_namespaces=False)")
    pytester.makeconftest(reaching + targets)
    pytester.makepyfile(USES)

    result = pytester.runpytest_subprocess("--preflight-plan", str(ROOT / "preflight.yaml"))

    result.stdout.fnmatch_lines(["*preflight: note: docker publishes the ports, and containers can reach the network*"])
    result.assert_outcomes(passed=1)


def test_without_an_engine_the_fixture_says_what_to_do(pytester: pytest.Pytester) -> None:
    absent = "engine.find = mock.Mock(side_effect=__import__('preflight.errors').errors.ToolMissingError('install podman'))"
    targets = "\nimport preflight.deploy.targets.rehearsal as r\nr.EmulatedAccount.start = lambda *a, **o: mock.MagicMock()\n"
    pytester.makeconftest(NOTHING_IS_DEPLOYED.replace("engine.find = lambda: None", absent) + targets)
    pytester.makepyfile(USES)

    result = pytester.runpytest_subprocess("--preflight-plan", str(ROOT / "preflight.yaml"))

    result.stdout.fnmatch_lines(["install podman"])
    result.stdout.no_fnmatch_line("*Traceback*")


HOSTILE = "s\\n::error::PWN\\x1b[31m ##[error]PWN \\u202e"


@pytest.mark.hostile(
    9,
    "inject",
    input="the same in progress, errors and failures of the pytest plugin",
    happens="shown escaped",
)
def test_no_text_of_a_checkout_is_a_command_in_the_progress(pytester: pytest.Pytester) -> None:
    left = f'Finding("rehearse", "NotDeleted", Severity.ERROR, "{HOSTILE}", fix="{HOSTILE}")'
    hostile = NOTHING_IS_DEPLOYED.replace('"creating stack s"', f'"creating stack {HOSTILE}"')
    pytester.makeconftest(hostile.replace("REMAINS = []", f"REMAINS = [{left}]"))
    pytester.makepyfile(USES)

    result = pytester.runpytest_subprocess("--preflight-plan", str(ROOT / "preflight.yaml"), *ACCOUNT, "--preflight-yes")

    result.stdout.fnmatch_lines([r"*preflight: creating stack s\n::error::PWN\x1b*"])
    assert obeyed(result.outlines + result.errlines) == []


@pytest.mark.hostile
@pytest.mark.parametrize(
    "failure",
    [
        pytest.param(f'PreflightError("{HOSTILE}")', id="what could not be done"),
        pytest.param(f'DeploymentFailedError([Finding("rehearse", "X", Severity.ERROR, "{HOSTILE}")])', id="a finding"),
    ],
)
def test_no_text_of_a_checkout_is_a_command_in_an_error_of_the_fixture(pytester: pytest.Pytester, failure: str) -> None:
    imports = "from preflight.errors import PreflightError\nfrom preflight.deploy.deployment import DeploymentFailedError\n"
    pytester.makeconftest(imports + NOTHING_IS_DEPLOYED.replace('    say("creating stack s")', f"    raise {failure}"))
    pytester.makepyfile(USES)

    result = pytester.runpytest_subprocess("--preflight-plan", str(ROOT / "preflight.yaml"), *ACCOUNT, "--preflight-yes")

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([r"*s\n::error::PWN\x1b*"])
    assert obeyed(result.outlines + result.errlines) == []


@pytest.mark.hostile
def test_no_text_of_a_plan_is_a_command_in_the_failure_of_a_stage(pytester: pytest.Pytester) -> None:
    pytester.path.joinpath("preflight.yaml").write_text(f'version: 1\n"{HOSTILE}": 1\n'.replace("\\\\", "\\"), encoding="utf-8")

    result = pytester.runpytest_subprocess("preflight.yaml")

    result.assert_outcomes(failed=4)
    assert obeyed(result.outlines + result.errlines) == []


def obeyed(lines: list[str]) -> list[str]:
    """Returns the lines that a runner of a CI system would take for a command, and those with control characters."""
    return [line for line in lines if re.search(r"^\s*::\w|##\w*\[|[\x00-\x08\x1b\x7f-\x9f\u202a-\u202e]", line)]


@pytest.mark.parametrize(
    ("options", "outcomes"),
    [
        pytest.param((), {"skipped": 1}, id="by default"),
        pytest.param(("--preflight-no-skips",), {"failed": 1}, id="with --preflight-no-skips"),
    ],
)
def test_a_skip_is_a_failure_if_skips_are_not_allowed(
    pytester: pytest.Pytester, options: tuple[str, ...], outcomes: dict[str, int]
) -> None:
    pytester.makepyfile("import pytest\ndef test_page():\n    pytest.skip('no engine')\n")

    result = pytester.runpytest_subprocess("-rsf", *options)

    result.stdout.fnmatch_lines(["*no engine*"])
    result.assert_outcomes(**outcomes)


def test_sigterm_is_ctrl_c_while_something_is_deployed() -> None:
    former = signal.getsignal(signal.SIGTERM)

    with pytest.raises(KeyboardInterrupt), session._stoppable():
        signal.raise_signal(signal.SIGTERM)

    assert signal.getsignal(signal.SIGTERM) == former
