"""Each row of the tables takes its right examples and refuses its wrong ones, at and beyond every bound."""

from __future__ import annotations

import copy
import functools
import json
import operator
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from preflight.aws import constraints
from preflight.aws.constraints import Constraint, Object
from preflight.aws.refusals import catalog
from tests.unit.aws import refusals_page

ROWS = [
    pytest.param(row, id=f"{kind}-{number}")
    for kind, table in (*catalog.TYPES.items(), *((f"{kind} tags", table) for kind, table in catalog.TAGS.items()))
    for number, row in enumerate(table)
]


def _resource(row: Constraint, example: Object) -> dict[str, Any]:
    """Properties in which the example stands where the row looks, and the row's conditions are met."""
    part: Any = constraints.merged(row.when.example, example)
    for step in reversed(row.at.split(".") if row.at else []):
        part = {step.removesuffix("[]"): [part] if step.endswith("[]") else part}
    return constraints.merged(row.where.example, part)


def _refusals(row: Constraint, examples: tuple[Object, ...]) -> Iterator[list[Any]]:
    for example in examples:
        yield list(constraints.refused([row], _resource(row, example), is_certain=row.is_certain))


@pytest.mark.parametrize("row", ROWS)
def test_a_row_refuses_each_of_its_wrong_examples(row: Constraint) -> None:
    assert row.test.refused
    assert all(_refusals(row, row.test.refused))


@pytest.mark.parametrize("row", ROWS)
def test_a_row_takes_each_of_its_right_examples(row: Constraint) -> None:
    assert row.test.taken
    assert not any(_refusals(row, row.test.taken))


ODD: tuple[Any, ...] = (True, 3, "x", "[" * 2000, [], [1], [[]], [{}], {}, {"a": 1}, {"Ref": "x"}, "arn:")


def _paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in pairs:
        yield (*path, key)
        yield from _paths(item, (*path, key))


@pytest.mark.parametrize("kind", catalog.TYPES)
def test_no_row_of_a_type_breaks_at_an_odd_value(kind: str) -> None:
    for row in catalog.TYPES[kind]:
        plain = json.loads(json.dumps(_resource(row, row.test.refused[0])))
        for path in _paths(plain):
            changed = copy.deepcopy(plain)
            holder = functools.reduce(operator.getitem, path[:-1], changed)
            for odd in ODD:
                holder[path[-1]] = odd
                assert isinstance(list(constraints.refused([row], changed, is_certain=row.is_certain)), list)


@pytest.mark.parametrize("row", ROWS)
def test_a_row_names_its_page(row: Constraint) -> None:
    assert row.page.startswith("https://docs.aws.amazon.com/")


def test_the_page_of_refusals_is_current() -> None:
    assert (Path(__file__).parents[3] / "docs" / "refusals.md").read_text() == refusals_page.page()


UNDECIDED = {"Fn::If": ["C", "10.0.0.0/8", {"Ref": "AWS::NoValue"}]}


@pytest.mark.parametrize(
    "test",
    [
        pytest.param(constraints.lacks("A"), id="none"),
        pytest.param(constraints.present(1, 1, "A", "B"), id="one of two"),
        pytest.param(constraints.needs("A"), id="one"),
    ],
)
def test_what_a_condition_may_take_away_is_not_refused(test: constraints.Test) -> None:
    assert not list(test.faults({"A": UNDECIDED, "B": "x"}))


def test_a_condition_does_not_hold_of_what_may_not_be_there() -> None:
    assert not constraints.has("A").holds({"A": UNDECIDED})


def test_an_object_that_no_value_left_empty_is_not_counted() -> None:
    none = constraints.count("Certificates", 0, 0)

    assert list(none.faults({"Certificates": [{}]})) == []
    assert [fault.value for fault in none.faults({"Certificates": [{"CertificateArn": "a"}]})] == [1]
