"""For which platforms an image of a plan is wanted: those of the tasks that name it. Pure.

Sources: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RuntimePlatform.html (without a word about
it, a task is for X86_64 on Linux) and
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-ecr-repository.html (Ref is the
name of a repository, GetAtt RepositoryUri its registry and its name).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from preflight.aws import unresolved
from preflight.plan import placeholders, plan
from preflight.plan.plan import ImageStep, Plan
from preflight.plan.references import ReferenceTracer, UnknownError
from preflight.plan.resolved_stacks import ResolvedStacks, ResolvedTemplate
from preflight.templates import functions, references

DEFINITION = "AWS::ECS::TaskDefinition"
REPOSITORY = "AWS::ECR::Repository"
DEFAULT = "linux/amd64"
LATEST = "latest"
HOLE = "\0"  # an unknown part of a text
MAX_STEPS = 50
_ECR = re.compile(rf"[0-9]{{12}}\.dkr[.-]ecr\b|.*{HOLE}")


def of_images(asked: Plan, every: ResolvedStacks, *, run: str) -> dict[str, str]:
    """The platforms of each image that a plan builds and a task names, with commas between, by the name of its step."""
    values = placeholders.of(asked, run=run)  # as the estate has them
    images = [step for step in asked.steps if isinstance(step, ImageStep)]
    wanted = {image.name: ",".join(platforms(every, plan.fill(image.name, values))) for image in images}
    return {name: text for name, text in wanted.items() if text}


def platforms(every: ResolvedStacks, name: str) -> tuple[str, ...]:
    """The platforms, as `linux/arm64`, of the tasks whose containers name the image `repository:tag`.

    Without an architecture it is AWS's default: `linux/amd64`.
    """
    texts = Texts(every)
    found: set[str] = set()
    for document in every.deployed:
        for _, given in document.of_type(DEFINITION):
            if any(_is_of(text, name) for text in _images(document, given, texts)):
                found |= set(_platforms(given.get("RuntimePlatform")))
    return tuple(sorted(found))


class Texts:
    """Reads texts of an estate, following references as far as they lead to text."""

    def __init__(self, every: ResolvedStacks) -> None:
        self._estate = every
        self._tracer = ReferenceTracer(every)

    def of(self, document: ResolvedTemplate, value: Any, steps: int = 0) -> str:
        """Returns the text of a value, with a hole for each unknown part."""
        name = unresolved.function_of(value)
        if name is None or steps > MAX_STEPS:
            return HOLE if isinstance(value, dict | list) or steps > MAX_STEPS else functions.as_text(value)
        if name == "Fn::Sub":
            return self._substituted(document, value[name], steps + 1)
        if name == "Fn::Join":
            return self._joined(document, value[name], steps + 1)
        return self._referred(document, value, steps + 1)

    def _substituted(self, document: ResolvedTemplate, argument: Any, steps: int) -> str:
        text, own = argument if isinstance(argument, list) and len(argument) == 2 else (argument, {})
        if not isinstance(text, str) or not isinstance(own, dict):
            return HOLE

        names = dict.fromkeys(functions.names_in(text))
        texts = {name: self.of(document, own.get(name, references.reference_of(name)), steps) for name in names}
        filled = len(text) + sum(len(texts[name]) for name in functions.names_in(text))
        return functions.substituted(text, lambda name: texts[name]) if filled <= functions.MAX_TEXT else HOLE

    def _joined(self, document: ResolvedTemplate, argument: Any, steps: int) -> str:
        if not isinstance(argument, list) or len(argument) != 2 or not isinstance(argument[1], list):
            return HOLE
        return str(argument[0]).join(self.of(document, item, steps) for item in argument[1])

    def _referred(self, document: ResolvedTemplate, value: Mapping[str, Any], steps: int) -> str:
        """The text behind a reference: a parent's value, an output, an export, or a repository."""
        elsewhere = self._elsewhere(document, value)
        if elsewhere is not None:
            return self.of(*elsewhere, steps)
        try:
            found = self._tracer.one(document, value)
        except UnknownError:
            return HOLE
        name = found.properties.get("RepositoryName") if found.kind == REPOSITORY else None
        if name is None or found.attribute not in {None, "RepositoryUri"}:
            return HOLE
        registry = f"{HOLE}/" if found.attribute else ""
        return registry + self.of(found.document, name, steps)

    def _elsewhere(self, document: ResolvedTemplate, value: Mapping[str, Any]) -> tuple[ResolvedTemplate, Any] | None:
        """The document and the value there that a reference out of a document leads to."""
        name = unresolved.function_of(value)
        argument = value[str(name)]
        if name == "Ref" and document.parent is not None and str(argument) in document.given:
            return document.parent, document.given[str(argument)]
        if name == "Fn::ImportValue" and isinstance(argument, str):
            return self._estate.exports.get(argument)
        if name == "Fn::GetAtt" and isinstance(argument, list) and len(argument) == 2:
            child = document.children.get(str(argument[0]))
            output = child.data["Outputs"].get(str(argument[1]).removeprefix("Outputs.")) if child else None
            return (child, output.get("Value")) if child and output else None
        return None


def _images(document: ResolvedTemplate, given: Mapping[str, Any], texts: Texts) -> Iterator[str]:
    containers = given.get("ContainerDefinitions")
    for container in containers if isinstance(containers, list) else ():
        if isinstance(container, dict) and "Image" in container:
            yield texts.of(document, container["Image"])


def _is_of(text: str, name: str) -> bool:
    """Whether an image of ECR, as far as it is known, is the one of that name."""
    registry, slash, image = text.partition("/")
    if not slash or not _ECR.match(registry):
        return False
    tagged, at, digest = image.partition("@")
    repository, _, tag = tagged.partition(":")
    wanted, _, wanted_tag = name.partition(":")
    if repository != wanted:
        return False
    return digest == HOLE if at else HOLE in tag or (tag or LATEST) == (wanted_tag or LATEST)


def _platforms(given: Any) -> Iterator[str]:
    """The platforms of a task definition; both where an undecided condition stands between two."""
    if unresolved.function_of(given) == "Fn::If":
        for branch in given["Fn::If"][1:]:
            yield from _platforms(branch)
        return
    given = given if isinstance(given, dict) else {}
    system = "windows" if str(given.get("OperatingSystemFamily")).startswith("WINDOWS") else "linux"
    for architecture in _branches(given.get("CpuArchitecture")):
        yield f"{system}/{'arm64' if architecture == 'ARM64' else 'amd64'}"


def _branches(value: Any) -> Iterator[Any]:
    if unresolved.function_of(value) == "Fn::If":
        for branch in value["Fn::If"][1:]:
            yield from _branches(branch)
    else:
        yield value
