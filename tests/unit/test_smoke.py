from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from botocore.exceptions import ClientError

from preflight import smoke
from preflight.aws.network import Interface, Network
from preflight.deploy import local_ports, session
from preflight.deploy.declared_resources import DeclaredResource
from preflight.deploy.load_balancers import PublicListener
from preflight.deploy.session import Session
from preflight.deploy.tasks import ServiceTask, StoppedTask
from preflight.errors import NotLoopbackError
from preflight.model import Finding, Severity
from preflight.plan.plan import SmokeEntry
from preflight.smoke import SmokeTest
from preflight.system import http
from preflight.system.http import Response
from preflight.templates import template

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.timezone.utc)
TASK = ServiceTask("arn:aws:ecs:eu-west-1:1:task/c/t1", "web", "arn:definition:1", "eni-1", "10.0.0.4", "127.64.0.1")
PRIVATE = replace(TASK, public=None)
LISTENER = PublicListener("arn:lb", "arn:group", "http", "b.elb.amazonaws.com", 80, is_public=True)
INTERNAL = replace(LISTENER, host="internal-b.elb.amazonaws.com", is_public=False)
ENTRY = SmokeEntry(
    service="web", cluster="c", url=None, is_inside=False, caller=None, get="/", port=80, status=200, contains=None, line=7
)
FROM_INSIDE = replace(ENTRY, is_inside=True)
EVERYBODY = {"CidrIp": "0.0.0.0/0"}
VPC_ONLY = {"CidrIp": "10.0.0.0/16"}
TEMPLATE = """Resources:
  Group:
    Type: AWS::EC2::SecurityGroup
    Properties:
      GroupDescription: web
      SecurityGroupIngress:
        - IpProtocol: tcp
  Web:
    Type: AWS::ECS::Service
    Properties:
      NetworkConfiguration:
        AwsvpcConfiguration:
          AssignPublicIp: DISABLED
"""


def network(admitted: Mapping[str, str]) -> Network:
    """A VPC with an internet gateway, whose security group sg-1 admits a block to port 80."""
    rule = {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "IpRanges": [admitted] if admitted else []}
    route = {"DestinationCidrBlock": "0.0.0.0/0", "GatewayId": "igw-1"}
    table = {"VpcId": "vpc-1", "RouteTableId": "rtb-1", "Associations": [{"Main": True}], "Routes": [route]}
    gateway = {"InternetGatewayId": "igw-1", "Attachments": [{"VpcId": "vpc-1"}]}
    return Network(
        subnets=({"VpcId": "vpc-1", "SubnetId": "subnet-1", "CidrBlock": "10.0.0.0/24"},),
        route_tables=(table,),
        internet_gateways=(gateway,),
        security_groups=({"GroupId": "sg-1", "IpPermissions": [rule]},),
    )


class DeclaredResources:
    """The resources of one template, by what they became."""

    def __init__(self, resources: list[DeclaredResource]) -> None:
        self._resources = resources

    def find(self, physical: str) -> DeclaredResource | None:
        return next((resource for resource in self._resources if resource.physical == physical), None)

    def of_kind(self, kind: str) -> list[DeclaredResource]:
        return [resource for resource in self._resources if resource.kind == kind]


@dataclass
class Scenario:
    """A deployed service `web`, declared in t.yaml, and the responses that requests get, the last one again and again."""

    declared: DeclaredResources
    monkeypatch: pytest.MonkeyPatch
    tasks: list[ServiceTask] = field(default_factory=lambda: [TASK])
    stopped: list[StoppedTask] = field(default_factory=list)
    listeners: list[PublicListener] = field(default_factory=list)
    balancer: str | None = "127.64.0.9"
    balancer_groups: tuple[str, ...] = ("sg-1",)
    admitted: Mapping[str, str] = field(default_factory=lambda: EVERYBODY)
    outputs: Mapping[str, str] = field(default_factory=dict)
    responses: list[Response] = field(default_factory=lambda: [Response(200, "Welcome")])
    session: Session = field(default_factory=lambda: session.rehearsal_session("eu-west-1", "http://127.0.0.1:1", "any"))
    requests: list[tuple[str, str | None]] = field(default_factory=list)
    opened: set[tuple[str, int]] = field(
        default_factory=lambda: {(address, port) for address in ("127.64.0.1", "127.64.0.9") for port in (80, 8080)}
    )

    def test(self, entry: SmokeEntry, **options: Any) -> SmokeTest:
        """Returns the smoke test of one entry."""
        deployment = mock.Mock(session=self.session, services={"arn:aws:ecs:eu-west-1:1:service/c/web": "c"})
        deployment.declared_resources = self.declared
        deployment.output = self.outputs.get
        deployment.tasks.running.side_effect = lambda *_: self.tasks
        deployment.tasks.stopped.side_effect = lambda *_: self.stopped
        deployment.of_stopped = lambda task: Finding("smoke", "TaskStopped", Severity.ERROR, task.reason)
        balancers = mock.Mock()
        balancers.entrances.return_value = self.listeners
        balancers.address.side_effect = lambda host: self.balancer if host.endswith(http.BALANCERS) else None
        balancers.faces.return_value = [
            Interface("vpc-1", "subnet-1", "10.0.0.9", (group,), has_public_address=True) for group in self.balancer_groups
        ]
        self.monkeypatch.setattr(smoke, "PublicLoadBalancers", lambda _: balancers)
        self.monkeypatch.setattr(smoke, "NEAR", 0.2)
        self.monkeypatch.setattr(smoke, "FAR", 0.2)
        self.monkeypatch.setattr(http, "fetch", self._fetch)
        self.monkeypatch.setattr(local_ports, "of", lambda _: self.opened)
        self.monkeypatch.setattr(SmokeTest, "_interface", lambda _, task: self._interface(task))
        self.monkeypatch.setattr(SmokeTest, "_network", lambda *_: network(self.admitted))
        return SmokeTest(deployment, mock.Mock(smoke=[entry]), {"name": "web"}, "preflight.yaml", **options)

    def findings(self, entry: SmokeEntry, **options: Any) -> list[Finding]:
        return self.test(entry, **options).findings()

    def _fetch(self, url: str, *, at: str | None = None, is_public_only: bool = False) -> Response:
        assert is_public_only is not self.session.has_loopback_only
        self.requests.append((url, at))
        return self.responses.pop(0) if len(self.responses) > 1 else self.responses[0]

    def _interface(self, task: ServiceTask) -> Interface:
        return Interface("vpc-1", "subnet-1", task.private, ("sg-1",), has_public_address=task.public is not None)


@pytest.fixture
def scenario(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Scenario:
    (tmp_path / "t.yaml").write_text(TEMPLATE)
    known = template.load(tmp_path / "t.yaml", name="t.yaml")
    web = DeclaredResource(known, "Web", "arn:aws:ecs:eu-west-1:1:service/c/web", "AWS::ECS::Service")
    group = DeclaredResource(known, "Group", "sg-1", "AWS::EC2::SecurityGroup")
    return Scenario(DeclaredResources([web, group]), monkeypatch)


@pytest.mark.parametrize(
    ("admitted", "task", "listeners", "request_"),
    [
        pytest.param(EVERYBODY, TASK, [LISTENER], ("http://127.64.0.1/", None), id="a task that admits everybody"),
        pytest.param({}, TASK, [LISTENER], ("http://b.elb.amazonaws.com/", "127.64.0.9"), id="a task that admits its load balancer"),
        pytest.param({}, PRIVATE, [LISTENER], ("http://b.elb.amazonaws.com/", "127.64.0.9"), id="a private task"),
        pytest.param({}, TASK, [], ("http://127.64.0.1/", None), id="a task that admits nothing"),
        pytest.param({}, TASK, [INTERNAL], ("http://127.64.0.1/", None), id="a task behind an internal load balancer"),
    ],
)  # fmt: skip
def test_a_request_goes_to_the_task_or_to_the_public_load_balancer_in_front_of_it(
    scenario: Scenario,
    admitted: Mapping[str, str],
    task: ServiceTask,
    listeners: list[PublicListener],
    request_: tuple[str, str | None],
) -> None:
    scenario.admitted, scenario.tasks, scenario.listeners = admitted, [task], listeners

    findings = scenario.findings(ENTRY)

    assert findings == []
    assert scenario.requests == [request_]


def test_the_listener_on_the_port_of_the_entry_comes_first(scenario: Scenario) -> None:
    scenario.tasks, scenario.listeners = [PRIVATE], [LISTENER, replace(LISTENER, port=8080)]

    findings = scenario.findings(replace(ENTRY, port=8080))

    assert findings == []
    assert scenario.requests == [("http://b.elb.amazonaws.com:8080/", "127.64.0.9")]


def test_a_wrong_status_is_a_finding_at_the_service(scenario: Scenario) -> None:
    scenario.responses = [Response(503, "down")]

    findings = scenario.findings(ENTRY)

    assert [finding.check for finding in findings] == ["SMOKE_GET"]
    assert findings[0].message == "task t1 of web: GET http://127.64.0.1/: expected status 200, got status 503 and 'down'"
    assert findings[0].resource == "Web"
    assert findings[0].place() == "t.yaml:8"
    assert findings[0].fix == smoke.FIX


def test_a_page_without_the_expected_text_is_a_finding(scenario: Scenario) -> None:
    findings = scenario.findings(replace(ENTRY, contains="Goodbye"))

    assert len(findings) == 1
    assert "expected status 200 and a page with 'Goodbye', got status 200 and 'Welcome'" in findings[0].message


def test_a_request_is_repeated_until_the_page_has_the_expected_text(scenario: Scenario) -> None:
    scenario.responses = [Response(200, "starting"), Response(200, "Welcome")]

    findings = scenario.findings(replace(ENTRY, contains="Welcome"))

    assert findings == []
    assert len(scenario.requests) == 2


def test_an_answer_has_the_status_that_came_and_the_one_that_was_expected(scenario: Scenario) -> None:
    scenario.responses = [Response(503, "down")]
    test = scenario.test(ENTRY)

    test.findings()

    assert [(answer.target, answer.url, answer.status, answer.expected) for answer in test.answers] == [
        ("web", "http://127.64.0.1/", 503, 200)
    ]


def test_no_response_is_a_finding_at_what_blocks_it(scenario: Scenario) -> None:
    scenario.admitted, scenario.responses = {}, [Response(None, "", "no answer: timed out")]

    findings = scenario.findings(ENTRY)

    assert len(findings) == 1
    assert "got no answer: timed out: security group sg-1" in findings[0].message
    assert findings[0].resource == "Group"
    assert findings[0].place() == "t.yaml:6"
    assert findings[0].fix != smoke.FIX


def test_a_wrong_response_is_not_blamed_on_the_network(scenario: Scenario) -> None:
    scenario.admitted, scenario.responses = {}, [Response(503, "down")]

    findings = scenario.findings(ENTRY)

    assert "security group" not in findings[0].message


def test_no_response_of_a_load_balancer_is_a_finding_at_what_blocks_it(scenario: Scenario) -> None:
    scenario.tasks, scenario.listeners, scenario.admitted = [PRIVATE], [LISTENER], {}
    scenario.responses = [Response(None, "", "no answer: refused")]

    findings = scenario.findings(ENTRY)

    assert len(findings) == 1
    assert findings[0].message.startswith("load balancer b.elb.amazonaws.com in front of web: GET ")
    assert findings[0].resource == "Group"


def test_a_load_balancer_that_is_reachable_at_one_interface_is_not_blamed_on_the_network(scenario: Scenario) -> None:
    scenario.tasks, scenario.listeners = [PRIVATE], [LISTENER]
    scenario.balancer_groups = ("sg-closed", "sg-1")
    scenario.responses = [Response(None, "", "no answer: refused")]

    findings = scenario.findings(ENTRY)

    assert len(findings) == 1
    assert "security group" not in findings[0].message


def test_a_service_without_a_running_task_is_a_finding(scenario: Scenario) -> None:
    scenario.tasks = []

    findings = scenario.findings(ENTRY)

    assert [finding.message for finding in findings] == ["service web has no running task"]
    assert findings[0].place() == "preflight.yaml:7"
    assert scenario.requests == []


def test_a_private_task_without_a_load_balancer_is_a_finding_at_its_service(scenario: Scenario) -> None:
    scenario.tasks = [PRIVATE]

    findings = scenario.findings(ENTRY)

    assert len(findings) == 1
    assert "task t1 of web has no public address" in findings[0].message
    assert findings[0].resource == "Web"
    assert findings[0].property == "NetworkConfiguration.AwsvpcConfiguration.AssignPublicIp"
    assert scenario.requests == []


def test_an_internal_load_balancer_is_not_reachable_from_the_internet(scenario: Scenario) -> None:
    scenario.outputs, scenario.balancer = {"Url": "http://internal-b.elb.amazonaws.com"}, None

    findings = scenario.findings(replace(ENTRY, service=None, url="{output.Url}/"))

    assert [finding.message for finding in findings] == [
        "http://internal-b.elb.amazonaws.com/ is not reachable from the internet"
    ]
    assert scenario.requests == []


def test_a_url_names_the_output_of_a_stack(scenario: Scenario) -> None:
    scenario.outputs = {"Url": "http://b.elb.amazonaws.com"}

    findings = scenario.findings(replace(ENTRY, service=None, url="{output.Url}/health"))

    assert findings == []
    assert scenario.requests == [("http://b.elb.amazonaws.com/health", "127.64.0.9")]


def test_a_url_with_an_output_that_no_stack_has_is_a_finding(scenario: Scenario) -> None:
    findings = scenario.findings(replace(ENTRY, service=None, url="{output.Url}/"))

    assert [finding.message for finding in findings] == ["url: no stack of the plan has an output Url"]


def test_an_address_that_is_not_on_this_machine_is_never_contacted(scenario: Scenario) -> None:
    scenario.tasks = [replace(TASK, public="8.8.8.8")]

    with pytest.raises(NotLoopbackError):
        scenario.findings(ENTRY)

    assert scenario.requests == []


@pytest.mark.hostile(
    15,
    "smoke",
    input="a smoke url names loopback, `0.0.0.0`, another port of a task, or a user that looks like a task",
    happens="not requested: a finding",
)
@pytest.mark.parametrize(
    "url",
    [
        pytest.param("http://127.0.0.1:18999/", id="another program's port"),
        pytest.param("http://127.64.0.1:18999/", id="another program's port at the address of a task"),
        pytest.param("http://localhost:80/", id="this machine by name"),
        pytest.param("http://b.elb.amazonaws.com:18999/", id="a port at which its load balancer does not listen"),
        pytest.param("http://127.64.0.1:99999/", id="a port that does not exist"),
        pytest.param("http://127.64.0.1:80@127.0.0.1:18999/", id="a user that looks like a task"),
    ],
)
def test_nothing_on_this_machine_is_contacted_but_what_the_account_opened(scenario: Scenario, url: str) -> None:
    findings = scenario.findings(replace(ENTRY, service=None, url=url))

    assert len(findings) == 1
    assert "no task or load balancer of the run is open at" in findings[0].message
    assert scenario.requests == []


def test_on_a_real_account_a_public_address_is_contacted(scenario: Scenario) -> None:
    scenario.session = replace(scenario.session, has_loopback_only=False)
    scenario.tasks, scenario.balancer = [replace(TASK, public="8.8.8.8")], None

    findings = scenario.findings(replace(ENTRY, port=8080))

    assert findings == []
    assert scenario.requests == [("http://8.8.8.8:8080/", None)]


def test_on_a_real_account_a_load_balancer_is_contacted_by_its_name(scenario: Scenario) -> None:
    scenario.session = replace(scenario.session, has_loopback_only=False)
    scenario.tasks, scenario.listeners, scenario.balancer = [PRIVATE], [LISTENER], None

    findings = scenario.findings(ENTRY)

    assert findings == []
    assert scenario.requests == [("http://b.elb.amazonaws.com/", None)]


def inside(response: Mapping[str, Any], sent: list[tuple[str, int, str]]) -> Callable[[str, int, str], Mapping[str, Any]]:
    def send(task: str, port: int, path: str) -> Mapping[str, Any]:
        sent.append((task, port, path))
        return response

    return send


def test_a_request_from_inside_is_sent_in_the_network_of_the_task(scenario: Scenario) -> None:
    scenario.tasks, scenario.admitted = [PRIVATE], VPC_ONLY
    sent: list[tuple[str, int, str]] = []

    findings = scenario.findings(FROM_INSIDE, inside=inside({"status": 200, "text": "Welcome", "trouble": ""}, sent))

    assert findings == []
    assert sent == [("t1", 80, "/")]
    assert scenario.requests == []


def test_a_wrong_response_from_inside_is_a_finding(scenario: Scenario) -> None:
    scenario.tasks, scenario.admitted = [PRIVATE], VPC_ONLY

    findings = scenario.findings(FROM_INSIDE, inside=inside({"status": 404, "text": "", "trouble": ""}, []))

    assert len(findings) == 1
    assert "task t1 of web: GET http://10.0.0.4:80/: expected status 200, got status 404" in findings[0].message


def test_a_request_from_inside_that_no_rule_admits_is_a_finding_and_not_sent(scenario: Scenario) -> None:
    scenario.tasks, scenario.admitted = [PRIVATE], {}
    sent: list[tuple[str, int, str]] = []

    findings = scenario.findings(FROM_INSIDE, inside=inside({"status": 200, "text": "", "trouble": ""}, sent))

    assert len(findings) == 1
    assert "task t1 of web is not reachable from inside its network" in findings[0].message
    assert findings[0].resource == "Group"
    assert sent == []


def test_a_request_from_inside_is_not_sent_on_a_real_account(scenario: Scenario) -> None:
    scenario.tasks, scenario.admitted = [PRIVATE], VPC_ONLY
    test = scenario.test(FROM_INSIDE)

    findings = test.findings()

    assert findings == []
    assert test.answers == []
    assert [reason.partition(" takes ")[0] for reason in test.unsent] == ["task t1 of web"]


def test_a_task_that_does_not_really_run_gets_no_request(scenario: Scenario) -> None:
    test = scenario.test(ENTRY, skipped={TASK.definition: "its image is for another platform"})

    findings = test.findings()

    assert findings == []
    assert test.unsent == ["its image is for another platform"]
    assert scenario.requests == []


def test_a_task_that_stopped_after_its_request_is_a_finding(scenario: Scenario) -> None:
    scenario.stopped = [
        StoppedTask(TASK.arn, "web", TASK.definition, "EssentialContainerExited", "it exited", NOW),
        StoppedTask("arn:another", "web", TASK.definition, "EssentialContainerExited", "an earlier one", NOW),
    ]

    assert [finding.message for finding in scenario.findings(ENTRY)] == ["it exited"]


@pytest.mark.parametrize(
    "name", [pytest.param("Web", id="by its logical id"), pytest.param("{name}", id="by a placeholder")]
)
def test_a_service_is_looked_up_by_its_real_name(scenario: Scenario, name: str) -> None:
    test = scenario.test(replace(ENTRY, service=name))

    test.findings()

    assert [answer.target for answer in test.answers] == ["web"]


@pytest.mark.parametrize(
    ("code", "is_finding"),
    [
        pytest.param("ServiceNotFoundException", True, id="the service is not there"),
        pytest.param("ExpiredTokenException", False, id="the credentials expired"),
    ],
)
def test_refused_credentials_are_an_error_and_no_finding(scenario: Scenario, code: str, *, is_finding: bool) -> None:
    test = scenario.test(ENTRY)
    error = ClientError({"Error": {"Code": code, "Message": "refused"}}, "ListTasks")
    test._deployment.tasks.running = mock.Mock(side_effect=error)  # type: ignore[method-assign]

    if is_finding:
        assert [finding.message for finding in test.findings()] == ["service web: refused"]
    else:
        with pytest.raises(ClientError):
            test.findings()


@pytest.mark.parametrize(
    ("admitted", "entry", "addresses"),
    [
        pytest.param(EVERYBODY, ENTRY, ["127.64.0.1"], id="its tasks if they admit the caller"),
        pytest.param({}, ENTRY, ["127.64.0.9"], id="the load balancer in front of them if they do not"),
        pytest.param({}, FROM_INSIDE, [], id="nowhere if it is asked from inside"),
    ],
)
def test_an_entry_is_asked_during_an_update_at(
    scenario: Scenario, admitted: Mapping[str, str], entry: SmokeEntry, addresses: list[str]
) -> None:
    scenario.admitted, scenario.listeners = admitted, [LISTENER]

    assert [place.address for place in scenario.test(entry).places(entry)] == addresses


def test_nothing_is_asked_during_an_update_that_the_account_has_not_opened(scenario: Scenario) -> None:
    scenario.opened = set()

    assert scenario.test(ENTRY).places(ENTRY) == []


def test_a_url_is_asked_during_an_update_at_its_load_balancer(scenario: Scenario) -> None:
    scenario.outputs = {"Url": "http://b.elb.amazonaws.com"}
    entry = replace(ENTRY, service=None, url="{output.Url}/x")

    place = scenario.test(entry).places(entry)[0]

    assert place.url == "http://b.elb.amazonaws.com/x"
    assert place.address == "127.64.0.9"
