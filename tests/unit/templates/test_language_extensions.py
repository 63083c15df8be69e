"""Loops that unroll into more than a template may hold end with a refusal, before they are unrolled."""

from __future__ import annotations

from typing import Any

import pytest

from preflight.templates import language_extensions
from preflight.templates.intrinsic_functions import ResolutionContext, ResolveError

pytestmark = pytest.mark.hostile
MANY = [str(number) for number in range(400)]


def loop(name: str, body: dict[str, Any], items: list[str] = MANY) -> dict[str, Any]:
    return {f"Fn::ForEach::{name}": [name, items, body]}


def nested(body: dict[str, Any], depth: int = 4) -> dict[str, Any]:
    for number in range(depth):
        body = loop(f"L{number}", body)
    return body


@pytest.mark.hostile(
    12,
    "min-foreach",
    input="nested `Fn::ForEach` over resources, outputs, conditions and properties, with large bodies or with none",
    happens="refused before they are unrolled",
    limit="500 entries, 32 MB a template",
)
@pytest.mark.parametrize(
    ("sections", "said"),
    [
        pytest.param({"Resources": nested({"R${L0}${L1}${L2}${L3}": {}})}, "Number of resources, 800", id="resources"),
        pytest.param({"Outputs": nested({"O${L0}${L1}${L2}${L3}": {}})}, "Number of outputs, 800", id="outputs"),
        pytest.param({"Conditions": nested({"C${L0}${L1}${L2}${L3}": {}})}, "Number of conditions, 800", id="conditions"),
        pytest.param({"Resources": {"Q": {"Properties": nested({"K${L0}${L1}${L2}${L3}": 1})}}}, "Number of keys, 800", id="properties"),
        pytest.param({"Resources": nested({})}, "longer than a template may be", id="nothing, very often"),
        pytest.param({"Resources": loop("A", {"R${A}": {"Metadata": ["x" * 100] * 2000}})}, "longer than a template may be", id="a large body"),
        pytest.param({"Resources": loop("A", {"R${A}": {"Metadata": [{}] * 20_000}})}, "longer than a template may be", id="a body of many parts"),
        pytest.param({"Resources": nested({"R": {}}, depth=6)}, "5 deep", id="more loops than there may be"),
    ],
)  # fmt: skip
def test_a_loop_without_bounds_ends_with_a_refusal(sections: dict[str, Any], said: str) -> None:
    with pytest.raises(ResolveError, match=said):
        language_extensions.expanded(sections, ResolutionContext(sections))


def test_a_loop_that_aws_unrolls_is_unrolled() -> None:
    data = {"Resources": loop("A", {"R${A}": {"Type": "AWS::SQS::Queue", "Metadata": ["x" * 100] * 20}})}

    assert len(language_extensions.expanded(data, ResolutionContext(data))["Resources"]) == 400
