"""A secret that names a dynamic reference: the place is found, and the value is not shown."""

from __future__ import annotations

from preflight.deploy import secret_references
from preflight.deploy.declared_resources import DeclaredResource
from preflight.templates import template

TEXT = """\
Resources:
  Task:
    Type: AWS::ECS::TaskDefinition
    Properties:
      ContainerDefinitions:
      - Secrets: [{Name: A, ValueFrom: !Ref Secret}, {Name: B, ValueFrom: !Sub "{{resolve:secretsmanager:${Secret}}}"}]
"""


def declared(text: str = TEXT) -> DeclaredResource:
    return DeclaredResource(template.parse(text), "Task", "arn", "AWS::ECS::TaskDefinition")


def test_the_place_of_the_reference_is_found() -> None:
    assert secret_references.place(declared()) == "ContainerDefinitions.0.Secrets.1.ValueFrom"


def test_a_secret_by_its_name_is_no_reference() -> None:
    assert secret_references.place(declared(TEXT.replace("{{resolve:secretsmanager:${Secret}}}", "${Secret}"))) is None


def test_the_value_of_the_secret_is_not_shown() -> None:
    containers = [{"secrets": [{"name": "A", "valueFrom": "arn:secret"}, {"name": "B", "valueFrom": "hunter2"}]}]

    shown = secret_references.hidden("no parameter/hunter2 for arn:secret", declared(), containers)

    assert shown == "no parameter/**** for arn:secret"
