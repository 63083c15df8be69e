"""Tasks of a VPC reach each other: by address, by a name of Cloud Map, by an alias of Service Connect."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from preflight.system import waiting
from tests.integration import emulator
from tests.integration.emulator import Emulator

MANAGED = "arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy"
GROUP = "/neighbours"
ZONE = "internal.example"
pytestmark = pytest.mark.containers


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    """An account with a service that is asked by its neighbours."""
    with emulator.running() as account:
        yield Place(account)


class Place:
    """The default VPC, a group that admits itself to port 80, and a backend with a name of Cloud Map and an alias."""

    def __init__(self, account: Emulator) -> None:
        self.account = account
        self.ecs, self.ec2 = account.client("ecs"), account.client("ec2")
        self.cloud_map = account.client("servicediscovery")
        self.subnet = self.ec2.describe_subnets()["Subnets"][0]
        self.vpc = self.subnet["VpcId"]
        self.group = self.made_group("web")
        itself = {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "UserIdGroupPairs": [{"GroupId": self.group}]}
        self.ec2.authorize_security_group_ingress(GroupId=self.group, IpPermissions=[itself])
        self.other = self.made_group("other")
        iam = account.client("iam")
        self.role = iam.create_role(RoleName="r", AssumeRolePolicyDocument=json.dumps(emulator.TRUST))["Role"]["Arn"]
        iam.attach_role_policy(RoleName="r", PolicyArn=MANAGED)
        account.client("logs").create_log_group(logGroupName=GROUP)
        self.namespace = self._namespace(ZONE)
        self.ecs.create_cluster(clusterName="default", serviceConnectDefaults={"namespace": self.namespace["Arn"]})
        self.backend = self._backend()

    def made_group(self, name: str) -> str:
        made = self.ec2.create_security_group(GroupName=name, Description=name, VpcId=self.vpc)
        return str(made["GroupId"])

    def _namespace(self, name: str) -> dict[str, Any]:
        asked = self.cloud_map.create_private_dns_namespace(Name=name, Vpc=self.vpc)["OperationId"]
        targets = self.cloud_map.get_operation(OperationId=asked)["Operation"]["Targets"]
        found: dict[str, Any] = self.cloud_map.get_namespace(Id=targets["NAMESPACE"])["Namespace"]
        return found

    def _backend(self) -> str:
        """The private address of its one task."""
        exposed = {"portName": "http", "clientAliases": [{"port": 8080, "dnsName": "server"}]}
        connect = {"enabled": True, "services": [exposed]}
        registries = [{"registryArn": self.registry("backend")}]
        self.serve("backend", None, serviceRegistries=registries, serviceConnectConfiguration=connect)
        return str(self.task_of("backend")["containers"][0]["networkInterfaces"][0]["privateIpv4Address"])

    def registry(self, name: str) -> str:
        """A service of Cloud Map."""
        records = [{"Type": "A", "TTL": 10}]
        config = {"NamespaceId": self.namespace["Id"], "DnsRecords": records, "RoutingPolicy": "MULTIVALUE"}
        return str(self.cloud_map.create_service(Name=name, DnsConfig=config)["Service"]["Arn"])

    def network(self, group: str) -> dict[str, Any]:
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
        made = self.ecs.register_task_definition(
            family=family,
            requiresCompatibilities=["FARGATE"],
            networkMode="awsvpc",
            cpu="256",
            memory="512",
            executionRoleArn=self.role,
            containerDefinitions=[container],
        )
        return str(made["taskDefinition"]["taskDefinitionArn"])

    def serve(self, name: str, sh: str | None, **given: Any) -> None:
        """A service of one task, which is running when this returns."""
        self.ecs.create_service(
            serviceName=name,
            taskDefinition=self.definition(name, sh),
            desiredCount=1,
            launchType="FARGATE",
            **{"networkConfiguration": self.network(self.group), **given},
        )
        waiting.until(lambda: self.task_of(name), what=f"the task of {name} to run", timeout=60, interval=0.1)

    def task_of(self, service: str) -> dict[str, Any]:
        """The running task of a service; nothing where there is none."""
        arns = self.ecs.list_tasks(serviceName=service)["taskArns"]
        tasks = self.ecs.describe_tasks(tasks=arns)["tasks"] if arns else []
        return next((task for task in tasks if task["lastStatus"] == "RUNNING"), {})

    def said(self, sh: str, *, group: str | None = None) -> str:
        """What a task of its own said, once it ended."""
        definition, network = self.definition("asks", sh), self.network(group or self.group)
        made = self.ecs.run_task(taskDefinition=definition, launchType="FARGATE", networkConfiguration=network)
        arn = made["tasks"][0]["taskArn"]
        ended: Callable[[], bool] = lambda: self.ecs.describe_tasks(tasks=[arn])["tasks"][0]["lastStatus"] == "STOPPED"  # noqa: E731
        waiting.until(ended, what="the task to end", timeout=60, interval=0.1)
        return self.log(arn)

    def log(self, arn: str) -> str:
        stream = f"t/web/{arn.rpartition('/')[2]}"
        events = self.account.client("logs").get_log_events(logGroupName=GROUP, logStreamName=stream)["events"]
        return "\n".join(event["message"] for event in events)

    def notes(self) -> list[str]:
        with urllib.request.urlopen(f"{self.account.endpoint}/_preflight/observations") as answer:  # noqa: S310 - loopback
            found: list[str] = json.load(answer)["notes"]
            return found


def test_a_task_answers_at_its_private_address(place: Place) -> None:
    assert "Welcome" in place.said(f"wget -q -O - http://{place.backend}/")


def test_a_task_answers_by_its_name_in_cloud_map(place: Place) -> None:
    said = place.said(f"cat /etc/resolv.conf; nslookup backend.{ZONE} 169.254.169.253; wget -q -O - http://backend.{ZONE}/")

    assert ("nameserver 172.31.0.2" in said, place.backend in said, "Welcome" in said) == (True, True, True), said


def test_the_ports_that_programs_use_are_left_to_containers(place: Place) -> None:
    """A port that is taken at one address cannot be had at all of them, as a name server wants its 53."""
    said = place.said("cat /proc/net/udp /proc/net/tcp")

    taken = [int(line.split()[1].rpartition(":")[2], 16) for line in said.splitlines() if line.split()[0].endswith(":")]
    assert taken
    assert min(taken) > 50_000


def test_no_other_port_and_no_other_address_answers(place: Place) -> None:
    said = place.said(
        f"wget -q -O - http://{place.backend}:81/ || echo closed; wget -q -O - http://172.31.0.77/ || echo nobody;"
        f"wget -q -O - http://front.{ZONE}/ || echo unknown; wget -q -O - http://example.com/ || echo outside"
    )

    assert [word for word in ("closed", "nobody", "unknown", "outside") if word in said] == [
        "closed",
        "nobody",
        "unknown",
        "outside",
    ], said


def test_who_looks_whether_a_port_is_open_is_told_the_truth(place: Place) -> None:
    looks = "; ".join(
        f"nc -w 2 {address} {port} </dev/null >/dev/null 2>&1 && echo {name} || echo not {name}"
        for name, address, port in (
            ("open", place.backend, 80),
            ("closed", place.backend, 81),
            ("nobody", "172.31.0.77", 80),
        )
    )

    assert place.said(looks).split("\n") == ["open", "not closed", "not nobody"]
    assert place.said(looks, group=place.other).split("\n") == ["not open", "not closed", "not nobody"]


def test_a_port_opens_to_a_task_that_runs_already(place: Place) -> None:
    group = place.made_group("late")
    rule = {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "UserIdGroupPairs": [{"GroupId": group}]}
    asks = f"until wget -q -O - http://{place.backend}/; do sleep 0.2; done; while true; do sleep 1; done"
    place.serve("waits", asks, networkConfiguration=place.network(group))
    place.ec2.authorize_security_group_ingress(GroupId=place.group, IpPermissions=[rule])

    said = waiting.until(lambda: "Welcome" in place.log(place.task_of("waits")["taskArn"]), what="the page", timeout=20)

    assert said


def test_a_security_group_keeps_a_task_out_and_the_report_says_which(place: Place) -> None:
    said = place.said(f"wget -q -O - http://backend.{ZONE}/ || echo kept out", group=place.other)

    assert "kept out" in said
    assert any(place.group in note and place.backend in note for note in place.notes()), place.notes()


def test_a_service_answers_by_its_alias_of_service_connect(place: Place) -> None:
    asks = "wget -q -O - http://server:8080/; while true; do sleep 1; done"
    place.serve("front", asks, serviceConnectConfiguration={"enabled": True})
    arn = place.task_of("front")["taskArn"]

    said = waiting.until(lambda: place.log(arn), what="the page", timeout=20, interval=0.2)

    assert "Welcome" in said


def test_who_takes_no_part_in_service_connect_does_not_know_the_alias(place: Place) -> None:
    assert "unknown" in place.said("wget -q -O - http://server:8080/ || echo unknown")


def test_an_internal_load_balancer_answers_by_its_name(place: Place) -> None:
    elb = place.account.client("elbv2")
    subnets = [subnet["SubnetId"] for subnet in place.ec2.describe_subnets()["Subnets"]][:2]
    made = elb.create_load_balancer(Name="inside", Scheme="internal", Subnets=subnets, SecurityGroups=[place.group])
    balancer = made["LoadBalancers"][0]
    group = elb.create_target_group(Name="t", Protocol="HTTP", Port=80, VpcId=place.vpc, TargetType="ip")
    group = group["TargetGroups"][0]["TargetGroupArn"]
    forward = [{"Type": "forward", "TargetGroupArn": group}]
    elb.create_listener(LoadBalancerArn=balancer["LoadBalancerArn"], Protocol="HTTP", Port=80, DefaultActions=forward)
    target = {"targetGroupArn": group, "containerName": "web", "containerPort": 80}
    place.serve("balanced", None, loadBalancers=[target])
    asks = f"wget -q -O - http://{balancer['DNSName']}/ || echo kept out"

    assert "Welcome" in place.said(asks)
    assert "kept out" in place.said(asks, group=place.other)


def test_a_task_that_stopped_has_no_name_any_more(place: Place) -> None:
    place.serve("leaving", None, serviceRegistries=[{"registryArn": place.registry("leaving")}])
    asks = f"nslookup -type=a leaving.{ZONE} || echo gone"
    before = place.said(asks)
    place.ecs.update_service(service="leaving", desiredCount=0)
    waiting.until(lambda: not place.task_of("leaving"), what="its task to stop", timeout=30, interval=0.1)

    assert ("gone" in before, "gone" in place.said(asks)) == (False, True)
