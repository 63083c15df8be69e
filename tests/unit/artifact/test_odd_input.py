"""Whatever stands anywhere in a template or a plan, the program ends with a message of its own."""

from __future__ import annotations

import contextlib
import copy
import io
import json
import math
import re
import tempfile
from pathlib import Path
from typing import Any

import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from preflight import cli
from preflight.errors import UsageError
from preflight.lint import cfn_lint
from preflight.plan import reader
from preflight.templates import template

ROOT = Path(__file__).parents[3]
ODD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4) | st.sampled_from(["{foo}", "\r\n", math.nan, math.inf, 1e300, 10**400, "0.0.0.0/0", "9" * 5000]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["Ref", "Fn::GetAtt", "Fn::If", "Fn::Sub", "cfn-lint", "config", "a"]), inner, max_size=2),
    max_leaves=6,
)
BALANCED = """\
Parameters: {Port: {Type: Number, MinValue: 80}, Vpc: {Type: "AWS::EC2::VPC::Id"}}
Metadata: {cfn-lint: {config: {ignore_checks: [W3002], reasons: {W3002: why}}}}
Resources:
  Balancer: {Type: "AWS::ElasticLoadBalancingV2::LoadBalancer", Properties: {Scheme: internet-facing, Subnets: [a, b]}}
  Group: {Type: "AWS::ElasticLoadBalancingV2::TargetGroup", Properties: {HealthCheckPath: /, Matcher: {HttpCode: 200-299}, VpcId: {Ref: Vpc}}}
  Listener:
    Type: AWS::ElasticLoadBalancingV2::Listener
    Properties: {LoadBalancerArn: {Ref: Balancer}, Port: 80, Protocol: HTTP, DefaultActions: [{Type: forward, ForwardConfig: {TargetGroups: [{TargetGroupArn: {Ref: Group}}]}}]}
  Rule:
    Type: AWS::ElasticLoadBalancingV2::ListenerRule
    Properties:
      ListenerArn: {Ref: Listener}
      Priority: 1
      Conditions: [{Field: path-pattern, PathPatternConfig: {Values: ["/x"]}}]
      Actions: [{Type: forward, TargetGroupArn: {Ref: Group}}]
  Service:
    Type: AWS::ECS::Service
    Metadata: {cfn-lint: {config: {ignore_checks: [W3002]}}}
    Properties:
      DesiredCount: 1
      TaskDefinition: {Ref: Task}
      LoadBalancers: [{TargetGroupArn: {Ref: Group}, ContainerName: web, ContainerPort: 80}]
      NetworkConfiguration: {AwsvpcConfiguration: {AssignPublicIp: ENABLED, Subnets: [a], SecurityGroups: [{Ref: Access}]}}
  Access: {Type: "AWS::EC2::SecurityGroup", Properties: {SecurityGroupIngress: [{CidrIp: 0.0.0.0/0, FromPort: 80, ToPort: 80}]}}
  Task: {Type: "AWS::ECS::TaskDefinition", Properties: {RequiresCompatibilities: [FARGATE], ContainerDefinitions: [{Name: web, Image: "x:1", PortMappings: [{ContainerPort: 80}]}]}}
"""
PLAN = """\
version: 1
name: demo
region: eu-west-1
steps:
  - {stack: a, template: a.json, parameters: {Port: 80}, capabilities: [CAPABILITY_IAM]}
  - {image: "a:{run}", build: docker}
smoke:
  - {service: web, cluster: c, from: inside, get: /x, port: 8080, status: 301, contains: hello}
  - {url: "{output.Url}/x", caller: 203.0.113.5}
  - {schedule: Nightly, timeout: 1.5}
stubs: ["*/agent"]
images: {app: "nginx:1"}
waivers: [{rule: R, resource: A, reason: because it is so, until: 2027-01-31, file: a.json}]
checks: {R: off, S: practice}
baseline: b.json
update: {from: origin/main..., traffic: {rate: 5, clients: 3, keepalive: false, path: /slow, hold: 0.5}}
drills: [task-lost]
"""


def paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(below for key, item in pairs for below in paths(item, (*path, key)))]


def changed(data: Any, path: tuple[Any, ...], odd: Any) -> Any:
    data = copy.deepcopy(data)
    holder = data
    for key in path[:-1]:
        holder = holder[key]
    holder[path[-1]] = odd
    return data


TEMPLATE_DATA, PLAN_DATA = yaml.safe_load(BALANCED), yaml.safe_load(PLAN.replace("2027-01-31", '"2027-01-31"'))


@settings(max_examples=150, deadline=None)
@given(path=st.sampled_from([path for path in paths(TEMPLATE_DATA) if path]), odd=ODD)
@example(path=("Resources", "Balancer", "Type"), odd=[])
@example(path=("Resources", "Task", "Properties", "RequiresCompatibilities"), odd=5)
def test_init_ends_with_a_plan_or_a_sentence(path: tuple[Any, ...], odd: Any) -> None:
    with tempfile.TemporaryDirectory() as name, contextlib.redirect_stderr(io.StringIO()) as errors, contextlib.redirect_stdout(io.StringIO()):
        (Path(name) / "a.json").write_text(json.dumps(changed(TEMPLATE_DATA, path, odd)))

        code = cli.main(["init", name])

    assert code in {0, 2}
    assert "internal error" not in errors.getvalue()


@settings(max_examples=300, deadline=None)
@given(path=st.sampled_from([path for path in paths(PLAN_DATA) if path]), odd=ODD)
def test_a_plan_is_read_or_refused_with_file_and_line(path: tuple[Any, ...], odd: Any) -> None:
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        (home / "docker").mkdir()
        (home / "docker" / "Dockerfile").write_text("FROM scratch\n")
        (home / "a.json").write_text('{"Resources": {}}')
        (home / "preflight.yaml").write_text(json.dumps(changed(PLAN_DATA, path, odd), indent=1))

        messages = [f"{home}/preflight.yaml:1: it can be read"]
        try:
            reader.load(home / "preflight.yaml")
        except UsageError as error:
            messages = str(error).splitlines()

    assert [line for line in messages if not re.match(r".*/preflight\.yaml:\d+: \S", line)] == []
    assert max(map(len, messages)) < 1200


@settings(max_examples=200, deadline=None)
@given(path=st.sampled_from([path for path in paths(TEMPLATE_DATA) if "Metadata" in path]), odd=ODD)
def test_waivers_of_cfn_lint_are_read_from_whatever_stands_there(path: tuple[Any, ...], odd: Any) -> None:
    read = template.Template("a.yaml", changed(TEMPLATE_DATA, path, odd), {})

    assert all(waiver.reason for waiver in cfn_lint.waivers([read]))
