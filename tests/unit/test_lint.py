from __future__ import annotations

from pathlib import Path

import pytest

from preflight import lint
from preflight.model import Severity
from preflight.templates import template

TASK = """\
Resources:
  Role:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument: {Version: "2012-10-17", Statement: [{Effect: Allow, Action: "sts:AssumeRole", Principal: {Service: ecs-tasks.amazonaws.com}}]}
  Task:
    Type: AWS::ECS::TaskDefinition
    Properties:
      ExecutionRoleArn: !Ref Role
      ContainerDefinitions: [{Name: a, Image: nginx, Memory: 128, PortMappings: [{ContainerPort: 80, Protocol: tcp}]}]
"""


def severity(folder: Path, check: str, old: str = "", new: str = "") -> Severity | None:
    """The severity of a check in the template after a change; None if it does not fire."""
    assert old in TASK
    path = folder / "t.yaml"
    path.write_text(TASK.replace(old, new))
    findings = lint.check({path: template.load(path, name="t.yaml")})
    return next((finding.severity for finding in findings if finding.check == check), None)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        pytest.param("", "", Severity.WARNING, id="ECS finds a role without a path by its name"),
        pytest.param("    Properties:\n      Assume", "    Properties:\n      Path: /web/\n      Assume", Severity.ERROR, id="not one with a path"),
        pytest.param("!Ref Role", "!GetAtt Role.Arn", None, id="an ARN"),
    ],
)
def test_a_role_by_its_name(tmp_path: Path, old: str, new: str, expected: Severity | None) -> None:
    assert severity(tmp_path, "E1041", old, new) is expected


def test_a_protocol_that_ecs_treats_as_tcp_is_a_warning(tmp_path: Path) -> None:
    assert severity(tmp_path, "E3030", "Protocol: tcp", "Protocol: http") is Severity.WARNING


def test_other_wrong_values_are_errors(tmp_path: Path) -> None:
    assert severity(tmp_path, "E3030", "      ExecutionRoleArn", "      NetworkMode: vpc\n      ExecutionRoleArn") is Severity.ERROR
