"""Deployments that shift traffic between two target groups, under traffic: no request is lost, whatever becomes of them."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from preflight.deploy import session
from preflight.deploy.load_balancers import PublicLoadBalancers
from preflight.deploy.places import Place
from preflight.model import JsonObject
from preflight.plan.traffic_settings import TrafficSettings
from preflight.system import waiting
from tests.integration import emulator, web_service
from tests.integration.emulator import Emulator
from tests.integration.web_service import AT_ONCE, GRACEFUL, LONG, PREPARE, Web

pytestmark = [pytest.mark.containers, pytest.mark.faults]
TRUST = json.dumps(emulator.TRUST).replace("ecs-tasks.", "ecs.")
POLICY = "arn:aws:iam::aws:policy/AmazonECSInfrastructureRolePolicyForLoadBalancers"
BREAKER = {"enable": True, "rollback": True}
CANARY = 20  # percent
PAGES, MOST_CANARIES = 50, 10  # on a busy machine, few answers fit into one canary's bake time
BROKEN = PREPARE + "rm /usr/share/nginx/html/index.html; exec nginx -g 'daemon off;'"  # 403 instead of a page


class ShiftedWeb(Web):
    """A service behind an application load balancer whose rule forwards to two target groups."""

    rule = ""
    groups: tuple[str, ...] = ()
    address: str | None = None

    def shift(self, strategy: str, **configuration: Any) -> Callable[[], list[Place]]:
        """Lets the service shift traffic; returns where its load balancer is asked."""
        elb, security = self.account.client("elbv2"), web_service.open_group(self.account)
        balancer = elb.create_load_balancer(Name=self.name, Subnets=web_service.subnets(self.account), SecurityGroups=[security])["LoadBalancers"][0]
        group = {"Protocol": "HTTP", "Port": 80, "VpcId": web_service.vpc(self.account), "TargetType": "ip"}
        self.groups = tuple(
            elb.create_target_group(Name=f"{self.name}-{color}", **group)["TargetGroups"][0]["TargetGroupArn"] for color in ("blue", "green")
        )
        fixed = [{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}]
        listener = elb.create_listener(LoadBalancerArn=balancer["LoadBalancerArn"], Protocol="HTTP", Port=80, DefaultActions=fixed)
        weighted = [{"TargetGroupArn": arn, "Weight": weight} for arn, weight in zip(self.groups, (100, 0), strict=True)]
        self.rule = elb.create_rule(
            ListenerArn=listener["Listeners"][0]["ListenerArn"],
            Priority=1,
            Conditions=[{"Field": "path-pattern", "Values": ["*"]}],
            Actions=[{"Type": "forward", "ForwardConfig": {"TargetGroups": weighted}}],
        )["Rules"][0]["RuleArn"]
        self.service |= {"deploymentConfiguration": {"strategy": strategy, **configuration}, "loadBalancers": [self._balancer()]}
        self.address = PublicLoadBalancers(self.session).address(balancer["DNSName"])
        return lambda: [Place(f"http://{balancer['DNSName']}/", "load balancer", self.address)]

    def _balancer(self) -> JsonObject:
        advanced = {
            "alternateTargetGroupArn": self.groups[1],
            "productionListenerRule": self.rule,
            "roleArn": "arn:aws:iam::123456789012:role/shifts",
        }
        return {"targetGroupArn": self.groups[0], "containerName": "web", "containerPort": 80, "advancedConfiguration": advanced}

    @property
    def weights(self) -> list[int]:
        """The weights of both target groups in the production listener rule."""
        action = self.account.client("elbv2").describe_rules(RuleArns=[self.rule])["Rules"][0]["Actions"][0]
        by_arn = {group["TargetGroupArn"]: group["Weight"] for group in action["ForwardConfig"]["TargetGroups"]}
        return [by_arn[group] for group in self.groups]

    def version(self) -> str:
        """What the page says that the load balancer sends."""
        with urllib.request.urlopen(f"http://{self.address}/", timeout=5) as response:
            return str(response.read().decode().strip())

    def sampled_while_canary(self) -> list[bool]:
        """Updates the service, again if answers are slow; returns whether each of some fifty pages was the canary's."""
        is_new: list[bool] = []
        for _ in range(MOST_CANARIES):
            old, pages, new = self.version(), self._pages_while_canary(), self.version()
            assert old != new
            assert set(pages) <= {old, new}
            is_new += [page == new for page in pages]
            if len(is_new) >= PAGES:
                return is_new
        pytest.fail(f"{MOST_CANARIES} canaries had their share for {len(is_new)} pages only")

    def _pages_while_canary(self) -> list[str]:
        """Updates the service; returns the pages that came while the canary had its share, a hundred at most."""
        self.ecs.update_service(cluster="default", service=self.name, taskDefinition=self.definition())
        waiting.until(lambda: CANARY in self.weights, what="the canary's share", timeout=60, interval=0.05)
        pages: list[str] = []
        while len(pages) < 100:
            batch = [self.version() for _ in range(5)]
            if CANARY not in self.weights:
                break
            pages += batch
        self.wait()
        return pages


@pytest.fixture(scope="module")
def fargate(account: Emulator) -> Emulator:
    """An account with a cluster, a role that may do everything, and one that may shift traffic."""
    iam = account.client("iam")
    iam.create_role(RoleName="all", AssumeRolePolicyDocument=json.dumps(emulator.TRUST))
    iam.attach_role_policy(RoleName="all", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    iam.create_role(RoleName="shifts", AssumeRolePolicyDocument=TRUST)
    iam.attach_role_policy(RoleName="shifts", PolicyArn=POLICY)
    account.client("ecs").create_cluster(clusterName="default")
    return account


@pytest.fixture
def web(fargate: Emulator) -> Iterator[ShiftedWeb]:
    """The service whose application ends gracefully, not created yet."""
    created = ShiftedWeb(fargate, session.rehearsal_session(emulator.REGION, fargate.endpoint, "any"), GRACEFUL)
    yield created
    created.delete()


@pytest.mark.parametrize("command", [pytest.param(GRACEFUL, id="graceful"), pytest.param(AT_ONCE, id="ends at once, and drained")])
def test_a_blue_green_deployment_loses_no_request_there_and_back(web: ShiftedWeb, command: str) -> None:
    web.command = command
    places = web.shift("BLUE_GREEN", bakeTimeInMinutes=5)
    web.create()
    sides = [web.weights]

    for _ in range(2):
        record, found = web.exchanged(LONG, places)
        sides.append(web.weights)
        assert record.sent > 100
        assert record.failures == ()
        assert found == []

    assert sides == [[0, 100], [100, 0], [0, 100]]


def test_a_linear_deployment_loses_no_request(web: ShiftedWeb) -> None:
    places = web.shift("LINEAR", bakeTimeInMinutes=0, linearConfiguration={"stepPercent": 25.0, "stepBakeTimeInMinutes": 5})
    web.create()

    record, found = web.exchanged(LONG, places)

    assert record.failures == ()
    assert found == []
    assert web.weights == [100, 0]


def test_a_canary_gets_its_share_and_then_all_without_a_lost_request(web: ShiftedWeb) -> None:
    canary = {"canaryPercent": float(CANARY), "canaryBakeTimeInMinutes": 15}
    places = web.shift("CANARY", bakeTimeInMinutes=0, canaryConfiguration=canary)
    web.create()
    is_new: list[bool] = []

    record, found = web.exchanged(TrafficSettings(rate=20), places, lambda: is_new.extend(web.sampled_while_canary()))

    assert record.failures == ()
    assert found == []
    assert 0.1 <= is_new.count(True) / len(is_new) <= 0.3
    assert sorted(web.weights) == [0, 100]


def test_blue_answers_while_green_never_becomes_healthy_and_is_rolled_back(web: ShiftedWeb) -> None:
    places = web.shift("BLUE_GREEN", bakeTimeInMinutes=5, deploymentCircuitBreaker=BREAKER)
    web.create()
    web.command = BROKEN

    record, found = web.exchanged(LONG, places)

    assert record.failures == ()
    assert found == []
    assert web.version() == "Version 1"
    assert web.weights == [0, 100]
