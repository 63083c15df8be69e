"""The commands of docs/tutorial.md, one after another, in a copy of this repository: they print what it says."""

from __future__ import annotations

import re
import shlex
import shutil
import sys
from collections.abc import Iterator

import pytest

from preflight.system import processes
from tests.integration.emulator import ROOT

TUTORIAL = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")
INSTALLS = ("pip", "preflight doctor")
PARTS = ("cfn", "rules", "docker", "preflight.yaml")
pytestmark = [pytest.mark.containers, pytest.mark.rehearsal]


def steps() -> Iterator[tuple[str, list[str]]]:
    """Yields each command and the lines that it has to print."""
    for block in re.findall(r"```console\n(.*?)```", TUTORIAL, flags=re.DOTALL):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, *lines = part.splitlines()
            yield command, lines


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What each command printed, by the command and its place; those that install are left out."""
    folder = tmp_path_factory.mktemp("tutorial")
    for part in PARTS:
        (shutil.copytree if (ROOT / part).is_dir() else shutil.copy)(ROOT / part, folder / part)
    outputs = {}
    for number, (command, _) in enumerate(steps()):
        if not command.startswith(INSTALLS):
            program, *args = shlex.split(command)
            own = (sys.executable, "-m", "preflight") if program == "preflight" else (program,)
            done = processes.run(*own, *args, cwd=folder, timeout=600)
            outputs[f"{number}: {command}"] = done.stdout + done.stderr
    return outputs


LINES = [(f"{number}: {command}", line) for number, (command, lines) in enumerate(steps()) for line in lines]


@pytest.mark.parametrize(("command", "line"), LINES)
def test_a_command_of_the_tutorial_prints_what_the_tutorial_says(printed: dict[str, str], command: str, line: str) -> None:
    assert line in printed[command]


def test_both_pages_of_the_tutorial_answer(printed: dict[str, str]) -> None:
    check = next(text for command, text in printed.items() if "--format html" in command)

    assert check.count("-> 200") == 2
