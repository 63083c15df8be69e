from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from preflight.deploy import image_platforms
from preflight.plan import plan, reader, resolved_stacks
from preflight.plan.resolved_stacks import ResolvedStacks
from preflight.templates import template

Make = Callable[..., ResolvedStacks]
ARM = "RuntimePlatform: {CpuArchitecture: ARM64}"
OPEN = "Parameters:\n  P: {Type: String}\nConditions:\n  C: !Equals [!Ref P, x]\n"
REGISTRY = "${AWS::AccountId}.dkr.ecr.${AWS::Region}.${AWS::URLSuffix}"
NAME = "app:run1"


def task(image: str, platform: str = ARM, logical: str = "Tasks", *, head: str = OPEN + "Resources:\n") -> str:
    properties = f"{{{platform + ', ' if platform else ''}ContainerDefinitions: [{{Name: a, Image: {image}}}]}}"
    return f'{head}  {logical}:\n    Type: "AWS::ECS::TaskDefinition"\n    Properties: {properties}\n'


REPOSITORY = '  Repo: {Type: "AWS::ECR::Repository", Properties: {RepositoryName: app}}\n'


@pytest.mark.parametrize(
    ("image", "is_used"),
    [
        pytest.param(f'!Sub "{REGISTRY}/app:run1"', True, id="by account and region"),
        pytest.param("210987654321.dkr.ecr.eu-west-1.amazonaws.com/app:run1", True, id="as plain text"),
        pytest.param("210987654321.dkr-ecr.eu-west-1.on.aws/app:run1", True, id="by the other host of ECR"),
        pytest.param('!Sub "${Repo.RepositoryUri}:run1"', True, id="by the address of the repository"),
        pytest.param("!Join [':', [!GetAtt Repo.RepositoryUri, run1]]", True, id="joined"),
        pytest.param(f'!Sub ["{REGISTRY}/${{R}}:run1", {{R: !Ref Repo}}]', True, id="by the name of the repository"),
        pytest.param('!Sub "${Repo.RepositoryUri}:${P}"', True, id="a tag that is not known"),
        pytest.param('!Sub "${Repo.RepositoryUri}@${P}"', True, id="a digest that is not known"),
        pytest.param('!Sub "${P}/app:run1"', True, id="a registry that is not known"),
        pytest.param('!Sub "${Repo.RepositoryUri}:other"', False, id="another tag"),
        pytest.param(f'"210987654321.dkr.ecr.eu-west-1.amazonaws.com/app@sha256:{"0" * 64}"', False, id="a digest of before"),
        pytest.param('!Sub "${Repo.RepositoryUri}"', False, id="no tag, which is latest"),
        pytest.param(f'!Sub "{REGISTRY}/team/app:run1"', False, id="another repository"),
        pytest.param("docker.io/app:run1", False, id="another registry"),
        pytest.param("app:run1", False, id="Docker Hub"),
        pytest.param("!Ref P", False, id="an image that is not known"),
        pytest.param('!Sub "${Repo.Arn}:run1"', False, id="another attribute"),
        pytest.param("[app:run1]", False, id="no text"),
        pytest.param("!Sub [a]", False, id="a function that is none"),
        pytest.param("!Join [':', !Ref P]", False, id="joined of what is not known"),
    ],
)
def test_a_task_uses_an_image_whose_repository_and_tag_it_names(make_estate: Make, image: str, *, is_used: bool) -> None:
    every = make_estate(root=task(image) + REPOSITORY)

    assert image_platforms.platforms(every, NAME) == (("linux/arm64",) if is_used else ())


@pytest.mark.hostile
@pytest.mark.parametrize("width", [2, 40])
def test_an_image_name_that_doubles_with_each_nesting_is_not_known(make_estate: Make, width: int) -> None:
    image = "!GetAtt Repo.Arn"
    for _ in range(24):
        image = f'!Sub ["{"${A}" * width}", {{A: {image}}}]'
    every = make_estate(root=task(image) + REPOSITORY)
    started = time.monotonic()

    image_platforms.platforms(every, NAME)

    assert time.monotonic() - started < 10


@pytest.mark.parametrize(
    ("platform", "found"),
    [
        pytest.param("", ("linux/amd64",), id="nothing is said"),
        pytest.param("RuntimePlatform: {CpuArchitecture: X86_64}", ("linux/amd64",), id="X86_64"),
        pytest.param(ARM, ("linux/arm64",), id="ARM64"),
        pytest.param("RuntimePlatform: {OperatingSystemFamily: WINDOWS_SERVER_2022_CORE}", ("windows/amd64",), id="Windows"),
        pytest.param("RuntimePlatform: {CpuArchitecture: !Ref P}", ("linux/amd64",), id="not known"),
        pytest.param("RuntimePlatform: {CpuArchitecture: !If [C, ARM64, X86_64]}", ("linux/amd64", "linux/arm64"), id="one or the other"),
        pytest.param("RuntimePlatform: !If [C, {CpuArchitecture: ARM64}, !Ref AWS::NoValue]", ("linux/amd64", "linux/arm64"), id="said or not"),
    ],
)  # fmt: skip
def test_an_image_is_wanted_for_the_platform_of_its_tasks(make_estate: Make, platform: str, found: tuple[str, ...]) -> None:
    assert image_platforms.platforms(make_estate(root=task(f'!Sub "{REGISTRY}/app:run1"', platform)), NAME) == found


def test_an_image_of_two_tasks_is_wanted_for_the_platforms_of_both(make_estate: Make) -> None:
    image = f'!Sub "{REGISTRY}/app:run1"'

    every = make_estate(root=task(image) + task(image, "", "Others", head=""))

    assert image_platforms.platforms(every, NAME) == ("linux/amd64", "linux/arm64")


def test_an_image_that_a_parent_hands_down_is_found_in_the_nested_stack(make_estate: Make) -> None:
    root = f"""\
{OPEN}Resources:
{REPOSITORY}  App:
    Type: AWS::CloudFormation::Stack
    Properties: {{TemplateURL: "https://b.s3.amazonaws.com/demo/child.yaml", Parameters: {{Image: !Sub "${{Repo.RepositoryUri}}:run1"}}}}
"""
    child = task("!Ref Image", head="Parameters:\n  Image: {Type: String}\nResources:\n")

    assert image_platforms.platforms(make_estate(root=root, child=child), NAME) == ("linux/arm64",)


def test_a_repository_of_a_nested_stack_is_found_by_its_output(make_estate: Make) -> None:
    root = f"""\
{task('!Sub ["${U}:run1", {U: !GetAtt Base.Outputs.Uri}]')}  Base:
    Type: AWS::CloudFormation::Stack
    Properties: {{TemplateURL: "https://b.s3.amazonaws.com/demo/child.yaml"}}
"""
    child = f"Resources:\n{REPOSITORY}Outputs:\n  Uri: {{Value: !GetAtt Repo.RepositoryUri}}\n"

    assert image_platforms.platforms(make_estate(root=root, child=child), NAME) == ("linux/arm64",)


def test_a_repository_of_another_stack_is_found_by_its_export(make_estate: Make) -> None:
    exported = f"Resources:\n{REPOSITORY}Outputs:\n  Uri: {{Value: !Ref Repo, Export: {{Name: the-repository}}}}\n"
    root = f"""\
{task(f'!Sub ["{REGISTRY}/${{R}}:run1", {{R: !ImportValue the-repository}}]')}  Base:
    Type: AWS::CloudFormation::Stack
    Properties: {{TemplateURL: "https://b.s3.amazonaws.com/demo/child.yaml"}}
"""

    assert image_platforms.platforms(make_estate(root=root, child=exported), NAME) == ("linux/arm64",)


def test_a_template_that_no_step_deploys_decides_nothing(make_estate: Make) -> None:
    alone = task(f'!Sub "{REGISTRY}/app:run1"')

    assert image_platforms.platforms(make_estate(root=f"Resources:\n{REPOSITORY}", alone=alone), NAME) == ()


def test_each_image_of_a_plan_gets_its_platforms_by_the_name_of_its_step(root: Path) -> None:
    asked = reader.load(root / plan.FILE)
    known = {path: template.load(path) for path in asked.template_files()}
    file = root / "cfn" / "fa-018-fargate.yaml"
    known[file].data["Resources"]["TaskDefinition2"]["Properties"]["RuntimePlatform"] = {"CpuArchitecture": "ARM64"}

    found = image_platforms.of_images(asked, resolved_stacks.of_plan(asked, known, run="run1"), run="run1")

    assert found == {"{prefix}:{run}": "linux/arm64"}
