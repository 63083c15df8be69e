"""The plugin's options for a real account: nothing is asked of it before they hold."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from preflight import pytest_plugin

ROOT = Path(__file__).parents[2]
USES = """
def test_page(preflight_deployment):
    pass
"""
ACCOUNT = ("--preflight-target", "aws", "--preflight-account", "123456789012")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        pytest.param(ACCOUNT[:2], "*say in which account*", id="no account"),
        pytest.param((*ACCOUNT[:3], "12"), "*expected twelve digits*", id="no account number"),
        pytest.param(ACCOUNT, "*agree by --preflight-yes*", id="nobody agreed"),
    ],
)
def test_a_fixture_deploys_on_no_account_before_everything_is_said(
    pytester: pytest.Pytester, options: tuple[str, ...], said: str
) -> None:
    pytester.makepyfile(USES)

    done = pytester.runpytest_subprocess("--preflight-plan", str(ROOT / "preflight.yaml"), *options)

    done.assert_outcomes(errors=1)
    done.stdout.fnmatch_lines([said])
    done.stdout.no_fnmatch_line("*Traceback*")


def test_the_stages_of_a_plan_deploy_on_no_account_before_somebody_agreed(pytester: pytest.Pytester) -> None:
    done = pytester.runpytest_subprocess(str(ROOT / "preflight.yaml"), "-k", "rehearse", "--rootdir", str(ROOT), *ACCOUNT)

    done.assert_outcomes(failed=1, deselected=3)
    done.stdout.fnmatch_lines(["*agree by --preflight-yes*"])


PRETENDED = """
import contextlib
from preflight.container_engine import engine
from preflight.cost import prices
from preflight.deploy import lifecycle as live
from preflight.deploy.targets import account

@contextlib.contextmanager
def deployed(wish, where, say, *, remains):
    say("creating stack s")
    yield None

live.deployed = deployed
account.Account.check = account.Account.close = lambda self: None
account.Account.session = lambda self, region: None
prices.money = lambda session, amounts: None
engine.find = lambda: None
"""


def test_a_fixture_says_what_it_costs_and_does_on_an_account(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(PRETENDED)
    pytester.makepyfile(USES)

    done = pytester.runpytest_subprocess(
        "--preflight-plan", str(ROOT / "preflight.yaml"), *ACCOUNT, "--preflight-yes"
    )

    done.stdout.fnmatch_lines(
        ["*preflight: on account 123456789012, in ap-northeast-1*", "*an hour: *", "*preflight: creating stack s"]
    )


def test_sigterm_is_taken_for_ctrl_c_while_something_is_deployed() -> None:
    former = signal.getsignal(signal.SIGTERM)

    with pytest.raises(KeyboardInterrupt), pytest_plugin._stoppable():
        signal.raise_signal(signal.SIGTERM)

    assert signal.getsignal(signal.SIGTERM) == former
