"""Schedule expressions of Application Auto Scaling, EventBridge rules and EventBridge Scheduler.

Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html,
https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html and
https://docs.aws.amazon.com/autoscaling/application/userguide/scheduled-scaling-using-cron-expressions.html.
"""

from __future__ import annotations

import functools
import re
import zoneinfo
from dataclasses import dataclass
from datetime import datetime

_AT = re.compile(r"at\((\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})\)")
_RATE = re.compile(r"rate\(\s*(\d+)\s+(minutes?|hours?|days?)\s*\)")
_CRON = re.compile(r"cron\((.*)\)", re.DOTALL)
_MONTHS = frozenset({"JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"})
_DAYS = frozenset({"SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"})


@dataclass(frozen=True)
class _Field:
    """One field of a cron expression: its range, the names of values, and what only this field takes."""

    low: int
    high: int
    names: frozenset[str] = frozenset()
    only_here: re.Pattern[str] | None = None

    def fits(self, text: str) -> bool:
        return all(self._item_fits(item.upper()) for item in text.split(","))

    def _item_fits(self, item: str) -> bool:
        if self.only_here is not None and self.only_here.fullmatch(item):
            return True
        base, slash, step = item.partition("/")
        if slash and (not step.isdecimal() or not step.strip("0")):
            return False
        return base == "*" or (bool(slash) and not base) or all(map(self._value_fits, base.split("-", 1)))

    def _value_fits(self, text: str) -> bool:
        return text in self.names or (text.isdecimal() and len(text) < 10 and self.low <= int(text) <= self.high)


_FIELDS = (
    _Field(0, 59),
    _Field(0, 23),
    _Field(1, 31, only_here=re.compile(r"L(-\d{1,2})?|LW|([1-9]|[12]\d|3[01])W")),
    _Field(1, 12, _MONTHS),
    _Field(1, 7, _DAYS, re.compile(rf"L|([1-7]|{'|'.join(sorted(_DAYS))})(L|#[1-5])")),
    _Field(1970, 2199),
)
_DAY_OF_MONTH, _DAY_OF_WEEK = 2, 4


def is_at(text: str) -> bool:
    """Whether a text is `at(yyyy-mm-ddThh:mm:ss)`, of a day and time that exist."""
    match = _AT.fullmatch(text)
    if match is None:
        return False
    try:
        datetime.fromisoformat(match[1])
    except ValueError:
        return False
    return True


def is_rate(text: str, *, by_number: bool = False) -> bool:
    """Whether a text is `rate(value unit)`; `by_number` asks for `1 minute` and `2 minutes`, not the other way round."""
    match = _RATE.fullmatch(text)
    if match is None or not match[1].strip("0"):
        return False
    return not by_number or (match[1].lstrip("0") == "1") != match[2].endswith("s")


def is_cron(text: str) -> bool:
    """Whether a text is `cron(fields)`: six fields, and `?` for exactly one of day of month and day of week."""
    match = _CRON.fullmatch(text)
    fields = match[1].split() if match else []
    if len(fields) != len(_FIELDS) or (fields[_DAY_OF_MONTH] == "?") == (fields[_DAY_OF_WEEK] == "?"):
        return False
    checked = (pair for pair in zip(_FIELDS, fields, strict=True) if pair != (_FIELDS[_DAY_OF_MONTH], "?"))
    return all(known.fits(text) for known, text in checked if (known, text) != (_FIELDS[_DAY_OF_WEEK], "?"))


@functools.cache
def _zones() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones())


def is_time_zone(name: str) -> bool:
    """Whether a time zone is in the IANA database; without one on this machine, any is."""
    return not _zones() or name in _zones()
