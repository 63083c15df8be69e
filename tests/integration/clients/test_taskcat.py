"""taskcat, as PyPI has it: a project in two regions, and a task that cannot start.

By its interface for Python: the command ends with a page whose style it fetches from GitHub. taskcat asks for its
bucket anew when it cleans up, gets another name, and so leaves the first one, as it does on AWS.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from preflight.system import processes
from preflight.system.processes import CompletedProcess
from tests.integration import emulator
from tests.integration.clients import programs
from tests.integration.emulator import Emulator

pytestmark = [pytest.mark.containers, pytest.mark.faults]
HERE = Path(__file__).parent
REGIONS = ["us-east-1", "eu-west-1"]
SCRIPT = """\
import json
from taskcat.testing import CFNTest
with CFNTest.from_file(project_root=".", input_file=".taskcat.yml") as stacks:
    print(json.dumps({stack.region_name: [output.key for output in stack.outputs] for stack in stacks}))
"""


@pytest.fixture(scope="module")
def account() -> Iterator[Emulator]:
    with emulator.running() as running:
        yield running


@pytest.fixture(scope="module")
def run(account: Emulator, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., CompletedProcess]:
    """Runs a project whose test has these parameters."""
    folder = tmp_path_factory.mktemp("taskcat")
    python = programs.from_pypi(folder / "venv", "taskcat") / "python"

    def run_project(*regions: str, **parameters: str) -> CompletedProcess:
        project = folder / f"project{len(list(folder.iterdir()))}"
        (project / "templates").mkdir(parents=True)
        shutil.copy(HERE / "web.yaml", project / "templates")
        settings = {
            "project": {"name": "web", "regions": list(regions), "template": "templates/web.yaml", "package_lambda": False},
            "tests": {"default": {"parameters": {"Zones": "$[taskcat_getaz_2]", **parameters}}},
        }
        (project / ".taskcat.yml").write_text(json.dumps(settings))
        return processes.run(str(python), "-c", SCRIPT, env=programs.environment(account, folder), cwd=project, timeout=900)

    return run_project


def test_a_project_passes_in_each_region_and_leaves_nothing(run: Callable[..., CompletedProcess], account: Emulator) -> None:
    done = run(*REGIONS)

    assert done.code == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == {region: ["ClusterName"] for region in REGIONS}
    assert [name for name in account.resources(*REGIONS) if not name.startswith("bucket tcat-")] == []


def test_a_task_that_cannot_start_is_reported_in_the_words_of_aws(run: Callable[..., CompletedProcess]) -> None:
    done = run(REGIONS[0], Image="123456789012.dkr.ecr.us-east-1.amazonaws.com/absent:1")

    assert "CREATE_FAILED" in done.stderr
    assert "ECS Deployment Circuit Breaker was triggered" in done.stderr
