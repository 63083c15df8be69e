"""The result of the stage `update`: its findings without those that a waiver hides. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from preflight import model
from preflight.aws import update_losses
from preflight.comply import waivers
from preflight.comply.waivers import Waiver
from preflight.model import Finding, StageResult
from preflight.plan.plan import Plan
from preflight.templates.template import Template


def judged(
    findings: Sequence[Finding], templates: Sequence[Template], plan: Plan, *, strict: bool, today: dt.date
) -> StageResult:
    """Returns the result of an update; a waiver in a template or in the plan hides what is lost, with its reason."""
    declared = [*waivers.read_waivers(templates), *waivers.plan_waivers(plan.policy)]
    counting = [waiver for waiver in declared if _counts(waiver, today)]
    left = [finding for finding in findings if not any(waivers.covers(waiver, finding) for waiver in counting)]
    used = [waiver for waiver in counting if any(waivers.covers(waiver, finding) for finding in findings)]
    outcome = model.outcome_of(tuple(left), strict=strict)
    return StageResult("update", outcome, findings=tuple(left), waived=tuple(waiver.as_reported() for waiver in used))


def _counts(waiver: Waiver, today: dt.date) -> bool:
    return waiver.rule in update_losses.CHECKS and waiver.has_reason and not waiver.has_expired(today)
