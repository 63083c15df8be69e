"""The plugin in somebody else's repository: its own conftest and tests, in a process of its own, with and without pytest-xdist."""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

import pytest

from preflight.system import processes

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.containers
CONFTEST = """
import pathlib
import pytest

@pytest.fixture(autouse=True, scope="session")
def deployments(preflight_deployment, request):
    with pathlib.Path("deployments").open("a") as file:
        file.write(f"{preflight_deployment.values['run']}\\n")
"""
TESTS = """
import urllib.request
import pytest

@pytest.mark.parametrize(("service", "page"), [("Service1", "Welcome to nginx!"), ("{prefix}-service2", "fa-018 index.html")])
def test_url(preflight_deployment, service, page):
    with urllib.request.urlopen(preflight_deployment.url(service)) as response:
        assert page in response.read().decode()

def test_outputs(preflight_deployment):
    assert preflight_deployment.outputs["ClusterName"] == "fa-018-cluster"

def test_host(preflight_deployment):
    host = preflight_deployment.host("Service2", container="fa-018-task2-container")
    assert host.file("/usr/share/nginx/html/index.html").contains("fa-018 index.html")
    assert host.run("id -u %s", "nginx").rc == 0

def test_tasks(preflight_deployment):
    assert sorted(task.service for task in preflight_deployment.tasks) == ["fa-018-service1", "fa-018-service2"]

def test_logs(preflight_deployment):
    urllib.request.urlopen(preflight_deployment.url("Service2", "/index.html?look-for-me")).read()
    assert any("look-for-me" in line for line in preflight_deployment.logs["Service2"])

def test_unknown_service(preflight_deployment):
    with pytest.raises(Exception, match=r"'web' names no service of the deployment, which has: fa-018-service1 \\(Service1\\)"):
        preflight_deployment.url("web")
"""


EXAMPLE = re.findall(r"^```python\n(.*?)^```$", (ROOT / "docs" / "pytest.md").read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    """A repository with templates, a plan and tests, which knows nothing of this one."""
    for folder in ("cfn", "docker", "rules"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    shutil.copy(ROOT / "preflight.yaml", tmp_path)
    (tmp_path / "conftest.py").write_text(CONFTEST)
    (tmp_path / "test_site.py").write_text(TESTS)
    (tmp_path / "test_of_the_docs.py").write_text("\n\n".join(EXAMPLE))
    return tmp_path


@pytest.mark.parametrize(
    ("options", "workers"),
    [
        pytest.param((), 1, id="in one process"),
        pytest.param(("-n", "2"), 2, id="in two workers of pytest-xdist"),
    ],
)
def test_a_foreign_suite_deploys_once_and_sees_everything(suite: Path, options: tuple[str, ...], workers: int) -> None:
    if workers > 1:
        pytest.importorskip("xdist")

    done = processes.run(
        sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--preflight-allow-standins", *options, cwd=suite, timeout=600
    )

    assert done.code == 0, done.stdout + done.stderr
    assert "11 passed" in done.stdout
    deployments = (suite / "deployments").read_text().splitlines()
    assert len(deployments) == workers
    assert len(set(deployments)) == 1
