"""Amazon ECS.

Source: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelasticcontainerservice.html.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from preflight.rehearsal.iam.actions.request import (
    Ask,
    Question,
    Target,
    anywhere,
    creating,
    on,
    passed,
    passing,
    tagging,
    within,
)

TASKS = "ecs-tasks.amazonaws.com"
ECS = "ecs.amazonaws.com"
TAG, KEY = "ecs:TagResource", "ecs:CreateAction"


def _named(question: Question, kind: str, name: str) -> str:
    return name if name.startswith("arn:") else question.arn(f"{kind}/{name}")


def _cluster_name(question: Question) -> str:
    return str(question.get("cluster") or question.get("clusterName") or "default").rpartition("/")[2]


def _cluster(question: Question) -> Iterator[str]:
    yield question.arn(f"cluster/{_cluster_name(question)}")


def _clusters(question: Question) -> Iterator[str]:
    for name in question.texts("clusters") or ["default"]:
        yield _named(question, "cluster", name)


def _in_cluster(kind: str, *members: str) -> Ask:
    """The action on resources that are named within a cluster, with the cluster as condition key."""

    def places(question: Question) -> Iterator[str]:
        for member in members:
            for name in question.texts(member):
                yield _named(question, f"{kind}/{_cluster_name(question)}", name)

    return within(on(places), "ecs:cluster", lambda question: next(_cluster(question)))


def _list_tasks(question: Question) -> Iterator[Target]:
    where = question.arn(f"container-instance/{_cluster_name(question)}/*")
    yield Target(question.action, where, {"ecs:cluster": next(_cluster(question))})


def _family(question: Question) -> Iterator[str]:
    yield question.arn(f"task-definition/{question.get('family')}:*")


def _definition(question: Question) -> Iterator[str]:
    name = str(question.get("taskDefinition") or "")
    found = _named(question, "task-definition", name)
    yield found if found.rpartition("/")[2].count(":") else f"{found}:*"


def _definitions(question: Question) -> Iterator[str]:
    for name in question.texts("taskDefinitions"):
        yield _named(question, "task-definition", name)


def _service_roles(ask: Ask) -> Ask:
    """The roles of a service that ECS itself uses: for classic load balancers, and to make volumes."""

    def asked(question: Question) -> Iterator[Target]:
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

    def asked(question: Question) -> Iterator[Target]:
        yield from ask(question)
        for member in ("executionRoleArn", "taskRoleArn"):
            if not question.get(f"overrides.{member}"):
                yield passed(question, f"{next(_definition(question))}/{member}", TASKS)

    return asked


_RUN = within(creating(on(_definition), tagging=TAG, create_key=KEY), "ecs:cluster", lambda q: next(_cluster(q)))
_RESOURCE = on(lambda question: question.texts("resourceArn"))
_SERVICE = _in_cluster("service", "service", "serviceName")

TABLE: Mapping[str, Ask] = {
    "CreateCluster": creating(on(_cluster), tagging=TAG, create_key=KEY),
    "DeleteCluster": on(_cluster),
    "DescribeClusters": on(_clusters),
    "UpdateCluster": on(_cluster),
    "UpdateClusterSettings": on(_cluster),
    "PutClusterCapacityProviders": on(_cluster),
    "ListClusters": anywhere,
    "CreateService": _service_roles(creating(_in_cluster("service", "serviceName"), tagging=TAG, create_key=KEY)),
    "UpdateService": _service_roles(_SERVICE),
    "DeleteService": _SERVICE,
    "DescribeServices": _in_cluster("service", "services"),
    "ListServices": within(anywhere, "ecs:cluster", lambda question: next(_cluster(question))),
    "ListServiceDeployments": _SERVICE,
    "RegisterTaskDefinition": passing(
        creating(on(_family), tagging=TAG, create_key=KEY), TASKS, "executionRoleArn", "taskRoleArn"
    ),
    "DeregisterTaskDefinition": anywhere,
    "DescribeTaskDefinition": anywhere,
    "DeleteTaskDefinitions": on(_definitions),
    "ListTaskDefinitions": anywhere,
    "ListTaskDefinitionFamilies": anywhere,
    "RunTask": _passing_own(passing(_RUN, TASKS, "overrides.executionRoleArn", "overrides.taskRoleArn")),
    "StopTask": _in_cluster("task", "task"),
    "DescribeTasks": _in_cluster("task", "tasks"),
    "ListTasks": _list_tasks,
    "ExecuteCommand": _in_cluster("task", "task"),
    "TagResource": tagging(_RESOURCE),
    "UntagResource": tagging(_RESOURCE),
    "ListTagsForResource": _RESOURCE,
}
