"""Errors of cfn-lint under conditions that the parameters of a plan decide."""

from __future__ import annotations

from collections.abc import Iterable
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


Case = tuple[str, tuple[str, ...]]  # a template, and the value of its parameter in each stack of it


def linted(folder: Path, cases: Iterable[Case]) -> dict[Case, dict[str, Severity]]:
    """The severities of cfn-lint's checks of resources for each case: all are in one plan, so that cfn-lint starts only twice."""
    paths = {case: folder / f"{number}.yaml" for number, case in enumerate(dict.fromkeys(cases))}
    for (text, _), path in paths.items():
        path.write_text(text)
    templates = {path: template.load(path, name=path.name) for path in paths.values()}
    values = [(path, value) for (_, certificates), path in paths.items() for value in certificates]
    steps = tuple(StackStep(f"s{n}", path, {"Certificate": value}, ()) for n, (path, value) in enumerate(values))

    def stacks() -> list[ResolvedTemplate]:
        plan = Plan(folder / "preflight.yaml", "name", "eu-west-1", (), None, steps, (), {})
        return resolved_stacks.of_plan(plan, templates, run="0123abcd").deployed

    findings = cfn_lint.check(templates, region="eu-west-1", stacks=stacks)
    counted = [finding for finding in findings if finding.check in {"E3676", "E3002", "E3006"}]
    return {case: {finding.check: finding.severity for finding in counted if finding.file == path.name} for case, path in paths.items()}


@pytest.fixture(scope="module")
def severities(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[Case, dict[str, Severity]]:
    """The severities of cfn-lint's checks of resources for each case of this file."""
    cases = [item.callspec.params for item in request.session.items if item.path == request.path and hasattr(item, "callspec")]
    return linted(tmp_path_factory.mktemp("cases"), [case["case"] for case in cases])


@pytest.mark.parametrize(
    ("case", "expected"),
    [
        pytest.param((LISTENER, (ARN,)), {"E3676": Severity.WARNING, "E3002": Severity.ERROR}, id="a certificate"),
        pytest.param((LISTENER, ("",)), {"E3676": Severity.ERROR, "E3002": Severity.WARNING}, id="no certificate"),
        pytest.param((LISTENER, ("", ARN)), {"E3676": Severity.ERROR, "E3002": Severity.ERROR}, id="a stack of each"),
        pytest.param((LISTENER, ("{output.Arn}",)), {"E3676": Severity.ERROR, "E3002": Severity.ERROR}, id="what is known only later"),
        pytest.param((LISTENER, ()), {"E3676": Severity.ERROR, "E3002": Severity.ERROR}, id="no plan"),
    ],
)
def test_an_error_counts_if_a_stack_of_the_plan_has_it(
    severities: dict[Case, dict[str, Severity]], case: Case, expected: dict[str, Severity]
) -> None:
    assert severities[case] == expected


@pytest.mark.parametrize("case", [pytest.param((LISTENER.replace("AWS::SQS::Queue", "AWS::SQS::Nothing"), ("",)), id="no such type")])
def test_a_type_that_does_not_exist_is_refused_under_any_condition(severities: dict[Case, dict[str, Severity]], case: Case) -> None:
    assert severities[case]["E3006"] is Severity.ERROR


@pytest.mark.parametrize(
    "case",
    [
        pytest.param((f"Description: '\N{ROCKET}'\n{LISTENER}", (ARN,)), id="beyond sixteen bits"),
        pytest.param((f"Description: '\\\N{ROCKET}'\n{LISTENER}", (ARN,)), id="beyond sixteen bits, after a backslash"),
        pytest.param((f'Description: "\\x7f"\n{LISTENER}', (ARN,)), id="a control character"),
        pytest.param((f"Description: 'é'\n{LISTENER}", (ARN,)), id="with an accent"),
    ],
)
def test_an_error_counts_whatever_the_characters_of_the_template(severities: dict[Case, dict[str, Severity]], case: Case) -> None:
    assert severities[case]["E3002"] is Severity.ERROR


def test_an_error_counts_if_cfn_lint_cannot_read_the_template_as_a_stack_has_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def write_nonsense(file: Path, _data: object) -> Path:
        file.write_text("{")
        return file

    monkeypatch.setattr(written_template, "write", write_nonsense)

    case = (LISTENER, ("",))

    assert linted(tmp_path, [case])[case]["E3002"] is Severity.ERROR
