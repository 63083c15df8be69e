"""What CDK writes of its Fargate constructs is taken: nothing says that AWS refuses it, or that it never runs."""

from __future__ import annotations

import ast
import shutil
from pathlib import Path

import pytest

from preflight.system import processes
from tests.integration.clients import programs
from tests.integration.test_accepted_templates import errors

APP = Path(__file__).parent / "cdk_stacks" / "app.py"
STACKS = [
    definition.name.replace("_", "-")
    for definition in ast.parse(APP.read_text(encoding="utf-8")).body
    if isinstance(definition, ast.FunctionDef) and ast.unparse(definition.args) == "stack: Stack"
]
PLAN = """version: 1
name: cdk
region: eu-west-1
steps:
- stack: "{prefix}"
  template: cdk.out/STACK.template.json
  capabilities: [CAPABILITY_IAM, CAPABILITY_NAMED_IAM]
"""
pytestmark = pytest.mark.faults


@pytest.fixture(scope="module")
def templates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the templates that CDK writes, from its package on PyPI."""
    folder = tmp_path_factory.mktemp("cdk")
    python = programs.from_pypi(folder / "venv", "aws-cdk-lib") / "python"
    done = processes.run(str(python), str(APP), env={"CDK_OUTDIR": str(folder / "out"), "HOME": str(folder)}, timeout=600)
    assert done.code == 0, done.stderr
    return folder / "out"


@pytest.mark.parametrize("stack", STACKS)
def test_a_stack_of_cdk_is_taken(templates: Path, tmp_path: Path, stack: str) -> None:
    shutil.copytree(templates, tmp_path / "cdk.out")
    (tmp_path / "preflight.yaml").write_text(PLAN.replace("STACK", stack), encoding="utf-8")

    found, report = errors(tmp_path)

    assert found == set(), report["findings"]
    assert "error" not in [stage["outcome"] for stage in report["stages"]], report["stages"]
