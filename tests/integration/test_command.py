"""The command as a user runs it: exit codes and messages."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.command import ROOT, check

pytestmark = pytest.mark.containers


@pytest.fixture
def copy(tmp_path: Path) -> Callable[..., Path]:
    """A copy of the repository's deployment with one change."""

    def make(file: str | None = None, old: str = "", new: str = "") -> Path:
        for name in ("cfn", "rules", "docker"):
            shutil.copytree(ROOT / name, tmp_path / name)
        shutil.copy(ROOT / "preflight.yaml", tmp_path)
        if file is not None:
            text = (tmp_path / file).read_text()
            assert old in text
            (tmp_path / file).write_text(text.replace(old, new))
        return tmp_path

    return make


@pytest.mark.parametrize(
    ("file", "old", "new", "stage", "line_of"),
    [
        pytest.param(
            "cfn/fa-018-fargate.yaml",
            "          FromPort: !Ref HTTPPort\n          ToPort: !Ref HTTPPort",
            "          FromPort: 8080\n          ToPort: 8080",
            "smoke",
            "SecurityGroupIngress",
            id="another port is open",
        ),
        pytest.param("docker/index.html", "fa-018 index.html", "another page", "smoke", "Service2:", id="another page"),
        pytest.param(
            "cfn/fa-018-fargate.yaml",
            "AssignPublicIp: ENABLED",
            "AssignPublicIp: DISABLED",
            "rehearse",
            "AssignPublicIp",
            id="no route to the registry",
            marks=pytest.mark.faults,
        ),
        pytest.param(
            "cfn/fa-018-fargate.yaml",
            "          Image: nginx:1.28.0\n",
            "          Image: nginx:1.28.0\n          Command: [sh, -c, 'echo bye; exit 3']\n",
            "rehearse",
            '- Name: !Sub "${Prefix}-task1-container"',
            id="a container that ends",
        ),
    ],
)
def test_a_mistake_is_a_finding_with_file_line_resource_and_fix(
    copy: Callable[..., Path], file: str, old: str, new: str, stage: str, line_of: str
) -> None:
    folder = copy(file, old, new)

    code, report = check(folder)

    finding = next(f for f in report["findings"] if f["stage"] == stage)
    lines = (folder / finding["file"]).read_text().splitlines()
    assert code == 1
    assert report["verdict"] == "fail"
    assert finding["resource"]
    assert finding["fix"]
    assert line_of in lines[finding["line"] - 1]


def test_the_readme_shows_real_findings(copy: Callable[..., Path]) -> None:
    folder = copy("cfn/fa-018-fargate.yaml", "AssignPublicIp: ENABLED", "AssignPublicIp: DISABLED")

    _, report = check(folder)

    readme = (ROOT / "README.md").read_text()
    firsts = [next(f for f in report["findings"] if f["stage"] == stage) for stage in ("comply", "rehearse")]
    texts = [text for f in firsts for text in (f"{f['file']}:", f["check"], f["fix"], f["source"])]
    assert [text for text in (*texts, firsts[0]["message"]) if text not in readme] == []
