from __future__ import annotations

from pathlib import Path

import cfnlint
import pytest

from preflight.errors import ToolBrokeError
from preflight.lint import cfn_lint, workers
from preflight.lint.cfn_lint import LintIncompleteError
from preflight.model import Severity
from preflight.templates import template
from preflight.templates.template import Template

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
    return next(iter(severities(folder, check, TASK.replace(old, new))), None)


def severities(folder: Path, check: str, text: str) -> list[Severity]:
    """The severities of a check in a template, each time that it fires."""
    path = folder / "t.yaml"
    path.write_text(text)
    findings = cfn_lint.check({path: template.load(path, name="t.yaml")})
    return [finding.severity for finding in findings if finding.check == check]


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


@pytest.mark.parametrize(("path", "expected"), [pytest.param("/", Severity.WARNING, id="without a path"), pytest.param("/web/", Severity.ERROR, id="with one")])
def test_a_role_by_its_name_in_a_branch(tmp_path: Path, path: str, expected: Severity) -> None:
    text = TASK.replace("!Ref Role", "!If [IsOwn, !Ref Role, !Ref Other]").replace("    Properties:\n      Assume", f"    Properties:\n      Path: {path}\n      Assume")
    declared = 'Parameters: {Other: {Type: String}}\nConditions: {IsOwn: !Equals [!Ref Other, ""]}\n'

    assert severities(tmp_path, "E1041", declared + text) == [expected]


@pytest.mark.parametrize(
    ("role", "expected"),
    [
        pytest.param("ecsTaskExecutionRole", {Severity.WARNING}, id="ECS completes the name of a role"),
        pytest.param("arn:aws:iam::12:role/x", {Severity.ERROR}, id="not half an ARN"),
        pytest.param("web/x", {Severity.ERROR}, id="nor a path"),
    ],
)
def test_a_role_that_is_not_of_the_template(tmp_path: Path, role: str, expected: set[Severity]) -> None:
    text = TASK.replace("!Ref Role", role)

    assert {level for check in ("E1156", "E3511") for level in severities(tmp_path, check, text)} == expected


@pytest.mark.parametrize(
    ("declared", "expected"),
    [
        pytest.param('Default: false, AllowedValues: ["true", "false"]', Severity.WARNING, id="a boolean is a text to CloudFormation"),
        pytest.param('Default: "2", AllowedValues: [1, 2]', Severity.WARNING, id="and so is a number"),
        pytest.param('Default: "3", AllowedValues: [1, 2]', Severity.ERROR, id="one that is not among them"),
        pytest.param("Default: ab, MaxLength: 1", Severity.ERROR, id="one that is too long"),
    ],
)
def test_a_default(tmp_path: Path, declared: str, expected: Severity) -> None:
    assert severities(tmp_path, "E2015", f"Parameters: {{P: {{Type: String, {declared}}}}}\n{TASK}") == [expected]


def test_a_protocol_that_ecs_treats_as_tcp_is_a_warning(tmp_path: Path) -> None:
    assert severity(tmp_path, "E3030", "Protocol: tcp", "Protocol: http") is Severity.WARNING


BEHIND_DYNAMIC_PORTS = """\
Resources:
  Group: {Type: AWS::ElasticLoadBalancingV2::TargetGroup, Properties: {Port: 80, Protocol: HTTP, VpcId: vpc-0123456789abcdef0}}
  Task:
    Type: AWS::ECS::TaskDefinition
    Properties:
      NetworkMode: bridge
      ContainerDefinitions: [{Name: a, Image: nginx, Memory: 128, PortMappings: [{ContainerPort: 80, HostPort: 0}]}]
  Service:
    Type: AWS::ECS::Service
    Properties:
      TaskDefinition: !Ref Task
      LoadBalancers: [{ContainerName: a, ContainerPort: 80, TargetGroupArn: !Ref Group}]
"""


@pytest.mark.parametrize(
    ("port", "expected"),
    [
        pytest.param("", Severity.WARNING, id="the default is the port of the traffic"),
        pytest.param('HealthCheckPort: "80", ', Severity.ERROR, id="a fixed port is not the one that a container gets"),
    ],
)
def test_the_health_check_port_of_dynamic_ports(tmp_path: Path, port: str, expected: Severity) -> None:
    text = BEHIND_DYNAMIC_PORTS.replace("{Port: 80", f"{{{port}Port: 80")

    assert set(severities(tmp_path, "E3049", text)) == {expected}


CONDITIONAL = """\
Parameters: {IsPublic: {Type: String}}
Conditions: {Public: !Equals [!Ref IsPublic, "true"]}
Resources:
  Gateway: {Type: AWS::EC2::InternetGateway, Condition: Public}
  Queue: {Type: AWS::SQS::Queue, DependsOn: [Topic, %s]}
  Topic: {Type: AWS::SNS::Topic, DependsOn: %s}
"""


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        pytest.param("Gateway", Severity.WARNING, id="a condition may leave it out"),
        pytest.param("Gatewy", Severity.ERROR, id="there is none"),
    ],
)
def test_a_dependency_on_a_resource_that_may_not_exist(tmp_path: Path, name: str, expected: Severity) -> None:
    assert severities(tmp_path, "E3005", CONDITIONAL % (name, name)) == [expected] * 2


@pytest.mark.parametrize(
    ("transform", "expected"),
    [
        pytest.param("Transform: [AWS::CodeDeployBlueGreen]\n", Severity.WARNING, id="with its transform"),
        pytest.param("", Severity.ERROR, id="without a transform"),
    ],
)
def test_the_hooks_of_a_blue_green_deployment(tmp_path: Path, transform: str, expected: Severity) -> None:
    text = transform + "Hooks: {Hook: {Type: AWS::CodeDeploy::BlueGreen}}\nResources: {Q: {Type: AWS::SQS::Queue}}\n"

    assert severities(tmp_path, "E1001", text) == [expected]


def test_the_value_of_a_dynamic_reference_is_not_judged(tmp_path: Path) -> None:
    options = "{awslogs-group: '{{resolve:ssm:/web/log-group}}', awslogs-region: eu-west-1}"
    assert severity(tmp_path, "E1155", "Name: a", f"Name: a, LogConfiguration: {{LogDriver: awslogs, Options: {options}}}") is Severity.WARNING


def test_text_that_looks_like_a_variable_of_sub_is_a_warning(tmp_path: Path) -> None:
    text = 'Resources: {Q: {Type: "AWS::SNS::Topic", Properties: {DisplayName: "${AWS::Region}"}}}\n'

    assert set(severities(tmp_path, "E1029", text)) == {Severity.WARNING}


def test_other_wrong_values_are_errors(tmp_path: Path) -> None:
    assert severity(tmp_path, "E3030", "      ExecutionRoleArn", "      NetworkMode: vpc\n      ExecutionRoleArn") is Severity.ERROR


def broken(folder: Path) -> str:
    """What is said of a template that cfn-lint gives no verdict on."""
    path = folder / "t.yaml"
    path.write_text(TASK)
    with pytest.raises(ToolBrokeError) as raised:
        cfn_lint.check({path: template.load(path, name="t.yaml")})
    return str(raised.value)


def test_a_template_that_takes_too_long_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "TIMEOUT", 0.01)
    monkeypatch.setattr(workers, "BYTES_PER_SECOND", 1_000_000)

    assert broken(tmp_path).startswith("cfn-lint did not end within 0 s over t.yaml")


def test_a_worker_that_dies_gives_no_verdict(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "_WORKER", "raise MemoryError")

    assert broken(tmp_path) == "cfn-lint failed on t.yaml: MemoryError"


@pytest.mark.hostile(
    12,
    input="a template that keeps cfn-lint busy, or takes all memory",
    happens="exit code 2, and which template it is",
    limit="60 s (more for large templates), 4096 MB",
)
def test_a_worker_has_a_bound_on_its_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "_WORKER", "from preflight.lint import worker; worker.MAX_MEMORY = 1 << 25; worker.work()")

    assert "cfn-lint failed" in broken(tmp_path)


LOOPS = """\
Transform: AWS::LanguageExtensions
Resources:
  Fn::ForEach::Outer:
    - A
    - [a1, a2, a3]
    - Fn::ForEach::Inner:
        - B
        - [NAMES]
        - Topic${A}${B}: {Type: AWS::SNS::Topic}
"""


@pytest.mark.parametrize(("size", "checks"), [(2, []), (200, ["TooManyResources"])], ids=["six resources", "six hundred"])
def test_loops_that_no_template_may_unroll_are_refused_before_they_are(tmp_path: Path, size: int, checks: list[str]) -> None:
    path = tmp_path / "t.yaml"
    path.write_text(LOOPS.replace("NAMES", ", ".join(f"b{n}" for n in range(size))))

    findings = cfn_lint.check({path: template.load(path, name="t.yaml")})

    assert [finding.check for finding in findings if finding.severity is Severity.ERROR] == checks


LOOPED = """\
Transform: AWS::LanguageExtensions
Resources:
  Fn::ForEach::Topics:
    - Name
    - [A, B]
    - Topic${Name}: {Type: AWS::SNS::Topic, Properties: {DisplayName: !Ref "Other${Name}"}}
  Fn::ForEach::Others:
    - Name
    - [A, B]
    - Other${Name}: {Type: AWS::SNS::Topic}
"""


@pytest.mark.parametrize(
    ("old", "new", "has_errors"),
    [
        pytest.param("", "", False, id="a reference that the loop makes right"),
        pytest.param('"Other${Name}"', '"Nope${Name}"', True, id="a reference to nothing"),
    ],
)
def test_loops_are_linted_as_they_unroll(tmp_path: Path, old: str, new: str, *, has_errors: bool) -> None:
    path = tmp_path / "t.yaml"
    path.write_text(LOOPED.replace(old, new) if old else LOOPED)

    findings = cfn_lint.check({path: template.load(path, name="t.yaml")})

    assert any(finding.severity is Severity.ERROR for finding in findings) is has_errors


LOOPED_ROLES = """\
Transform: AWS::LanguageExtensions
Resources:
  Fn::ForEach::Tasks:
    - Name
    - [A, B]
    - Task${Name}:
        Type: AWS::ECS::TaskDefinition
        Properties: {ExecutionRoleArn: role-of-tasks, ContainerDefinitions: [{Name: a, Image: nginx, Memory: 128}]}
"""


@pytest.mark.parametrize(
    ("role", "expected"),
    [
        pytest.param("role-of-tasks", False, id="a name, which ECS completes"),
        pytest.param("arn:aws:iam::12:role/x", True, id="half an ARN"),
    ],
)
def test_a_role_in_a_loop_is_judged_as_one_outside(tmp_path: Path, role: str, *, expected: bool) -> None:
    path = tmp_path / "t.yaml"
    path.write_text(LOOPED_ROLES.replace("role-of-tasks", role))

    findings = cfn_lint.check({path: template.load(path, name="t.yaml")})

    assert any(finding.severity is Severity.ERROR for finding in findings) is expected


SLEEP = """
import sys, time
from preflight.lint import worker
matches = worker._Linter.matches
worker._Linter.matches = lambda linter, name: time.sleep(60) if name.endswith("slow.yaml") else matches(linter, name)
worker.work()
"""


def two(folder: Path) -> dict[Path, Template]:
    """A template that keeps the worker of `SLEEP` busy, and one with a finding."""
    paths = [folder / "slow.yaml", folder / "t.yaml"]
    for path in paths:
        path.write_text(TASK)
    return {path: template.load(path, name=path.name) for path in paths}


def test_templates_beside_one_that_takes_too_long_keep_their_findings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "_WORKER", SLEEP)
    monkeypatch.setattr(workers, "TIMEOUT", 5.0)

    with pytest.raises(LintIncompleteError, match=r"within 5 s over slow\.yaml\.") as raised:
        cfn_lint.check(two(tmp_path))

    assert {(finding.file, finding.check) for finding in raised.value.findings} == {("t.yaml", "E1041")}
    assert raised.value.unchecked == {tmp_path / "slow.yaml"}


def test_the_rule_that_takes_too_long_is_named() -> None:
    rules = Path(cfnlint.__file__).parent / "rules"
    stack = f"""Timeout (0:01:00)!
Thread 0x1 (most recent call first):
  File "{rules / "_rule.py"}", line 40 in resolve
  File "{rules / "resources" / "iam" / "RoleArnPattern.py"}", line 40 in iam_role_arn
  File "{rules / "jsonschema" / "JsonSchema.py"}", line 4 in validate
"""

    assert workers._rule_at_work(stack) == "E3511"


def test_no_rule_is_named_if_none_was_at_work() -> None:
    assert workers._rule_at_work('  File "/x/cfnlint/template/template.py", line 3 in walk\n') is None


CONFIGURED = """\
Metadata: {cfn-lint: {config: {configure_rules: {E3012: {strict: true}}}}}
"""
LOOSE = """\
Resources: {Q: {Type: "AWS::SQS::Queue", Properties: {DelaySeconds: "5"}}}
"""


def test_what_a_template_configures_is_not_used_for_the_next(tmp_path: Path) -> None:
    texts = {"a.yaml": CONFIGURED + LOOSE, "b.yaml": LOOSE}
    for name, text in texts.items():
        (tmp_path / name).write_text(text)

    findings = cfn_lint.check({tmp_path / name: template.load(tmp_path / name, name=name) for name in texts})

    assert {finding.file for finding in findings if finding.check == "E3012"} == {"a.yaml"}


def test_findings_are_the_same_from_one_process_and_from_two(monkeypatch: pytest.MonkeyPatch) -> None:
    paths = sorted((Path(__file__).parents[2] / "integration" / "accepted").glob("*/template.yaml"))[:6]
    templates = {path: template.load(path) for path in paths}
    monkeypatch.setattr(workers, "LARGE", 0)
    found = []
    for count in (1, 2):
        monkeypatch.setattr("os.cpu_count", lambda count=count: count)
        found.append(cfn_lint.check(templates))

    assert found[0] == found[1]
    assert found[0]


GROWING = """\
Resources:
  A:
    Type: AWS::RDS::DBInstance
    Properties: {Engine: mysql, EngineVersion: "8.0.43", DBInstanceClass: db.t3.micro, AllocatedStorage: "20", ManageMasterUserPassword: true, MasterUsername: x}
  B: {Type: AWS::ElastiCache::CacheCluster, Properties: {Engine: redis, NumCacheNodes: 1, CacheNodeType: cache.t3.micro}}
  C: {Type: AWS::EC2::Instance, Properties: {InstanceType: t3.micro, ImageId: ami-0123456789abcdef0}}
  D:
    Type: AWS::Lambda::Function
    Properties: {Runtime: python3.13, Handler: a.b, Role: "arn:aws:iam::123456789012:role/x", Code: {ZipFile: x}}
  E:
    Type: AWS::ApplicationAutoScaling::ScalingPolicy
    Properties:
      PolicyName: a
      PolicyType: TargetTrackingScaling
      ScalingTargetId: a
      TargetTrackingScalingPolicyConfiguration:
        TargetValue: 70
        PredefinedMetricSpecification: {PredefinedMetricType: ECSServiceAverageCPUUtilization}
"""


@pytest.mark.parametrize(
    ("check", "old", "new", "expected"),
    [
        pytest.param("E3025", "db.t3.micro", "db.m99g.large", Severity.WARNING, id="class of a database that may be new"),
        pytest.param("E3025", "db.t3.micro", "db.t3.mico", Severity.ERROR, id="class of a database misspelt"),
        pytest.param("E3062", "db.t3.micro", "db.t4.large", Severity.WARNING, id="class that the engine may have now"),
        pytest.param("E3062", "db.t3.micro", "db.t2.micro", Severity.ERROR, id="class too old for the engine"),
        pytest.param("E3691", "8.0.43", "8.9.1", Severity.WARNING, id="version of an engine that may be new"),
        pytest.param("E3691", "8.0.43", "8.0.99", Severity.WARNING, id="last part of a version that may be new"),
        pytest.param("E3691", "8.0.43", "8.0", Severity.WARNING, id="version without its last part"),
        pytest.param("E3691", "8.0.43", "8.1.0", Severity.ERROR, id="version before those in the list"),
        pytest.param("E3691", "8.0.43", "8.0.43_x", Severity.ERROR, id="version misspelt"),
        pytest.param("E3691", "8.0.43", "160000", Severity.ERROR, id="no version"),
        pytest.param("E3647", "cache.t3.micro", "cache.m99g.large", Severity.WARNING, id="type of a cache node that may be new"),
        pytest.param("E3647", "cache.t3.micro", "cache.t3.mico", Severity.ERROR, id="type of a cache node misspelt"),
        pytest.param("E3628", "InstanceType: t3.micro", "InstanceType: m99g.large", Severity.WARNING, id="instance type that may be new"),
        pytest.param("E3628", "InstanceType: t3.micro", "InstanceType: t3-micro", Severity.ERROR, id="instance type misspelt"),
        pytest.param("E3030", "python3.13", "python3.99", Severity.WARNING, id="runtime that may be new"),
        pytest.param("E3030", "python3.13", "phyton3.13", Severity.ERROR, id="runtime misspelt"),
        pytest.param("E3030", "AverageCPU", "AverageGPU", Severity.WARNING, id="metric that may be new"),
        pytest.param("E3030", "ECSServiceAverage", "EcsServiceAverage", Severity.ERROR, id="metric misspelt"),
    ],
)
def test_what_is_not_in_a_list_that_grows(tmp_path: Path, check: str, old: str, new: str, expected: Severity) -> None:
    assert old in GROWING
    assert severities(tmp_path, check, GROWING.replace(old, new)) == [expected]


def test_what_is_in_the_lists_that_grow(tmp_path: Path) -> None:
    for check in ("E3025", "E3062", "E3691", "E3647", "E3628", "E3030"):
        assert severities(tmp_path, check, GROWING) == []
