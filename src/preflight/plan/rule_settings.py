"""What a plan says of the rules: which are on, in which tier, and where one is waived.

Read here and not in `plan`, because only the comply stage uses it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from preflight import model
from preflight.plan.mistakes import PlanMistakes
from preflight.templates.template import Template

_WAIVER = ("rule", "resource", "reason", "until", "file")
_SWITCHES = {True: "on", False: "off", "on": "on", "off": "off"} | {tier: tier for tier in model.TIERS}
EXPECTED = ", ".join(("on", "off", *model.TIERS))


@dataclass(frozen=True)
class PlanWaiver:
    """A rule that the plan waives for one resource; `until` is an ISO date, the last day it counts."""

    rule: str
    resource: str
    reason: str
    until: str | None
    file: str | None
    line: int


@dataclass(frozen=True)
class RuleSwitch:
    """A rule that the plan switches: `on`, `off`, or into a tier."""

    rule: str
    to: str
    line: int


@dataclass(frozen=True)
class RuleSettings:
    """A plan's keys `waivers` and `checks`; `name` is what messages call the plan."""

    name: str = ""
    waivers: tuple[PlanWaiver, ...] = ()
    switches: tuple[RuleSwitch, ...] = ()


def read(source: Template) -> RuleSettings:
    """Returns the policy in a plan.

    Raises:
        MistakesError: with file and line, what is wrong.
    """
    mistakes = PlanMistakes(source)
    settings = collect(source, mistakes)
    mistakes.report()
    return settings


def collect(source: Template, mistakes: PlanMistakes) -> RuleSettings:
    """Returns the policy in a plan, without what is added to the mistakes."""
    return RuleSettings(source.name, tuple(_waivers(source, mistakes)), tuple(_switches(source, mistakes)))


def _switches(source: Template, mistakes: PlanMistakes) -> Iterator[RuleSwitch]:
    switches = source.data.get("checks") or {}
    if not isinstance(switches, dict):
        mistakes.note(f"checks: expected a map from rule to {EXPECTED}", "checks")
        return
    for rule, to in switches.items():
        if isinstance(to, str | bool) and to in _SWITCHES:
            yield RuleSwitch(rule, _SWITCHES[to], source.line("checks", rule))
        else:
            mistakes.note(f"checks: {rule}: expected {EXPECTED}, found {to!r}", "checks", rule)


def _waivers(source: Template, mistakes: PlanMistakes) -> Iterator[PlanWaiver]:
    entries = source.data.get("waivers") or []
    if not isinstance(entries, list):
        mistakes.note(f"waivers: expected a list of maps with {', '.join(_WAIVER)}", "waivers")
        return
    for number, entry in enumerate(entries):
        if isinstance(entry, dict):
            yield from _waiver(source, number, entry, mistakes)
        else:
            mistakes.note(f"waivers: expected a map with {', '.join(_WAIVER)}", "waivers", number)


def _waiver(source: Template, number: int, entry: Mapping[str, Any], mistakes: PlanMistakes) -> Iterator[PlanWaiver]:
    """Yields the waiver, or nothing if it has no rule or no resource."""
    where = ("waivers", number)
    for key, value in entry.items():
        if key not in _WAIVER:
            mistakes.note_unknown("key", key, _WAIVER, *where, key)
        elif not isinstance(value, str):
            mistakes.note(f"waivers: {key}: expected text, found {value!r}", *where, key)
    for key in ("rule", "resource"):
        if key not in entry or entry[key] == "":
            mistakes.note(f"waivers: {key} is missing", *where)
    until = entry.get("until")
    if isinstance(until, str) and not is_date(until):
        mistakes.note(f"waivers: until: expected a date such as 2027-01-31, found {until!r}", *where, "until")
    if all(isinstance(entry.get(key), str) for key in ("rule", "resource")):
        yield PlanWaiver(entry["rule"], entry["resource"], str(entry.get("reason", "")), until, entry.get("file"), source.line(*where))


def is_date(text: Any) -> bool:
    """Whether a text is an ISO date with dashes."""
    try:
        return bool(dt.date.fromisoformat(text).isoformat() == text)
    except (TypeError, ValueError):
        return False
