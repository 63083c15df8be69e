"""Errors of cfn-lint under conditions that the parameters of a plan decide."""

from __future__ import annotations

from pathlib import Path

import pytest

from preflight.lint import cfn_lint, written_template
from preflight.model import Severity
from preflight.plan import resolved_stacks
from preflight.plan.plan import Plan, StackStep
from preflight.plan.resolved_stacks import ResolvedTemplate
from preflight.templates import template

LISTENER = """\
Parameters: {Certificate: {Type: String, Default: ""}}
Conditions: {HasCertificate: !Not [!Equals [!Ref Certificate, ""]]}
Resources:
  Listener:
    Type: AWS::ElasticLoadBalancingV2::Listener
    Properties:
      LoadBalancerArn: arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/app/a/0123456789abcdef
      Port: 443
      Protocol: HTTPS
      Certificates: !If [HasCertificate, [{CertificateArn: !Ref Certificate}], !Ref AWS::NoValue]
      DefaultActions: [{Type: fixed-response, FixedResponseConfig: {StatusCode: "200"}}]
  Queue: {Type: AWS::SQS::Queue, Condition: HasCertificate, Properties: {Nonsense: 1}}
"""
ARN = "arn:aws:acm:eu-west-1:123456789012:certificate/a"


def severities(folder: Path, text: str, *certificates: str) -> dict[str, Severity]:
    """The severities of cfn-lint's checks of resources for a plan with one stack for each value of the parameter."""
    path = folder / "t.yaml"
    path.write_text(text)
    templates = {path: template.load(path, name="t.yaml")}
    steps = tuple(StackStep(f"s{n}", path, {"Certificate": value}, ()) for n, value in enumerate(certificates))

    def stacks() -> list[ResolvedTemplate]:
        plan = Plan(folder / "preflight.yaml", "name", "eu-west-1", (), None, steps, (), {})
        return resolved_stacks.of_plan(plan, templates, run="0123abcd").deployed

    findings = cfn_lint.check(templates, region="eu-west-1", stacks=stacks)
    return {finding.check: finding.severity for finding in findings if finding.check in {"E3676", "E3002", "E3006"}}


@pytest.mark.parametrize(
    ("certificates", "expected"),
    [
        pytest.param((ARN,), {"E3676": Severity.WARNING, "E3002": Severity.ERROR}, id="a certificate"),
        pytest.param(("",), {"E3676": Severity.ERROR, "E3002": Severity.WARNING}, id="no certificate"),
        pytest.param(("", ARN), {"E3676": Severity.ERROR, "E3002": Severity.ERROR}, id="a stack of each"),
        pytest.param(("{output.Arn}",), {"E3676": Severity.ERROR, "E3002": Severity.ERROR}, id="what is known only later"),
        pytest.param((), {"E3676": Severity.ERROR, "E3002": Severity.ERROR}, id="no plan"),
    ],
)
def test_an_error_counts_if_a_stack_of_the_plan_has_it(tmp_path: Path, certificates: tuple[str, ...], expected: dict[str, Severity]) -> None:
    assert severities(tmp_path, LISTENER, *certificates) == expected


def test_a_type_that_does_not_exist_is_refused_under_any_condition(tmp_path: Path) -> None:
    assert severities(tmp_path, LISTENER.replace("AWS::SQS::Queue", "AWS::SQS::Nothing"), "")["E3006"] is Severity.ERROR


@pytest.mark.parametrize("character", ["\N{ROCKET}", "\\\N{ROCKET}", "\x7f", "é"])
def test_an_error_counts_whatever_the_characters_of_the_template(tmp_path: Path, character: str) -> None:
    text = f"Description: '{character}'\n{LISTENER}" if character != "\x7f" else f'Description: "\\x7f"\n{LISTENER}'

    assert severities(tmp_path, text, ARN)["E3002"] is Severity.ERROR


def test_an_error_counts_if_cfn_lint_cannot_read_the_template_as_a_stack_has_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def write_nonsense(file: Path, _data: object) -> Path:
        file.write_text("{")
        return file

    monkeypatch.setattr(written_template, "write", write_nonsense)

    assert severities(tmp_path, LISTENER, "")["E3002"] is Severity.ERROR
