from __future__ import annotations

from typing import Any

import pytest

from preflight.templates import dependency_graph


def test_a_cycle_names_only_its_members() -> None:
    assert dependency_graph.cycle({"A": {"B"}, "B": {"C"}, "C": {"B"}, "D": {"A"}}) == ["B", "C"]


def test_no_cycle_is_empty() -> None:
    assert dependency_graph.cycle({"A": {"B"}, "B": set()}) == []


@pytest.mark.parametrize(
    "reference",
    [
        pytest.param({"Ref": "B"}, id="Ref"),
        pytest.param({"Fn::GetAtt": ["B", "Arn"]}, id="GetAtt"),
        pytest.param({"Fn::Sub": "after ${B}"}, id="Sub"),
    ],
)
def test_a_reference_in_metadata_orders(reference: dict[str, Any]) -> None:
    resources: dict[str, dict[str, Any]] = {"A": {"Type": "T", "Metadata": {"After": reference}}, "B": {"Type": "T"}}

    assert dependency_graph.edges(resources) == {"A": {"B"}, "B": set()}
