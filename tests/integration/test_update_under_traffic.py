"""Requests while tasks are exchanged: an application that ends at once on SIGTERM loses some, its corrected twin none.

Both are nginx with a page that takes five seconds to send. The first ends by its fast shutdown, the second by its
graceful one: it stops to accept, answers what is in flight, and ends.
"""

from __future__ import annotations

import functools
import itertools
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from unittest import mock

import pytest

from preflight.deploy import local_ports, session
from preflight.deploy.load_balancers import PublicLoadBalancers
from preflight.deploy.places import Place
from preflight.deploy.session import Session
from preflight.deploy.tasks import Tasks
from preflight.model import Finding, JsonObject
from preflight.plan.traffic_settings import TrafficSettings
from preflight.system import waiting
from preflight.traffic import account_facts, drills, findings
from preflight.traffic.drills import DrilledService
from preflight.traffic.record import TargetRecord
from preflight.traffic.traffic import Traffic, TrafficTarget
from tests.integration import emulator
from tests.integration.emulator import Emulator

pytestmark = [pytest.mark.containers, pytest.mark.faults]
CONFIGURATION = "server { listen 80; root /usr/share/nginx/html; location /slow { limit_rate 1k; } }"
PREPARE = (
    f"echo '{CONFIGURATION}' > /etc/nginx/conf.d/default.conf; echo Version $VERSION > /usr/share/nginx/html/index.html; "
    "head -c 5000 /dev/zero > /usr/share/nginx/html/slow; "
)
GRACEFUL = PREPARE + "exec nginx -g 'daemon off;'"
AT_ONCE = PREPARE + "nginx -g 'daemon off;' & trap 'kill -TERM $!; exit 0' QUIT TERM; wait"
LONG = TrafficSettings(rate=20, path="/slow?{hold}", hold=5)
TIMES = 3
RUNS = itertools.count()


@dataclass
class Web:
    """A service of one task in the default VPC of an account, updated by new versions of its task definition."""

    account: Emulator
    session: Session
    command: str
    service: JsonObject = field(default_factory=dict)
    name: str = field(default_factory=lambda: f"web-{next(RUNS)}")
    versions: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    @property
    def ecs(self) -> Any:
        return self.account.client("ecs")

    def definition(self) -> str:
        container = {
            "name": "web",
            "image": "nginx:1.28.0",
            "command": ["sh", "-c", self.command],
            "environment": [{"name": "VERSION", "value": str(next(self.versions))}],
            "portMappings": [{"containerPort": 80}],
        }
        registered = self.ecs.register_task_definition(
            family=self.name,
            requiresCompatibilities=["FARGATE"],
            networkMode="awsvpc",
            cpu="256",
            memory="512",
            executionRoleArn="arn:aws:iam::123456789012:role/all",
            containerDefinitions=[container],
        )
        return str(registered["taskDefinition"]["taskDefinitionArn"])

    def create(self) -> None:
        awsvpc = {"subnets": subnets(self.account), "assignPublicIp": "ENABLED", "securityGroups": [open_group(self.account)]}
        self.ecs.create_service(
            cluster="default",
            serviceName=self.name,
            taskDefinition=self.definition(),
            launchType="FARGATE",
            networkConfiguration={"awsvpcConfiguration": awsvpc},
            **{"desiredCount": 1, **self.service},
        )
        self.wait()

    def update(self) -> None:
        self.ecs.update_service(cluster="default", service=self.name, taskDefinition=self.definition())
        self.wait()

    def wait(self) -> None:
        def is_steady() -> bool:
            service = self.ecs.describe_services(cluster="default", services=[self.name])["services"][0]
            deployments = service["deployments"]
            return len(deployments) == 1 and deployments[0]["rolloutState"] == "COMPLETED"

        waiting.until(is_steady, what="the deployment", timeout=120, interval=0.2)

    def delete(self) -> None:
        self.ecs.delete_service(cluster="default", service=self.name, force=True)

    def places(self) -> list[Place]:
        """Its tasks, as clients find them that know no load balancer."""
        is_open = local_ports.of(self.session)
        return [
            Place(f"http://{task.public}/", f"task {task.id}", task.public, task.arn)
            for task in Tasks(self.session).running("default", self.name)
            if (task.public, 80) in is_open
        ]

    def behind_balancer(self, kind: str, **attributes: str) -> Callable[[], list[Place]]:
        """Puts the service behind a load balancer; returns where that is asked."""
        elb, is_application = self.account.client("elbv2"), kind == "application"
        groups = {"SecurityGroups": [open_group(self.account)]} if is_application else {}
        balancer = elb.create_load_balancer(Name=self.name, Type=kind, Subnets=subnets(self.account), **groups)["LoadBalancers"][0]
        protocol = "HTTP" if is_application else "TCP"
        group = elb.create_target_group(
            Name=self.name, Protocol=protocol, Port=80, VpcId=vpc(self.account), TargetType="ip", HealthCheckProtocol="HTTP"
        )["TargetGroups"][0]["TargetGroupArn"]
        listed = [{"Key": key.replace("__", "."), "Value": value} for key, value in attributes.items()]
        elb.modify_target_group_attributes(TargetGroupArn=group, Attributes=listed)
        forward = [{"Type": "forward", "TargetGroupArn": group}]
        elb.create_listener(LoadBalancerArn=balancer["LoadBalancerArn"], Protocol=protocol, Port=80, DefaultActions=forward)
        self.service["loadBalancers"] = [{"targetGroupArn": group, "containerName": "web", "containerPort": 80}]
        address = PublicLoadBalancers(self.session).address(balancer["DNSName"])
        return lambda: [Place(f"http://{balancer['DNSName']}/", "load balancer", address)]

    def exchanged(
        self, settings: TrafficSettings, places: Callable[[], list[Place]], act: Callable[[], object] | None = None
    ) -> tuple[TargetRecord, list[Finding]]:
        """Updates the service under traffic, or acts; returns what became of the requests, and the findings."""
        traffic = Traffic([TrafficTarget(self.name, places, "/", ((200, "Version"),))], settings, print)
        traffic.start()
        waiting.pause(3)
        traffic.phase = "update of the service"
        (act or self.update)()
        waiting.pause(1)
        facts = account_facts.read(self.session, {f"arn:aws:ecs:::service/default/{self.name}": "default"})
        record = findings.settled(traffic.stop(), facts)
        declared = mock.Mock(of_kind=lambda _kind: [])
        return record.targets[0], findings.findings(record, facts, declared, "preflight.yaml")


@functools.cache
def subnets(account: Emulator) -> list[str]:
    return [subnet["SubnetId"] for subnet in account.client("ec2").describe_subnets()["Subnets"]][:2]


@functools.cache
def open_group(account: Emulator) -> str:
    ec2 = account.client("ec2")
    group = str(ec2.create_security_group(GroupName="open", Description="open", VpcId=vpc(account))["GroupId"])
    rule = {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[rule])
    return group


def vpc(account: Emulator) -> str:
    return str(account.client("ec2").describe_vpcs()["Vpcs"][0]["VpcId"])


@pytest.fixture(scope="module")
def fargate(account: Emulator) -> Emulator:
    """An account with a cluster and a role that may do everything."""
    account.client("iam").create_role(RoleName="all", AssumeRolePolicyDocument=json.dumps(emulator.TRUST))
    account.client("iam").attach_role_policy(RoleName="all", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    account.client("ecs").create_cluster(clusterName="default")
    return account


@pytest.fixture
def web(fargate: Emulator) -> Iterator[Web]:
    """The service whose application ends gracefully, not created yet."""
    created = Web(fargate, session.rehearsal_session(emulator.REGION, fargate.endpoint, "any"), GRACEFUL)
    yield created
    created.delete()


def test_an_application_that_ends_at_once_loses_requests_in_flight(web: Web) -> None:
    web.command = AT_ONCE
    web.create()

    for record, found in [web.exchanged(LONG, web.places) for _ in range(TIMES)]:
        assert record.failed > 0
        assert "ended at SIGTERM with requests in flight" in found[0].message


def test_its_corrected_twin_loses_none(web: Web) -> None:
    web.create()

    for record, found in [web.exchanged(LONG, web.places) for _ in range(TIMES)]:
        assert record.sent > 100
        assert record.failures == ()
        assert [finding.check for finding in found] == ["TRAFFIC_ADDRESS"]


def test_a_load_balancer_drains_even_an_application_that_ends_at_once(web: Web) -> None:
    web.command = AT_ONCE
    places = web.behind_balancer("application", deregistration_delay__timeout_seconds="30")
    web.create()

    record, found = web.exchanged(LONG, places)

    assert record.failures == ()
    assert found == []


@pytest.mark.parametrize(
    ("kind", "attributes", "configuration", "said"),
    [
        pytest.param("application", {"deregistration_delay__timeout_seconds": "1"}, {}, "deregistration delay of 1 s was over", id="a delay shorter than a request"),
        pytest.param("network", {"deregistration_delay__timeout_seconds": "1"}, {}, "ended at SIGTERM with requests in flight", id="a network load balancer, which breaks no connection"),
        pytest.param("application", {}, {"minimumHealthyPercent": 0, "maximumPercent": 100}, "MinimumHealthyPercent 0 of 1", id="one task and no room for a second"),
    ],
)  # fmt: skip
def test_an_update_behind_a_load_balancer_loses_requests(
    web: Web, kind: str, attributes: dict[str, str], configuration: JsonObject, said: str
) -> None:
    web.command = AT_ONCE
    places = web.behind_balancer(kind, **attributes)
    web.service["deploymentConfiguration"] = configuration
    web.create()

    record, found = web.exchanged(LONG, places)

    assert record.failed > 0
    assert any(said in finding.message for finding in found)


@pytest.mark.parametrize(
    "drill", [pytest.param(name, id=name) for name in ("task-lost", "zone-lost", "bad-image")]
)
def test_a_service_that_is_ready_for_it_answers_through_a_drill(web: Web, drill: str) -> None:
    places = web.behind_balancer("application")
    breaker = {"enable": True, "rollback": True}
    web.service |= {"desiredCount": 2, "deploymentConfiguration": {"deploymentCircuitBreaker": breaker}}
    web.create()
    service, results = DrilledService(web.session, "default", web.name), []

    record, found = web.exchanged(TrafficSettings(), places, lambda: results.append(drills.run(drill, service)))

    assert results[0].problem is None
    assert record.failures == ()
    assert found == []


def test_the_only_task_of_a_service_is_missed(web: Web) -> None:
    places = web.behind_balancer("application")
    web.create()
    service = DrilledService(web.session, "default", web.name)

    record, found = web.exchanged(TrafficSettings(), places, lambda: drills.run("task-lost", service))

    assert record.failed > 0
    assert "no other of the 1 tasks" in found[0].message


def test_a_broken_version_stays_without_a_circuit_breaker(web: Web) -> None:
    web.create()

    result = drills.run("bad-image", DrilledService(web.session, "default", web.name))

    assert "it has no circuit breaker" in str(result.problem)
