"""Runs the requested stages and returns the report."""

from __future__ import annotations

import contextlib
import datetime as dt

from preflight import __version__, model
from preflight.errors import UsageError
from preflight.model import Report, Say
from preflight.pipeline import inputs, previous_version
from preflight.pipeline.live import LiveStages
from preflight.pipeline.previous_version import FormerPlan
from preflight.pipeline.request import RunRequest, new_run
from preflight.pipeline.static import StaticStages


def run(request: RunRequest, say: Say) -> Report:
    """Run the requested stages in order and return their report.

    Raises:
        UsageError: the request cannot be carried out.
    """
    if not request.templates:
        msg = "there is no template to check. Next: name template files, or folders that hold some"
        raise UsageError(msg)
    started = dt.datetime.now(dt.timezone.utc)
    run_id = new_run()
    with contextlib.ExitStack() as cleanup:
        run_inputs = inputs.read(request, run=run_id, former=_former(request, run_id, cleanup))
        static, live = StaticStages(run_inputs, say), LiveStages(run_inputs, say)
        live.start_target(cleanup)
        stages = static.run()
        stages += live.run(stages)
    use, checks = static.baseline.use, {finding.check for stage in stages for finding in stage.findings}
    return Report(
        target=request.target,
        run=run_inputs.run,
        stages=tuple(map(run_inputs.explained, model.without_repeats(stages))),
        strict=request.strict,
        ledger=live.observations.ledger,
        deployment=live.deployment,
        update=live.update,
        versions={"preflight": __version__, **static.versions, **live.versions},
        notes=(*static.notes, *live.notes, *(use.notes if use is not None else static.advice(stages))),
        rules={check: rule for check, rule in static.rules.items() if check in checks},
        rules_off=static.rules_off,
        rules_replaced=static.rules_replaced,
        baseline=use,
        files={name: path for path, name in run_inputs.names.items()},
        screenshots=live.screenshots,
        plan=run_inputs.names[request.plan.path] if request.plan is not None else None,
        started=started.isoformat(timespec="seconds").replace("+00:00", "Z"),
    )


def _former(request: RunRequest, run_id: str, cleanup: contextlib.ExitStack) -> FormerPlan | None:
    """Returns what runs today, if the request starts from there; its files are there until `cleanup`."""
    if request.update is None or request.plan is None:
        return None
    return cleanup.enter_context(previous_version.opened(request.update, request.plan, run=run_id))
