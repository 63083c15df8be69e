from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from preflight.cost import bill, billing_units
from preflight.cost.billing_units import Amount, Unit
from preflight.plan import plan, reader, resolved_stacks
from preflight.plan.resolved_stacks import ResolvedStacks
from preflight.templates import template

Make = Callable[..., ResolvedStacks]
PUBLIC = "NetworkConfiguration: {AwsvpcConfiguration: {AssignPublicIp: ENABLED, Subnets: [a]}}"
OPEN = "Parameters:\n  P: {Type: String}\n  N: {Type: Number}\n  L: {Type: CommaDelimitedList}\nConditions:\n  C: !Equals [!Ref P, x]\n"


def service(given: str = "LaunchType: FARGATE", size: str = "Cpu: 512, Memory: 1024", more: str = "") -> str:
    return f"""\
{OPEN}Resources:
  Tasks: {{Type: "AWS::ECS::TaskDefinition", Properties: {{Family: web, {size}}}}}
  Web: {{Type: "AWS::ECS::Service", Properties: {{TaskDefinition: !Ref Tasks, {given}}}}}
{more}"""


def resources(*lines: str) -> str:
    return OPEN + "Resources:\n" + "".join(f"  R{n}: {line}\n" for n, line in enumerate(lines))


def made(kind: str, given: str = "") -> str:
    return f'{{Type: "AWS::{kind}", Properties: {{{given}}}}}'


def hour(every: ResolvedStacks) -> str:
    return bill.estimate(every).hour.partition(": ")[2]


@pytest.fixture
def own(root: Path) -> ResolvedStacks:
    asked = reader.load(root / plan.FILE)
    known = {path: template.load(path, name=path.name) for path in asked.template_files()}
    return resolved_stacks.of_plan(asked, known, run="run1")


def test_the_bill_of_our_own_plan_fits_a_screen(own: ResolvedStacks) -> None:
    assert bill.estimate(own).lines() == [
        "creates 22 resources:",
        "  AWS::CloudFormation: 2 Stack",
        "  AWS::EC2: 1 InternetGateway, 1 Route, 1 RouteTable, 1 SecurityGroup, 2 Subnet,",
        "    2 SubnetRouteTableAssociation, 1 VPC, 1 VPCGatewayAttachment",
        "  AWS::ECR: 1 Repository",
        "  AWS::ECS: 1 Cluster, 2 Service, 2 TaskDefinition",
        "  AWS::IAM: 2 Role",
        "  AWS::Logs: 2 LogGroup",
        "an hour: 1 vCPU, 2 GB of memory, 2 public IPv4 addresses",
    ]


def test_nested_stacks_are_followed_and_templates_that_no_stack_uses_are_not(make_estate: Make) -> None:
    url = "https://b.s3.amazonaws.com/demo/child.yaml"
    stack = f"A: {{Type: AWS::CloudFormation::Stack, Properties: {{TemplateURL: {url}}}}}"
    root = f"Resources:\n  {stack}\n  {stack.replace('A:', 'B:', 1)}\n"
    child = "Resources:\n  Queue: {Type: AWS::SQS::Queue}\n"

    every = make_estate(root=root, child=child, alone=child.replace("SQS", "SNS"))

    assert bill.estimate(every).resources == {"AWS::CloudFormation::Stack": 2, "AWS::SQS::Queue": 2}


def test_a_resource_whose_condition_does_not_hold_is_not_counted(make_estate: Make) -> None:
    text = "Conditions:\n  C: !Equals [a, b]\nResources:\n  A: {Type: AWS::EC2::EIP, Condition: C}\n  B: {Type: AWS::SQS::Queue}\n"

    found = bill.estimate(make_estate(root=text))

    assert found.resources == {"AWS::SQS::Queue": 1}
    assert found.hourly == ()


def test_a_plan_that_costs_nothing_by_the_hour_says_so(make_estate: Make) -> None:
    assert bill.estimate(make_estate(root=resources(made("SQS::Queue")))).lines() == [
        "creates 1 resource:",
        "  AWS::SQS: 1 Queue",
        "an hour: nothing of Fargate, addresses or load balancers",
    ]


@pytest.mark.parametrize(
    ("size", "found"),
    [
        pytest.param("Cpu: 512, Memory: 1024", "0.5 vCPU, 1 GB of memory", id="numbers"),
        pytest.param("Cpu: '256', Memory: '512'", "0.25 vCPU, 0.5 GB of memory", id="texts"),
        pytest.param("Cpu: .5 vCPU, Memory: 1 GB", "0.5 vCPU, 1 GB of memory", id="with units"),
        pytest.param("Cpu: 16 vcpu, Memory: 32gb", "16 vCPU, 32 GB of memory", id="units in lower case"),
        pytest.param(
            "Cpu: 1024, Memory: 2048, RuntimePlatform: {CpuArchitecture: ARM64}",
            "1 vCPU (ARM64), 2 GB of memory (ARM64)",
            id="ARM64",
        ),
        pytest.param(
            "Cpu: 1024, Memory: 2048, RuntimePlatform: {OperatingSystemFamily: WINDOWS_SERVER_2022_CORE}",
            "1 vCPU (Windows), 2 GB of memory (Windows)",
            id="Windows",
        ),
        pytest.param(
            "Cpu: 1024, Memory: 2048, RuntimePlatform: {OperatingSystemFamily: LINUX, CpuArchitecture: X86_64}",
            "1 vCPU, 2 GB of memory",
            id="the platform that is the default",
        ),
        pytest.param(
            "Cpu: 256, Memory: 512, EphemeralStorage: {SizeInGiB: 50}",
            "0.25 vCPU, 0.5 GB of memory, 30 GB of ephemeral storage above 20",
            id="more storage",
        ),
        pytest.param(
            "Cpu: 256, Memory: 512, EphemeralStorage: {SizeInGiB: 20}", "0.25 vCPU, 0.5 GB of memory", id="free storage"
        ),
    ],
)
def test_a_task_is_billed_by_its_size_and_platform(make_estate: Make, size: str, found: str) -> None:
    assert hour(make_estate(root=service(size=size))) == found


@pytest.mark.parametrize(
    ("given", "found"),
    [
        pytest.param("LaunchType: FARGATE", "0.5 vCPU, 1 GB of memory", id="one task where nothing is said"),
        pytest.param("LaunchType: FARGATE, DesiredCount: 3", "1.5 vCPU, 3 GB of memory", id="several"),
        pytest.param("LaunchType: FARGATE, DesiredCount: 0", "nothing of Fargate, addresses or load balancers", id="none"),
        pytest.param(
            f"LaunchType: FARGATE, DesiredCount: 2, {PUBLIC}",
            "1 vCPU, 2 GB of memory, 2 public IPv4 addresses",
            id="with public addresses",
        ),
        pytest.param(
            "LaunchType: FARGATE, NetworkConfiguration: {AwsvpcConfiguration: {Subnets: [a]}}",
            "0.5 vCPU, 1 GB of memory",
            id="without a word about addresses",
        ),
        pytest.param("LaunchType: EC2", "nothing of Fargate, addresses or load balancers", id="on instances"),
        pytest.param(
            "DesiredCount: 4, CapacityProviderStrategy: [{CapacityProvider: FARGATE_SPOT, Weight: 1}]",
            "2 vCPU (Spot), 4 GB of memory (Spot)",
            id="Spot",
        ),
        pytest.param(
            "DesiredCount: 5, CapacityProviderStrategy: [{CapacityProvider: FARGATE, Base: 1, Weight: 1}, {CapacityProvider: FARGATE_SPOT, Weight: 3}]",
            "1 vCPU, 1.5 vCPU (Spot), 2 GB of memory, 3 GB of memory (Spot)",
            id="by base and weights",
        ),
        pytest.param(
            "CapacityProviderStrategy: [{CapacityProvider: mine, Weight: 1}]",
            "nothing of Fargate, addresses or load balancers",
            id="a capacity provider of instances",
        ),
    ],
)
def test_a_service_is_billed_for_the_tasks_that_it_keeps_on_fargate(make_estate: Make, given: str, found: str) -> None:
    assert hour(make_estate(root=service(given))) == found


SPOT = "[{CapacityProvider: FARGATE_SPOT, Weight: 1}]"


@pytest.mark.parametrize(
    ("cluster", "more", "found"),
    [
        pytest.param(
            "!Ref Cluster",
            f"  Cluster: {{Type: 'AWS::ECS::Cluster', Properties: {{DefaultCapacityProviderStrategy: {SPOT}}}}}\n",
            "0.5 vCPU (Spot), 1 GB of memory (Spot)",
            id="its own",
        ),
        pytest.param(
            "!Ref Cluster",
            "  Cluster: {Type: 'AWS::ECS::Cluster'}\n"
            f"  Says: {{Type: 'AWS::ECS::ClusterCapacityProviderAssociations', Properties: {{Cluster: !Ref Cluster, DefaultCapacityProviderStrategy: {SPOT}}}}}\n",
            "0.5 vCPU (Spot), 1 GB of memory (Spot)",
            id="by an association",
        ),
        pytest.param(
            "mine",
            "  Cluster: {Type: 'AWS::ECS::Cluster', Properties: {ClusterName: mine}}\n"
            f"  Says: {{Type: 'AWS::ECS::ClusterCapacityProviderAssociations', Properties: {{Cluster: mine, DefaultCapacityProviderStrategy: {SPOT}}}}}\n",
            "0.5 vCPU (Spot), 1 GB of memory (Spot)",
            id="by name",
        ),
        pytest.param(
            "!Ref Cluster",
            "  Cluster: {Type: 'AWS::ECS::Cluster'}\n",
            "nothing of Fargate, addresses or load balancers",
            id="none, which is EC2",
        ),
    ],
)
def test_a_service_without_launch_type_goes_by_the_strategy_of_its_cluster(
    make_estate: Make, cluster: str, more: str, found: str
) -> None:
    assert hour(make_estate(root=service(f"Cluster: {cluster}", more=more))) == found


def test_a_task_definition_may_be_named_by_its_family(make_estate: Make) -> None:
    text = service().replace("TaskDefinition: !Ref Tasks", "TaskDefinition: 'web:7'")

    assert hour(make_estate(root=text)) == "0.5 vCPU, 1 GB of memory"


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        pytest.param(
            [made("EC2::EIP"), made("EC2::NatGateway", "AllocationId: !GetAtt R0.AllocationId, SubnetId: a")],
            "1 public IPv4 address, 1 NAT gateway",
            id="a NAT gateway with its address, counted once",
        ),
        pytest.param([made("EC2::NatGateway", "ConnectivityType: private, SubnetId: a")], "1 NAT gateway", id="a private one"),
        pytest.param(
            [made("ElasticLoadBalancingV2::LoadBalancer", "Subnets: [a, b, c]")],
            "3 public IPv4 addresses, 1 Application Load Balancer",
            id="a load balancer, one address in each zone",
        ),
        pytest.param(
            [made("ElasticLoadBalancingV2::LoadBalancer", "Subnets: [a, b], Scheme: internal")],
            "1 Application Load Balancer",
            id="an internal load balancer",
        ),
        pytest.param(
            [made("ElasticLoadBalancingV2::LoadBalancer", "Subnets: [a, b], IpAddressType: dualstack-without-public-ipv4")],
            "1 Application Load Balancer",
            id="one without public IPv4",
        ),
        pytest.param(
            [
                made("EC2::EIP"),
                made(
                    "ElasticLoadBalancingV2::LoadBalancer",
                    "Type: network, SubnetMappings: [{SubnetId: a, AllocationId: !GetAtt R0.AllocationId}]",
                ),
            ],
            "1 public IPv4 address, 1 Network Load Balancer",
            id="one with an address that is its own",
        ),
        pytest.param(
            [made("ElasticLoadBalancingV2::LoadBalancer", "Type: gateway, Subnets: [a]")], "1 Gateway Load Balancer", id="of gateways"
        ),
        pytest.param(
            [made("ElasticLoadBalancing::LoadBalancer", "AvailabilityZones: [a, b]")],
            "2 public IPv4 addresses, 1 Classic Load Balancer",
            id="a classic one",
        ),
        pytest.param(
            [made("EC2::VPCEndpoint", "VpcEndpointType: Interface, SubnetIds: [a, b]")] * 2,
            "4 interface endpoints, each in one zone",
            id="interface endpoints, in each zone",
        ),
        pytest.param(
            [made("EC2::VPCEndpoint", "ServiceName: s3"), made("EC2::VPCEndpoint", "VpcEndpointType: GatewayLoadBalancer")],
            "1 Gateway Load Balancer endpoint",
            id="an endpoint of type Gateway is free",
        ),
    ],
)
def test_the_edge_of_the_network_is_billed(make_estate: Make, lines: list[str], found: str) -> None:
    assert hour(make_estate(root=resources(*lines))) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        pytest.param(service("LaunchType: FARGATE, DesiredCount: !Ref N"), "Web: its DesiredCount is not known; one task is counted", id="how many tasks"),
        pytest.param(service("LaunchType: !Ref P"), "Web: its LaunchType is not known; Fargate on demand is counted", id="the launch type"),
        pytest.param(service("Cluster: other"), "Web: the capacity provider strategy of its cluster is not known; Fargate on demand is counted", id="a cluster of somebody else"),
        pytest.param(service("CapacityProviderStrategy: !Ref L"), "Web: its capacity provider strategy is not known; Fargate on demand is counted", id="the strategy"),
        pytest.param(
            service("CapacityProviderStrategy: [{CapacityProvider: FARGATE_SPOT, Weight: 1}, {CapacityProvider: FARGATE, Weight: 1}]"),
            "Web: ECS decides where 1 of 1 tasks run; FARGATE is counted",
            id="who gets the odd task",
        ),
        pytest.param(service().replace("TaskDefinition: !Ref Tasks", "TaskDefinition: !Ref P"), "Web: the task definition of its tasks is not in the plan, so their size is not counted", id="the task definition"),
        pytest.param(service(size="Cpu: !Ref N, Memory: 1024"), "Web: Cpu of its tasks is not known, and not counted", id="the size"),
        pytest.param(service(size="Cpu: 256, Memory: 512, EphemeralStorage: {SizeInGiB: !Ref N}"), "Web: EphemeralStorage of its tasks is not known, and not counted", id="the storage"),
        pytest.param(service(size="Cpu: 256, Memory: 512, RuntimePlatform: {CpuArchitecture: !Ref P}"), "Web: the platform of its tasks is not known; X86_64 on Linux is counted", id="the platform"),
        pytest.param(service(f"LaunchType: FARGATE, {PUBLIC.replace('ENABLED', '!Ref P')}"), "Web: whether its tasks have public addresses is not known; none is counted", id="public addresses"),
        pytest.param(resources('{Type: "AWS::EC2::EIP", Condition: C}'), "R0: it is counted, and is there only if C holds", id="whether it is there"),
        pytest.param(resources(made("CloudFormation::Stack", "TemplateURL: 'https://elsewhere/x.yaml'")), "R0: its template is not in the plan, so what it creates is not counted", id="a template of somebody else"),
        pytest.param(resources(made("ECS::TaskSet")), "R0: the tasks that it starts are not counted", id="task sets"),
        pytest.param(resources(made("EC2::NatGateway", "AvailabilityMode: regional")), "R0: it may be in several zones and have addresses of its own; one zone and no address is counted", id="a regional NAT gateway"),
        pytest.param(resources(made("ElasticLoadBalancingV2::LoadBalancer", "Type: !Ref P")), "R0: its Type is not known, and neither it nor its addresses are counted", id="the type of a load balancer"),
        pytest.param(resources(made("ElasticLoadBalancingV2::LoadBalancer", "Subnets: !Ref L")), "R0: its public addresses are not known, and not counted", id="the zones of a load balancer"),
        pytest.param(resources(made("ElasticLoadBalancingV2::LoadBalancer", "Subnets: [a], Scheme: !Ref P")), "R0: its public addresses are not known, and not counted", id="the scheme of a load balancer"),
        pytest.param(resources(made("ElasticLoadBalancingV2::LoadBalancer", "Subnets: [a, !If [C, b, !Ref 'AWS::NoValue']]")), "R0: its public addresses are not known, and not counted", id="a zone that may not be there"),
        pytest.param(resources(made("EC2::VPCEndpoint", "VpcEndpointType: Interface, SubnetIds: !Ref L")), "R0: its type or its zones are not known, and it is not counted", id="the zones of an endpoint"),
        pytest.param(resources(made("EC2::VPCEndpoint", "VpcEndpointType: !Ref P")), "R0: its type or its zones are not known, and it is not counted", id="the type of an endpoint"),
    ],
)  # fmt: skip
def test_what_is_not_known_is_told_with_its_place(make_estate: Make, text: str, found: str) -> None:
    logical = found.partition(":")[0]
    line = text.splitlines().index(next(line for line in text.splitlines() if line.startswith(f"  {logical}:"))) + 1

    assert bill.estimate(make_estate(root=text)).unknown == (f"root.yaml:{line}: {found}",)


def test_what_is_not_known_follows_the_hour(make_estate: Make) -> None:
    assert bill.estimate(make_estate(root=resources(made("ECS::TaskSet")))).lines()[-2:] == [
        "not known before the run:",
        "  root.yaml:8: R0: the tasks that it starts are not counted",
    ]


@pytest.mark.parametrize(
    ("space", "is_least"),
    [pytest.param("ecs", True, id="of tasks"), pytest.param("!Ref P", True, id="of what is not known"), pytest.param("dynamodb", False, id="of tables")],
)  # fmt: skip
def test_where_tasks_are_scaled_the_hour_is_a_least(make_estate: Make, space: str, *, is_least: bool) -> None:
    text = service(more=f"  Scale: {made('ApplicationAutoScaling::ScalableTarget', f'ServiceNamespace: {space}')}\n")

    assert bill.estimate(make_estate(root=text)).hour.startswith("an hour, at least: ") is is_least


@pytest.mark.parametrize(
    ("number", "text"),
    [
        pytest.param("1", "1 NAT gateway", id="one"),
        pytest.param("10", "10 NAT gateways", id="a zero that counts"),
        pytest.param("2.50", "2.5 NAT gateways", id="a zero that does not"),
        pytest.param("1E+2", "100 NAT gateways", id="no exponent"),
    ],
)
def test_an_amount_is_written_as_people_do(number: str, text: str) -> None:
    assert Amount(billing_units.NAT, Decimal(number)).text == text


def test_every_unit_has_its_place_in_the_bill() -> None:
    made_of: Mapping[str, Any] = {k: v for k, v in vars(billing_units).items() if isinstance(v, Unit)}

    assert {*made_of.values(), *billing_units.VCPU.values(), *billing_units.MEMORY.values()} == set(billing_units.ORDER)
