from __future__ import annotations

import pytest

from preflight.rehearsal.cloudformation.programs import Programs
from preflight.rehearsal.cloudformation.stack import Resource, Stack, StackInput, Stacks

SYSTEM, SERVICE = "fs-1", "arn:service"


@pytest.fixture
def stacks() -> Stacks:
    return Stacks("123456789012")


@pytest.fixture
def stack(stacks: Stacks) -> Stack:
    """A stack with a file system and a service."""
    created = stacks.new("us-east-1", "s", StackInput("", {}, {}, {}))
    stacks.add(created)
    created.resources["Files"] = Resource("Files", "AWS::EFS::FileSystem", {}, physical_id=SYSTEM)
    created.resources["Service"] = Resource("Service", "AWS::ECS::Service", {}, physical_id=SERVICE)
    return created


@pytest.mark.parametrize(
    ("kind", "needs", "writer"),
    [
        pytest.param("AWS::Lambda::Function", {"Files"}, "Program (AWS::Lambda::Function)", id="a function that mounts it"),
        pytest.param("AWS::Lambda::Function", set(), None, id="a function that does not"),
        pytest.param("AWS::EFS::MountTarget", {"Files"}, None, id="what runs no program"),
    ],
)
def test_a_program_that_needs_a_file_system_may_write_to_it(
    stacks: Stacks, stack: Stack, kind: str, needs: set[str], writer: str | None
) -> None:
    stack.resources["Program"] = Resource("Program", kind, {})
    stack.needs["Program"] = needs

    assert Programs(stacks).file_writer(SYSTEM, SERVICE) == writer


def test_a_program_of_another_stack_may_name_the_repository(stacks: Stacks, stack: Stack) -> None:
    stack.resources["Build"] = Resource("Build", "AWS::CodeBuild::Project", {}, properties={"Environment": "team/app"})

    assert Programs(stacks).pusher("team/app", SERVICE) == "Build (AWS::CodeBuild::Project)"
    assert Programs(stacks).pusher("app-2", SERVICE) is None


def test_programs_of_deleted_stacks_do_not_count(stacks: Stacks, stack: Stack) -> None:
    stack.resources["Build"] = Resource("Build", "AWS::CodeBuild::Project", {}, properties={"Environment": "app"})
    stack.status = "DELETE_COMPLETE"

    assert Programs(stacks).pusher("app", SERVICE) is None
