"""Reads a report that was written as JSON."""

from __future__ import annotations

import collections.abc
import dataclasses
import datetime as dt
import enum
import functools
import json
import math
import types
import typing
from typing import Any

from preflight.errors import UsageError
from preflight.model import (
    BaselineEntry,
    BaselineUse,
    Deployment,
    Finding,
    JsonObject,
    LedgerEntry,
    Report,
    ReportedWaiver,
    Severity,
    StageResult,
    Update,
)
from preflight.model import StackChange as Change
from preflight.report.json import FORMAT

_WAIVING = ("comply", "lint")  # stages that have waivers, the usual one first
_MOST_HIDDEN = 1_000_000  # findings that a baseline hides


def read(text: str | bytes, name: str) -> Report:
    """Returns the report in a text, which is UTF-8 if it comes as bytes; the name is for messages.

    Raises:
        UsageError: it is not such a report.
    """
    try:
        data = json.loads(text if isinstance(text, str) else text.decode())
        if data["format"] != FORMAT:
            raise ValueError(data["format"])  # noqa: TRY301 - as any other form
        return _report(data)
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
        msg = f"{name}: this is not a report of preflight ({FORMAT}). Next: write one with `preflight check --format json`"
        raise UsageError(msg) from None


def _report(data: JsonObject) -> Report:
    return Report(
        target=_value(str, data["target"]),
        run=_value(str, data["run"]),
        stages=_stages(data),
        ledger=_value(tuple[LedgerEntry, ...], data["ledger"]),
        deployment=_deployment(data["deployment"]),
        versions=_value(dict[str, str], data["versions"]),
        notes=_value(tuple[str, ...], data["notes"]),
        rules_off=_value(tuple[str, ...], data.get("rules", {}).get("off", [])),
        rules_replaced=_value(tuple[str, ...], data.get("rules", {}).get("replaced", [])),
        baseline=_baseline(data["baseline"]) if "baseline" in data else None,
        plan=_value(typing.Optional[str], data["plan"]),  # noqa: UP045 - Python 3.10 and a value
        started=_value(typing.Optional[str], data["started"]),  # noqa: UP045 - as above
        update=_update(data["update"]) if "update" in data else None,
    )


def _stages(data: JsonObject) -> tuple[StageResult, ...]:
    """Returns the stages with their findings; waivers do not say their stage, and go to the first that has any."""
    findings, waived = _value(tuple[Finding, ...], data["findings"]), _value(tuple[ReportedWaiver, ...], data["waived"])
    names = [stage["name"] for stage in data["stages"]]
    waiving = next((name for name in _WAIVING if name in names), names[0] if names else None)
    return tuple(
        dataclasses.replace(
            _value(StageResult, stage),
            findings=tuple(finding for finding in findings if finding.stage == stage["name"]),
            waived=waived if stage["name"] == waiving else (),
        )
        for stage in data["stages"]
    )


def _deployment(data: JsonObject) -> Deployment:
    """Returns what was deployed, after checking that its times are some."""
    deployment: Deployment = _value(Deployment, data)
    for region in deployment.regions:
        times = [*(time for task in region.tasks for time in task.times.values()), *(message.time for service in region.services for message in service.messages)]
        for time in times:
            _check_time(time)
    for event in deployment.events:
        _check_time(event.time)
    return deployment


def _check_time(text: str) -> None:
    dt.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def _baseline(data: JsonObject) -> BaselineUse:
    """Returns the use of a baseline; of the findings that it hides a report has the number only."""
    number = _value(int, data["hidden"])
    if number > _MOST_HIDDEN:
        raise ValueError(number)
    hidden = (Finding("comply", "Hidden", Severity.INFO, "hidden by the baseline"),) * number
    return BaselineUse(_value(str, data["file"]), hidden, _value(tuple[BaselineEntry, ...], data["gone"]))


def _update(data: JsonObject) -> Update:
    return Update(
        origin=_value(str, data["from"]),
        commit=_value(typing.Optional[str], data["commit"]),  # noqa: UP045 - as above
        changes=_value(tuple[Change, ...], data["changes"]),
        traffic=tuple(map(_traffic, data["traffic"])),
    )


def _traffic(row: JsonObject) -> JsonObject:
    return {**row, "target": _value(str, row["target"]), "sent": _value(int, row["sent"]), "failed": _value(int, row["failed"])}


def _value(kind: Any, data: Any) -> Any:
    """Returns data of JSON as a value of a type: a record, a collection of some, or what JSON has itself.

    Raises:
        TypeError, ValueError, KeyError, OverflowError: it has another form.
    """
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if dataclasses.is_dataclass(kind):
        hints = _hints(kind)  # type: ignore[arg-type] # a class
        return kind(**{name: _value(hints[name], item) for name, item in data.items()})  # type: ignore[operator] # a class
    if origin is tuple:
        return tuple(_value(inner[0], item) for item in data)
    if origin in {dict, collections.abc.Mapping}:
        return {name: _value(inner[1], item) for name, item in data.items()}
    if origin in {typing.Union, types.UnionType}:
        return None if data is None else _value(inner[0], data)
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return kind(data)
    return _plain(kind, data)


def _plain(kind: Any, data: Any) -> Any:
    """Returns a text or a number of JSON, of which NaN and the infinite ones are none."""
    is_number = kind is float and isinstance(data, int | float) and math.isfinite(data)
    if kind is not Any and not (is_number or (kind is not float and isinstance(data, kind))):
        raise TypeError(data)
    return float(data) if is_number else data


@functools.cache
def _hints(kind: Any) -> dict[str, Any]:
    return typing.get_type_hints(kind)
