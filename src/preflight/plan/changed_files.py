"""What a change of files concerns: templates with those that nest them, and plans."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

from preflight.errors import PreflightError, UsageError
from preflight.plan import cdk_assets, plan, reader, resolved_stacks
from preflight.plan.draft import discovery
from preflight.plan.plan import ImageStep, Plan
from preflight.system import confinement
from preflight.templates import template
from preflight.templates.template import UnreadableError

# What a file that cannot be read has to begin a line with to be taken for a template all the same: Helm's are no YAML either.
_FORMAT = re.compile(rb"""(?m)^(?:[ \t{]*")?AWSTemplateFormatVersion"?[ \t]*:""")
_RESOURCES = re.compile(rb"""(?m)^(?:[ \t{]*")?Resources"?[ \t]*:""")
_TYPE = re.compile(rb"""\bType["']?[ \t]*:[ \t]*["']?(?:AWS|Custom)::""")


def templates(changed: Iterable[Path], root: Path) -> list[Path]:
    """Returns the changed CloudFormation templates, those below `root` that nest them, and what all of these nest."""
    own = {path.resolve(): path for path in changed if is_template(path)}
    if not own:
        return []
    nested = resolved_stacks.nested_templates(_known(own, root))
    family = set(own)
    parents: dict[Path, set[Path]] = {}
    for parent, child in ((parent, child) for parent, children in nested.items() for child in children):
        parents.setdefault(child, set()).add(parent)
    _grow(family, parents)
    _grow(family, nested)
    return [*own.values(), *sorted(family - set(own))]


def _known(own: Iterable[Path], root: Path) -> Mapping[Path, template.Template]:
    """Returns the templates of the repository; of one with very many files, those beside the changed ones."""
    try:
        paths = list(discovery.files(root))
    except UsageError:
        paths = [file for folder in sorted({path.parent for path in own}) for file in sorted(folder.iterdir()) if file.is_file()]
    return discovery.templates(paths, root, lambda _note: None)


def _grow(family: set[Path], further: Mapping[Path, Collection[Path]]) -> None:
    """Add to a set of files whatever others lead to, step by step."""
    new = list(family)
    while new:
        new = [path for file in new for path in further.get(file, ()) if path not in family]
        family.update(new)


def is_template(path: Path) -> bool:
    """Whether a file is a CloudFormation template, or one that its author has to correct to be readable."""
    if path.suffix not in plan.ENDINGS or path.name == plan.FILE or not path.is_file() or not plan.may_be_template(path):
        return False
    try:
        return template.load(path).is_cloudformation
    except UnreadableError:
        text = path.read_bytes()[: template.MAX_BYTES]
        return _FORMAT.search(text) is not None or bool(_RESOURCES.search(text) and _TYPE.search(text))


def plans(changed: Sequence[Path], root: Path) -> list[Path]:
    """Returns the plans below `root`, of any name, that use one of the changed files.

    They use their templates, with the assets that CDK wrote beside them, parameter files, rules, what images and
    stand-ins are built of, and their baselines.

    Raises:
        UsageError: a plan leads outside the repository, or is not a plain file.
    """
    files = {path.resolve() for path in changed}
    paths = _plans_below(root, files) if files else []
    for path in paths:
        plan.check(path)
    return [path for path in paths if _concerns(path, files)]


def _plans_below(root: Path, files: Collection[Path]) -> list[Path]:
    """Returns the plans of the repository; of one with very many files, those above the changed ones."""
    try:
        return [path for path in discovery.files(root) if _is_plan(path, root)]
    except UsageError:
        folders = {folder for file in files for folder in file.parents if folder.is_relative_to(root)}
        return sorted(path for path in (folder / plan.FILE for folder in folders) if path.is_file())


def _is_plan(path: Path, root: Path) -> bool:
    """Whether a file is a plan by its name, or by its first words if it may be read."""
    is_candidate = path.suffix in {".yaml", ".yml"} and confinement.problem(path, root) is None
    return path.name == plan.FILE or (is_candidate and plan.is_plan(path))


def _concerns(path: Path, files: Collection[Path]) -> bool:
    try:
        read = reader.load(path)
    except PreflightError:
        return any(file.is_relative_to(path.parent.resolve()) for file in files)  # the check says what is wrong
    parameters = (step.parameter_file for step in read.stacks)
    own = {path.resolve() for path in (read.path, read.baseline, *parameters, *read.template_files()) if path is not None}
    return bool(own & set(files)) or any(file.is_relative_to(folder) for folder in _folders(read) for file in files)


def _folders(read: Plan) -> list[Path]:
    builds = (step.build for step in read.steps if isinstance(step, ImageStep))
    assemblies = (step.template.parent for step in read.stacks if cdk_assets.has_manifest(step.template))
    return [folder.resolve() for folder in (*builds, *assemblies, *read.rules, *read.standins.values())]
