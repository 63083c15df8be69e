"""Amazon ECS.

Source: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelasticcontainerservice.html.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from preflight.rehearsal.iam.actions.request import (
    ApiRequest,
    Permissions,
    RequiredPermission,
    for_resources,
    no_resource,
    pass_role,
    with_condition_key,
    with_pass_role,
    with_request_tags,
    with_tag_changes,
)

TASKS = "ecs-tasks.amazonaws.com"
ECS = "ecs.amazonaws.com"
TAG, KEY = "ecs:TagResource", "ecs:CreateAction"


def _named(request: ApiRequest, kind: str, name: str) -> str:
    return name if name.startswith("arn:") else request.arn(f"{kind}/{name}")


def _cluster_name(request: ApiRequest) -> str:
    return str(request.get("cluster") or request.get("clusterName") or "default").rpartition("/")[2]


def _cluster(request: ApiRequest) -> Iterator[str]:
    yield request.arn(f"cluster/{_cluster_name(request)}")


def _clusters(request: ApiRequest) -> Iterator[str]:
    for name in request.texts("clusters") or ["default"]:
        yield _named(request, "cluster", name)


def _in_cluster(kind: str, *members: str) -> Permissions:
    """The action on resources that are named within a cluster, with the cluster as condition key."""

    def places(request: ApiRequest) -> Iterator[str]:
        for member in members:
            for name in request.texts(member):
                yield _named(request, f"{kind}/{_cluster_name(request)}", name)

    return with_condition_key(for_resources(places), "ecs:cluster", lambda request: next(_cluster(request)))


def _list_tasks(request: ApiRequest) -> Iterator[RequiredPermission]:
    where = request.arn(f"container-instance/{_cluster_name(request)}/*")
    yield RequiredPermission(request.action, where, {"ecs:cluster": next(_cluster(request))})


def _family(request: ApiRequest) -> Iterator[str]:
    yield request.arn(f"task-definition/{request.get('family')}:*")


def _definition(request: ApiRequest) -> Iterator[str]:
    name = str(request.get("taskDefinition") or "")
    arn = _named(request, "task-definition", name)
    yield arn if arn.rpartition("/")[2].count(":") else f"{arn}:*"


def _definitions(request: ApiRequest) -> Iterator[str]:
    for name in request.texts("taskDefinitions"):
        yield _named(request, "task-definition", name)


def _service_roles(ask: Permissions) -> Permissions:
    """The roles of a service that ECS itself uses: for classic load balancers, and to make volumes."""

    def asked(request: ApiRequest) -> Iterator[RequiredPermission]:
        yield from ask(request)
        roles = [*request.texts("role")]
        for volume in request.get("volumeConfigurations") or []:
            roles += [str((volume.get("managedEBSVolume") or {}).get("roleArn") or "")]
        for role in filter(None, roles):
            yield pass_role(request, role, ECS)

    return asked


def _passing_own(ask: Permissions) -> Permissions:
    """`ask`, and iam:PassRole for the roles of the task definition that the request does not replace.

    The gate knows which they are. Source:
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/security_iam_id-based-policy-examples.html.
    """

    def asked(request: ApiRequest) -> Iterator[RequiredPermission]:
        yield from ask(request)
        for member in ("executionRoleArn", "taskRoleArn"):
            if not request.get(f"overrides.{member}"):
                yield pass_role(request, f"{next(_definition(request))}/{member}", TASKS)

    return asked


_RUN = with_condition_key(with_request_tags(for_resources(_definition), tagging=TAG, create_key=KEY), "ecs:cluster", lambda q: next(_cluster(q)))
_RESOURCE = for_resources(lambda request: request.texts("resourceArn"))
_SERVICE = _in_cluster("service", "service", "serviceName")

TABLE: Mapping[str, Permissions] = {
    "CreateCluster": with_request_tags(for_resources(_cluster), tagging=TAG, create_key=KEY),
    "DeleteCluster": for_resources(_cluster),
    "DescribeClusters": for_resources(_clusters),
    "UpdateCluster": for_resources(_cluster),
    "UpdateClusterSettings": for_resources(_cluster),
    "PutClusterCapacityProviders": for_resources(_cluster),
    "ListClusters": no_resource,
    "CreateService": _service_roles(with_request_tags(_in_cluster("service", "serviceName"), tagging=TAG, create_key=KEY)),
    "UpdateService": _service_roles(_SERVICE),
    "DeleteService": _SERVICE,
    "DescribeServices": _in_cluster("service", "services"),
    "ListServices": with_condition_key(no_resource, "ecs:cluster", lambda request: next(_cluster(request))),
    "ListServiceDeployments": _SERVICE,
    "RegisterTaskDefinition": with_pass_role(
        with_request_tags(for_resources(_family), tagging=TAG, create_key=KEY), TASKS, "executionRoleArn", "taskRoleArn"
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
    "TagResource": with_tag_changes(_RESOURCE),
    "UntagResource": with_tag_changes(_RESOURCE),
    "ListTagsForResource": _RESOURCE,
}
