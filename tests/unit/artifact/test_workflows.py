"""The files of GitHub Actions: few permissions, pinned actions, no value that becomes code, every gate of tox.ini."""

from __future__ import annotations

import configparser
import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from preflight.system import processes
from tests.unit.artifact import workflow

FILES = [pytest.param(path, id=path.name) for path in (*workflow.WORKFLOWS, workflow.ACTION)]
WORKFLOWS = [pytest.param(path, id=path.name) for path in workflow.WORKFLOWS]
TESTING = [pytest.param(path, id=path.name) for path in workflow.WORKFLOWS if "tox -e" in path.read_text()]
HASH = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def ci() -> dict[str, Any]:
    return workflow.load(workflow.ROOT / ".github" / "workflows" / "ci.yml")


@pytest.fixture
def integration() -> dict[str, Any]:
    return workflow.load(workflow.ROOT / ".github" / "workflows" / "integration.yml")


@pytest.fixture
def tox() -> configparser.ConfigParser:
    parser = configparser.ConfigParser(interpolation=None)
    parser.read(workflow.ROOT / "tox.ini", encoding="utf-8")
    return parser


@pytest.mark.parametrize("path", WORKFLOWS)
def test_a_workflow_may_do_nothing_of_itself(path: Path) -> None:
    assert workflow.load(path)["permissions"] == {}


@pytest.mark.parametrize("path", WORKFLOWS)
def test_each_job_says_what_it_may_and_when_it_is_given_up(path: Path) -> None:
    assert workflow.careless(workflow.load(path)) == []


@pytest.mark.parametrize("missing", [pytest.param(key, id=key) for key in ("permissions", "timeout-minutes")])
def test_a_job_that_does_not_say_so_is_found(ci: dict[str, Any], missing: str) -> None:
    del ci["jobs"]["tox"][missing]

    assert workflow.careless(ci) == ["tox"]


@pytest.mark.parametrize("path", FILES)
def test_every_action_is_pinned(path: Path) -> None:
    assert workflow.unpinned(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("used", "found"),
    [
        pytest.param(f"actions/checkout@{HASH} # v6.0.2", [], id="a hash and its version"),
        pytest.param("actions/checkout@v6.0.2", [], id="an exact version"),
        pytest.param("actions/checkout@v6", ["actions/checkout@v6"], id="a version that moves"),
        pytest.param("actions/checkout@main", ["actions/checkout@main"], id="a branch"),
        pytest.param(f"actions/checkout@{HASH}", [f"actions/checkout@{HASH}"], id="a hash of no version"),
        pytest.param(f"a/b@{HASH[1:]} # v1.0.0", [f"a/b@{HASH[1:]} # v1.0.0"], id="half a hash"),
    ],
)
def test_a_pin_is_a_whole_hash_or_an_exact_version(used: str, found: list[str]) -> None:
    assert workflow.unpinned(f"      - uses: {used}\n") == found


def test_an_action_has_the_same_pin_everywhere() -> None:
    every = [pin for path in (*workflow.WORKFLOWS, workflow.ACTION) for pin in workflow.pins(path.read_text())]
    names = {pin.split("@")[0] for pin in every}

    assert len(set(every)) == len(names)


@pytest.mark.parametrize("path", FILES)
def test_no_expression_is_written_into_a_script(path: Path) -> None:
    assert workflow.interpolated(workflow.load(path)) == []


def test_an_input_in_a_script_is_found(integration: dict[str, Any]) -> None:
    script = "preflight sweep --account ${{ inputs.account }}"
    integration["jobs"]["sweep"]["steps"][-1]["run"] = script

    assert workflow.interpolated(integration) == [script]


@pytest.mark.parametrize("path", WORKFLOWS)
def test_no_checkout_leaves_its_token_behind(path: Path) -> None:
    assert workflow.lasting_tokens(workflow.load(path)) == []


def test_the_jobs_are_the_environments_of_tox(ci: dict[str, Any], tox: configparser.ConfigParser) -> None:
    listed = tox["tox"]["env_list"].split(", ")

    assert ci["jobs"]["tox"]["strategy"]["matrix"]["environment"] == listed


def test_environments_that_run_pytest_write_junit(ci: dict[str, Any], tox: configparser.ConfigParser) -> None:
    listed = tox["tox"]["env_list"].split(", ")
    with_pytest = {name for name in listed if "pytest " in tox[f"testenv:{name}"]["commands"]}
    with_junit = {i["environment"] for i in ci["jobs"]["tox"]["strategy"]["matrix"]["include"] if "junit" in i["options"]}

    assert with_pytest <= with_junit


@pytest.mark.parametrize("path", TESTING)
def test_skips_are_failures(path: Path) -> None:
    assert workflow.load(path)["env"]["PYTEST_ADDOPTS"] == "--preflight-no-skips"


def test_only_the_draft_of_a_release_may_write_and_it_runs_nothing_of_ours() -> None:
    release = workflow.load(workflow.ROOT / ".github" / "workflows" / "release.yml")
    used = [step.get("uses", "").partition("@")[0] for step in release["jobs"]["draft"]["steps"]]

    assert workflow.holders(release, "contents") == ["draft"]
    assert used == ["actions/download-artifact", ""]


def test_superseded_runs_are_cancelled(ci: dict[str, Any]) -> None:
    assert ci["concurrency"]["cancel-in-progress"] is True


def test_only_the_upload_may_write_and_it_runs_nothing_of_ours(ci: dict[str, Any]) -> None:
    job = ci["jobs"]["code-scanning"]
    has_sources = any("actions/checkout@" in step.get("uses", "") for step in job["steps"])

    assert workflow.holders(ci, "security-events") == ["code-scanning"]
    assert not has_sources


def test_the_last_job_waits_for_all_others(ci: dict[str, Any]) -> None:
    others = [name for name in ci["jobs"] if name != "all"]

    assert ci["jobs"]["all"]["needs"] == others
    assert ci["jobs"]["all"]["if"] == "${{ always() }}"


@pytest.mark.parametrize(
    ("results", "code"),
    [
        pytest.param("success success", 0, id="all green"),
        pytest.param("success failure", 1, id="one red"),
        pytest.param("skipped success", 1, id="one skipped"),
        pytest.param("success cancelled", 1, id="one cancelled"),
    ],
)
def test_the_last_job_is_green_only_if_all_are(ci: dict[str, Any], results: str, code: int) -> None:
    script = ci["jobs"]["all"]["steps"][0]["run"]

    assert processes.run("bash", "-e", "-c", script, timeout=20, env={"RESULTS": results}).code == code


def test_the_job_that_may_write_uploads_the_sarif_file_as_it_is(ci: dict[str, Any]) -> None:
    steps = ci["jobs"]["code-scanning"]["steps"]

    assert [step["with"].get("sarif_file") for step in steps] == [None, "preflight.sarif"]


def test_the_real_account_is_used_only_by_hand(integration: dict[str, Any]) -> None:
    assert list(integration["on"]) == ["workflow_dispatch"]


def test_a_reviewer_agrees_to_the_run_but_nobody_has_to_agree_to_the_sweep(integration: dict[str, Any]) -> None:
    environments = {name: job["environment"] for name, job in integration["jobs"].items()}

    assert environments == {"integration": "integration", "sweep": "integration-sweep"}


def test_one_run_on_the_account_at_a_time_and_none_is_ended_by_the_next(integration: dict[str, Any]) -> None:
    assert integration["concurrency"] == {"group": "integration", "cancel-in-progress": False}


def test_the_sweep_always_comes_last(integration: dict[str, Any]) -> None:
    sweep = integration["jobs"]["sweep"]

    assert list(integration["jobs"])[-1] == "sweep"
    assert sweep["needs"] == "integration"
    assert sweep["if"] == "${{ always() }}"


def test_the_sweep_takes_everything_that_the_run_left(integration: dict[str, Any]) -> None:
    command = integration["jobs"]["sweep"]["steps"][-1]["run"].split()

    assert "--dry-run" not in command
    assert command[command.index("--older-than") + 1] == "0s"


def test_the_run_ends_before_its_credentials_do(integration: dict[str, Any]) -> None:
    job = integration["jobs"]["integration"]
    lasts = next(s["with"]["role-duration-seconds"] for s in job["steps"] if "configure-aws" in s.get("uses", ""))

    assert job["timeout-minutes"] * 60 < lasts


def test_every_input_of_the_action_reaches_its_script() -> None:
    action = workflow.load(workflow.ACTION)
    given = action["runs"]["steps"][-1]["env"].values()

    assert {f"${{{{ inputs.{name} }}}}" for name in action["inputs"]} <= set(given)


def test_every_variable_of_the_action_is_read_by_its_script() -> None:
    script = (workflow.ROOT / ".ci" / "action").read_text(encoding="utf-8")
    given = workflow.load(workflow.ACTION)["runs"]["steps"][-1]["env"]

    assert [name for name in given if f'"${name}"' not in script] == []


def act(folder: Path, **inputs: str) -> tuple[int, str]:
    """Runs the script of the action with programs that do nothing but keep a result; its exit code and its outputs."""
    results, python, output = folder / "kept", folder / "python", folder / "output"
    program = f"""#!/bin/sh
case "$0" in */python) [ "$1" = -I ] || exit 3; shift ;; esac
case "$*" in
  "-m venv "*) mkdir "$3/bin" && cp "$0" "$3/bin/python" && cp "$0" "$3/bin/preflight" ;;
  -c*) echo {results} ;;
  check*) ls {results} 2> /dev/null; touch {results}/new ;;
esac
"""
    python.write_text(program)
    python.chmod(0o755)
    given = {"STAGE": "lint", "CONTAINERS": "off", "OUTPUT_DIR": str(folder), "STRICT": "false", "ALLOW_STANDINS": "false", "PLAN": "."}
    given |= {"ALLOW_RULE_CHANGES": "false", "BUILD_NETWORK": "restricted", "FROM": "", "CACHE": "true", "RESULTS": str(folder / "results")}
    given |= {"PYTHON": str(python), "GITHUB_OUTPUT": str(output), "TMPDIR": str(folder)}
    done = processes.run(str(workflow.ROOT / ".ci" / "action"), timeout=60, env={**given, **inputs})
    return done.code, done.stdout + output.read_text()


@pytest.mark.parametrize("name", ["STRICT", "ALLOW_STANDINS", "ALLOW_RULE_CHANGES", "CACHE"])
def test_a_mistaken_input_of_the_action_is_no_verdict(tmp_path: Path, name: str) -> None:
    code, said = act(tmp_path, **{name: "yes"})

    assert code == 2
    assert said.endswith("verdict=error\n")


def test_the_action_hands_kept_results_to_the_check_and_keeps_those_of_the_check(tmp_path: Path) -> None:
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "old").touch()

    assert act(tmp_path) == (0, "old\nverdict=pass\n")
    assert sorted(path.name for path in (tmp_path / "results").iterdir()) == ["new", "old"]


def test_no_file_of_the_checkout_is_a_module_of_the_action(tmp_path: Path) -> None:
    """Without -I the interpreter looks for `pip` and `preflight` in the current folder first, which is the checkout."""
    calls = re.findall(r"[Pp][Yy][Tt][Hh][Oo][Nn]\"(.*)", (workflow.ROOT / ".ci" / "action").read_text())

    assert len(calls) == 4
    assert all(call.startswith(" -I ") for call in calls)
    assert act(tmp_path)[0] == 0


def test_the_action_keeps_nothing_unless_it_is_told_to(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    act(tmp_path, CACHE="false")

    assert not (tmp_path / "results").exists()


def test_the_action_keeps_nothing_but_results() -> None:
    steps = [step for step in workflow.steps(workflow.load(workflow.ACTION)) if step.get("uses", "").startswith("actions/cache@")]

    assert [step["with"]["path"] for step in steps] == [workflow.load(workflow.ACTION)["runs"]["steps"][-1]["env"]["RESULTS"]]


def test_the_jobs_run_on_the_oldest_python_and_on_the_newest() -> None:
    project = (workflow.ROOT / "pyproject.toml").read_text(encoding="utf-8")
    oldest = re.findall(r'requires-python = ">=(.+)"', project)
    newest = re.findall(r'Python :: (3\.\d+)"', project)[-1:]
    done = processes.run_checked(sys.executable, str(workflow.ROOT / ".ci" / "pythons.py"), timeout=20)

    assert done.stdout == f"ends={json.dumps([*oldest, *newest])}\nnewest={newest[0]}\n"


@pytest.mark.parametrize("path", FILES)
def test_no_file_names_a_python_itself(path: Path) -> None:
    used = [step["with"]["python-version"] for step in workflow.steps(workflow.load(path)) if "setup-python" in step.get("uses", "")]

    assert [version for version in used if not version.startswith("${{ ")] == []


@pytest.mark.parametrize("path", FILES)
def test_the_style_gate_holds_each_file_against_its_schema(path: Path, tox: configparser.ConfigParser) -> None:
    named = tox["testenv:style"]["commands"].split()

    assert str(path.relative_to(workflow.ROOT)) in named


def test_the_documentation_lists_each_pin() -> None:
    page = (workflow.ROOT / "docs" / "ci.md").read_text(encoding="utf-8")
    every = {pin for path in (*workflow.WORKFLOWS, workflow.ACTION) for pin in workflow.pins(path.read_text())}
    rows = {f"| {pin.split('@')[0]} | {pin.split(' # ')[-1]} | hash |" for pin in every}

    assert [row for row in sorted(rows) if row not in page] == []


def test_the_documentation_lists_each_input_of_the_action() -> None:
    page = (workflow.ROOT / "docs" / "ci.md").read_text(encoding="utf-8")
    rows = [f"| `{name}` | `{given['default']}` |".replace("`` ", "") for name, given in workflow.load(workflow.ACTION)["inputs"].items()]

    assert [row for row in rows if row not in page] == []
