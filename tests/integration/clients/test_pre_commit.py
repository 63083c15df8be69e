"""pre-commit, as PyPI has it: the hooks of this repository in somebody else's, online once and then without a network."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from preflight.system import processes
from preflight.system.processes import CompletedProcess
from tests.integration.clients import programs

pytestmark = pytest.mark.faults
ROOT = Path(__file__).parents[3]
CONFIG = """\
repos:
  - repo: {hooks}
    rev: {rev}
    hooks:
      - id: preflight-lint
      - id: preflight-comply
      - id: preflight-check
        args: [--containers, "off"]
        verbose: true
"""
CHILD = """\
AWSTemplateFormatVersion: "2010-09-09"
Parameters:
  Cpu:
    Type: String
    Default: "256"
Resources:
  Definition:
    Type: AWS::ECS::TaskDefinition
    Properties:
      RequiresCompatibilities: [FARGATE]
      NetworkMode: awsvpc
      Cpu: !Ref Cpu
      Memory: "512"
      ContainerDefinitions:
        - Name: web
          Image: nginx
"""
PARENT = """\
AWSTemplateFormatVersion: "2010-09-09"
Resources:
  Child:
    Type: AWS::CloudFormation::Stack
    Properties:
      TemplateURL: https://bucket.s3.amazonaws.com/cfn/child.yaml
      Parameters:
        Cpu: "{cpu}"
"""
OTHERS = {
    "docker-compose.yaml": "services:\n  web:\n    image: nginx\n",
    ".github/workflows/ci.yml": "on: push\njobs: {}\n",
    "k8s/web.yaml": "apiVersion: v1\nkind: Service\n---\napiVersion: v1\nkind: Service\n",
    "package.json": '{"name": "x"}\n',
}
Git = Callable[..., CompletedProcess]


@pytest.fixture(scope="module")
def git(tmp_path_factory: pytest.TempPathFactory) -> Git:
    """Runs git in a folder, without settings of the user."""
    home = tmp_path_factory.mktemp("home")
    identity = {f"GIT_{who}_{what}": f"{who}@example.com" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}

    def run(folder: Path, *args: str) -> CompletedProcess:
        return processes.run_checked("git", "-C", str(folder), *args, timeout=60, env={"HOME": str(home), "GIT_CONFIG_NOSYSTEM": "1", **identity})

    return run


@pytest.fixture(scope="module")
def hooks(git: Git, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A repository with this checkout's files as they are now, and its commit."""
    folder = tmp_path_factory.mktemp("hooks")
    for name in ("src", "rules"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in (".pre-commit-hooks.yaml", "pyproject.toml", "README.md", "CHANGELOG.md", "LICENSE"):
        shutil.copy(ROOT / name, folder)
    git(folder, "init", "--quiet")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "hooks")
    return folder, git(folder, "rev-parse", "HEAD").stdout.strip()


@pytest.fixture(scope="module")
def repository(git: Git, hooks: tuple[Path, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with a nested template, its parent, and files that are no templates."""
    folder = tmp_path_factory.mktemp("repository")
    files = {**OTHERS, "cfn/child.yaml": CHILD, "cfn/parent.yaml": PARENT.format(cpu="256"), ".pre-commit-config.yaml": CONFIG.format(hooks=hooks[0], rev=hooks[1])}
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    git(folder, "init", "--quiet")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "all")
    return folder


@pytest.fixture(scope="module")
def pre_commit(git: Git, repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., CompletedProcess]]:
    """Runs a hook over changed files; the first run, which installs, is over."""
    folder = tmp_path_factory.mktemp("pre-commit")
    program = programs.from_pypi(folder / "venv", "pre-commit") / "pre-commit"
    env = {
        "PRE_COMMIT_HOME": str(folder / "home"),
        "XDG_CACHE_HOME": str(folder / "cache"),
        "PIP_CONSTRAINT": str(ROOT / "constraints.txt"),
        "PATH": f"{folder / 'venv' / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": "",
        "PREFLIGHT_CFN_GUARD": "",
    }

    def run(hook: str, *files: str, network: bool = True) -> CompletedProcess:
        alone = () if network else ("unshare", "--net")
        return processes.run(*alone, str(program), "run", hook, "--verbose", "--files", *files, cwd=repository, env=env, timeout=900)

    yield run
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def first(pre_commit: Callable[..., CompletedProcess]) -> CompletedProcess:
    """The first run of the hook that needs cfn-guard, on a machine without it."""
    if shutil.which("cfn-guard"):
        pytest.skip("cfn-guard is on PATH, so nothing has to be fetched")
    return pre_commit("preflight-comply", "cfn/child.yaml")


def test_the_first_run_fetches_cfn_guard_and_says_so(first: CompletedProcess) -> None:
    assert "fetching cfn-guard 3.1.1 once" in first.stdout
    assert "ECS_CONTAINER_" in first.stdout


@pytest.mark.parametrize("hook", ["preflight-lint", "preflight-comply", "preflight-check"])
def test_files_that_are_no_templates_pass_in_silence(pre_commit: Callable[..., CompletedProcess], hook: str) -> None:
    done = pre_commit(hook, *OTHERS)

    assert done.code == 0, done.stdout
    assert "verdict" not in done.stdout


@pytest.mark.skipif(os.geteuid() != 0, reason="a run without a network needs root")
def test_later_runs_need_no_network(first: CompletedProcess, pre_commit: Callable[..., CompletedProcess]) -> None:
    done = pre_commit("preflight-comply", "cfn/child.yaml", network=False)

    assert "fetching" not in done.stdout
    assert "ECS_CONTAINER_" in done.stdout


def test_a_changed_child_is_checked_as_its_parent_deploys_it(
    first: CompletedProcess, pre_commit: Callable[..., CompletedProcess], repository: Path
) -> None:
    (repository / "cfn" / "parent.yaml").write_text(PARENT.format(cpu="300"))

    done = pre_commit("preflight-comply", "cfn/child.yaml")

    assert "ECS_TASKDEF_CPU_MEMORY_VALID" not in first.stdout
    assert done.code == 1
    assert "ECS_TASKDEF_CPU_MEMORY_VALID" in done.stdout


def test_a_file_that_a_plan_deploys_is_rehearsed(pre_commit: Callable[..., CompletedProcess], repository: Path) -> None:
    topic = 'AWSTemplateFormatVersion: "2010-09-09"\nResources:\n  Topic:\n    Type: AWS::SNS::Topic\n    Properties:\n      KmsMasterKeyId: alias/aws/sns\n'
    (repository / "app").mkdir()
    (repository / "app" / "topic.yaml").write_text(topic)
    (repository / "app" / "preflight.yaml").write_text("version: 1\nname: demo\nregion: eu-west-1\nsteps:\n  - stack: demo\n    template: topic.yaml\n")

    done = pre_commit("preflight-check", "app/topic.yaml")

    assert done.code == 0, done.stdout
    assert "rehearse  pass" in done.stdout
