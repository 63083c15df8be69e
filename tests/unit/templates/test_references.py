from __future__ import annotations

from typing import Any

import pytest

from preflight.templates import references
from preflight.templates.references import Reference


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param({"Ref": "A"}, [Reference("Ref", "A", None)], id="Ref"),
        pytest.param({"Fn::GetAtt": ["A", "Arn"]}, [Reference("Fn::GetAtt", "A", "Arn")], id="GetAtt as a list"),
        pytest.param({"Fn::GetAtt": "A.B.C"}, [Reference("Fn::GetAtt", "A", "B.C")], id="GetAtt as a text"),
        pytest.param(
            {"Fn::GetAtt": ["A", {"Ref": "B"}]},
            [Reference("Fn::GetAtt", "A", ""), Reference("Ref", "B", None)],
            id="GetAtt whose attribute is a reference",
        ),
        pytest.param(
            {"Fn::Sub": "${A}/${ B.Arn }/${!C}"},
            [Reference("Fn::Sub", "A", None), Reference("Fn::Sub", "B", "Arn")],
            id="Sub, without what is escaped",
        ),
        pytest.param(
            {"Fn::Sub": ["${A}/${B}", {"B": {"Ref": "C"}}]},
            [Reference("Fn::Sub", "A", None), Reference("Ref", "C", None)],
            id="Sub with a map",
        ),
        pytest.param({"Fn::Join": ["", ["x", {"Ref": "A"}]]}, [Reference("Ref", "A", None)], id="inside a function"),
        pytest.param([{"a": {"Ref": "A"}}, {"Ref": "A"}], [Reference("Ref", "A", None)] * 2, id="in maps and lists"),
        pytest.param({"Ref": ["A"]}, [], id="Ref of a list"),
        pytest.param({"Fn::Sub": 1}, [], id="Sub of a number"),
        pytest.param("A", [], id="plain text"),
    ],
)
def test_references_in_a_value(value: Any, expected: list[Reference]) -> None:
    assert list(references.references_in(value)) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        pytest.param("A", {"Ref": "A"}, id="a resource"),
        pytest.param(" A.B.C ", {"Fn::GetAtt": ["A", "B.C"]}, id="an attribute, between blanks"),
    ],
)
def test_a_name_in_a_text_stands_for_a_reference(name: str, expected: dict[str, Any]) -> None:
    assert references.reference_of(name) == expected
