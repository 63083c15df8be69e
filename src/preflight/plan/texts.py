"""Texts of the stacks of a plan, with a hole for each part that only a deployment decides. Pure.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-ecr-repository.html (Ref is the
name of a repository, GetAtt RepositoryUri its registry and its name).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from preflight.aws import unresolved
from preflight.plan.cross_stack_references import ReferenceTracer
from preflight.plan.resolved_stacks import ResolvedStacks, ResolvedTemplate
from preflight.templates import intrinsic_functions, references

DEFINITION = "AWS::ECS::TaskDefinition"
REPOSITORY = "AWS::ECR::Repository"
HOLE = "\0"  # an unknown part of a text
MAX_STEPS = 50


class Texts:
    """Reads texts of an estate, following references as far as they lead to text."""

    def __init__(self, every: ResolvedStacks) -> None:
        self._estate = every
        self._tracer = ReferenceTracer(every)

    def of(self, document: ResolvedTemplate, value: Any, steps: int = 0) -> str:
        """Returns the text of a value, with a hole for each unknown part."""
        name = unresolved.function_of(value)
        if name is None or steps > MAX_STEPS:
            return HOLE if isinstance(value, dict | list) or steps > MAX_STEPS else intrinsic_functions.as_text(value)
        if name == "Fn::Sub":
            return self._substituted(document, value[name], steps + 1)
        if name == "Fn::Join":
            return self._joined(document, value[name], steps + 1)
        return self._referred(document, value, steps + 1)

    def images(self, document: ResolvedTemplate, definition: Mapping[str, Any]) -> Iterator[str]:
        """Yields the image of each container of a task definition."""
        containers = definition.get("ContainerDefinitions")
        for container in containers if isinstance(containers, list) else ():
            if isinstance(container, dict) and "Image" in container:
                yield self.of(document, container["Image"])

    def _substituted(self, document: ResolvedTemplate, argument: Any, steps: int) -> str:
        text, own = argument if isinstance(argument, list) and len(argument) == 2 else (argument, {})
        if not isinstance(text, str) or not isinstance(own, dict):
            return HOLE

        names = dict.fromkeys(intrinsic_functions.names_in(text))
        texts = {name: self.of(document, own.get(name, references.reference_of(name)), steps) for name in names}
        filled = len(text) + sum(len(texts[name]) for name in intrinsic_functions.names_in(text))
        return intrinsic_functions.substituted(text, lambda name: texts[name]) if filled <= intrinsic_functions.MAX_TEXT else HOLE

    def _joined(self, document: ResolvedTemplate, argument: Any, steps: int) -> str:
        if not isinstance(argument, list) or len(argument) != 2 or not isinstance(argument[1], list):
            return HOLE
        return str(argument[0]).join(self.of(document, item, steps) for item in argument[1])

    def _referred(self, document: ResolvedTemplate, value: Mapping[str, Any], steps: int) -> str:
        """The text behind a reference: a parent's value, an output, an export, or a repository."""
        elsewhere = self._elsewhere(document, value)
        if elsewhere is not None:
            return self.of(*elsewhere, steps)
        resource = self._tracer.find(document, value, REPOSITORY)
        name = resource.properties.get("RepositoryName") if resource is not None else None
        if resource is None or name is None or resource.attribute not in {None, "RepositoryUri"}:
            return HOLE
        registry = f"{HOLE}/" if resource.attribute else ""
        return registry + self.of(resource.document, name, steps)

    def _elsewhere(self, document: ResolvedTemplate, value: Mapping[str, Any]) -> tuple[ResolvedTemplate, Any] | None:
        """The document and the value there that a reference out of a document leads to."""
        name = unresolved.function_of(value)
        argument = value[str(name)]
        if name == "Ref" and document.parent is not None and str(argument) in document.parameters:
            return document.parent, document.parameters[str(argument)]
        if name == "Fn::ImportValue" and isinstance(argument, str):
            return self._estate.exports.get(argument)
        if name == "Fn::GetAtt" and isinstance(argument, list) and len(argument) == 2:
            child = document.children.get(str(argument[0]))
            output = child.data["Outputs"].get(str(argument[1]).removeprefix("Outputs.")) if child else None
            return (child, output.get("Value")) if child and output else None
        return None
