"""Merges the reports of several plans into one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from preflight import model
from preflight.model import BaselineUse, DescribedRule, Outcome, Report, StageResult, Update

_WORST = (Outcome.ERROR, Outcome.FAIL, Outcome.PASS, Outcome.SKIPPED)


def merged(reports: Sequence[Report], rules: Mapping[str, DescribedRule], *, stages: Sequence[str]) -> Report:
    """Returns one report of all, with its stages in an order, others last.

    A stage has the worst outcome that it has in any report, and the findings of every plan once.
    """
    names = _once((*stages, *(stage.name for report in reports for stage in report.stages)))
    first, checks = reports[0], {finding.check for report in reports for finding in report.findings}
    plans = _once(report.plan for report in reports if report.plan is not None)
    return replace(
        first,
        stages=tuple(model.without_repeats([_stage(name, reports) for name in names if any(_results(name, reports))])),
        ledger=_all(report.ledger for report in reports),
        deployment=model.combined_deployment([report.deployment for report in reports]),
        versions={name: version for report in reports for name, version in report.versions.items()},
        notes=_once(note for report in reports for note in report.notes),
        rules_off=_once(rule for report in reports for rule in report.rules_off),
        rules_replaced=_once(rule for report in reports for rule in report.rules_replaced),
        baseline=_baseline([report.baseline for report in reports if report.baseline is not None]),
        rules={check: rule for check, rule in rules.items() if check in checks},
        plan=plans[0] if len(plans) == 1 else None,
        started=min((report.started for report in reports if report.started is not None), default=None),
        update=_update([report.update for report in reports if report.update is not None]),
    )


def _results(name: str, reports: Sequence[Report]) -> Iterator[tuple[Report, StageResult]]:
    return ((report, stage) for report in reports for stage in report.stages if stage.name == name)


def _stage(name: str, reports: Sequence[Report]) -> StageResult:
    results = list(_results(name, reports))
    reasons = _once(f"{report.plan}: {stage.reason}" if report.plan else stage.reason for report, stage in results if stage.reason)
    return StageResult(
        name,
        min((stage.outcome for _, stage in results), key=_WORST.index),
        sum(stage.seconds for _, stage in results),
        "; ".join(reasons) or None,
        _all(stage.findings for _, stage in results),
        _once(waiver for _, stage in results for waiver in stage.waived),
    )


def _baseline(uses: Sequence[BaselineUse]) -> BaselineUse | None:
    if not uses:
        return None
    return BaselineUse(", ".join(_once(use.file for use in uses)), _all(use.hidden for use in uses), _all(use.gone for use in uses))


def _update(updates: Sequence[Update]) -> Update | None:
    if not updates:
        return None
    origins, commits = _once(update.origin for update in updates), _once(update.commit for update in updates)
    commit = commits[0] if len(commits) == 1 else None
    return Update(", ".join(origins), commit, _all(update.changes for update in updates), _all(update.traffic for update in updates))


def _all(parts: Iterable[Sequence[Any]]) -> tuple[Any, ...]:
    return tuple(item for part in parts for item in part)


def _once(items: Iterable[Any]) -> tuple[Any, ...]:
    return tuple(dict.fromkeys(items))
