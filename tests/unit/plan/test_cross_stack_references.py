from __future__ import annotations

from collections.abc import Callable

import pytest

from preflight.plan.cross_stack_references import ReferenceTracer, UnknownError
from preflight.plan.resolved_stacks import ResolvedStacks

ROOT = """\
Resources:
  A: {Type: T}
  B: {Type: T}
  C:
    Type: T
    Properties:
      P: VALUE
"""


def trace(make_estate: Callable[..., ResolvedStacks], value: str) -> list[str]:
    stacks = make_estate(root=ROOT.replace("VALUE", value))
    document = stacks.documents[0]
    traced = ReferenceTracer(stacks).all(document, document.resources["C"]["Properties"]["P"])
    return [reference.logical for reference in traced]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param("!Ref A", ["A"], id="Ref"),
        pytest.param("!GetAtt A.Arn", ["A"], id="GetAtt"),
        pytest.param("[!Ref A, !Ref B]", ["A", "B"], id="a list"),
        pytest.param('!Join [",", [!Ref A, !Ref B]]', ["A", "B"], id="Join by commas"),
        pytest.param('!Join ["-", [!Ref A]]', ["A"], id="Join of one item"),
        pytest.param('!Split [",", !Ref A]', ["A"], id="Split by commas"),
        pytest.param("!Select [1, [!Ref A, !Ref B]]", ["B"], id="Select"),
        pytest.param('!Select [0, !Split [",", !Join [",", [!Ref A, !Ref B]]]]', ["A"], id="Select of Split of Join"),
    ],
)
def test_a_value_is_traced_to_its_resources(
    make_estate: Callable[..., ResolvedStacks], value: str, expected: list[str]
) -> None:
    assert trace(make_estate, value) == expected


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("text", id="a text"),
        pytest.param("!Ref Nope", id="a resource that is not there"),
        pytest.param('!Join ["-", [!Ref A, !Ref B]]', id="Join of two by another delimiter"),
        pytest.param('!Split ["-", !Ref A]', id="Split by another delimiter"),
        pytest.param("!Select [2, [!Ref A, !Ref B]]", id="Select beyond the end"),
        pytest.param("!Select [!Ref A, [!Ref A, !Ref B]]", id="Select by an unknown index"),
    ],
)
def test_what_is_more_or_less_than_a_resource_is_unknown(
    make_estate: Callable[..., ResolvedStacks], value: str
) -> None:
    with pytest.raises(UnknownError):
        trace(make_estate, value)
