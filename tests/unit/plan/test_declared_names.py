from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from preflight.plan import declared_names, reader
from preflight.templates import template

Mistakes = Callable[..., list[str]]
SERVICE = """\
Parameters: {Url: {Type: String, Default: x}, Network: {Type: String, Default: demo-net}}
Resources:
  Web: {Type: AWS::ECS::Service, Properties: {ServiceName: !Sub "${AWS::StackName}-web", Cluster: !Ref Apps}}
  Apps: {Type: AWS::ECS::Cluster, Properties: {ClusterName: apps}}
  Nightly: {Type: AWS::Events::Rule, Properties: {ScheduleExpression: rate(1 day)}}
  Used: {Type: T, Properties: {V: !ImportValue {"Fn::Sub": "${Network}-Vpc"}}}
"""
NET = """\
Resources: {Vpc: {Type: "AWS::EC2::VPC"}}
Outputs: {VpcId: {Value: !Ref Vpc, Export: {Name: !Sub "${AWS::StackName}-Vpc"}}}
"""
PLAN = """\
version: 1
name: demo
region: eu-west-1
steps:
  - {stack: demo-net, template: net.yaml}
  - {stack: demo-app, template: app.yaml, parameters: {PARAMETERS}}
smoke:
  - {ENTRY}
"""


@pytest.fixture
def mistakes(tmp_path: Path) -> Mistakes:
    def found(*, entry: str = "service: Web", parameters: str = "Network: demo-net", app: str = SERVICE, net: str = NET) -> list[str]:
        for name, text in {"app.yaml": app, "net.yaml": net, "preflight.yaml": PLAN.replace("PARAMETERS", parameters).replace("ENTRY", entry)}.items():
            (tmp_path / name).write_text(text)
        templates = {tmp_path / name: template.load(tmp_path / name) for name in ("app.yaml", "net.yaml")}
        asked = reader.load(tmp_path / "preflight.yaml")
        return [what for what, _, _ in declared_names.mistakes(asked, templates, run="run1")]

    return found


@pytest.mark.parametrize(
    ("options", "said"),
    [
        pytest.param({"entry": "url: '{output.VpcIdd}'"}, "no stack of the plan has an output 'VpcIdd', did you mean 'VpcId'?", id="the output of a url"),
        pytest.param({"parameters": "Url: '{output.VpcI}'"}, "no stack of the steps before it has an output 'VpcI', did you mean 'VpcId'?", id="the output of a parameter"),
        pytest.param({"entry": "service: demo-app-wep, cluster: apps"}, "no template of the plan has a service 'demo-app-wep', did you mean 'demo-app-web'?", id="a service"),
        pytest.param({"entry": "service: Web, cluster: ap"}, "no template of the plan has a cluster 'ap', did you mean 'apps'?", id="a cluster"),
        pytest.param({"entry": "schedule: Nightli"}, "no template of the plan has a schedule 'Nightli', did you mean 'Nightly'?", id="a schedule"),
        pytest.param(
            {"parameters": "Network: demo-nett"},
            "Network: no stack of the plan exports 'demo-nett-Vpc', which app.yaml imports, did you mean 'demo-net-Vpc'?",
            id="a stack that exports",
        ),
    ],
)
def test_a_misspelt_name_is_said_with_the_nearest_one(mistakes: Mistakes, options: dict[str, str], said: str) -> None:
    assert mistakes(**options) == [said]


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({"entry": "service: Web"}, id="a logical id"),
        pytest.param({"entry": "service: demo-app-web, cluster: apps"}, id="names"),
        pytest.param({"entry": "url: 'http://{output.VpcId}/'", "parameters": "Url: '{output.VpcId}'"}, id="outputs"),
        pytest.param({"parameters": "Network: elsewhere"}, id="a stack that is not of the plan"),
        pytest.param({"entry": "service: Wep", "app": SERVICE.replace('"${AWS::StackName}-web"', '"${Apps}-web"')}, id="a name that the deployment decides"),
        pytest.param(
            {"entry": "service: Web, cluster: shared", "app": SERVICE.replace("!Ref Apps}", "!ImportValue shared-cluster}")}, id="a cluster that is not of the plan"
        ),
        pytest.param({"entry": "service: Wep", "app": f"Transform: Own\n{SERVICE}"}, id="a macro that may add a service"),
        pytest.param({"entry": "url: '{output.Own}'", "net": f"Transform: AWS::Serverless-2016-10-31\n{NET}"}, id="a transform that may add an output"),
        pytest.param(
            {"entry": "service: Wep", "net": NET.replace("}}\nOut", "}, N: {Type: 'AWS::CloudFormation::Stack', Properties: {TemplateURL: 'https://x/y.yaml'}}}\nOut")},
            id="a nested template that is not known",
        ),
    ],
)
def test_what_is_right_or_not_known_is_no_mistake(mistakes: Mistakes, options: dict[str, str]) -> None:
    assert mistakes(**options) == []


def test_a_branch_that_a_condition_leaves_out_imports_nothing(mistakes: Mistakes) -> None:
    left_out = '{V: !If [Never, !ImportValue {"Fn::Sub": "${Network}-Vpx"}, x]}'
    app = SERVICE.replace("Resources:", "Conditions: {Never: !Equals [a, b]}\nResources:") + f"  Other: {{Type: T, Properties: {left_out}}}\n  Absent: {{Type: T, Condition: Never, Properties: {left_out.replace('Never', 'No')}}}\n"

    assert mistakes(app=app, parameters="Network: demo-net") == []


def test_an_output_of_a_later_step_is_a_mistake(mistakes: Mistakes) -> None:
    app = SERVICE + "Outputs: {Address: {Value: x}}\n"

    assert mistakes(parameters="Url: '{output.Address}'", app=app) == ["no stack of the steps before it has an output 'Address'. Expected: VpcId"]
