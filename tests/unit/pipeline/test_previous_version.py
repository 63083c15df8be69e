from __future__ import annotations

from pathlib import Path

import pytest

from preflight.errors import UsageError
from preflight.pipeline import previous_version
from preflight.pipeline.request import UpdateRequest
from preflight.plan import reader
from preflight.plan.plan import Plan
from preflight.system import processes

PLAN = """\
version: 1
name: demo
region: eu-west-1
steps:
  - {stack: "{prefix}", template: t.yaml}
"""


def git(folder: Path, *args: str) -> None:
    processes.run_checked("git", "-c", "user.name=a", "-c", "user.email=a@example.com", *args, timeout=20, cwd=folder)


def commit(folder: Path) -> None:
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "a change")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A repository whose plan is in a folder of it."""
    git(tmp_path, "init", "-q", "-b", "main", ".")
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "t.yaml").write_text("Resources: {}")
    return tmp_path


def opened(checkout: Path, origin: str, run: str) -> previous_version.FormerPlan:
    (checkout / "app" / "preflight.yaml").write_text(PLAN)
    plan = reader.load(checkout / "app" / "preflight.yaml")
    with previous_version.opened(UpdateRequest(origin, lambda asked: asked), plan, run=run) as read:
        assert read.plan.template_files()[0].read_text() == "Resources: {}"
        return read


def test_a_revision_has_its_own_plan_until_the_run_ends(checkout: Path) -> None:
    (checkout / "app" / "preflight.yaml").write_text(PLAN.replace("demo", "older"))
    commit(checkout)

    read = opened(checkout, "HEAD", "0a000001")

    assert read.plan.name == "older"
    assert set(read.names.values()) == {"HEAD:app/preflight.yaml", "HEAD:app/t.yaml"}
    assert not read.plan.path.exists()


def test_a_revision_without_a_plan_is_deployed_by_the_plan_of_the_working_tree(checkout: Path) -> None:
    commit(checkout)

    read = opened(checkout, "HEAD", "0a000002")

    assert read.plan.name == "demo"
    assert read.notes == ("HEAD has no preflight.yaml: its files are deployed by the plan of the working tree",)


def test_a_folder_of_a_pull_request_never_passes_for_a_revision(checkout: Path) -> None:
    (checkout / "origin" / "main").mkdir(parents=True)
    (checkout / "origin" / "main" / "preflight.yaml").write_text(PLAN)
    commit(checkout)

    with pytest.raises(UsageError, match="no git revision 'origin/main'"):
        opened(checkout, "origin/main", "0a000003")


def test_a_folder_is_named_by_its_path(checkout: Path) -> None:
    (checkout / "old").mkdir()
    (checkout / "old" / "preflight.yaml").write_text(PLAN.replace("demo", "older"))
    (checkout / "old" / "t.yaml").write_text("Resources: {}")

    read = opened(checkout, f"{checkout}/old", "0a000004")

    assert read.plan.name == "older"


def test_a_plan_of_another_region_is_no_update(checkout: Path) -> None:
    (checkout / "app" / "preflight.yaml").write_text(PLAN.replace("eu-west-1", "us-east-1"))
    commit(checkout)

    with pytest.raises(UsageError, match="no stack moves between regions"):
        opened(checkout, "HEAD", "0a000005")


def test_a_plan_that_cannot_be_read_is_named_with_its_revision(checkout: Path) -> None:
    (checkout / "app" / "preflight.yaml").write_text("version: 2")
    commit(checkout)

    with pytest.raises(UsageError, match=r"what runs today cannot be read: HEAD: app/preflight.yaml:1: version: expected 1"):
        opened(checkout, "HEAD", "0a000006")


def test_stand_ins_are_admitted_as_in_the_plan(checkout: Path) -> None:
    (checkout / "app" / "preflight.yaml").write_text(PLAN)
    commit(checkout)
    seen: list[Plan] = []
    plan = reader.load(checkout / "app" / "preflight.yaml")

    def admit(asked: Plan) -> Plan:
        seen.append(asked)
        return asked

    with previous_version.opened(UpdateRequest("HEAD", admit), plan, run="0a000007") as read:
        assert seen == [read.plan]
