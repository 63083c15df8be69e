"""In which order containers start and stop, and when they start again. Pure.

Sources: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDependency.html,
https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerRestartPolicy.html and
https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html, startTimeout and stopTimeout.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from preflight.rehearsal.ecs.validation import Request

MAX_EXIT_CODES = 50
AFTER_THE_END = frozenset({"SUCCESS", "COMPLETE"})


def dependencies(containers: Sequence[Request]) -> Iterator[str]:
    """What is wrong with what the containers of a task wait for."""
    by_name = {container["name"]: container for container in containers if container.get("name")}
    for container in containers:
        for dependency in container.get("dependsOn") or []:
            yield from _dependency(by_name.get(str(dependency.get("containerName"))), dependency)
    graph = {n: [str(d.get("containerName")) for d in c.get("dependsOn") or []] for n, c in by_name.items()}
    if _has_cycle(graph):
        yield "There is a circular dependency between the containers of the task definition"


def _dependency(target: Request | None, dependency: Request) -> Iterator[str]:
    condition = dependency.get("condition")
    if target is None:
        yield f"Cannot depend on container {dependency.get('containerName')} because it does not exist"
        return
    if condition in AFTER_THE_END and target.get("essential") is not False:
        yield "A dependency container with SUCCESS or COMPLETE condition cannot be an essential container"
    if condition == "HEALTHY" and not target.get("healthCheck"):
        yield "A dependency container with HEALTHY condition must have health check configured"


def _has_cycle(graph: Mapping[str, Iterable[str]]) -> bool:
    visited: set[str] = set()
    open_: set[str] = set()

    def visit(name: str) -> bool:
        if name in open_:
            return True
        if name in visited or name not in graph:
            return False
        open_.add(name)
        is_cyclic = any(visit(dependency) for dependency in graph[name])
        open_.discard(name)
        visited.add(name)
        return is_cyclic

    return any(visit(name) for name in graph)


def restarts(container: Request) -> Iterator[str]:
    """What is wrong with a container's restart policy."""
    policy = container.get("restartPolicy") or {}
    period = policy.get("restartAttemptPeriod")
    if period is not None and not 60 <= period <= 1800:
        yield f"The 'restartAttemptPeriod' setting for container '{container.get('name')}' must be between 60 and 1800"
    if len(policy.get("ignoredExitCodes") or []) > MAX_EXIT_CODES:
        yield f"The maximum number of ignored exit codes is {MAX_EXIT_CODES}."


def timeouts(container: Request) -> Iterator[str]:
    """What is wrong with how long Fargate is to wait for a container."""
    for key in ("startTimeout", "stopTimeout"):
        value, word = container.get(key), key.replace("Timeout", " timeout")
        if value is not None and value > 120:
            yield f"Tasks using the Fargate launch type must have a container {word} of less than 120 seconds."
        if value is not None and value < 2:
            yield f"Tasks using the Fargate launch type must have a container {word} of at least 2 seconds."
