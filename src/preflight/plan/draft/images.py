"""The images that the stacks of a draft take from ECR: the folder that builds each, or what runs in its place. Pure."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from preflight.plan import resolved_stacks
from preflight.plan.draft import property_values, stacks
from preflight.plan.draft.draft import Draft, DraftImage, DraftStack
from preflight.plan.draft.parameter_values import DraftValue
from preflight.plan.resolved_stacks import ResolvedTemplate
from preflight.plan.texts import DEFINITION, HOLE, REPOSITORY, Texts
from preflight.templates import references
from preflight.templates.template import Template

PUBLIC = f"{property_values.PUBLIC}:stable"  # runs where nothing is known of an image
_ECR = re.compile(rf"(?:[0-9]{{12}}\.dkr[.-]ecr\.[^/]+|[^/]*{HOLE}[^/]*)/(?P<repository>[a-z0-9][a-z0-9._/-]*)(?::(?P<tag>[\w][\w.-]*|{HOLE}))?")
_CDK = re.compile(r"cdk-[a-z0-9]+-container-assets-.*")


@dataclass(frozen=True)
class WantedImage:
    """An image that a stack runs: its repository and tag, and the stack that creates the repository, or None."""

    repository: str
    tag: str
    user: Path
    creator: Path | None


def with_images(draft: Draft, templates: Mapping[Path, Template], folders: Sequence[Path]) -> tuple[Draft, tuple[str, ...]]:
    """Returns a draft with its image steps, and the repositories that the account has to have."""
    draft = _with_parameters(draft, templates, folders)
    images_used = [image for image in _wanted(draft, templates) if not _CDK.fullmatch(image.repository)]
    steps: list[DraftStack | DraftImage] = list(draft.steps)
    images, missing = dict(draft.images), []
    for image in dict.fromkeys(images_used):
        folder = _folder_of(image.repository.replace("{prefix}", draft.name), folders)
        if folder is None or image.creator == image.user:
            images[image.repository] = PUBLIC
        else:
            step = DraftImage(f"{image.repository}:{image.tag}", folder, f"the Dockerfile in {folder.name or '.'}")
            _insert(steps, step, image)
            missing += [image.repository] if image.creator is None else []
    return replace(draft, steps=tuple(steps), images=images), tuple(dict.fromkeys(missing))


def _insert(steps: list[DraftStack | DraftImage], step: DraftImage, image: WantedImage) -> None:
    """Put an image after the stack that creates its repository, else before the one that runs it."""
    if any(isinstance(other, DraftImage) and other.name == step.name for other in steps):
        return
    paths = [other.template if isinstance(other, DraftStack) else None for other in steps]
    steps.insert(paths.index(image.creator) + 1 if image.creator is not None else paths.index(image.user), step)


def _with_parameters(draft: Draft, templates: Mapping[Path, Template], folders: Sequence[Path]) -> Draft:
    """Returns a draft whose parameters for whole images name one that can run."""
    names = {n for known in templates.values() for resource in known.resources.values() for n in _parameters_of_images(resource)}
    steps = []
    for stack in draft.stacks:
        values = {n: _image_value(n, folders) if n in names else value for n, value in stack.values.items()}
        steps.append(replace(stack, values=values))
    return replace(draft, steps=tuple(steps))


def _parameters_of_images(resource: Mapping[str, object]) -> Iterator[str]:
    containers = resolved_stacks.properties(resource).get("ContainerDefinitions") if resource.get("Type") == DEFINITION else None
    for container in containers if isinstance(containers, list) else ():
        image = container.get("Image") if isinstance(container, dict) else None
        name = references.referenced(image)
        if name is not None:
            yield name


def _image_value(name: str, folders: Sequence[Path]) -> DraftValue:
    folder = _folder_of(name, folders)
    if folder is None:
        return DraftValue(PUBLIC, "an image that runs; put yours in its place")
    return DraftValue(f"{{account}}.dkr.ecr.{{region}}.amazonaws.com/{repository_name(folder)}:{{run}}", f"built from {folder.name or '.'}")


def repository_name(folder: Path) -> str:
    """Returns the name of a repository for the image of a folder."""
    return re.sub(r"[^a-z0-9]+", "-", folder.name.lower()).strip("-") or "app"


def _folder_of(name: str, folders: Sequence[Path]) -> Path | None:
    """Returns the folder whose name is nearest to that of a repository, or the only one there is."""
    by_name = {part: folder for folder in folders for part in (*folder.parts[-2:-1], folder.name) if part.lower() not in {"docker", "src", "build"}}
    close = difflib.get_close_matches(name.rpartition("/")[2].lower(), [part.lower() for part in by_name], 1)
    near = [folder for part, folder in by_name.items() if part.lower() in [*close, name.rpartition("-")[2].lower()]]
    return near[0] if near else folders[0] if len(folders) == 1 else None


def _wanted(draft: Draft, templates: Mapping[Path, Template]) -> Iterator[WantedImage]:
    every = stacks.resolved(draft, templates)
    texts = Texts(every)
    creators = {texts.of(d, p.get("RepositoryName")): d for d in every.deployed for _, p in d.of_type(REPOSITORY)}
    for document in every.deployed:
        for _, definition in document.of_type(DEFINITION):
            for text in texts.images(document, definition):
                image = _ECR.fullmatch(text)
                if image is not None:
                    yield _image(document, image["repository"], image["tag"], creators.get(image["repository"]))


def _image(document: ResolvedTemplate, repository: str, tag: str | None, creator: ResolvedTemplate | None) -> WantedImage:
    """Returns an image with the names of this run as placeholders again."""
    tag = "{run}" if tag in {HOLE, stacks.RUN} else tag or "latest"
    return WantedImage(repository.replace(stacks.PREFIX, "{prefix}"), tag, document.root.path, creator.root.path if creator is not None else None)
