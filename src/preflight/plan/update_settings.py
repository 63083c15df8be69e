"""What a plan says of updates: the git revision of what runs today, and the requests that are sent meanwhile."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, fields, replace
from typing import Any

from preflight.plan.mistakes import PlanMistakes
from preflight.plan.traffic_settings import MAX_CLIENTS, MAX_HOLD, MAX_RATE, TrafficSettings
from preflight.system import git
from preflight.templates.template import Template

_KEYS = ("from", "traffic")
_TRAFFIC = tuple(item.name for item in fields(TrafficSettings))
_NUMBERS = {"rate": (0.1, MAX_RATE), "clients": (1, MAX_CLIENTS), "hold": (0.1, MAX_HOLD)}


@dataclass(frozen=True)
class UpdateSettings:
    """What runs today (None: the caller says it), and the traffic during the update (None: none)."""

    origin: str | None = None
    traffic: TrafficSettings | None = field(default_factory=TrafficSettings)
    asks_for_traffic: bool = False  # by a key of its own: then there has to be something to ask


def collect(source: Template, mistakes: PlanMistakes) -> UpdateSettings:
    """Returns what a plan says of updates, without what is added to the mistakes."""
    update = source.data.get("update", {})
    if not _has_keys(mistakes, update, _KEYS, "update"):
        return UpdateSettings()
    origin = update.get("from")
    if origin is not None and not (isinstance(origin, str) and git.is_revision(origin)):
        msg = f"from: expected a git revision such as origin/main, found {origin!r}; only the option --from takes a folder"
        mistakes.note(msg, "update", "from")
    return UpdateSettings(origin, _traffic(mistakes, update.get("traffic", {})), "traffic" in update)


def _traffic(mistakes: PlanMistakes, traffic: Any) -> TrafficSettings | None:
    where = ("update", "traffic")
    if traffic is False or traffic == "off" or not _has_keys(mistakes, traffic, _TRAFFIC, *where):
        return None
    for key, value in traffic.items():
        least, most = _NUMBERS.get(key, (0, 0))
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if key in _NUMBERS and not (is_number and least <= value <= most and (key != "clients" or isinstance(value, int))):
            mistakes.note(f"{key}: expected a number from {least:g} to {most:g}, found {value!r}", *where, key)
    if not isinstance(traffic.get("keepalive", True), bool):
        mistakes.note(f"keepalive: expected true or false, found {traffic['keepalive']!r}", *where, "keepalive")
    if not re.fullmatch("/[!-~]*", str(traffic.get("path", "/"))):
        mistakes.note("path: expected one that begins with a slash, of ASCII characters without spaces", *where, "path")
    return replace(TrafficSettings(), **{key: value for key, value in traffic.items() if key in _TRAFFIC})


def _has_keys(mistakes: PlanMistakes, value: Any, keys: tuple[str, ...], *where: str) -> bool:
    """Returns whether a part is a map, and adds its unknown keys to the mistakes."""
    if not isinstance(value, dict):
        mistakes.note(f"{where[-1]}: expected a map with {', '.join(keys)}", *where)
        return False
    for key in value:
        if key not in keys:
            mistakes.note_unknown("key", key, keys, *where, key, of=f"{where[-1]}: ")
    return True
