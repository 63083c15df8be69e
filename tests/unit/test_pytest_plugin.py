"""The plugin's options for a real account: nothing is asked of it before they hold."""

from __future__ import annotations

from pathlib import Path

import pytest

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
