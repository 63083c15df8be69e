"""Regions as an account describes them: the article's, a service behind a load balancer in three zones, twelve services."""

from __future__ import annotations

from pathlib import Path

from preflight.architecture import (
    INTERNET,
    DeployedConnection,
    DeployedContainer,
    DeployedListener,
    DeployedLoadBalancer,
    DeployedRegion,
    DeployedSecurityGroup,
    DeployedService,
    DeployedSubnet,
    DeployedTask,
    DeployedVpc,
    IngressRule,
    ResourceEvent,
    ServiceMessage,
)
from preflight.model import Deployment, Finding, LedgerEntry, Outcome, Report, ReportedWaiver, Severity, StageResult

IMAGE = "123456789012.dkr.ecr.ap-northeast-1.amazonaws.com/shop/{}:2026-11-28.4"
VPC = "vpc-911e9c07f42575de5"


def subnet(zone: str, kind: str, n: int) -> DeployedSubnet:
    return DeployedSubnet(f"subnet-{kind}{zone}", f"shop-{kind}-subnet-{zone}", f"ap-northeast-1{zone}", f"10.0.{n}.0/24", kind == "public")


def service(name: str, subnets: tuple[str, ...], *, group: str = "sg-web", running: int = 1, desired: int | None = None) -> DeployedService:
    return DeployedService(
        name, "shop-cluster", VPC, running if desired is None else desired, running, subnets, (group,),
        (DeployedContainer("web", IMAGE.format(name), (8080,)), DeployedContainer("router", "envoy:v1.31", ())),
        f"shop-{name}-TaskRole-74TL9AD7PUNF", "shop-ServicesStack-FargateTaskExecutionRole-REZ9EN3YZKVY",
        (ServiceMessage("2026-11-28T02:59:05.000Z", f"(service {name}) has reached a steady state."),),
    )  # fmt: skip


def task(n: int, name: str, place: str, *, public: str | None = None, state: str = "RUNNING", health: str | None = None) -> DeployedTask:
    times = {
        "createdAt": "2026-11-28T02:58:58.000Z",
        "pullStartedAt": "2026-11-28T02:58:59.000Z",
        "pullStoppedAt": "2026-11-28T02:59:01.000Z",
        "startedAt": "2026-11-28T02:59:02.500Z",
    }
    return DeployedTask(f"{n:08x}5d1e4d2eb09f98492fd49f2b", name, place, f"10.0.1.{n + 4}", public, state, None, health, times=times)


def article() -> DeployedRegion:
    """Two public subnets in two zones, a service in each, reached from the internet."""
    subnets = (subnet("a", "public", 1), subnet("c", "public", 2))
    return DeployedRegion(
        "ap-northeast-1",
        (DeployedVpc(VPC, "fa-018-vpc", "10.0.0.0/16", subnets),),
        (DeployedSecurityGroup("sg-web", "fa-018-container", (IngressRule("tcp", "80", ("0.0.0.0/0",)),)),),
        services=(service("fa-018-service1", (subnets[0].id,)), service("fa-018-service2", (subnets[1].id,))),
        tasks=(
            task(1, "fa-018-service1", subnets[0].id, public="127.95.143.144"),
            task(2, "fa-018-service2", subnets[1].id, public="127.68.229.172"),
        ),
        connections=(DeployedConnection(INTERNET, "fa-018-service1", 80), DeployedConnection(INTERNET, "fa-018-service2", 80)),
    )


def balanced() -> DeployedRegion:
    """A service in private subnets of three zones, behind a load balancer in the public ones; a fourth zone is empty."""
    public = tuple(subnet(zone, "public", n) for n, zone in enumerate("acd"))
    private = tuple(subnet(zone, "private", n + 10) for n, zone in enumerate("acd"))
    balancer = DeployedLoadBalancer(
        "shop-web-alb", VPC, "application", "shop-web-alb-1.ap-northeast-1.elb.amazonaws.com", is_public=True,
        security_groups=("sg-alb",), listeners=(DeployedListener("HTTP", 80, ("web",)), DeployedListener("HTTPS", 443, ("web",))),
        addresses={s.id: f"127.100.1.{n}" for n, s in enumerate(public)},
    )  # fmt: skip
    groups = (
        DeployedSecurityGroup("sg-alb", "shop-alb", (IngressRule("tcp", "80", ("0.0.0.0/0",)), IngressRule("tcp", "443", ("0.0.0.0/0",)))),
        DeployedSecurityGroup("sg-web", "shop-web", (IngressRule("tcp", "8080", ("sg-alb",)),)),
    )
    tasks = [task(n, "web", place.id, health="unhealthy" if n == 2 else "healthy") for n, place in enumerate([*private, private[0]])]
    connections = (DeployedConnection(INTERNET, "shop-web-alb", 80), DeployedConnection(INTERNET, "shop-web-alb", 443), DeployedConnection("shop-web-alb", "web", 8080))
    spare = subnet("b", "public", 40)
    return DeployedRegion(
        "ap-northeast-1", (DeployedVpc(VPC, "shop", "10.0.0.0/16", (*public, *private, spare)),), groups, (balancer,),
        (service("web", tuple(s.id for s in private), running=4),), tuple(tasks), connections,
    )  # fmt: skip


def twelve() -> DeployedRegion:
    """Twelve services behind the load balancer of `balanced`, of which each calls the next two, and one is blocked."""
    base = balanced()
    names = [f"service-{letter}" for letter in "abcdefghijkl"]
    private = tuple(s.id for s in base.vpcs[0].subnets if not s.is_public)
    services = [service(name, private, running=3, desired=4 if n == 3 else 3) for n, name in enumerate(names)]
    tasks = [task(3 * n + m, name, place) for n, name in enumerate(names) for m, place in enumerate(private)]
    tasks.append(task(99, names[3], private[0], state="STOPPED"))
    calls = [(name, names[n + m], 8080) for n, name in enumerate(names) for m in (1, 2) if n + m < len(names)]
    connections = [DeployedConnection(*call) for call in calls] + [DeployedConnection("shop-web-alb", name, 8080, "blocked" if n == 5 else None) for n, name in enumerate(names)]
    return DeployedRegion(
        base.name, base.vpcs, base.security_groups, base.load_balancers, tuple(services), tuple(tasks), (*base.connections[:2], *connections)
    )


REGIONS = {"the article's": article(), "three zones": balanced(), "twelve services": twelve()}


def large(folder: Path) -> Report:
    """A report of 200 templates in a folder with 2,000 findings, waivers and a long ledger, and of twelve services."""
    rules = [f"RULE_{n:02}_THAT_HAS_A_LONG_NAME" for n in range(40)]
    text = "\n".join(f"  Resource{n}: {{Type: 'AWS::ECS::Service', Properties: {{DesiredCount: {n}, LaunchType: FARGATE}}}}" for n in range(80))
    files = {f"cfn/service-{n:03}.yaml": folder / f"{n}.yaml" for n in range(200)}
    for path in files.values():
        path.write_text(text)
    names = list(files)
    findings = tuple(
        Finding(
            "comply", rules[n % 40], list(Severity)[n % 3], f"the service runs one task, so a deployment of number {n} interrupts it.", names[n % 200],
            n % 80 + 1, f"Resource{n % 80}", "Properties.DesiredCount", "Set DesiredCount to 2 or more, or scale by AWS::ApplicationAutoScaling.",
            "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-auto-scaling.html", "It serves the shop.",
        )
        for n in range(2000)
    )  # fmt: skip
    waived = tuple(ReportedWaiver(rules[n % 40], f"Resource{n}", "the team knows why", "template", names[n]) for n in range(200))
    ledger = tuple(LedgerEntry(f"stack-{n // 20}.Resource{n % 80}", f"Property{n % 20}", "stored") for n in range(20_000))
    region = twelve()
    events = tuple(
        ResourceEvent(f"2026-11-28T02:{n // 60 % 60:02}:{n % 60:02}.000Z", f"stack-{n // 160}", f"Resource{n // 2 % 80}", "AWS::ECS::Service", status)
        for n in range(3200)
        for status in (("CREATE_IN_PROGRESS",) if n % 2 == 0 else ("CREATE_COMPLETE",))
    )
    return Report(
        "rehearsal", "r1", (StageResult("comply", Outcome.FAIL, 1.0, None, findings, waived),), ledger=ledger,
        deployment=Deployment(regions=(region,), events=events), files=files,
    )  # fmt: skip
