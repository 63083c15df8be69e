"""A service of nginx in the default VPC of an account, updated by new versions of its task definition, and its traffic.

It has a page that takes five seconds to send. One application ends by its fast shutdown, the other by its graceful one:
it stops to accept, answers what is in flight, and ends.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from unittest import mock

from preflight.deploy import local_ports
from preflight.deploy.load_balancers import PublicLoadBalancers
from preflight.deploy.places import Place
from preflight.deploy.session import Session
from preflight.deploy.tasks import Tasks
from preflight.model import Finding, JsonObject
from preflight.plan.traffic_settings import TrafficSettings
from preflight.system import waiting
from preflight.traffic import account_facts, findings
from preflight.traffic.record import TargetRecord
from preflight.traffic.traffic import Traffic, TrafficTarget
from tests.integration.emulator import Emulator

LONG = TrafficSettings(rate=20, path="/slow?{hold}", hold=5)
CONFIGURATION = "server { listen 80; root /usr/share/nginx/html; location /slow { limit_rate 1k; } }"
PREPARE = (
    f"echo '{CONFIGURATION}' > /etc/nginx/conf.d/default.conf; echo Version $VERSION > /usr/share/nginx/html/index.html; "
    "head -c 5000 /dev/zero > /usr/share/nginx/html/slow; "
)
GRACEFUL = PREPARE + "exec nginx -g 'daemon off;'"
AT_ONCE = PREPARE + "nginx -g 'daemon off;' & trap 'kill -TERM $!; exit 0' QUIT TERM; wait"
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
