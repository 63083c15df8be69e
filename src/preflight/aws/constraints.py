"""What a service refuses of a resource's properties, as data: a table of constraints, and one evaluator a kind.

A constraint looks at the objects that its path leads to. A value that is not known yet, an intrinsic function that
nothing has resolved, meets every constraint: what is not known is not refused. Tests, predicates and conditions carry
examples of what they take and refuse, so that each row of a table is tested at its bounds.
"""

from __future__ import annotations

import ipaddress
import math
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from preflight.aws import patterns, spelling, unresolved

Object = Mapping[str, Any]
Path = tuple[str | int, ...]
_PATTERN_TIMEOUT = 0.5  # seconds
_SHOWN = 200  # characters of a value in a sentence


@dataclass(frozen=True)
class Fault:
    """What does not meet a constraint: the path below the object, and the value there."""

    path: Path
    value: Any = None


@dataclass(frozen=True)
class Predicate:
    """A question about a known value, with values that it takes and refuses."""

    fits: Callable[[Any], bool]
    taken: tuple[Any, ...] = ()
    refused: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Condition:
    """A question about an object, with one that meets it; an unknown value does not."""

    holds: Callable[[Object], bool]
    example: Object = field(default_factory=dict)


@dataclass(frozen=True)
class Test:
    """What is wrong with an object, with objects that are right and wrong."""

    __test__ = False

    faults: Callable[[Object], Iterator[Fault]]
    taken: tuple[Object, ...]
    refused: tuple[Object, ...]


ALWAYS = Condition(lambda _object: True)


@dataclass(frozen=True)
class Constraint:
    """One thing that a service refuses.

    `at` is the path of the objects that `test` looks at, with `[]` after the name of a list; empty is the resource
    itself. `when` is about such an object, `where` about the whole resource. `code` and `sentence` are what the
    service answers ({value} is the value that it refuses), `page` says so, `cure` is what to do about it.
    `is_certain` is false for lists that grow: a value outside of them is a warning, not a refusal.
    """

    test: Test
    code: str
    sentence: str
    page: str
    at: str = ""
    when: Condition = ALWAYS
    where: Condition = ALWAYS
    cure: str = ""
    is_certain: bool = True


@dataclass(frozen=True)
class Refused:
    """One constraint that properties do not meet, and where."""

    constraint: Constraint
    path: Path
    value: Any

    @property
    def message(self) -> str:
        """What the service says."""
        return self.constraint.sentence.replace("{value}", str(self.value)[:_SHOWN])


def refused(constraints: Iterable[Constraint], properties: Object, *, is_certain: bool = True) -> Iterator[Refused]:
    """Yields what the service refuses of properties for certain, or may refuse, in the order of the table."""
    for constraint in constraints:
        if constraint.is_certain is is_certain and constraint.where.holds(properties):
            for path, part in _objects(properties, constraint.at.split(".") if constraint.at else []):
                if constraint.when.holds(part):
                    for fault in constraint.test.faults(part):
                        yield Refused(constraint, (*path, *fault.path), fault.value)


def get(part: Object, name: str) -> Any:
    """Returns the value of a dotted name, spelt as CloudFormation or as the API spells it; None without one."""
    value: Any = part
    for step in name.split("."):
        if not isinstance(value, Mapping):
            return None
        value = value.get(step, value.get(step[:1].lower() + step[1:]))
    return value


def is_there(part: Object, name: str) -> bool:
    """Whether there is a value of a dotted name for certain: an undecided Fn::If may come to none."""
    value = get(part, name)
    return value is not None and not (isinstance(value, Mapping) and "Fn::If" in value)


def known(part: Object, name: str) -> Any:
    """Returns the value of a dotted name; None without one, or if a part of it is not known."""
    value = get(part, name)
    return None if unresolved.contains_function(value) else value


def items(part: Object, name: str) -> list[Any]:
    """Returns the items of a list, none if there is no list or it is not known yet."""
    value = get(part, name)
    return value if isinstance(value, list) else []


def as_number(value: Any) -> float | None:
    """Returns a number, also one that is written as text; None for anything else. An infinite one is the largest that can be written."""
    try:
        number = math.nan if isinstance(value, bool) else float(str(value))
    except ValueError:
        return None
    return None if math.isnan(number) else max(-sys.float_info.max, min(number, sys.float_info.max))


def _objects(value: Any, steps: list[str], path: Path = ()) -> Iterator[tuple[Path, Object]]:
    if not isinstance(value, Mapping) or unresolved.is_function(value):
        return
    if not steps:
        yield path, value
        return
    name = steps[0].removesuffix("[]")
    if name == steps[0]:
        yield from _objects(get(value, name), steps[1:], (*path, name))
    for number, item in enumerate(items(value, name) if name != steps[0] else ()):
        yield from _objects(item, steps[1:], (*path, name, number))


def _path(name: str) -> Path:
    return tuple(name.split("."))


def _object(name: str, value: Any) -> Object:
    """Returns an object with one value under a dotted name."""
    for step in reversed(name.split(".")):
        value = {step: value}
    nested: Object = value
    return nested


# Tests of an object.


def value(name: str, predicate: Predicate) -> Test:
    """The value of a name, if it is there, fits."""

    def faults(part: Object) -> Iterator[Fault]:
        actual = known(part, name)
        if actual is not None and not predicate.fits(actual):
            yield Fault(_path(name), actual)

    return Test(faults, *(tuple(_object(name, v) for v in examples) for examples in (predicate.taken, predicate.refused)))


def each(name: str, predicate: Predicate) -> Test:
    """Each value of a list fits."""

    def faults(part: Object) -> Iterator[Fault]:
        for number, item in enumerate(items(part, name)):
            if not unresolved.contains_function(item) and not predicate.fits(item):
                yield Fault((*_path(name), number), item)

    return Test(faults, *(tuple(_object(name, [v]) for v in examples) for examples in (predicate.taken, predicate.refused)))


def setting(names: str, key: str, predicate: Predicate) -> Test:
    """The value of one key in a list of Key and Value, if it is there, fits."""

    def faults(part: Object) -> Iterator[Fault]:
        for number, pair in enumerate(items(part, names)):
            value = known(pair, "Value") if isinstance(pair, Mapping) and get(pair, "Key") == key else None
            if value is not None and not predicate.fits(value):
                yield Fault((*_path(names), number, "Value"), value)

    def objects(values: tuple[Any, ...]) -> tuple[Object, ...]:
        return tuple({names: [{"Key": key, "Value": v}]} for v in values)

    return Test(faults, objects(predicate.taken), objects(predicate.refused))


def needs(*names: str, shows: str = "") -> Test:
    """Every one of the names is there; a fault's value is that of the name in `shows`."""

    def faults(part: Object) -> Iterator[Fault]:
        yield from (Fault(_path(name), known(part, shows)) for name in names if get(part, name) is None)

    return Test(faults, (_all(names),), tuple(_all(n for n in names if n != name) for name in names))


def lacks(*names: str, shows: str = "") -> Test:
    """None of the names is there; a fault's value is its own, or that of the name in `shows`."""

    def faults(part: Object) -> Iterator[Fault]:
        yield from (Fault(_path(name), get(part, shows or name)) for name in names if is_there(part, name))

    return Test(faults, ({},), tuple(_all([name]) for name in names))


def present(low: int, high: int, *names: str) -> Test:
    """So many of the names are there."""

    def faults(part: Object) -> Iterator[Fault]:
        there = [name for name in names if get(part, name) is not None]
        if len(there) < low or sum(is_there(part, name) for name in names) > high:
            yield Fault(_path(there[-1]) if there else (), ", ".join(there or names))

    numbers = range(len(names) + 1)
    right = tuple(_all(names[:n]) for n in numbers if low <= n <= high)
    return Test(faults, right, tuple(_all(names[:n]) for n in numbers if not low <= n <= high))


def count(name: str, low: int, high: int) -> Test:
    """A list, if it is there, has so many items; an object of which AWS::NoValue left nothing is none."""

    def faults(part: Object) -> Iterator[Fault]:
        value = [item for item in items(part, name) if item != {}]
        if isinstance(get(part, name), list) and not low <= len(value) <= high and not any(map(unresolved.is_function, value)):
            yield Fault(_path(name), len(value))

    wrong = [n for n in (low - 1, high + 1) if n >= 0]
    return Test(
        faults, *(tuple(_object(name, [str(i) for i in range(n)]) for n in numbers) for numbers in ((low, high), wrong))
    )


def unique(name: str, key: str = "") -> Test:
    """No two items of a list, or of its objects' values of a key, are equal."""

    def faults(part: Object) -> Iterator[Fault]:
        seen = []
        for number, item in enumerate(items(part, name)):
            value = get(item, key) if key and isinstance(item, Mapping) else item
            if value is not None and not unresolved.contains_function(value) and value in seen:
                yield Fault((*_path(name), number, *(_path(key) if key else ())), value)
            seen.append(value)

    def listed(*values: str) -> Object:
        return _object(name, [_object(key, v) if key else v for v in values])

    return Test(faults, (listed("1", "2"),), (listed("1", "1"),))


def _all(names: Iterable[str]) -> Object:
    values: dict[str, Any] = {}
    for name in names:
        _merge(values, _object(name, "x"))
    return values


def merged(*objects: Object) -> dict[str, Any]:
    """Returns one object with the names of all; the last one's values count."""
    values: dict[str, Any] = {}
    for part in objects:
        _merge(values, part)
    return values


def _merge(into: dict[str, Any], part: Object) -> None:
    for name, value in part.items():
        if isinstance(value, Mapping) and isinstance(into.get(name), dict):
            _merge(into[name], value)
        else:
            into[name] = dict(value) if isinstance(value, Mapping) else value


# Predicates of a value.


def between(low: int, high: int) -> Predicate:
    """A number from `low` to `high`."""

    def fits(value: Any) -> bool:
        number = as_number(value)
        return number is not None and low <= number <= high

    return Predicate(fits, (low, str(high)), (low - 1, str(high + 1)))


def length(low: int, high: int) -> Predicate:
    """A text of so many characters."""
    wrong = tuple("a" * n for n in (low - 1, high + 1) if n >= 0)
    return Predicate(lambda value: low <= len(str(value)) <= high, ("a" * low, "a" * high), wrong)


def matches(pattern: str, *, taken: tuple[str, ...], refused: tuple[str, ...]) -> Predicate:
    """A text that is matched as a whole; a pattern that takes too long decides nothing."""
    return Predicate(lambda value: patterns.fits(pattern, str(value), timeout=_PATTERN_TIMEOUT), taken, refused)


def one_of(*values: Any) -> Predicate:
    """One of the values, numbers and booleans also as texts."""
    texts = {_text(item) for item in values}
    return Predicate(lambda value: _text(value) in texts, values, ("none of them",))


def not_misspelt(*values: str) -> Predicate:
    """One of the values, or one that is near none of them: AWS adds values to the list."""
    return Predicate(lambda value: not spelling.is_near(str(value), values), (*values, "new.to-this_list"), (values[0].swapcase(), values[0][:-1]))


def listed_or_misspelt(*values: str) -> Predicate:
    """One of the values, or one of them misspelt, which `not_misspelt` refuses."""
    return Predicate(lambda value: str(value) in values or spelling.is_near(str(value), values), values, ("new.to-this_list",))


def no(predicate: Predicate) -> Predicate:
    """A value that does not fit a predicate."""
    return Predicate(lambda value: not predicate.fits(value), predicate.refused, predicate.taken)


def begins(*prefixes: str) -> Predicate:
    """A text with one of the beginnings."""
    return Predicate(lambda value: str(value).startswith(prefixes), prefixes, ("~",))


def network(version: int, low: int, high: int) -> Predicate:
    """A network in CIDR notation, of a version of IP, whose prefix has so many bits."""

    def fits(value: Any) -> bool:
        try:
            read = ipaddress.ip_network(str(value), strict=False)
        except ValueError:
            return False
        is_block = str(value).partition("/")[2].isdecimal()
        return is_block and read.version == version and low <= read.prefixlen <= high

    base, wide = ("10.0.0.0", 32) if version == 4 else ("2001:db8::", 128)
    wrong = tuple(f"{base}/{bits}" for bits in (low - 1, high + 1) if 0 <= bits <= wide)
    return Predicate(fits, (f"{base}/{low}", f"{base}/{high}"), (*wrong, base, "no network"))


def address(version: int) -> Predicate:
    """An address of a version of IP."""

    def fits(value: Any) -> bool:
        try:
            return ipaddress.ip_address(str(value)).version == version
        except ValueError:
            return False

    examples = ("10.0.0.1", "2001:db8::1") if version == 4 else ("2001:db8::1", "10.0.0.1")
    return Predicate(fits, examples[:1], (*examples[1:], "10.0.0.300", "i-0123456789abcdef0"))


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


# Conditions on an object.


def has(*names: str) -> Condition:
    """Every one of the names is there."""
    return Condition(lambda part: all(is_there(part, name) for name in names), _all(names))


def without(*names: str) -> Condition:
    """None of the names is there."""
    return Condition(lambda part: all(get(part, name) is None for name in names))


def equal(name: str, *values: Any, default: Any = None) -> Condition:
    """The value of a name, or its default, is one of these."""
    fits = one_of(*values).fits

    def holds(part: Object) -> bool:
        value = known(part, name) if get(part, name) is not None else default
        return value is not None and fits(value)

    return Condition(holds, _object(name, values[0]))


def unequal(name: str, *values: Any, default: Any = None, example: Any = "another") -> Condition:
    """The value of a name, or its default, is known and none of these."""
    fits = one_of(*values).fits

    def holds(part: Object) -> bool:
        value = known(part, name) if get(part, name) is not None else default
        return value is not None and not fits(value)

    return Condition(holds, _object(name, example))


def every(*conditions: Condition) -> Condition:
    """All of the conditions hold."""
    return Condition(
        lambda part: all(condition.holds(part) for condition in conditions), merged(*(c.example for c in conditions))
    )


def either(*conditions: Condition) -> Condition:
    """One of the conditions holds."""
    return Condition(lambda part: any(condition.holds(part) for condition in conditions), conditions[0].example)
