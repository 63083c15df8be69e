from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from preflight.comply.cross_template_rules import repository_deletion
from preflight.plan.resolved_stacks import ResolvedStacks

DECLARED = 'Resources: {R: {Type: "AWS::ECR::Repository", DeletionPolicy: Delete, Properties: {RepositoryName: app}}}\n'
DEFAULT = DECLARED.replace("DeletionPolicy: Delete, ", "")


def pushed(make_estate: Callable[..., ResolvedStacks], template: str) -> ResolvedStacks:
    """The template in a plan that pushes to the repository `app`."""
    return replace(make_estate(root=template), pushed=frozenset({"app"}))


def test_a_repository_that_is_to_be_deleted_with_its_images_is_found(make_estate: Callable[..., ResolvedStacks]) -> None:
    (violation,) = repository_deletion.check_declared(pushed(make_estate, DECLARED))

    assert violation.resource == "R"


def test_without_a_policy_it_is_only_advice(make_estate: Callable[..., ResolvedStacks]) -> None:
    every = pushed(make_estate, DEFAULT)

    assert not list(repository_deletion.check_declared(every))
    assert list(repository_deletion.check_default(every))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param("RepositoryName: app", "RepositoryName: app, EmptyOnDelete: true", id="emptied"),
        pytest.param("RepositoryName: app", "RepositoryName: app, EmptyOnDelete: !Ref P", id="perhaps emptied"),
        pytest.param("DeletionPolicy: Delete", "DeletionPolicy: Retain", id="kept"),
        pytest.param("RepositoryName: app", "RepositoryName: other", id="another repository"),
        pytest.param("RepositoryName: app", 'RepositoryName: !Sub "${AWS::StackName}-app"', id="a name that is a function"),
    ],
)
def test_a_repository_that_can_be_deleted_is_taken(
    make_estate: Callable[..., ResolvedStacks], old: str, new: str
) -> None:
    every = pushed(make_estate, DECLARED.replace(old, new))

    assert not [*repository_deletion.check_declared(every), *repository_deletion.check_default(every)]
