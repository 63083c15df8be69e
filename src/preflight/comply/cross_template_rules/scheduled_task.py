"""A task that EventBridge starts can start: its network, its launch type, and the role that starts it.

EventBridge takes such targets as they are, and each run fails later, seen in its FailedInvocations only. Source:
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/tasks-scheduled-eventbridge-scheduler.html,
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/CWE_IAM_role.html and
https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_EcsParameters.html.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from preflight.comply.cross_template_rules import container_resources, task_starters, violation
from preflight.comply.cross_template_rules.task_starters import TaskStarter
from preflight.comply.cross_template_rules.violation import Violation
from preflight.plan.cross_stack_references import ReferenceTracer
from preflight.plan.resolved_stacks import ResolvedStacks, ResolvedTemplate
from preflight.templates.intrinsic_functions import Path


def check(stacks: ResolvedStacks) -> Iterator[Violation]:
    """Targets of EventBridge rules and schedules whose task never starts."""
    tracer = ReferenceTracer(stacks)
    for document in stacks.documents:
        for path, service, target in _targets(document):
            starter = _starter(tracer, document, path, service, target)
            if starter is not None:
                yield from task_starters.check(stacks, tracer, starter)


def _targets(document: ResolvedTemplate) -> Iterator[tuple[Path, str, Any]]:
    for logical, rule in document.of_type("AWS::Events::Rule"):
        targets = rule.get("Targets")
        for number, target in enumerate(targets if isinstance(targets, list) else []):
            yield violation.at(logical, "Targets", number), "events.amazonaws.com", target
    for logical, schedule in document.of_type("AWS::Scheduler::Schedule"):
        yield violation.at(logical, "Target"), "scheduler.amazonaws.com", schedule.get("Target")


def _starter(
    tracer: ReferenceTracer, document: ResolvedTemplate, path: Path, service: str, target: Any
) -> TaskStarter | None:
    """Returns what a target starts, or None if it is no task definition of the templates."""
    parameters = target.get("EcsParameters") if isinstance(target, dict) else None
    if not isinstance(parameters, dict):
        return None
    definition = tracer.find(document, parameters.get("TaskDefinitionArn"), container_resources.DEFINITION)
    if definition is None:
        return None
    return TaskStarter(
        document=document,
        path=path,
        parameters=("EcsParameters",),
        role=(*path, "RoleArn"),
        service=service,
        run_task=parameters,
        cluster=target.get("Arn"),
        role_arn=target.get("RoleArn"),
        definition=definition,
    )
