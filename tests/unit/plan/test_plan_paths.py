"""The paths of a plan: plain files and folders of the checkout, of a size that is known before they are read."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from preflight.errors import UsageError
from preflight.plan import plan, reader

STEPS = {
    "template": '  - {{stack: s, template: "{0}"}}\n',
    "parameters": '  - {{stack: s, template: t.yaml, parameters: "{0}"}}\n',
    "rules": '  - {{stack: s, template: t.yaml}}\nrules: ["{0}"]\n',
    "templates": '  - {{stack: s, template: t.yaml}}\ntemplates: "{0}"\n',
    "build": '  - {{image: "s:1", build: "{0}"}}\n',
}


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    folder = tmp_path / "checkout"
    folder.mkdir()
    (folder / "t.yaml").write_text("Resources: {}")
    (tmp_path / "outside.yaml").write_text("Resources: {}")
    return folder


def error(folder: Path, steps: str) -> str:
    path = folder / "preflight.yaml"
    path.write_text(f"version: 1\nname: trv\nregion: eu-west-1\nsteps:\n{steps}")
    with pytest.raises(UsageError) as caught:
        reader.load(path)
    return str(caught.value)


def make_huge(path: Path) -> None:
    path.touch()
    os.truncate(path, 1 << 40)


@pytest.mark.hostile(
    13,
    "trav",
    input="a path of a plan leads to a device, a FIFO, a link out, a loop or a file of 1 TB",
    happens="exit code 2 with file and line; nothing of it is read",
)
@pytest.mark.parametrize("key", STEPS)
@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda path: path.symlink_to("/dev/zero"), id="a device"),
        pytest.param(lambda path: path.symlink_to("../outside.yaml"), id="a link to a file outside"),
        pytest.param(lambda path: path.symlink_to("/etc"), id="a link to a folder outside"),
        pytest.param(lambda path: path.symlink_to(path.name), id="a loop"),
        pytest.param(os.mkfifo, id="a FIFO"),
        pytest.param(make_huge, id="a huge file"),
    ],
)
def test_a_path_leads_to_a_plain_file_or_folder_of_the_checkout(
    checkout: Path, key: str, make: Callable[[Path], None]
) -> None:
    make(checkout / "l")

    assert re.search(r"preflight\.yaml:[56]: ", error(checkout, STEPS[key].format("l")))


@pytest.mark.hostile(
    13,
    "trav",
    input="a path of a plan is absolute, has `..` or a NUL",
    happens="exit code 2 with file and line",
)
@pytest.mark.parametrize("key", STEPS)
@pytest.mark.parametrize("name", ["../outside.yaml", "..", "/dev/zero", "/etc", "a\\0b", "x" * 5000])
def test_a_path_does_not_name_what_is_elsewhere(checkout: Path, key: str, name: str) -> None:
    assert re.search(r"preflight\.yaml:[56]: ", error(checkout, STEPS[key].format(name)))


@pytest.mark.parametrize(
    ("key", "name"),
    [("build", "Dockerfile"), ("build", ".dockerignore"), ("build", "Dockerfile.containerignore"), ("rules", "r.guard"), ("rules", "rules.yaml"), ("templates", "x.yaml")],
)
def test_a_file_in_a_folder_of_the_plan_does_not_lead_out(checkout: Path, key: str, name: str) -> None:
    (checkout / "d").mkdir()
    (checkout / "d" / "Dockerfile").write_text("FROM scratch")
    (checkout / "d" / name).unlink(missing_ok=True)
    (checkout / "d" / name).symlink_to("../../outside.yaml")

    assert f"{name}: it leads outside" in error(checkout, STEPS[key].format("d"))


def test_a_plan_in_a_folder_does_not_lead_out(checkout: Path, tmp_path: Path) -> None:
    (checkout / "preflight.yaml").symlink_to("../outside.yaml")

    with pytest.raises(UsageError, match="it leads outside"):
        plan.find(checkout)

    assert plan.find(checkout / "preflight.yaml") == tmp_path / "outside.yaml"
