"""Tasks of a VPC reach each other: by address, by a name of Cloud Map, by an alias of Service Connect."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from preflight.model import JsonObject
from preflight.system import waiting
from tests.integration import emulator
from tests.integration.emulator import Emulator

MANAGED = "arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy"
GROUP = "/tasks"
ZONE = "internal.example"
pytestmark = pytest.mark.containers


@pytest.fixture(scope="module")
def vpc() -> Iterator[Vpc]:
    """An account with a service that other tasks call."""
    with emulator.running() as account:
        yield Vpc(account)


class Vpc:
    """The default VPC, a group that admits itself to port 80, and a backend with a name of Cloud Map and an alias."""

    def __init__(self, account: Emulator) -> None:
        self.account = account
        self.ecs, self.ec2 = account.client("ecs"), account.client("ec2")
        self.cloud_map = account.client("servicediscovery")
        self.subnet = self.ec2.describe_subnets()["Subnets"][0]
        self.id = self.subnet["VpcId"]
        self.group = self.create_group("web")
        itself = {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "UserIdGroupPairs": [{"GroupId": self.group}]}
        self.ec2.authorize_security_group_ingress(GroupId=self.group, IpPermissions=[itself])
        self.other = self.create_group("other")
        iam = account.client("iam")
        self.role = iam.create_role(RoleName="r", AssumeRolePolicyDocument=json.dumps(emulator.TRUST))["Role"]["Arn"]
        iam.attach_role_policy(RoleName="r", PolicyArn=MANAGED)
        account.client("logs").create_log_group(logGroupName=GROUP)
        self.namespace = self._namespace(ZONE)
        self.ecs.create_cluster(clusterName="default", serviceConnectDefaults={"namespace": self.namespace["Arn"]})
        self.backend = self._backend()

    def create_group(self, name: str) -> str:
        group = self.ec2.create_security_group(GroupName=name, Description=name, VpcId=self.id)
        return str(group["GroupId"])

    def _namespace(self, name: str) -> JsonObject:
        operation = self.cloud_map.create_private_dns_namespace(Name=name, Vpc=self.id)["OperationId"]
        targets = self.cloud_map.get_operation(OperationId=operation)["Operation"]["Targets"]
        namespace: JsonObject = self.cloud_map.get_namespace(Id=targets["NAMESPACE"])["Namespace"]
        return namespace

    def _backend(self) -> str:
        """Create the backend and return the private address of its one task."""
        exposed = {"portName": "http", "clientAliases": [{"port": 8080, "dnsName": "server"}]}
        connect = {"enabled": True, "services": [exposed]}
        registries = [{"registryArn": self.registry("backend")}]
        self.serve("backend", None, serviceRegistries=registries, serviceConnectConfiguration=connect)
        return str(self.task_of("backend")["containers"][0]["networkInterfaces"][0]["privateIpv4Address"])

    def registry(self, name: str) -> str:
        """Create a service of Cloud Map."""
        records = [{"Type": "A", "TTL": 10}]
        config = {"NamespaceId": self.namespace["Id"], "DnsRecords": records, "RoutingPolicy": "MULTIVALUE"}
        return str(self.cloud_map.create_service(Name=name, DnsConfig=config)["Service"]["Arn"])

    def network(self, group: str) -> JsonObject:
        subnets = [self.subnet["SubnetId"]]
        return {"awsvpcConfiguration": {"subnets": subnets, "securityGroups": [group], "assignPublicIp": "ENABLED"}}

    def definition(self, family: str, sh: str | None) -> str:
        options = {"awslogs-group": GROUP, "awslogs-region": emulator.REGION, "awslogs-stream-prefix": "t"}
        command = {"command": ["sh", "-c", sh]} if sh else {}
        container = {
            "name": "web",
            "image": "nginx:1.28.0",
            "portMappings": [{"name": "http", "containerPort": 80}],
            "logConfiguration": {"logDriver": "awslogs", "options": options},
            **command,
        }
        response = self.ecs.register_task_definition(
            family=family,
            requiresCompatibilities=["FARGATE"],
            networkMode="awsvpc",
            cpu="256",
            memory="512",
            executionRoleArn=self.role,
            containerDefinitions=[container],
        )
        return str(response["taskDefinition"]["taskDefinitionArn"])

    def serve(self, name: str, sh: str | None, **members: Any) -> None:
        """Create a service of one task, and wait until it runs."""
        self.ecs.create_service(
            serviceName=name,
            taskDefinition=self.definition(name, sh),
            desiredCount=1,
            launchType="FARGATE",
            **{"networkConfiguration": self.network(self.group), **members},
        )
        waiting.until(lambda: self.task_of(name), what=f"the task of {name} to run", timeout=60, interval=0.1)

    def task_of(self, service: str) -> JsonObject:
        """Returns the running task of a service, or an empty object."""
        arns = self.ecs.list_tasks(serviceName=service)["taskArns"]
        tasks = self.ecs.describe_tasks(tasks=arns)["tasks"] if arns else []
        return next((task for task in tasks if task["lastStatus"] == "RUNNING"), {})

    def output(self, sh: str, *, group: str | None = None) -> str:
        """Returns the log of a task that runs a line of shell, once it ended."""
        definition, network = self.definition("caller", sh), self.network(group or self.group)
        response = self.ecs.run_task(taskDefinition=definition, launchType="FARGATE", networkConfiguration=network)
        arn = response["tasks"][0]["taskArn"]
        ended: Callable[[], bool] = lambda: self.ecs.describe_tasks(tasks=[arn])["tasks"][0]["lastStatus"] == "STOPPED"  # noqa: E731
        waiting.until(ended, what="the task to end", timeout=60, interval=0.1)
        return self.log(arn)

    def log(self, arn: str) -> str:
        stream = f"t/web/{arn.rpartition('/')[2]}"
        events = self.account.client("logs").get_log_events(logGroupName=GROUP, logStreamName=stream)["events"]
        return "\n".join(event["message"] for event in events)

    def notes(self) -> list[str]:
        with urllib.request.urlopen(f"{self.account.endpoint}/_preflight/observations") as response:  # noqa: S310 - loopback
            notes: list[str] = json.load(response)["notes"]
            return notes


def test_a_task_answers_at_its_private_address(vpc: Vpc) -> None:
    assert "Welcome" in vpc.output(f"wget -q -O - http://{vpc.backend}/")


def test_a_task_answers_by_its_name_in_cloud_map(vpc: Vpc) -> None:
    output = vpc.output(f"cat /etc/resolv.conf; nslookup backend.{ZONE} 169.254.169.253; wget -q -O - http://backend.{ZONE}/")

    assert "nameserver 172.31.0.2" in output
    assert vpc.backend in output
    assert "Welcome" in output


def test_low_ports_are_free_for_containers(vpc: Vpc) -> None:
    """A port in use at one address cannot be bound at all of them, as a name server does with 53."""
    output = vpc.output("cat /proc/net/udp /proc/net/tcp")

    ports = [int(line.split()[1].rpartition(":")[2], 16) for line in output.splitlines() if line.split()[0].endswith(":")]
    assert ports
    assert min(ports) > 50_000


def test_no_other_port_and_no_other_address_answers(vpc: Vpc) -> None:
    output = vpc.output(
        f"wget -q -O - http://{vpc.backend}:81/ || echo closed; wget -q -O - http://172.31.0.77/ || echo unused;"
        f"wget -q -O - http://front.{ZONE}/ || echo unknown; wget -q -O - http://example.com/ || echo outside"
    )

    assert "closed" in output
    assert "unused" in output
    assert "unknown" in output
    assert "outside" in output


def test_a_port_scan_finds_the_ports_that_are_open_to_the_task(vpc: Vpc) -> None:
    scan = "; ".join(
        f"nc -w 2 {address} {port} </dev/null >/dev/null 2>&1 && echo {name} || echo not {name}"
        for name, address, port in (
            ("open", vpc.backend, 80),
            ("closed", vpc.backend, 81),
            ("unused", "172.31.0.77", 80),
        )
    )

    assert vpc.output(scan).split("\n") == ["open", "not closed", "not unused"]
    assert vpc.output(scan, group=vpc.other).split("\n") == ["not open", "not closed", "not unused"]


def test_a_port_opens_to_a_task_that_already_runs(vpc: Vpc) -> None:
    group = vpc.create_group("late")
    rule = {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "UserIdGroupPairs": [{"GroupId": group}]}
    sh = f"until wget -q -O - http://{vpc.backend}/; do sleep 0.2; done; while true; do sleep 1; done"
    vpc.serve("waits", sh, networkConfiguration=vpc.network(group))
    vpc.ec2.authorize_security_group_ingress(GroupId=vpc.group, IpPermissions=[rule])

    has_page = waiting.until(lambda: "Welcome" in vpc.log(vpc.task_of("waits")["taskArn"]), what="the page", timeout=20)

    assert has_page


def test_a_security_group_blocks_a_task_and_a_note_names_it(vpc: Vpc) -> None:
    output = vpc.output(f"wget -q -O - http://backend.{ZONE}/ || echo blocked", group=vpc.other)

    assert "blocked" in output
    assert any(vpc.group in note and vpc.backend in note for note in vpc.notes()), vpc.notes()


def test_a_service_answers_by_its_alias_of_service_connect(vpc: Vpc) -> None:
    sh = "wget -q -O - http://server:8080/; while true; do sleep 1; done"
    vpc.serve("front", sh, serviceConnectConfiguration={"enabled": True})
    arn = vpc.task_of("front")["taskArn"]

    log = waiting.until(lambda: vpc.log(arn), what="the page", timeout=20, interval=0.2)

    assert "Welcome" in log


def test_a_task_outside_of_service_connect_does_not_know_the_alias(vpc: Vpc) -> None:
    assert "unknown" in vpc.output("wget -q -O - http://server:8080/ || echo unknown")


def test_an_internal_load_balancer_answers_by_its_name(vpc: Vpc) -> None:
    elb = vpc.account.client("elbv2")
    subnets = [subnet["SubnetId"] for subnet in vpc.ec2.describe_subnets()["Subnets"]][:2]
    response = elb.create_load_balancer(Name="inside", Scheme="internal", Subnets=subnets, SecurityGroups=[vpc.group])
    balancer = response["LoadBalancers"][0]
    group = elb.create_target_group(Name="t", Protocol="HTTP", Port=80, VpcId=vpc.id, TargetType="ip")
    group = group["TargetGroups"][0]["TargetGroupArn"]
    forward = [{"Type": "forward", "TargetGroupArn": group}]
    elb.create_listener(LoadBalancerArn=balancer["LoadBalancerArn"], Protocol="HTTP", Port=80, DefaultActions=forward)
    target = {"targetGroupArn": group, "containerName": "web", "containerPort": 80}
    vpc.serve("balanced", None, loadBalancers=[target])
    sh = f"wget -q -O - http://{balancer['DNSName']}/ || echo blocked"

    assert "Welcome" in vpc.output(sh)
    assert "blocked" in vpc.output(sh, group=vpc.other)


def test_a_stopped_task_no_longer_has_a_name(vpc: Vpc) -> None:
    vpc.serve("leaving", None, serviceRegistries=[{"registryArn": vpc.registry("leaving")}])
    sh = f"nslookup -type=a leaving.{ZONE} || echo gone"
    before = vpc.output(sh)
    vpc.ecs.update_service(service="leaving", desiredCount=0)
    waiting.until(lambda: not vpc.task_of("leaving"), what="its task to stop", timeout=30, interval=0.1)

    assert "gone" not in before
    assert "gone" in vpc.output(sh)
