"""What runs today, which an update starts from: the plan of a git revision, or of a folder."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from preflight.errors import UsageError
from preflight.pipeline.request import UpdateRequest
from preflight.plan import reader
from preflight.plan.plan import ImageStep, Plan
from preflight.system import confinement, run_folders
from preflight.system.git import Repository

IN_FOLDER = (os.sep, f".{os.sep}", f"..{os.sep}")


@dataclass(frozen=True)
class FormerPlan:
    """The plan of what runs today; `name` is its revision or folder, and `names` are those of its files in reports."""

    plan: Plan
    name: str
    commit: str | None
    names: Mapping[Path, str]
    notes: tuple[str, ...] = ()


@contextlib.contextmanager
def opened(request: UpdateRequest, plan: Plan, *, run: str) -> Iterator[FormerPlan]:
    """Yields the plan of what runs today; the files of a revision are there until the block ends.

    Raises:
        UsageError: there is no such revision or folder, or its plan cannot be used.
    """
    if _is_folder(request.origin):
        yield _read(request, _plan_in(Path(request.origin), plan), plan, root=Path(request.origin).absolute())
        return
    root = confinement.root_of(plan.folder)
    repository = Repository(root)
    commit = repository.commit(request.origin)
    folder = run_folders.new_run(f"{run}-from")
    try:
        files = folder / "files"
        (files / ".git").mkdir(parents=True)  # marks where the checkout begins
        left_out = repository.write(commit, files)
        former = _read(request, files / plan.path.resolve().relative_to(root), plan, root=files)
        yield replace(former, commit=commit, notes=(*former.notes, *(_left_out(request.origin, path) for path in left_out)))
    finally:
        run_folders.remove(folder)


def _is_folder(origin: str) -> bool:
    """Whether an origin is a folder: a revision never begins so, and a folder of a pull request never passes for a revision."""
    return origin in {".", ".."} or origin.startswith(IN_FOLDER)


def _plan_in(folder: Path, plan: Plan) -> Path:
    if not folder.is_dir():
        msg = f"--from {folder}: there is no such folder"
        raise UsageError(msg)
    return folder.resolve() / plan.path.name


def _read(request: UpdateRequest, path: Path, plan: Plan, *, root: Path) -> FormerPlan:
    """Returns the plan in a file; if what runs today has none, the plan of today's files is the one of the working tree."""
    notes: tuple[str, ...] = ()
    if not os.path.lexists(path) and not _is_folder(request.origin):
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(plan.path, path)
        notes = (f"{request.origin} has no {path.name}: its files are deployed by the plan of the working tree",)
    try:
        former = request.admit(reader.load(path))
    except UsageError as error:
        msg = f"what runs today cannot be read: {request.origin}: {error}"
        raise UsageError(msg.replace(f"{root}{os.sep}", "")) from None
    if former.region != plan.region:
        msg = f"{request.origin} deploys in {former.region}, and the working tree in {plan.region}: no stack moves between regions. Next: name a revision of the same region"
        raise UsageError(msg)
    paths = [former.path, *former.template_files(), *(step.build for step in former.steps if isinstance(step, ImageStep))]
    names = {path: f"{request.origin}:{path.relative_to(root) if path.is_relative_to(root) else path}" for path in paths}
    return FormerPlan(former, request.origin, None, names, notes)


def _left_out(origin: str, path: str) -> str:
    return f"{origin}: {path} is left out: it is a submodule, or a link that leads out of the repository"
