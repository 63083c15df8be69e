"""Guard rails in front of a real account: nothing is asked of it before they hold."""

from __future__ import annotations

import io
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import pytest

from preflight import cli
from preflight.commands import check
from preflight.deploy.targets import account
from preflight.deploy.targets.account import RealAccount
from preflight.errors import UsageError
from preflight.plan import plan, reader
from preflight.plan.plan import Plan

ROOT = Path(__file__).parents[4]
CHECK = ("check", str(ROOT), "--target", "aws")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        pytest.param((), "say in which account, by --account", id="no account"),
        pytest.param(("--account", "12345"), "--account 12345: expected twelve digits", id="no account number"),
        pytest.param(("--account", "123456789012"), "no terminal to ask for confirmation. Next: pass --yes", id="no terminal, and no --yes"),
        pytest.param(
            ("--account", "123456789012", "--yes", "--containers", "off"), "tasks really run", id="pretended tasks"
        ),
    ],
)
def test_nothing_is_deployed_before_everything_is_said(
    capsys: pytest.CaptureFixture[str], options: tuple[str, ...], said: str
) -> None:
    code = cli.main([*CHECK, *options])

    shown = capsys.readouterr().err
    assert code == 2
    assert said in shown
    assert "rehearse" not in shown


@pytest.mark.parametrize(
    "options",
    [
        pytest.param(("check", "--account", "123456789012"), id="an account"),
        pytest.param(("check", "--regions", "us-east-1"), id="regions"),
        pytest.param(("check", "--yes"), id="consent"),
        pytest.param(("check", "--keep-failed"), id="keeping"),
        pytest.param(("sweep", "--older-than", "2h"), id="an age"),
        pytest.param(("sweep", "--run", "0a1b2c3d"), id="a run"),
    ],
)
def test_what_is_for_an_account_is_refused_on_the_rehearsal(
    capsys: pytest.CaptureFixture[str], options: tuple[str, ...]
) -> None:
    code = cli.main([*options])

    assert code == 2
    assert "is for --target aws" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        pytest.param("--regions", "tokyo", "'tokyo' is not a region", id="no region"),
        pytest.param("--older-than", "yesterday", "'yesterday' is not an age", id="not an age"),
        pytest.param("--older-than", "-2h", "expected", id="an age ahead"),
    ],
)
def test_a_word_that_means_nothing_is_refused(
    capsys: pytest.CaptureFixture[str], option: str, value: str, said: str
) -> None:
    with pytest.raises(SystemExit) as stopped:
        cli.main(["sweep", "--target", "aws", f"{option}={value}"])

    assert stopped.value.code == 2
    assert said in capsys.readouterr().err


@pytest.fixture
def planned(tmp_path: Path) -> Callable[[str, str], Plan]:
    """The repository's plan with one change, and files as it needs them."""

    def read(old: str, new: str) -> Plan:
        for name in ("cfn", "rules", "docker"):
            shutil.copytree(ROOT / name, tmp_path / name)
        text = (ROOT / plan.FILE).read_text()
        assert old in text
        (tmp_path / plan.FILE).write_text(text.replace(old, new, 1))
        return reader.load(tmp_path / plan.FILE)

    return read


@pytest.mark.parametrize(
    ("old", "new", "name"),
    [
        pytest.param('stack: "{prefix}-ecr"', "stack: repository", "repository", id="a stack"),
        pytest.param('image: "{prefix}:{run}"', 'image: "web:{run}"', "web", id="a repository"),
    ],
)
def test_a_name_that_every_run_shares_is_refused(
    planned: Callable[[str, str], Plan], old: str, new: str, name: str
) -> None:
    with pytest.raises(UsageError, match=f"'{name}' is not unique per run"):
        account.check_names(planned(old, new))


def test_names_with_the_prefix_or_the_run_are_taken(planned: Callable[[str, str], Plan]) -> None:
    asked = planned('stack: "{prefix}-ecr"', 'stack: "ecr-{run}"')

    account.check_names(asked)

    assert RealAccount("123456789012", regions=("us-east-1",), run="0a1b2c3d").values(asked, "0a1b2c3d") == {
        "name": "fa-018",
        "prefix": "fa-018-0a1b2c3d",
        "run": "0a1b2c3d",
        "region": "ap-northeast-1",
        "account": "123456789012",
        "bucket": "fa-018-preflight-0a1b2c3d",
        "templates": "fa-018",
    }


@pytest.mark.parametrize(
    ("typed", "agrees"),
    [
        pytest.param("y\n", True, id="y"),
        pytest.param("Yes\n", True, id="yes"),
        pytest.param("n\n", False, id="n"),
        pytest.param("\n", False, id="nothing"),
        pytest.param("", False, id="the end of the input"),
    ],
)
def test_only_a_yes_is_a_yes(monkeypatch: pytest.MonkeyPatch, typed: str, *, agrees: bool) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(typed))

    assert check._confirms() is agrees


def test_a_region_has_one_session_so_that_a_profile_asks_for_its_code_once() -> None:
    target = RealAccount("123456789012", regions=("eu-west-1",), run="0a1b2c3d")

    with mock.patch("preflight.deploy.targets.account.account_session") as account_session:
        for _ in range(2):
            target.session("eu-west-1")

    account_session.assert_called_once()
