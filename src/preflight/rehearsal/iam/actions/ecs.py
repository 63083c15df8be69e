"""Amazon ECS.

Source: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelasticcontainerservice.html.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from preflight.rehearsal.iam.actions.request import (
    ApiRequest,
    Ask,
    RequiredPermission,
    creating,
    for_resources,
    no_resource,
    passed,
    tagging,
    with_pass_role,
    within,
)

TASKS = "ecs-tasks.amazonaws.com"
ECS = "ecs.amazonaws.com"
TAG, KEY = "ecs:TagResource", "ecs:CreateAction"


def _named(question: ApiRequest, kind: str, name: str) -> str:
    return name if name.startswith("arn:") else question.arn(f"{kind}/{name}")


def _cluster_name(question: ApiRequest) -> str:
    return str(question.get("cluster") or question.get("clusterName") or "default").rpartition("/")[2]


def _cluster(question: ApiRequest) -> Iterator[str]:
    yield question.arn(f"cluster/{_cluster_name(question)}")


def _clusters(question: ApiRequest) -> Iterator[str]:
    for name in question.texts("clusters") or ["default"]:
        yield _named(question, "cluster", name)


def _in_cluster(kind: str, *members: str) -> Ask:
    """The action on resources that are named within a cluster, with the cluster as condition key."""

    def places(question: ApiRequest) -> Iterator[str]:
        for member in members:
            for name in question.texts(member):
                yield _named(question, f"{kind}/{_cluster_name(question)}", name)

    return within(for_resources(places), "ecs:cluster", lambda question: next(_cluster(question)))


def _list_tasks(question: ApiRequest) -> Iterator[RequiredPermission]:
    where = question.arn(f"container-instance/{_cluster_name(question)}/*")
    yield RequiredPermission(question.action, where, {"ecs:cluster": next(_cluster(question))})


def _family(question: ApiRequest) -> Iterator[str]:
    yield question.arn(f"task-definition/{question.get('family')}:*")


def _definition(question: ApiRequest) -> Iterator[str]:
    name = str(question.get("taskDefinition") or "")
    found = _named(question, "task-definition", name)
    yield found if found.rpartition("/")[2].count(":") else f"{found}:*"


def _definitions(question: ApiRequest) -> Iterator[str]:
    for name in question.texts("taskDefinitions"):
        yield _named(question, "task-definition", name)


def _service_roles(ask: Ask) -> Ask:
    """The roles of a service that ECS itself uses: for classic load balancers, and to make volumes."""

    def asked(question: ApiRequest) -> Iterator[RequiredPermission]:
        yield from ask(question)
        roles = [*question.texts("role")]
        for volume in question.get("volumeConfigurations") or []:
            roles += [str((volume.get("managedEBSVolume") or {}).get("roleArn") or "")]
        for role in filter(None, roles):
            yield passed(question, role, ECS)

    return asked


def _passing_own(ask: Ask) -> Ask:
    """`ask`, and iam:PassRole for the roles of the task definition that the request does not replace.

    The gate knows which they are. Source:
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/security_iam_id-based-policy-examples.html.
    """

    def asked(question: ApiRequest) -> Iterator[RequiredPermission]:
        yield from ask(question)
        for member in ("executionRoleArn", "taskRoleArn"):
            if not question.get(f"overrides.{member}"):
                yield passed(question, f"{next(_definition(question))}/{member}", TASKS)

    return asked


_RUN = within(creating(for_resources(_definition), tagging=TAG, create_key=KEY), "ecs:cluster", lambda q: next(_cluster(q)))
_RESOURCE = for_resources(lambda question: question.texts("resourceArn"))
_SERVICE = _in_cluster("service", "service", "serviceName")

TABLE: Mapping[str, Ask] = {
    "CreateCluster": creating(for_resources(_cluster), tagging=TAG, create_key=KEY),
    "DeleteCluster": for_resources(_cluster),
    "DescribeClusters": for_resources(_clusters),
    "UpdateCluster": for_resources(_cluster),
    "UpdateClusterSettings": for_resources(_cluster),
    "PutClusterCapacityProviders": for_resources(_cluster),
    "ListClusters": no_resource,
    "CreateService": _service_roles(creating(_in_cluster("service", "serviceName"), tagging=TAG, create_key=KEY)),
    "UpdateService": _service_roles(_SERVICE),
    "DeleteService": _SERVICE,
    "DescribeServices": _in_cluster("service", "services"),
    "ListServices": within(no_resource, "ecs:cluster", lambda question: next(_cluster(question))),
    "ListServiceDeployments": _SERVICE,
    "RegisterTaskDefinition": with_pass_role(
        creating(for_resources(_family), tagging=TAG, create_key=KEY), TASKS, "executionRoleArn", "taskRoleArn"
    ),
    "DeregisterTaskDefinition": no_resource,
    "DescribeTaskDefinition": no_resource,
    "DeleteTaskDefinitions": for_resources(_definitions),
    "ListTaskDefinitions": no_resource,
    "ListTaskDefinitionFamilies": no_resource,
    "RunTask": _passing_own(with_pass_role(_RUN, TASKS, "overrides.executionRoleArn", "overrides.taskRoleArn")),
    "StopTask": _in_cluster("task", "task"),
    "DescribeTasks": _in_cluster("task", "tasks"),
    "ListTasks": _list_tasks,
    "ExecuteCommand": _in_cluster("task", "task"),
    "TagResource": tagging(_RESOURCE),
    "UntagResource": tagging(_RESOURCE),
    "ListTagsForResource": _RESOURCE,
}
