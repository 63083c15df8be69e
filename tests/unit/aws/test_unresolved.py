"""Which values are not known."""

from __future__ import annotations

from typing import Any

import pytest

from preflight.aws import unresolved


@pytest.mark.parametrize(
    "value",
    [
        pytest.param({"Ref": "Group"}, id="a function"),
        pytest.param("{{resolve:ssm:name}}", id="a dynamic reference"),
        pytest.param(f"{unresolved.STANDIN}-Instance", id="made up by a stand-in"),
    ],
)
def test_a_value_that_nothing_has_resolved_is_not_known(value: Any) -> None:
    assert unresolved.contains_function([value])


def test_a_literal_is_known() -> None:
    assert not unresolved.contains_function([{"Key": "a", "Value": "b"}])
