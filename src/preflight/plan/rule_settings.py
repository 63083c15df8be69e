"""What a plan says of the rules: which are on, in which tier, and where one is waived.

Read here and not in `plan`, because only the comply stage uses it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from preflight import model
from preflight.errors import UsageError
from preflight.system import spelling
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


def read(known: Template) -> RuleSettings:
    """The policy in a plan.

    Raises:
        UsageError: with file and line, what is wrong.
    """
    return RuleSettings(known.name, tuple(_waivers(known)), tuple(_switches(known)))


def _fail(known: Template, what: str, *where: str | int) -> UsageError:
    return UsageError(f"{known.name}:{known.line(*where)}: {what}")


def _switches(known: Template) -> Iterator[RuleSwitch]:
    given = known.data.get("checks")
    if given is not None and not isinstance(given, dict):
        raise _fail(known, f"checks: expected a map from rule to {EXPECTED}", "checks")
    for rule, to in (given or {}).items():
        if not isinstance(to, str | bool) or to not in _SWITCHES:
            raise _fail(known, f"checks: {rule}: expected {EXPECTED}, found {to!r}", "checks", rule)
        yield RuleSwitch(rule, _SWITCHES[to], known.line("checks", rule))


def _waivers(known: Template) -> Iterator[PlanWaiver]:
    given = known.data.get("waivers")
    if given is not None and not isinstance(given, list):
        raise _fail(known, f"waivers: expected a list of maps with {', '.join(_WAIVER)}", "waivers")
    for number, entry in enumerate(given or []):
        yield _waiver(known, number, entry)


def _waiver(known: Template, number: int, entry: Any) -> PlanWaiver:
    where = ("waivers", number)
    if not isinstance(entry, dict):
        raise _fail(known, f"waivers: expected a map with {', '.join(_WAIVER)}", *where)
    for key, value in entry.items():
        if key not in _WAIVER:
            hint = spelling.nearest(key, _WAIVER)
            raise _fail(known, f"waivers: unknown key {key!r}{hint} Expected: {', '.join(_WAIVER)}", *where, key)
        if not isinstance(value, str):
            raise _fail(known, f"waivers: {key}: expected text, found {value!r}", *where, key)
    for key in ("rule", "resource"):
        if not entry.get(key):
            raise _fail(known, f"waivers: {key} is missing", *where)
    until = entry.get("until")
    if until is not None and not is_date(until):
        raise _fail(known, f"waivers: until: expected a date such as 2027-01-31, found {until!r}", *where, "until")
    line = known.line(*where)
    return PlanWaiver(entry["rule"], entry["resource"], entry.get("reason", ""), until, entry.get("file"), line)


def is_date(text: Any) -> bool:
    """Whether a text is an ISO date with dashes."""
    try:
        return bool(dt.date.fromisoformat(text).isoformat() == text)
    except (TypeError, ValueError):
        return False
