"""Sessions of a user who is not root; that they end up isolated is tested with a real user (`tox -e engines`)."""

from __future__ import annotations

import pytest

PLAN = "version: 1\nname: demo\nregion: eu-west-1\nsteps:\n  - {stack: a, template: a.yaml}\n"
USER = """\
from preflight.container_engine import user_namespace
from preflight.system import processes
user_namespace.is_of_use = lambda: True
user_namespace.trouble = lambda: {trouble!r}
def take_over(*command, env):
    print("inside:", *command[:3], command[-1])
    return 7
processes.take_over = take_over
"""


@pytest.fixture
def run(pytester: pytest.Pytester) -> pytest.Pytester:
    pytester.path.joinpath("a.yaml").write_text("Resources: {C: {Type: AWS::ECS::Cluster}}\n")
    pytester.path.joinpath("preflight.yaml").write_text(PLAN)
    pytester.makepyfile(test_a="def test_a(): pass")
    pytester.makeconftest(USER.format(trouble=None))
    return pytester


@pytest.mark.parametrize("args", [("preflight.yaml",), ("--preflight-isolate", "test_a.py")], ids=["a plan", "a suite that asks for it"])
def test_a_session_runs_again_inside(run: pytest.Pytester, args: tuple[str, ...]) -> None:
    result = run.runpytest_subprocess(*args)

    assert result.ret == 7
    result.stdout.fnmatch_lines([f"inside: podman unshare --rootless-netns {args[-1]}"])


@pytest.mark.parametrize(
    "args",
    [
        pytest.param(("test_a.py",), id="a suite"),
        pytest.param(("test_a.py", "preflight.yaml::lint"), id="a suite and a plan"),
        pytest.param(("preflight.yaml::lint", "--preflight-containers", "off"), id="no containers"),
        pytest.param(("preflight.yaml", "--collect-only"), id="nothing runs"),
    ],
)
def test_a_session_stays_where_it_is(run: pytest.Pytester, args: tuple[str, ...]) -> None:
    result = run.runpytest_subprocess(*args)

    assert result.ret == 0
    result.stdout.no_fnmatch_line("inside:*")


def test_a_session_that_cannot_be_isolated_goes_on_and_says_so(run: pytest.Pytester) -> None:
    run.makeconftest(USER.format(trouble="newuidmap is missing"))

    result = run.runpytest_subprocess("preflight.yaml::lint")

    assert result.ret == 0
    result.stdout.fnmatch_lines(["preflight: containers are not isolated: newuidmap is missing. Next: as root, *"])
