"""Removes what runs left behind whose process is gone."""

from __future__ import annotations

import contextlib

from preflight.container_engine import build_group, engine_secrets, image_store, scratch, standins, unfinished_builds
from preflight.container_engine import engine as engines
from preflight.container_engine.engine import Engine
from preflight.errors import ToolMissingError
from preflight.model import Say
from preflight.system import processes, run_folders


def sweep_machine(say: Say, *, is_dry: bool = False, has_images: bool = False) -> int:
    """Remove containers, images and folders of runs that died; return how many things that were.

    With `has_images` the stand-in images go as well.

    Raises:
        ToolBrokeError: the engine could not remove something.
        UsageError: there is no cache folder for the lock of a sweep.
    """
    # Two at once would both remove a run, and the one would stop the commands with which the other does.
    with contextlib.nullcontext() if is_dry else run_folders.turn("sweep"):
        return _sweep(say, is_dry=is_dry, has_images=has_images)


def _sweep(say: Say, *, is_dry: bool, has_images: bool) -> int:
    count = 0
    try:
        engine: Engine | None = engines.find()
    except ToolMissingError:
        engine = None
    if engine is not None:  # first: with a corrupt image podman lists none of the others
        count += image_store.repair(engine, say, is_dry=is_dry)
    left = dict(run_folders.left_over())
    runs = sorted({*left, *(_orphans(engine) if engine else ())})
    for run in runs:
        say(f"{'would remove' if is_dry else 'removing'} run {run}")
        count += 1
        if not is_dry:
            _remove(engine, run)
    if engine is not None and not is_dry:
        unfinished = unfinished_builds.remove(engine)
        count += unfinished
        if unfinished:
            say(f"removed {unfinished} containers of builds that were killed")
    if not is_dry:
        count += scratch.remove_unfinished()
    if has_images and engine is not None and not is_dry:
        for image in standins.remove(engine):
            say(f"removed {image}")
            count += 1
    return count


def _orphans(engine: Engine) -> list[str]:
    """Runs that have containers whose owner, a process of this machine, is gone."""
    field = '{{index .Labels "%s"}}' if engine.program == "podman" else '{{.Label "%s"}}'
    template = f"{field % engines.RUN_LABEL} {field % engines.OWNER_LABEL}"
    listed = engine.must("ps", "--all", "--filter", f"label={engines.OWNER_LABEL}", "--format", template)
    return [run for run, owner in map(str.split, listed.splitlines()) if not run_folders.is_owner_alive(owner)]


def _remove(engine: Engine | None, run: str) -> None:
    processes.kill_all(f"{engines.RUN_LABEL}={run}")  # a build or a start that outlived its run would go on making things
    build_group.remove(run)
    if engine is not None:
        engines.remove_run(engine, run)
        engine_secrets.remove(engine, run)
    run_folders.remove(run_folders.runs() / run)
