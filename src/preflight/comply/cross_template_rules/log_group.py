"""The log group that a container writes to is declared, or created on the way.

A group could exist already, made by hand; so this is a practice, and only said of a plan, which names all
its templates. Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/using_awslogs.html.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from preflight.comply.cross_template_rules import container_resources, violation
from preflight.comply.cross_template_rules.violation import Violation
from preflight.plan.resolved_stacks import ResolvedStacks
from preflight.templates import intrinsic_functions

_OPTIONS = ("LogConfiguration", "Options")


def check(stacks: ResolvedStacks) -> Iterator[Violation]:
    """Containers that write to a group of a known name which no stack of the plan declares."""
    declared = _declared(stacks)
    if not stacks.is_closed or declared is None:
        return
    for document in stacks.documents:
        for logical, definition in document.of_type(container_resources.DEFINITION):
            containers = definition.get("ContainerDefinitions")
            for number, container in enumerate(containers if isinstance(containers, list) else []):
                name = _asked(container)
                if name is not None and name not in declared:
                    path = violation.at(logical, "ContainerDefinitions", number, *_OPTIONS, "awslogs-group")
                    yield Violation(
                        document,
                        path,
                        f"no stack of the plan declares the log group {name}; unless it exists already, the task cannot start.",
                        "Declare an AWS::Logs::LogGroup of that name, and let awslogs-group refer to it.",
                    )


def _declared(stacks: ResolvedStacks) -> set[str] | None:
    """Names of the groups that stacks declare; None where one of them is not known."""
    names = set()
    for document in stacks.documents:
        for _, group in document.of_type("AWS::Logs::LogGroup"):
            name = group.get("LogGroupName")
            if isinstance(name, dict | list):
                return None
            names.add(str(name))
    return names


def _asked(container: Any) -> str | None:
    """The group of a container that has to be there before it starts, where it is known."""
    logging = container.get("LogConfiguration") if isinstance(container, dict) else None
    options = logging.get("Options") if isinstance(logging, dict) and logging.get("LogDriver") == "awslogs" else None
    if not isinstance(options, dict) or _may_create(options):
        return None
    name = options.get("awslogs-group")
    return name if isinstance(name, str) else None


def _may_create(options: Mapping[str, Any]) -> bool:
    value = options.get("awslogs-create-group", False)
    return isinstance(value, dict | list) or intrinsic_functions.as_text(value).lower() != "false"
