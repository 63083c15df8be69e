"""What a plan says of updates: the git revision of what runs today, and the requests that are sent meanwhile."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import Any

from preflight.errors import UsageError
from preflight.plan.traffic_settings import MAX_CLIENTS, MAX_HOLD, MAX_RATE, TrafficSettings
from preflight.system import git, spelling
from preflight.templates.template import Template

_KEYS = ("from", "traffic")
_TRAFFIC = tuple(item.name for item in fields(TrafficSettings))
_NUMBERS = {"rate": (0.1, MAX_RATE), "clients": (1, MAX_CLIENTS), "hold": (0.1, MAX_HOLD)}


@dataclass(frozen=True)
class UpdateSettings:
    """What runs today (None: the caller says it), and the traffic during the update (None: none)."""

    origin: str | None = None
    traffic: TrafficSettings | None = field(default_factory=TrafficSettings)


def read(known: Template) -> UpdateSettings:
    """Returns what a plan says of updates.

    Raises:
        UsageError: with file and line, what is wrong.
    """
    update = known.data.get("update", {})
    _check_keys(known, update, _KEYS, "update")
    origin = update.get("from")
    if origin is not None and not (isinstance(origin, str) and git.is_revision(origin)):
        msg = f"from: expected a git revision such as origin/main, found {origin!r}; only the option --from takes a folder"
        raise _fail(known, msg, "update", "from")
    return UpdateSettings(origin, _traffic(known, update.get("traffic", {})))


def _traffic(known: Template, traffic: Any) -> TrafficSettings | None:
    where = ("update", "traffic")
    if traffic is False or traffic == "off":
        return None
    _check_keys(known, traffic, _TRAFFIC, *where)
    for key, value in traffic.items():
        least, most = _NUMBERS.get(key, (0, 0))
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if key in _NUMBERS and not (is_number and least <= value <= most and (key != "clients" or isinstance(value, int))):
            raise _fail(known, f"{key}: expected a number from {least:g} to {most:g}, found {value!r}", *where, key)
    if not isinstance(traffic.get("keepalive", True), bool):
        raise _fail(known, f"keepalive: expected true or false, found {traffic['keepalive']!r}", *where, "keepalive")
    if not str(traffic.get("path", "/")).startswith("/"):
        raise _fail(known, "path: expected one that begins with a slash", *where, "path")
    return replace(TrafficSettings(), **traffic)


def _check_keys(known: Template, found: Any, keys: tuple[str, ...], *where: str) -> None:
    if not isinstance(found, dict):
        raise _fail(known, f"{where[-1]}: expected a map with {', '.join(keys)}", *where)
    for key in found:
        if key not in keys:
            hint = spelling.nearest(str(key), keys)
            raise _fail(known, f"{where[-1]}: unknown key {key!r}{hint} Expected: {', '.join(keys)}", *where, key)


def _fail(known: Template, what: str, *where: str) -> UsageError:
    return UsageError(f"{known.name}:{known.line(*where)}: {what}")
