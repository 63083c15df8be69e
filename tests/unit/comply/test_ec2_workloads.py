from __future__ import annotations

from collections.abc import Callable

import pytest

from preflight.comply import ec2_workloads
from preflight.plan.resolved_stacks import ResolvedStacks
from tests.unit import growth

GROUP = '  Group: {Type: "AWS::AutoScaling::AutoScalingGroup"}\n'
PROVIDER = '  Provider: {Type: "AWS::ECS::CapacityProvider"}\n'
DEFAULT = (
    '  Providers: {Type: "AWS::ECS::ClusterCapacityProviderAssociations", Properties: {Cluster: !Ref Cluster, '
    "DefaultCapacityProviderStrategy: [{CapacityProvider: !Ref Provider}]}}\n"
)
ON_FARGATE = '  Other: {Type: "AWS::ECS::Service", Properties: {Cluster: !Ref Cluster, LaunchType: FARGATE, TaskDefinition: !Ref Task}}\n'
TEMPLATE = """\
Parameters: {Elsewhere: {Type: String}}
Resources:
  Cluster: {Type: "AWS::ECS::Cluster"}
  Task: {Type: "AWS::ECS::TaskDefinition", Properties: {TASK}}
  Service: {Type: "AWS::ECS::Service", Properties: {SERVICE, TaskDefinition: !Ref Task}}
"""


def left_out(make_estate: Callable[..., ResolvedStacks], service: str, more: str = "", task: str = "Family: web") -> set[str]:
    estate = make_estate(root=TEMPLATE.replace("SERVICE", service).replace("TASK", task) + more)
    return {name for names in ec2_workloads.left_out(estate).values() for name in names}


@pytest.mark.parametrize(
    ("service", "more"),
    [
        pytest.param("Cluster: !Ref Cluster, LaunchType: EC2", GROUP, id="EC2 with an Auto Scaling group"),
        pytest.param("Cluster: !Ref Elsewhere, LaunchType: EC2", "", id="EC2 on a cluster of another stack"),
        pytest.param("Cluster: !Ref Cluster, LaunchType: EXTERNAL", "", id="machines elsewhere"),
        pytest.param(
            "Cluster: !Ref Cluster, CapacityProviderStrategy: [{CapacityProvider: !Ref Provider}]", PROVIDER, id="its strategy"
        ),
        pytest.param("Cluster: !Ref Cluster", PROVIDER + DEFAULT, id="the strategy of its cluster"),
        pytest.param("Cluster: !Ref Elsewhere", "", id="defaults on a cluster of another stack, and nothing of Fargate"),
    ],
)
def test_what_runs_on_container_instances_is_left_out(
    make_estate: Callable[..., ResolvedStacks], service: str, more: str
) -> None:
    assert left_out(make_estate, service, more) == {"Service", "Task"}


@pytest.mark.parametrize(
    ("service", "more"),
    [
        pytest.param("Cluster: !Ref Cluster, LaunchType: FARGATE", GROUP, id="Fargate beside instances"),
        pytest.param("Cluster: !Ref Cluster, LaunchType: EC2", "", id="EC2 without any instance, which is never placed"),
        pytest.param("Cluster: !Ref Cluster, LaunchType: !Ref Elsewhere", GROUP, id="a launch type that is not known"),
        pytest.param(
            "Cluster: !Ref Cluster, CapacityProviderStrategy: [{CapacityProvider: FARGATE_SPOT}]", PROVIDER, id="Fargate's provider"
        ),
        pytest.param("Cluster: !Ref Cluster", GROUP, id="neither launch type nor strategy"),
    ],
)
def test_what_runs_on_fargate_or_nowhere_is_not(make_estate: Callable[..., ResolvedStacks], service: str, more: str) -> None:
    assert left_out(make_estate, service, more) == set()


@pytest.mark.parametrize("task", ["NetworkMode: awsvpc", "RequiresCompatibilities: [FARGATE]"])
def test_a_service_without_launch_type_stays_if_its_task_is_for_fargate(make_estate: Callable[..., ResolvedStacks], task: str) -> None:
    assert left_out(make_estate, "Cluster: !Ref Elsewhere", task=task) == set()


def test_a_task_definition_that_a_service_on_fargate_uses_stays(make_estate: Callable[..., ResolvedStacks]) -> None:
    assert left_out(make_estate, "Cluster: !Ref Cluster, LaunchType: EC2", GROUP + ON_FARGATE) == {"Service"}


@pytest.mark.parametrize("launch_types", ["[FARGATE]", "[EC2, FARGATE]"])
def test_a_task_definition_for_fargate_stays(make_estate: Callable[..., ResolvedStacks], launch_types: str) -> None:
    service, task = "Cluster: !Ref Cluster, LaunchType: EC2", f"RequiresCompatibilities: {launch_types}"

    assert left_out(make_estate, service, GROUP, task) == {"Service"}


ALONE = '  Alone: {Type: "AWS::ECS::TaskDefinition", Properties: {RequiresCompatibilities: [EC2]}}\n'
RUN = '  Rule: {Type: "AWS::Events::Rule", Properties: {Targets: [{EcsParameters: {TaskDefinitionArn: !Ref Alone}}]}}\n'


@pytest.mark.parametrize(
    ("more", "is_left_out"),
    [
        pytest.param(ALONE, True, id="nothing in the templates runs it"),
        pytest.param(ALONE + RUN, False, id="a rule runs it"),
        pytest.param(ALONE + "Outputs: {Arn: {Value: !Ref Alone}}\n", False, id="other templates may run it"),
        pytest.param(ALONE.replace("[EC2]", "[EC2, FARGATE]"), False, id="it is for Fargate too"),
        pytest.param(ALONE.replace("RequiresCompatibilities: [EC2]", "Cpu: 256, Memory: 128"), True, id="it has nothing of Fargate"),
        pytest.param(ALONE.replace("RequiresCompatibilities: [EC2]", "Cpu: 256, Memory: 512"), False, id="it has a size of Fargate's"),
        pytest.param(ALONE.replace("RequiresCompatibilities: [EC2]", "Cpu: 256, Memory: !Ref Elsewhere"), False, id="its size is not known"),
        pytest.param(ALONE.replace("RequiresCompatibilities: [EC2]", "NetworkMode: awsvpc"), False, id="it has Fargate's network"),
    ],
)
def test_a_task_definition_for_ec2_that_nothing_runs(make_estate: Callable[..., ResolvedStacks], more: str, is_left_out: bool) -> None:  # noqa: FBT001 - a case
    assert ("Alone" in left_out(make_estate, "Cluster: !Ref Cluster, LaunchType: FARGATE", more)) is is_left_out


UNKNOWN = "Cluster: !Ref Cluster, CapacityProviderStrategy: [{CapacityProvider: !Ref Elsewhere}]"


@pytest.mark.parametrize(
    ("task", "names"),
    [
        pytest.param("RequiresCompatibilities: [EC2]", {"Service", "Task"}, id="a task definition for EC2 only"),
        pytest.param("RequiresCompatibilities: [EC2, FARGATE]", set(), id="one for both"),
    ],
)
def test_a_provider_that_is_not_known_is_what_the_task_definition_says(make_estate: Callable[..., ResolvedStacks], task: str, names: set[str]) -> None:
    assert left_out(make_estate, UNKNOWN, GROUP, task) == names


@pytest.mark.parametrize(
    ("provider", "task", "names"),
    [
        pytest.param("!Ref Elsewhere", "RequiresCompatibilities: [EC2]", {"Service", "Task"}, id="a parameter, and a task for EC2 only"),
        pytest.param("!Ref Elsewhere", "Family: web", {"Service", "Task"}, id="a parameter, and nothing of Fargate"),
        pytest.param("instances", "Family: web", {"Service", "Task"}, id="a name, and nothing of Fargate"),
        pytest.param("!Ref Elsewhere", "RequiresCompatibilities: [FARGATE]", set(), id="a parameter, and a task for Fargate"),
        pytest.param("instances", "NetworkMode: awsvpc", set(), id="a name, and Fargate's network"),
        pytest.param("FARGATE_SPOT", "Family: web", set(), id="Fargate's, and nothing of Fargate"),
    ],
)
def test_a_provider_of_a_cluster_of_another_stack_is_what_the_task_definition_says(make_estate: Callable[..., ResolvedStacks], provider: str, task: str, names: set[str]) -> None:
    service = f"Cluster: !Ref Elsewhere, CapacityProviderStrategy: [{{CapacityProvider: {provider}}}]"

    assert left_out(make_estate, service, task=task) == names


def test_fargates_provider_beside_one_that_is_not_known_stays_fargates(make_estate: Callable[..., ResolvedStacks]) -> None:
    service = "Cluster: !Ref Cluster, CapacityProviderStrategy: [{CapacityProvider: FARGATE}, {CapacityProvider: !Ref Elsewhere}]"

    assert "Service" not in left_out(make_estate, service, GROUP, "RequiresCompatibilities: [EC2]")


ACCOUNT = """\
Resources:
  C: {Type: "AWS::ECS::Cluster", Properties: {CapacityProviders: [FARGATE, FARGATE_SPOT]}}
Outputs: {C: {Value: !Ref C, Export: {Name: cluster}}}
"""
INSTANCES = """\
  Instances: {Type: "AWS::ECS::CapacityProvider"}
  Providers: {Type: "AWS::ECS::ClusterCapacityProviderAssociations", Properties: {Cluster: !Ref C, CapacityProviders: [FARGATE, !Ref Instances], DefaultCapacityProviderStrategy: []}}
Outputs:"""


@pytest.mark.parametrize(
    ("account", "task", "names"),
    [
        pytest.param(ACCOUNT, "Family: web", set(), id="a cluster of Fargate"),
        pytest.param(ACCOUNT.replace("Outputs:", INSTANCES), "Family: web", {"Service", "Task"}, id="an association of container instances"),
        pytest.param(ACCOUNT.replace("[FARGATE, FARGATE_SPOT]", "[FARGATE, group]"), "Family: web", {"Service", "Task"}, id="a capacity provider by its name"),
        pytest.param(ACCOUNT.replace("Outputs:", INSTANCES), "NetworkMode: awsvpc", set(), id="a task definition for Fargate"),
    ],
)
@pytest.mark.parametrize("file", ["preflight-account", "network"])
def test_whether_a_cluster_has_instances_is_what_its_capacity_providers_say(
    make_estate: Callable[..., ResolvedStacks], file: str, account: str, task: str, names: set[str]
) -> None:
    service = TEMPLATE.replace("SERVICE", "Cluster: !ImportValue cluster").replace("TASK", task)

    estate = make_estate(**{file: account, "root": service})

    assert {name for found in ec2_workloads.left_out(estate).values() for name in found} == names


@pytest.mark.parametrize("launch_types", ["5", "true", "FARGATE", "{a: b}"])
def test_a_task_definition_whose_compatibilities_cannot_be_read_stays(make_estate: Callable[..., ResolvedStacks], launch_types: str) -> None:
    service, task = "Cluster: !Ref Cluster, LaunchType: EC2", f"RequiresCompatibilities: {launch_types}"

    assert left_out(make_estate, service, GROUP, task) == {"Service"}


def test_the_time_grows_with_services_and_associations_and_not_with_their_product(make_estate: Callable[..., ResolvedStacks]) -> None:
    def work(number: int) -> Callable[[], object]:
        more = "".join(f"{DEFAULT.replace('Providers', f'Providers{n}', 1)}{ON_FARGATE.replace('Other', f'Other{n}').replace('LaunchType: FARGATE, ', '')}" for n in range(number))
        estate = make_estate(root=TEMPLATE.replace("SERVICE", "Cluster: !Ref Cluster").replace("TASK", "Family: web") + more)
        return lambda: ec2_workloads.left_out(estate)

    assert growth.ratio(work(20), work(160)) < 24  # 8, or 64 if each service reads each association
