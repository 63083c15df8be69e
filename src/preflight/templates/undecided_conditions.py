"""What the conditions of a template can come to together, while parameters are not known, and a value in such a case. Pure.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-conditions.html.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping
from typing import Any

from preflight.aws import unresolved
from preflight.templates.intrinsic_functions import NO_VALUE

MAX_COMPARISONS = 4  # that are not known, of the conditions of one resource
Case = Mapping[str, bool]  # conditions by name


def names_in(value: Any) -> set[str]:
    """Returns the conditions of every Fn::If in a value."""
    name = unresolved.function_of(value)
    own = {str(value[name][0])} if name == "Fn::If" and isinstance(value[name], list) and value[name] else set()
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return own.union(*map(names_in, parts))


def cases(conditions: Mapping[str, Any], names: set[str]) -> list[Case]:
    """Returns what some conditions can come to together; nothing if there are too many cases, or one is not known."""
    comparisons: set[str] = set()
    for name in names:
        comparisons |= _comparisons(conditions, {"Condition": name}, frozenset())
    if len(comparisons) > MAX_COMPARISONS or any(name not in conditions for name in names):
        return []
    ordered = sorted(comparisons)
    tables = (dict(zip(ordered, row, strict=True)) for row in itertools.product((True, False), repeat=len(ordered)))
    try:
        possible = [{n: _holds(conditions, {"Condition": n}, table) for n in sorted(names)} for table in tables if _is_possible(table)]
    except RecursionError:  # conditions in a circle, which CloudFormation refuses
        return []
    return [case for number, case in enumerate(possible) if case not in possible[:number]]


def in_case(value: Any, case: Case) -> Any:
    """Returns a value with the branches of a case in the place of Fn::If; NO_VALUE if nothing is left of it."""
    name = unresolved.function_of(value)
    if name == "Fn::If" and isinstance(value[name], list) and len(value[name]) == 3 and value[name][0] in case:
        return in_case(value[name][1 if case[value[name][0]] else 2], case)
    if value == {"Ref": "AWS::NoValue"}:
        return NO_VALUE
    if isinstance(value, dict):
        members = {key: in_case(item, case) for key, item in value.items()}
        return {key: item for key, item in members.items() if item is not NO_VALUE}
    if isinstance(value, list):
        return [item for item in (in_case(part, case) for part in value) if item is not NO_VALUE]
    return value


def _operands(condition: Any) -> tuple[str | None, list[Any]]:
    """Returns the function of a condition that is made of others, and these; no function for a comparison."""
    name = unresolved.function_of(condition)
    is_made_of = name in {"Fn::And", "Fn::Or", "Fn::Not"} and isinstance(condition[name], list)
    return (name, condition[name]) if is_made_of else (None, [])


def _comparisons(conditions: Mapping[str, Any], condition: Any, above: frozenset[str]) -> set[str]:
    if unresolved.function_of(condition) == "Condition":
        other = str(condition["Condition"])
        return set() if other in above else _comparisons(conditions, conditions.get(other), above | {other})
    name, operands = _operands(condition)
    if name is None:
        return {_key(condition)}
    return set().union(*(_comparisons(conditions, operand, above) for operand in operands))


def _holds(conditions: Mapping[str, Any], condition: Any, table: Mapping[str, bool]) -> bool:
    if unresolved.function_of(condition) == "Condition":
        return _holds(conditions, conditions.get(str(condition["Condition"])), table)
    name, operands = _operands(condition)
    if name is None:
        return table[_key(condition)]
    results = [_holds(conditions, operand, table) for operand in operands]
    return all(results) if name == "Fn::And" else any(results) if name == "Fn::Or" else not results[0]


def _key(condition: Any) -> str:
    return json.dumps(condition, sort_keys=True, default=str)


def _is_possible(table: Mapping[str, bool]) -> bool:
    """Whether no value is equal to two different texts."""
    texts: dict[str, str] = {}
    return all(texts.setdefault(value, text) == text for key, holds in table.items() if holds for value, text in _equal(key))


def _equal(key: str) -> Iterator[tuple[str, str]]:
    """Yields the value and the text of a comparison, whichever comes first."""
    read = json.loads(key)
    sides = read.get("Fn::Equals") if isinstance(read, dict) else None
    if isinstance(sides, list) and len(sides) == 2:
        text = next((side for side in sides if isinstance(side, str)), None)
        value = next((side for side in sides if isinstance(side, dict)), None)
        if text is not None and value is not None:
            yield _key(value), text
