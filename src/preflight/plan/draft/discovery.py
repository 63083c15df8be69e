"""The files below a folder from which a plan is drafted: CloudFormation templates, Dockerfiles, and the output of CDK."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from preflight.errors import UsageError
from preflight.plan import plan
from preflight.system import confinement
from preflight.templates import template
from preflight.templates.template import Template, UnreadableError

MANIFEST, CDK_OUT = "manifest.json", "cdk.out"
MOST_FILES = 20_000
_SKIPPED = frozenset({"node_modules", "venv", "site-packages", "__pycache__", "vendor"})
Note = Callable[[str], None]


@dataclass(frozen=True)
class CdkStack:
    """A stack of a cloud assembly; `region` is None if the app leaves it open."""

    name: str
    template: Path
    region: str | None


def files(folder: Path) -> Iterator[Path]:
    """Yields the files below a folder, in order; hidden folders, installed packages and cloud assemblies are left out."""
    count = 0
    for here, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name not in _SKIPPED and not (name == CDK_OUT and is_assembly(Path(here, name))))
        for name in sorted(names):
            count += 1
            if count > MOST_FILES:
                msg = f"{folder}: there are more than {MOST_FILES} files. Next: name the folder of the templates"
                raise UsageError(msg)
            yield Path(here, name)


def is_assembly(folder: Path) -> bool:
    """Whether a folder is a cloud assembly of CDK; without a manifest it only has templates, as test snapshots do."""
    return (folder / MANIFEST).is_file() and (folder / CDK_OUT).is_file()


def templates(files: list[Path], folder: Path, note: Note) -> dict[Path, Template]:
    """Returns the CloudFormation templates among files; `note` is called for each that looks like one and cannot be used."""
    sources = {}
    for path in files:
        if path.suffix in plan.ENDINGS and path.name != plan.FILE and plan.may_be_template(path):
            read = _read(path, folder, note)
            if read is not None and read.is_cloudformation:
                sources[path] = read
    return sources


def _read(path: Path, folder: Path, note: Note) -> Template | None:
    name = path.relative_to(folder).as_posix()
    is_text = name.encode(errors="replace").decode() == name
    problem = confinement.problem(path, confinement.root_of(folder)) if is_text else "its name is not UTF-8"
    if problem is not None:
        note(f"{name} is left out: {problem}")
        return None
    try:
        return template.load(path, name=name)
    except UnreadableError as error:
        note(f"{name}:{error.line or 1} is left out: {error.reason}")
        return None


def dockerfiles(files: list[Path], folder: Path) -> list[Path]:
    """Returns the folders that have a Dockerfile which a plan may name; stand-ins are none."""
    root = confinement.root_of(folder)
    dockerfiles = [path for path in files if path.name == "Dockerfile" and confinement.problem(path, root) is None]
    return [path.parent for path in dockerfiles if not (path.parent / "build").is_file()]


def cdk_stacks(out: Path) -> list[CdkStack]:
    """Returns the stacks of a cloud assembly and of those in it, each after those it depends on.

    Source: https://docs.aws.amazon.com/cdk/v2/guide/deploy.html (the cloud assembly).

    Raises:
        UsageError: a manifest cannot be read, or leads out of its folder.
    """
    return list(_of_assembly(out, {out.resolve()}))


def _of_assembly(out: Path, begun: set[Path]) -> Iterator[CdkStack]:
    """Yields the stacks of an assembly; `begun` are those that are being read, each of which is there once.

    Raises:
        UsageError: a manifest cannot be read, or leads out of its folder.
    """
    problem = confinement.problem(out / MANIFEST, out.resolve())
    if problem is not None:
        msg = f"{out / MANIFEST}: {problem}. Next: run `cdk synth`"
        raise UsageError(msg)
    try:
        artifacts = json.loads((out / MANIFEST).read_text(encoding="utf-8"))["artifacts"]
        stacks = [stack for name in _in_order(artifacts) for stack in _stacks(out, name, artifacts[name], begun)]
    except (ValueError, RecursionError, LookupError, TypeError, AttributeError) as error:
        msg = f"{out / MANIFEST}: it is not a manifest of the CDK: {error!r}. Next: run `cdk synth` again"
        raise UsageError(msg) from None
    yield from stacks


def _in_order(artifacts: dict[str, Any]) -> list[str]:
    """Returns the names of artifacts so that each comes after its dependencies; a circle is left as it is."""
    ordered: dict[str, None] = {}
    begun: set[str] = set()
    path = list(reversed(artifacts))
    while path:
        name = path[-1]
        waits = [other for other in artifacts[name].get("dependencies", ()) if other in artifacts and other not in begun] if name not in begun else []
        begun.add(name)
        path.extend(reversed(waits))
        if not waits:
            ordered[path.pop()] = None
    return list(ordered)


def _stacks(out: Path, name: str, artifact: Any, begun: set[Path]) -> Iterator[CdkStack]:
    properties = artifact.get("properties", {})
    if artifact["type"] == "cdk:cloud-assembly":
        inner = out / properties["directoryName"]
        if inner.resolve() in begun:
            msg = f"{name} is an assembly that was read already"
            raise ValueError(msg)
        begun.add(inner.resolve())
        if confinement.problem(inner, out.resolve(), kind=confinement.Kind.FOLDER) is None:
            yield from _of_assembly(inner, begun)
    elif artifact["type"] == "aws:cloudformation:stack":
        region = artifact.get("environment", "").rpartition("/")[2]
        path = out / properties["templateFile"]
        if confinement.problem(path, out.resolve()) is None:
            yield CdkStack(str(properties.get("stackName", name)), path, region if region != "unknown-region" else None)
