from __future__ import annotations

from collections.abc import Iterable
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


def changed(old: str, new: str, text: str = TASK) -> str:
    """The text of a template after a change."""
    assert old in text
    return text.replace(old, new)


class Linted:
    """What cfn-lint finds in the template of each case of this file."""

    def __init__(self, texts: Iterable[str], folder: Path) -> None:
        names = {text: f"{number}.yaml" for number, text in enumerate(dict.fromkeys(texts))}
        for text, name in names.items():
            (folder / name).write_text(text)
        findings = cfn_lint.check({folder / name: template.load(folder / name, name=name) for name in names.values()})
        self._findings = {text: [finding for finding in findings if finding.file == name] for text, name in names.items()}

    def severities(self, check: str, text: str) -> list[Severity]:
        """The severities of a check in a template, each time that it fires."""
        return [finding.severity for finding in self._findings[text] if finding.check == check]

    def has_errors(self, text: str) -> bool:
        return any(finding.severity is Severity.ERROR for finding in self._findings[text])


@pytest.fixture(scope="module")
def linted(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Linted:
    """The templates of all cases, checked at once: a process of cfn-lint takes a second to start."""
    cases = [item.callspec.params for item in request.session.items if item.path == request.path and hasattr(item, "callspec")]
    return Linted([case["text"] for case in cases if "text" in case], tmp_path_factory.mktemp("cases"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(TASK, [Severity.WARNING], id="ECS finds a role without a path by its name"),
        pytest.param(changed("    Properties:\n      Assume", "    Properties:\n      Path: /web/\n      Assume"), [Severity.ERROR], id="not one with a path"),
        pytest.param(changed("!Ref Role", "!GetAtt Role.Arn"), [], id="an ARN"),
    ],
)
def test_a_role_by_its_name(linted: Linted, text: str, expected: list[Severity]) -> None:
    assert linted.severities("E1041", text) == expected


def in_a_branch(path: str) -> str:
    """The task definition with a role of this path in a branch of Fn::If."""
    declared = 'Parameters: {Other: {Type: String}}\nConditions: {IsOwn: !Equals [!Ref Other, ""]}\n'
    text = changed("!Ref Role", "!If [IsOwn, !Ref Role, !Ref Other]")
    return declared + changed("    Properties:\n      Assume", f"    Properties:\n      Path: {path}\n      Assume", text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(in_a_branch("/"), Severity.WARNING, id="without a path"),
        pytest.param(in_a_branch("/web/"), Severity.ERROR, id="with one"),
    ],
)
def test_a_role_by_its_name_in_a_branch(linted: Linted, text: str, expected: Severity) -> None:
    assert linted.severities("E1041", text) == [expected]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(changed("!Ref Role", "ecsTaskExecutionRole"), {Severity.WARNING}, id="ECS completes the name of a role"),
        pytest.param(changed("!Ref Role", "arn:aws:iam::12:role/x"), {Severity.ERROR}, id="not half an ARN"),
        pytest.param(changed("!Ref Role", "web/x"), {Severity.ERROR}, id="nor a path"),
    ],
)
def test_a_role_that_is_not_of_the_template(linted: Linted, text: str, expected: set[Severity]) -> None:
    assert {level for check in ("E1156", "E3511") for level in linted.severities(check, text)} == expected


def with_a_parameter(declared: str) -> str:
    return f"Parameters: {{P: {{Type: String, {declared}}}}}\n{TASK}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(with_a_parameter('Default: false, AllowedValues: ["true", "false"]'), Severity.WARNING, id="a boolean is a text to CloudFormation"),
        pytest.param(with_a_parameter('Default: "2", AllowedValues: [1, 2]'), Severity.WARNING, id="and so is a number"),
        pytest.param(with_a_parameter('Default: "3", AllowedValues: [1, 2]'), Severity.ERROR, id="one that is not among them"),
        pytest.param(with_a_parameter("Default: ab, MaxLength: 1"), Severity.ERROR, id="one that is too long"),
    ],
)
def test_a_default(linted: Linted, text: str, expected: Severity) -> None:
    assert linted.severities("E2015", text) == [expected]


@pytest.mark.parametrize("text", [pytest.param(changed("Protocol: tcp", "Protocol: http"), id="http")])
def test_a_protocol_that_ecs_treats_as_tcp_is_a_warning(linted: Linted, text: str) -> None:
    assert linted.severities("E3030", text)[:1] == [Severity.WARNING]


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
    ("text", "expected"),
    [
        pytest.param(BEHIND_DYNAMIC_PORTS, Severity.WARNING, id="the default is the port of the traffic"),
        pytest.param(
            changed("{Port: 80", '{HealthCheckPort: "80", Port: 80', BEHIND_DYNAMIC_PORTS),
            Severity.ERROR,
            id="a fixed port is not the one that a container gets",
        ),
    ],
)
def test_the_health_check_port_of_dynamic_ports(linted: Linted, text: str, expected: Severity) -> None:
    assert set(linted.severities("E3049", text)) == {expected}


CONDITIONAL = """\
Parameters: {IsPublic: {Type: String}}
Conditions: {Public: !Equals [!Ref IsPublic, "true"]}
Resources:
  Gateway: {Type: AWS::EC2::InternetGateway, Condition: Public}
  Queue: {Type: AWS::SQS::Queue, DependsOn: [Topic, %s]}
  Topic: {Type: AWS::SNS::Topic, DependsOn: %s}
"""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(CONDITIONAL % ("Gateway", "Gateway"), Severity.WARNING, id="a condition may leave it out"),
        pytest.param(CONDITIONAL % ("Gatewy", "Gatewy"), Severity.ERROR, id="there is none"),
    ],
)
def test_a_dependency_on_a_resource_that_may_not_exist(linted: Linted, text: str, expected: Severity) -> None:
    assert linted.severities("E3005", text) == [expected] * 2


HOOKS = "Hooks: {Hook: {Type: AWS::CodeDeploy::BlueGreen}}\nResources: {Q: {Type: AWS::SQS::Queue}}\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(f"Transform: [AWS::CodeDeployBlueGreen]\n{HOOKS}", Severity.WARNING, id="with its transform"),
        pytest.param(HOOKS, Severity.ERROR, id="without a transform"),
    ],
)
def test_the_hooks_of_a_blue_green_deployment(linted: Linted, text: str, expected: Severity) -> None:
    assert linted.severities("E1001", text) == [expected]


DYNAMIC = "{awslogs-group: '{{resolve:ssm:/web/log-group}}', awslogs-region: eu-west-1}"


@pytest.mark.parametrize(
    "text", [pytest.param(changed("Name: a", f"Name: a, LogConfiguration: {{LogDriver: awslogs, Options: {DYNAMIC}}}"), id="a log group")]
)
def test_the_value_of_a_dynamic_reference_is_not_judged(linted: Linted, text: str) -> None:
    assert linted.severities("E1155", text)[:1] == [Severity.WARNING]


@pytest.mark.parametrize(
    "text", [pytest.param('Resources: {Q: {Type: "AWS::SNS::Topic", Properties: {DisplayName: "${AWS::Region}"}}}\n', id="a pseudo parameter")]
)
def test_text_that_looks_like_a_variable_of_sub_is_a_warning(linted: Linted, text: str) -> None:
    assert set(linted.severities("E1029", text)) == {Severity.WARNING}


@pytest.mark.parametrize("text", [pytest.param(changed("      ExecutionRoleArn", "      NetworkMode: vpc\n      ExecutionRoleArn"), id="a network mode")])
def test_other_wrong_values_are_errors(linted: Linted, text: str) -> None:
    assert linted.severities("E3030", text)[:1] == [Severity.ERROR]


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
    ("text", "has_errors"),
    [
        pytest.param(LOOPED, False, id="a reference that the loop makes right"),
        pytest.param(changed('"Other${Name}"', '"Nope${Name}"', LOOPED), True, id="a reference to nothing"),
        pytest.param(LOOPED_ROLES, False, id="a role by its name, which ECS completes"),
        pytest.param(changed("role-of-tasks", "arn:aws:iam::12:role/x", LOOPED_ROLES), True, id="half the ARN of a role"),
    ],
)
def test_loops_are_linted_as_they_unroll(linted: Linted, text: str, *, has_errors: bool) -> None:
    assert linted.has_errors(text) is has_errors


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
    ("check", "text", "expected"),
    [
        pytest.param("E3025", changed("db.t3.micro", "db.m99g.large", GROWING), Severity.WARNING, id="class of a database that may be new"),
        pytest.param("E3025", changed("db.t3.micro", "db.t3.mico", GROWING), Severity.ERROR, id="class of a database misspelt"),
        pytest.param("E3062", changed("db.t3.micro", "db.t4.large", GROWING), Severity.WARNING, id="class that the engine may have now"),
        pytest.param("E3062", changed("db.t3.micro", "db.t2.micro", GROWING), Severity.ERROR, id="class too old for the engine"),
        pytest.param("E3691", changed("8.0.43", "8.9.1", GROWING), Severity.WARNING, id="version of an engine that may be new"),
        pytest.param("E3691", changed("8.0.43", "8.0.99", GROWING), Severity.WARNING, id="last part of a version that may be new"),
        pytest.param("E3691", changed("8.0.43", "8.0", GROWING), Severity.WARNING, id="version without its last part"),
        pytest.param("E3691", changed("8.0.43", "8.1.0", GROWING), Severity.ERROR, id="version before those in the list"),
        pytest.param("E3691", changed("8.0.43", "8.0.43_x", GROWING), Severity.ERROR, id="version misspelt"),
        pytest.param("E3691", changed("8.0.43", "160000", GROWING), Severity.ERROR, id="no version"),
        pytest.param("E3647", changed("cache.t3.micro", "cache.m99g.large", GROWING), Severity.WARNING, id="type of a cache node that may be new"),
        pytest.param("E3647", changed("cache.t3.micro", "cache.t3.mico", GROWING), Severity.ERROR, id="type of a cache node misspelt"),
        pytest.param("E3628", changed("InstanceType: t3.micro", "InstanceType: m99g.large", GROWING), Severity.WARNING, id="instance type that may be new"),
        pytest.param("E3628", changed("InstanceType: t3.micro", "InstanceType: t3-micro", GROWING), Severity.ERROR, id="instance type misspelt"),
        pytest.param("E3030", changed("python3.13", "python3.99", GROWING), Severity.WARNING, id="runtime that may be new"),
        pytest.param("E3030", changed("python3.13", "phyton3.13", GROWING), Severity.ERROR, id="runtime misspelt"),
        pytest.param("E3030", changed("AverageCPU", "AverageGPU", GROWING), Severity.WARNING, id="metric that may be new"),
        pytest.param("E3030", changed("ECSServiceAverage", "EcsServiceAverage", GROWING), Severity.ERROR, id="metric misspelt"),
    ],
)
def test_what_is_not_in_a_list_that_grows(linted: Linted, check: str, text: str, expected: Severity) -> None:
    assert linted.severities(check, text) == [expected]


@pytest.mark.parametrize("text", [pytest.param(GROWING, id="all of them")])
def test_what_is_in_the_lists_that_grow(linted: Linted, text: str) -> None:
    for check in ("E3025", "E3062", "E3691", "E3647", "E3628", "E3030"):
        assert linted.severities(check, text) == []
