"""Rows about attributes: lists of Key and Value, as the resources of Elastic Load Balancing have them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from preflight.aws import constraints, spelling, unresolved
from preflight.aws.constraints import (
    ALWAYS,
    Condition,
    Constraint,
    Fault,
    Object,
    Predicate,
    Test,
    between,
    one_of,
    setting,
    unique,
    value,
)

_GIVEN = Predicate(bool, ("x",), ("",))
_FORM = r"[a-z0-9_]+(\.[a-z0-9_]+)+"


def _may_be_key(key: str, keys: Sequence[str], form: str) -> bool:
    """Whether a key is known, or of the form of keys and neither a known one misspelt nor one cut short."""
    is_cut = any(known.startswith((f"{key}.", f"{key}_")) for known in keys)
    return key in keys or (re.fullmatch(form, key) is not None and not is_cut and not spelling.is_near(key, keys))


def _misspelt(key: str) -> tuple[str, ...]:
    return key.replace("_", "-"), key[:-1], key.rpartition(".")[0], "nope"


@dataclass(frozen=True)
class Attributes:
    """The attributes of one resource type: the property that lists them, their name in sentences, and AWS's page."""

    property: str
    name: str
    page: str

    def once(self) -> Constraint:
        """No key is there twice."""
        return self._row(unique(self.property, "Key"), "Attribute key '{value}' has been specified more than once")

    def keys(self, *keys: str, form: str = _FORM) -> Iterator[Constraint]:
        """Each key is one of these, or one of the form that AWS may have added since: that one is a warning."""
        at = f"{self.property}[]"
        fits = Predicate(lambda key: _may_be_key(str(key), keys, form), (*keys, "some_new.feature.enabled"), _misspelt(keys[0]))
        is_known = Predicate(lambda key: str(key) in keys or not fits.fits(key), keys, ("some_new.feature.enabled",))
        yield self._row(value("Key", fits), f"{self.name} attribute key '{{value}}' is not recognized", at=at)
        unlisted = self._row(value("Key", is_known), f"{self.name} attribute key '{{value}}' is not on the page", at=at)
        yield replace(unlisted, is_certain=False)

    def unsupported(self, sentence: str, *keys: str, where: Condition, code: str = "ValidationError") -> Constraint:
        """No key is one of these."""
        predicate = constraints.no(one_of(*keys))
        return self._row(
            value("Key", Predicate(predicate.fits, ("x",), keys)), sentence, where, f"{self.property}[]", code
        )

    def flags(self, *keys: str) -> Iterator[Constraint]:
        """The values of these keys are true or false."""
        for key in keys:
            yield self.choice(key, "true", "false", where=ALWAYS)

    def choice(self, key: str, *values: str, where: Condition = ALWAYS) -> Constraint:
        """The value of a key is one of these, in any case."""
        lower = {item.lower() for item in values}
        fits = Predicate(lambda value: str(value).lower() in lower, values, ("none of them",))
        return self._row(
            setting(self.property, key, fits),
            f"'{key}' value '{{value}}' must be one of '[{', '.join(values)}]'",
            where,
        )

    def number(self, key: str, low: int, high: int, *others: str) -> Constraint:
        """The value of a key is a number in a range, or one of the others."""
        numbers, texts = between(low, high), one_of(*others)
        refused = tuple(number for number in numbers.refused if str(number) not in others)
        fits = Predicate(lambda value: numbers.fits(value) or texts.fits(value), (*numbers.taken, *others), refused)
        also = "".join(f" or '{other}'" for other in others)
        return self._row(
            setting(self.property, key, fits),
            f"'{key}' value '{{value}}' must be between '{low}-{high}' inclusive{also}",
        )

    def together(
        self, key: str, has: Predicate, other: str, needed: Predicate, sentence: str, *, default: str = ""
    ) -> Constraint:
        """If the value of a key is as in `has`, that of another key, or its default, is as needed."""

        def faults(part: Object) -> Iterator[Fault]:
            values = self._values(part)
            if values is None or values.get(key) is None or not has.fits(values[key]):
                return
            value = values.get(other, default)
            if value is not None and not needed.fits(value):
                yield Fault((self.property,), value)

        def listed(*pairs: tuple[str, Any]) -> Object:
            return {self.property: [{"Key": name, "Value": item} for name, item in pairs]}

        taken = (listed((key, has.taken[0]), (other, needed.taken[0])), listed((other, needed.refused[0])))
        wrong = listed((key, has.taken[0]), (other, needed.refused[0]))
        return self._row(Test(faults, taken, (wrong,)), sentence, code="InvalidConfigurationRequest")

    def ordered(self, low: str, high: str, sentence: str, *, page: str) -> Constraint:
        """The number of one key is at most that of another; values that are no numbers pass."""

        def faults(part: Object) -> Iterator[Fault]:
            values = self._values(part) or {}
            first, last = (constraints.as_number(values.get(key)) for key in (low, high))
            if first is not None and last is not None and first > last:
                yield Fault((self.property,), values[low])

        def listed(first: str, last: str) -> Object:
            return {self.property: [{"Key": low, "Value": first}, {"Key": high, "Value": last}]}

        test = Test(faults, (listed("2", "2"), listed("2", "off")), (listed("3", "2"),))
        return Constraint(test, "InvalidConfigurationRequest", sentence, page)

    def required(self, key: str, text: str, other: str, sentence: str) -> Constraint:
        """If the value of a key is this, another key has a value."""
        return self.together(key, one_of(text), other, _GIVEN, sentence)

    def _values(self, part: Object) -> Mapping[str, Any] | None:
        """Returns the values by key, None for one that is not known yet; None if a key is not known."""
        value = constraints.get(part, self.property)
        pairs = value if isinstance(value, list) else []
        if unresolved.is_function(value) or not all(isinstance(pair, Mapping) for pair in pairs):
            return None
        if any(unresolved.is_function(pair) or constraints.known(pair, "Key") is None for pair in pairs):
            return None
        return {str(constraints.get(pair, "Key")): constraints.known(pair, "Value") for pair in pairs}

    def _row(
        self, test: Test, sentence: str, where: Condition = ALWAYS, at: str = "", code: str = "ValidationError"
    ) -> Constraint:
        return Constraint(test, code, sentence, self.page, at=at, where=where)
