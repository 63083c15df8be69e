"""A task that a state of Step Functions runs can start: its network, its launch type, and the role of the state machine.

A state machine is created without a look at its tasks, and each execution fails. For runTask.sync the role also has to
make a rule of EventBridge, without which the state machine itself is refused. Source:
https://docs.aws.amazon.com/step-functions/latest/dg/connect-ecs.html and
https://docs.aws.amazon.com/step-functions/latest/dg/ecs-iam.html.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from preflight.aws import unresolved
from preflight.comply.cross_template_rules import container_resources, task_starters, violation
from preflight.comply.cross_template_rules.task_starters import TaskStarter
from preflight.comply.cross_template_rules.violation import Violation
from preflight.plan import resolved_stacks
from preflight.plan.cross_stack_references import ReferenceTracer
from preflight.plan.resolved_stacks import ResolvedStacks, ResolvedTemplate
from preflight.templates.intrinsic_functions import Path

_RUN_TASK = re.compile(r"arn:[^:]+:states:::(aws-sdk:)?ecs:runTask(\.sync|\.waitForTaskToken)?")
_MANAGED_RULE = ("events:PutTargets", "events:PutRule", "events:DescribeRule")
_NAME = re.compile(r"\$\{([^}]+)\}")
_MARK = re.compile("\ue000(\\d+)\ue001")  # what stands for a value that is not known, in a text


def check(stacks: ResolvedStacks) -> Iterator[Violation]:
    """States that run a task which never starts."""
    tracer = ReferenceTracer(stacks)
    for document in stacks.documents:
        for logical, machine in document.of_type("AWS::StepFunctions::StateMachine"):
            for path, state in _states_of(logical, machine):
                starter = _starter(tracer, document, path, state)
                if starter is not None:
                    yield from task_starters.check(stacks, tracer, starter)


def _states_of(logical: str, machine: Mapping[str, Any]) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    """Yields the states of a state machine with their paths; those of a text have the path of the text."""
    substitutions = machine.get("DefinitionSubstitutions")
    values = substitutions if isinstance(substitutions, Mapping) and not unresolved.is_function(substitutions) else {}
    if isinstance(machine.get("Definition"), Mapping):
        definition = _substituted(machine["Definition"], values)
        yield from _states(definition, violation.at(logical, "Definition"))
    elif "DefinitionString" in machine:
        for _, state in _states(_read(machine["DefinitionString"], values), ()):
            yield violation.at(logical, "DefinitionString"), state


def _states(definition: Any, path: Path) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    """Yields the states of a definition, those of its maps and branches too."""
    states = definition.get("States") if isinstance(definition, Mapping) else None
    for name, state in states.items() if isinstance(states, Mapping) else ():
        if isinstance(state, Mapping):
            own = (*path, "States", name)
            yield own, state
            for inner in ("Iterator", "ItemProcessor"):
                yield from _states(state.get(inner), (*own, inner))
            branches = state.get("Branches")
            for number, branch in enumerate(branches if isinstance(branches, list) else []):
                yield from _states(branch, (*own, "Branches", number))


def _starter(
    tracer: ReferenceTracer, document: ResolvedTemplate, path: Path, state: Mapping[str, Any]
) -> TaskStarter | None:
    """Returns what a state starts, or None if it runs no task definition of the templates."""
    logical, name = str(path[1]), "Arguments" if "Arguments" in state else "Parameters"
    parameters, resource = state.get(name), state.get("Resource")
    runs = _RUN_TASK.fullmatch(resource) if isinstance(resource, str) else None
    if runs is None or not isinstance(parameters, Mapping) or "Credentials" in state:  # then another role starts it
        return None
    definition = tracer.find(document, parameters.get("TaskDefinition"), container_resources.DEFINITION)
    if definition is None:
        return None
    return TaskStarter(
        document=document,
        path=path,
        parameters=(name,) if path[3] == "Definition" else (),
        role=violation.at(logical, "RoleArn"),
        service="states.amazonaws.com",
        run_task=parameters,
        cluster=parameters.get("Cluster"),
        role_arn=resolved_stacks.properties(document.resources[logical]).get("RoleArn"),
        definition=definition,
        actions=("ecs:RunTask", *_MANAGED_RULE) if runs[2] == ".sync" else ("ecs:RunTask",),
    )


def _read(text: Any, substitutions: Mapping[str, Any]) -> Any:
    """Returns the definition in a text of literals and references, or None if it cannot be read."""
    references: list[Any] = []

    def substituted(match: re.Match[str]) -> str:
        return _mark(substitutions[match[1]], references) if match[1] in substitutions else match[0]

    try:
        written = _written(text, references)
        return _restored(json.loads(_NAME.sub(substituted, written)), references) if written is not None else None
    except (LookupError, TypeError, ValueError, RecursionError):  # no JSON, or a function with other arguments
        return None


def _written(value: Any, references: list[Any]) -> str | None:
    """Returns a text with a mark in the place of each part that is not known; None if it is made another way."""
    if isinstance(value, str):
        return value
    name = unresolved.function_of(value)
    if name == "Fn::Sub":
        text, own = value[name] if isinstance(value[name], list) else (value[name], {})
        return _NAME.sub(lambda match: _mark(own.get(match[1], _reference(match[1])), references), text)
    if name == "Fn::Join" and isinstance(value[name], list) and isinstance(value[name][1], list):
        return str(value[name][0]).join(_mark(part, references) for part in value[name][1])
    return None


def _reference(name: str) -> Any:
    logical, dot, attribute = name.partition(".")
    return {"Fn::GetAtt": [logical, attribute]} if dot else {"Ref": name}


def _mark(value: Any, references: list[Any]) -> str:
    if isinstance(value, str):
        return value
    references.append(value)
    return f"\ue000{len(references) - 1}\ue001"


def _restored(value: Any, references: list[Any]) -> Any:
    """Returns a value with the references that its texts are, in the place of their marks."""
    if isinstance(value, str):
        mark = _MARK.fullmatch(value)
        return references[int(mark[1])] if mark is not None else value
    if isinstance(value, list):
        return [_restored(item, references) for item in value]
    return {key: _restored(item, references) for key, item in value.items()} if isinstance(value, dict) else value


def _substituted(value: Any, values: Mapping[str, Any]) -> Any:
    """Returns a definition with the substitutions in the place of the texts that are their names."""
    if isinstance(value, str):
        name = _NAME.fullmatch(value)
        return values.get(name[1], value) if name is not None else value
    if isinstance(value, list):
        return [_substituted(item, values) for item in value]
    return {key: _substituted(item, values) for key, item in value.items()} if isinstance(value, dict) else value
